from collections import UserDict

import pytest

from agent.config import AgentConfig
from launcher.run import program, services
from launcher.secrets import Secrets
from launcher.settings import Settings

MADE = Secrets.generate()
GIVEN = {
    "STILLAIR_SMTP_URL": "smtp://air:canary-mail@mail.example.org",
    "STILLAIR_DATABASE_URL": "postgresql://air:canary-database@db.example.org/air",
    "PGPASSWORD": "canary-libpq",
    "STILLAIR_CAPACITY": "3",
    "LIVEKIT_TURN_ENABLED": "true",
}
OF_THE_WEB_APP = {MADE.STILLAIR_SECRET_KEY, MADE.LIVEKIT_API_SECRET, *list(GIVEN.values())[:3]}


@pytest.fixture
def environment(tmp_path, monkeypatch):
    settings = Settings.of(data=tmp_path, host="127.0.0.1", port=9000, environment={})
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return lambda name: program.environment(name, settings, MADE)


def secrets_in(variables):
    known = [*MADE.environment().values(), *list(GIVEN.values())[:3]]
    text = "\n".join(variables.values())
    return {secret for secret in known if secret in text and not secret.startswith("API")}


@pytest.mark.parametrize("name", [services.WEB, services.RECONCILER])
def test_the_web_app_and_the_reconciler_get_their_own(environment, name):
    assert secrets_in(environment(name)) == OF_THE_WEB_APP


def test_the_noise_remover_gets_its_pair_of_keys_and_no_other_secret(environment):
    variables = environment(services.NOISE_REMOVER)
    assert secrets_in(variables) == {MADE.STILLAIR_NOISE_REMOVER_SECRET}
    assert variables["LIVEKIT_API_KEY"] == MADE.STILLAIR_NOISE_REMOVER_KEY
    assert variables["STILLAIR_CAPACITY"] == "3"


def test_the_audio_server_gets_the_pairs_of_both_and_its_own_settings(environment):
    variables = environment(services.AUDIO_SERVER)
    assert secrets_in(variables) == {MADE.LIVEKIT_API_SECRET, MADE.STILLAIR_NOISE_REMOVER_SECRET}
    assert variables["LIVEKIT_TURN_ENABLED"] == "true"


def test_every_setting_of_the_noise_remover_reaches_it():
    read = set()

    class Reads(UserDict):
        def get(self, name, default=None):
            read.add(name)
            return super().get(name, default)

    AgentConfig.from_environment(Reads(LIVEKIT_URL="ws://127.0.0.1:1", LIVEKIT_API_KEY="own", LIVEKIT_API_SECRET="s" * 32))
    assert read - {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"} == program.OF_THE_NOISE_REMOVER
