"""Settings of the agent."""

import os
from pathlib import Path

import pytest

from agent.config import AgentConfig
from contract.settings import ConfigError

ROOT = Path(__file__).parents[2]
COMPLETE = {"LIVEKIT_URL": "ws://127.0.0.1:8001", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}


def test_defaults_are_those_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the working directory makes no difference
    config = AgentConfig.from_environment(COMPLETE)
    assert config.data == ROOT / "data"
    assert config.recordings == ROOT / "data" / "recordings"
    assert config.capacity is None  # as measured
    assert config.workers == len(os.sched_getaffinity(0))
    assert not config.never_original
    assert config.grace_s == 60
    assert config.health_port == 8004


def test_every_setting_is_taken_over(tmp_path):
    config = AgentConfig.from_environment(
        COMPLETE
        | {
            "STILLAIR_DATA": str(tmp_path),
            "STILLAIR_CAPACITY": "7",
            "STILLAIR_WORKERS": "3",
            "STILLAIR_GRACE_S": "1.5",
            "STILLAIR_NEVER_ORIGINAL": "1",
            "STILLAIR_LOW_WATER_MB": "500",
            "STILLAIR_AGENT_HEALTH_PORT": "18104",
        }
    )
    assert (config.recordings, config.capacity, config.grace_s, config.health_port) == (tmp_path / "recordings", 7, 1.5, 18104)
    assert config.low_water_mb == 500
    assert config.never_original
    elsewhere = AgentConfig.from_environment(COMPLETE | {"STILLAIR_RECORDINGS": "/srv/recordings"})
    assert str(elsewhere.recordings) == "/srv/recordings"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVEKIT_URL", "http://127.0.0.1:8001"),
        ("LIVEKIT_URL", "127.0.0.1:8001"),
        ("LIVEKIT_URL", "ws://"),
        ("STILLAIR_CAPACITY", "0"),
        ("STILLAIR_CAPACITY", "-1"),
        ("STILLAIR_CAPACITY", "many"),
        ("STILLAIR_CAPACITY", "2.5"),
        ("STILLAIR_WORKERS", "0"),
        ("STILLAIR_NEVER_ORIGINAL", "yes"),
        ("STILLAIR_GRACE_S", "-1"),
        ("STILLAIR_GRACE_S", "nan"),
        ("STILLAIR_GRACE_S", "inf"),
        ("STILLAIR_GRACE_S", "a minute"),
        ("STILLAIR_LOW_WATER_MB", "0"),
        ("STILLAIR_LOW_WATER_MB", "lots"),
        ("STILLAIR_AGENT_HEALTH_PORT", "0"),
        ("STILLAIR_AGENT_HEALTH_PORT", "65536"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_value(name, value):
    with pytest.raises(ConfigError) as refusal:
        AgentConfig.from_environment(COMPLETE | {name: value})
    assert name in str(refusal.value)
    assert repr(value) in str(refusal.value)


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_what_has_no_default_must_be_set(name):
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        AgentConfig.from_environment({key: value for key, value in COMPLETE.items() if key != name})


def test_the_secret_is_not_shown():
    assert COMPLETE["LIVEKIT_API_SECRET"] not in repr(AgentConfig.from_environment(COMPLETE))
