import configparser
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from launcher.run import services
from launcher.run.supervisor import configuration_text
from launcher.settings import ROOT, Settings


@pytest.fixture
def settings(tmp_path):
    made = Settings.of(data=tmp_path / "a 100% folder", host="127.0.0.1", port=9000, environment={})
    made.run.mkdir(parents=True)
    return made


def audio_server_configuration(settings):
    services.write_audio_server_config(settings)
    return yaml.safe_load(services.audio_server_config(settings).read_text())


def test_webhooks_go_to_the_port_of_the_pages(settings):
    assert audio_server_configuration(settings)["webhook"]["urls"] == ["http://127.0.0.1:9000/livekit/webhook"]


def test_alone_on_this_machine_sound_is_listened_for_on_loopback_only(settings):
    assert audio_server_configuration(settings)["rtc"]["ips"]["includes"] == ["127.0.0.1/32"]


def test_with_friends_outside_sound_is_listened_for_at_the_address_that_leads_there(settings):
    invited = replace(settings, node_ip="203.0.113.7")
    own = Settings.of(data=settings.data, host="0.0.0.0", port=9000, environment={}).node_ip
    assert audio_server_configuration(invited)["rtc"]["ips"]["includes"] == [f"{own}/32"]


def test_rooms_are_made_by_the_web_app_alone(settings):
    assert audio_server_configuration(settings)["room"]["auto_create"] is False


def test_the_audio_servers_file_holds_no_secret():
    assert "keys" not in yaml.safe_load((ROOT / "livekit.yaml").read_text())


def commands(settings):
    return services.services(settings, programs=Path("/programs"), livekit_server=Path("/bin/livekit-server"))


def test_the_noise_remover_is_stopped_first_and_the_audio_server_last(settings):
    order = [service.name for service in commands(settings)]
    assert order == [services.AUDIO_SERVER, services.WEB, services.RECONCILER, services.NOISE_REMOVER]


def test_supervisord_reads_back_every_command_and_restarts_it(settings):
    table = commands(settings)
    text = configuration_text(settings, table, settings.run / "supervisor.sock")
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))  # as supervisord does
    parsed.read_string(text)
    for order, service in enumerate(table, start=1):
        section = dict(parsed[f"program:{service.name}"])
        assert section["autorestart"] == "true"
        assert section["priority"] == str(order)
        assert "a 100%% folder" in section["stdout_logfile"]
    assert parsed["unix_http_server"]["chmod"] == "0600"
