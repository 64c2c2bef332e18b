import ipaddress

import pytest

from launcher.problem import Problem
from launcher.secrets import Secrets
from launcher.settings import Settings


def settings(tmp_path, *, host="127.0.0.1", port=9000, **environment):
    return Settings.of(data=tmp_path, host=host, port=port, environment=environment)


def test_every_address_follows_from_the_port(tmp_path):
    own = settings(tmp_path, port=9100)
    environment = own.environment() | own.audio_server_environment(Secrets.generate())
    assert environment["LIVEKIT_URL"] == "ws://127.0.0.1:9101"
    assert environment["LIVEKIT_PORT"] == "9101"
    assert environment["UDP_PORT"] == "9103"
    assert environment["STILLAIR_AGENT_HEALTH_PORT"] == "9104"
    assert environment["STILLAIR_AGENT_HEALTH_URL"] == "http://127.0.0.1:9104/"
    assert environment["STILLAIR_PUBLIC_URL"] == "http://127.0.0.1:9100"


def test_alone_on_this_machine_no_port_is_opened_to_the_network(tmp_path):
    own = settings(tmp_path)
    assert own.is_private
    assert own.audio_server_environment(Secrets.generate())["LIVEKIT_RTC_TCP_PORT"] == "0"


def test_behind_a_proxy_sound_still_comes_in_directly(tmp_path):
    own = settings(tmp_path, STILLAIR_NODE_IP="203.0.113.7", STILLAIR_PUBLIC_URL="https://air.example.org/")
    environment = own.environment() | own.audio_server_environment(Secrets.generate())
    assert not own.is_private
    assert environment["NODE_IP"] == "203.0.113.7"
    assert environment["LIVEKIT_RTC_TCP_PORT"] == "9002"
    assert environment["STILLAIR_PUBLIC_URL"] == "https://air.example.org"


def test_on_all_addresses_the_machines_own_one_is_told(tmp_path):
    own = settings(tmp_path, host="0.0.0.0")
    assert own.local_url == "http://127.0.0.1:9000"
    assert not ipaddress.ip_address(own.node_ip).is_unspecified
    assert own.public_url == f"http://{own.node_ip}:9000"


def test_an_ipv6_address_stands_in_brackets(tmp_path):
    assert settings(tmp_path, host="::1").local_url == "http://[::1]:9000"


def test_a_host_that_is_none_is_named(tmp_path):
    with pytest.raises(Problem, match=r"no such host"):
        settings(tmp_path, host="no such host")


@pytest.mark.parametrize("value", ["air.example.org", "203.0.113", "203.0.113.7:8003"])
def test_a_node_ip_that_is_no_address_is_named(tmp_path, value):
    with pytest.raises(Problem, match=r"STILLAIR_NODE_IP is .*no IP address"):
        settings(tmp_path, STILLAIR_NODE_IP=value)


def test_the_data_folder_comes_from_the_option_then_the_environment_then_the_clone(tmp_path):
    def data(option, **environment):
        return Settings.of(data=option, host="127.0.0.1", port=9000, environment=environment).data

    assert data(tmp_path / "option", STILLAIR_DATA=str(tmp_path / "variable")) == tmp_path / "option"
    assert data(None, STILLAIR_DATA=str(tmp_path / "variable")) == tmp_path / "variable"
    assert data(None).name == "data"
    assert data(None).is_absolute()


@pytest.mark.parametrize("first", [-1, 0, 65_532, 70_000])
def test_a_port_without_room_for_the_four_after_it_is_named(tmp_path, first):
    with pytest.raises(Problem, match=f"--port is '{first}', not a whole number from 1 to 65531"):
        settings(tmp_path, port=first)
