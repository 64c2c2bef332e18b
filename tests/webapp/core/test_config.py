from __future__ import annotations

import pytest

from contract.settings import ConfigError
from webapp.core.config import Config

NEEDED = {
    "STILLAIR_DATA": "/srv/air",
    "STILLAIR_SECRET_KEY": "k" * 32,
    "LIVEKIT_URL": "ws://127.0.0.1:8001",
    "LIVEKIT_API_KEY": "own",
    "LIVEKIT_API_SECRET": "s" * 32,
}


def read(**changes: str) -> Config:
    return Config.from_environment({**NEEDED, **changes})


def test_everything_but_secrets_has_a_default():
    config = read()
    assert config.database_url == "sqlite:////srv/air/stillair.db"
    assert str(config.recordings) == "/srv/air/recordings"
    assert (config.public_url, config.tls) == ("http://127.0.0.1:8000", False)


@pytest.mark.parametrize("name", ["STILLAIR_SECRET_KEY", "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_has_no_default_is_named_when_it_is_missing(name, value):
    environment = {key: text for key, text in NEEDED.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        Config.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVEKIT_API_KEY", "devkey"),
        ("LIVEKIT_URL", "127.0.0.1:8001"),
        ("LIVEKIT_URL", "http://127.0.0.1:8001"),
        ("LIVEKIT_URL", "ws://127.0.0.1:many"),
        ("STILLAIR_PUBLIC_URL", "air.example.org"),
        ("STILLAIR_PUBLIC_URL", "https://"),
        ("STILLAIR_AUDIO_URL", "https://air.example.org"),
        ("STILLAIR_AGENT_HEALTH_URL", "localhost"),
        ("STILLAIR_PORT", "0"),
        ("STILLAIR_PORT", "65536"),
        ("STILLAIR_PORT", "８０００"),
        ("STILLAIR_TRUSTED_PROXIES", "-1"),
        ("STILLAIR_TRUSTED_PROXIES", "yes"),
        ("STILLAIR_REGISTRATION", "sometimes"),
        ("STILLAIR_REGISTRATIONS_PER_HOUR", "0"),
        ("STILLAIR_GRACE_S", "0"),
        ("STILLAIR_GRACE_S", "inf"),
        ("STILLAIR_GRACE_S", "a minute"),
        ("STILLAIR_QUOTA_GB", "-1"),
        ("STILLAIR_QUOTA_GB", "much"),
        ("STILLAIR_LOW_WATER_MB", "0"),
        ("STILLAIR_MAIL_FROM", "Stillair"),
        ("STILLAIR_MAIL_FROM", "air@"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_and_the_value(name, value):
    with pytest.raises(ConfigError) as caught:
        read(**{name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)


@pytest.mark.parametrize("name", ["STILLAIR_SECRET_KEY", "LIVEKIT_API_SECRET"])
def test_a_short_secret_is_refused_without_being_shown(name):
    with pytest.raises(ConfigError) as caught:
        read(**{name: "hunter2-hunter2"})
    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show_in_the_representation():
    shown = repr(read(STILLAIR_SECRET_KEY="canary-" * 8, LIVEKIT_API_SECRET="nightingale-" * 8))
    assert "canary" not in shown
    assert "nightingale" not in shown


@pytest.mark.parametrize(
    ("changes", "host", "address"),
    [
        ({}, "127.0.0.1:8000", "ws://127.0.0.1:8001"),
        ({}, "air.local", "ws://air.local:8001"),
        ({}, "[::1]:8000", "ws://[::1]:8001"),
        ({}, "", "ws://localhost:8001"),
        ({"STILLAIR_PUBLIC_URL": "https://air.example.org"}, "air.example.org", "wss://air.example.org:8001"),
        ({"STILLAIR_AUDIO_URL": "wss://audio.example.org/"}, "air.example.org", "wss://audio.example.org"),
    ],
)
def test_browsers_are_told_an_audio_server_they_can_reach(changes, host, address):
    assert read(**changes).audio_url_for(host) == address


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({}, "open"),
        ({"STILLAIR_PUBLIC_URL": "http://air.local:8000"}, "open"),
        ({"STILLAIR_PUBLIC_URL": "https://air.example.org"}, "invite"),
        ({"STILLAIR_PUBLIC_URL": "https://air.example.org", "STILLAIR_REGISTRATION": "open"}, "open"),
    ],
)
def test_a_server_on_the_internet_starts_with_invites(changes, mode):
    assert read(**changes).registration == mode


def test_a_server_answers_to_its_own_names_only():
    config = read(STILLAIR_PUBLIC_URL="https://air.example.org", STILLAIR_TRUSTED_HOSTS="web, air.local")
    assert config.hosts == ["127.0.0.1", "air.example.org", "air.local", "localhost", "web"]


@pytest.mark.parametrize(
    "value", ["mail.example.org", "http://user:hush@host", "smtp://user:hush@", "smtp://user:hush@host:many"]
)
def test_a_bad_address_of_the_mail_server_is_refused_without_its_password(value):
    with pytest.raises(ConfigError, match="STILLAIR_SMTP_URL") as caught:
        read(STILLAIR_SMTP_URL=value, STILLAIR_MAIL_FROM="air@example.org")
    assert "hush" not in str(caught.value)


def test_mail_needs_a_sender():
    with pytest.raises(ConfigError, match="STILLAIR_MAIL_FROM is not set"):
        read(STILLAIR_SMTP_URL="smtps://mail.example.org")
    with pytest.raises(ConfigError, match="STILLAIR_MAIL_FROM"):
        read(STILLAIR_MAIL_FROM="air@example.org\nBcc: eve@example.org")
    config = read(STILLAIR_SMTP_URL="smtps://user:hush@mail.example.org", STILLAIR_MAIL_FROM="Stillair <air@example.org>")
    assert config.smtp_url == "smtps://user:hush@mail.example.org"
    assert "hush" not in repr(config)
