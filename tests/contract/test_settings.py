"""Settings that several programs read: all of them take the same values, refuse the same values, and say the same."""

from pathlib import Path

import pytest

from agent.config import AgentConfig
from contract import settings
from contract.settings import ConfigError
from launcher import secrets
from launcher.problem import Problem
from launcher.settings import Settings
from webapp.core.config import Config

ROOT = Path(__file__).parents[2]
COMPLETE = {
    "STILLAIR_SECRET_KEY": "k" * 32,
    "LIVEKIT_URL": "ws://127.0.0.1:8001",
    "LIVEKIT_API_KEY": "own",
    "LIVEKIT_API_SECRET": "s" * 32,
}


def of_the_web_app(environment, data):
    return Config.from_environment(environment)


def of_the_agent(environment, data):
    return AgentConfig.from_environment(environment)


def of_the_launcher(environment, data):
    return Settings.of(data=None, host=None, port=None, environment=environment)


def secrets_of_the_launcher(environment, data):
    return secrets.load(data, environment)


READERS = {
    "STILLAIR_DATA": [of_the_web_app, of_the_agent, of_the_launcher],
    "STILLAIR_RECORDINGS": [of_the_web_app, of_the_agent],
    "STILLAIR_HOST": [of_the_web_app, of_the_launcher],
    "STILLAIR_PORT": [of_the_web_app, of_the_launcher],
    "STILLAIR_PUBLIC_URL": [of_the_web_app, of_the_launcher],
    "STILLAIR_GRACE_S": [of_the_web_app, of_the_agent, of_the_launcher],
    "STILLAIR_LOW_WATER_MB": [of_the_web_app, of_the_agent, of_the_launcher],
    "STILLAIR_SECRET_KEY": [of_the_web_app, secrets_of_the_launcher],
    "LIVEKIT_URL": [of_the_web_app, of_the_agent],
    "LIVEKIT_API_KEY": [of_the_web_app, of_the_agent, secrets_of_the_launcher],
    "LIVEKIT_API_SECRET": [of_the_web_app, of_the_agent, secrets_of_the_launcher],
}

NUMBERS = [
    "", "  ", "0", "0.5", "1", " 5 ", "-1", "+5", "5.", ".5", "1e3", "1_0", "007", "60", "86400", "86401", "100000", "65531",
    "65532", "9" * 30, "9" * 5000, "1e400", "nan", "inf", "-inf", "x", "a minute", "０", "٣", "5\n", "0x10", "true", "\x00", "é",
]  # fmt: skip
HOSTS = ["", " ", "127.0.0.1", " 127.0.0.1 ", "::1", "0.0.0.0", "[::1]", "127.0.0.1:8000", "no such host", "127.0.0.1/8", "\x00"]
"""No plain names: somebody's name server would be asked for them."""
WORDS = [
    *HOSTS, "..", "/srv/air", "some/folder", "http://127.0.0.1", "http://127.0.0.1:8000/", "https://", "https:///", "HTTPS://x",
    "ws://127.0.0.1:8001", "wss://air.example.org", "ws://127.0.0.1:0", "ws://127.0.0.1:many", "ws://127.0.0.1:70000", "ws://[::1",
    "devkey", "own", "hunter2-hunter2", "k" * 31, "k" * 32, f" {'k' * 31} ", "ключ" * 10,
]  # fmt: skip


def verdict(read, name, value, data):
    """What a program makes of the value: the setting itself, or the message that refuses it."""
    try:
        found = read({**COMPLETE, name: value}, data)
    except ConfigError as error:
        return str(error)
    except Problem as problem:
        return problem.what.removesuffix(f" It was looked for in the environment and in {data / secrets.FILE}.")
    return FIELDS[name](found) if name in FIELDS else "taken"


FIELDS = {
    "STILLAIR_DATA": lambda found: found.data,
    "STILLAIR_RECORDINGS": lambda found: found.recordings,
    "STILLAIR_HOST": lambda found: found.host,
}


@pytest.mark.parametrize("name", READERS)
def test_every_program_says_the_same_of_a_value(name, tmp_path):
    secrets.load(tmp_path, {})
    values = HOSTS if name == "STILLAIR_HOST" else [*NUMBERS, *WORDS]
    if name in secrets.Secrets.generate().environment():
        values = [value for value in values if value.strip()]  # without one the launcher takes that of its file
    said = {value: {verdict(read, name, value, tmp_path) for read in READERS[name]} for value in values}
    assert {value: verdicts for value, verdicts in said.items() if len(verdicts) != 1} == {}


def test_the_table_has_every_setting_that_is_declared_for_several_programs():
    declared = {value.name for value in vars(settings).values() if isinstance(value, settings.Setting)}
    assert declared == set(READERS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("STILLAIR_GRACE_S", "0.5", "STILLAIR_GRACE_S is '0.5', not a number from 1 to 86400."),
        ("STILLAIR_GRACE_S", "100000", "STILLAIR_GRACE_S is '100000', not a number from 1 to 86400."),
        ("STILLAIR_GRACE_S", "nan", "STILLAIR_GRACE_S is 'nan', not a number from 1 to 86400."),
        ("STILLAIR_LOW_WATER_MB", "٣", "STILLAIR_LOW_WATER_MB is '٣', not a whole number from 1 to 1000000."),
        (
            "STILLAIR_PUBLIC_URL",
            "https://",
            "STILLAIR_PUBLIC_URL is 'https://', not an address that starts with http:// or https://.",
        ),
        ("LIVEKIT_URL", "127.0.0.1:8001", "LIVEKIT_URL is '127.0.0.1:8001', not an address that starts with ws:// or wss://."),
        ("STILLAIR_SECRET_KEY", "hunter2", "STILLAIR_SECRET_KEY is 7 characters long. Use 32 or more random ones."),
        ("LIVEKIT_API_SECRET", "hunter2", "LIVEKIT_API_SECRET is 7 characters long. Use 32 or more random ones."),
        (
            "STILLAIR_PORT",
            "65532",
            "STILLAIR_PORT is '65532', not a whole number from 1 to 65531 (the four ports after it are used, too).",
        ),
        (
            "STILLAIR_HOST",
            "no such host",
            "STILLAIR_HOST is 'no such host', not an address of this machine. "
            "Use 127.0.0.1 (this machine only) or 0.0.0.0 (the network).",
        ),
        (
            "LIVEKIT_API_KEY",
            "devkey",
            "LIVEKIT_API_KEY is 'devkey', which is no key of your own. Make a pair that nobody else knows.",
        ),
    ],
)
def test_a_refusal_names_the_variable_the_value_unless_it_is_secret_and_what_would_be_right(name, value, message, tmp_path):
    secrets.load(tmp_path, {})
    assert {verdict(read, name, value, tmp_path) for read in READERS[name]} == {message}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("STILLAIR_GRACE_S", "1e3", 1000.0),
        ("STILLAIR_GRACE_S", " 1.5 ", 1.5),
        ("STILLAIR_GRACE_S", "", 60.0),
        ("STILLAIR_GRACE_S", "86400", 86400.0),
        ("STILLAIR_LOW_WATER_MB", "007", 7),
        ("STILLAIR_LOW_WATER_MB", " ", 200),
    ],
)
def test_web_app_and_agent_go_by_the_same_number(name, value, found):
    field = name.removeprefix("STILLAIR_").lower()
    environment = {**COMPLETE, name: value}
    assert getattr(Config.from_environment(environment), field) == found
    assert getattr(AgentConfig.from_environment(environment), field) == found


def test_every_program_keeps_its_data_beside_the_command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for read in READERS["STILLAIR_DATA"]:
        assert read(COMPLETE, tmp_path).data == ROOT / "data"
    assert {read({**COMPLETE, "STILLAIR_DATA": "x"}, tmp_path).data for read in READERS["STILLAIR_DATA"]} == {tmp_path / "x"}
