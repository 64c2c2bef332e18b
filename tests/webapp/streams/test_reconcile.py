"""What follows from one look at the audio server. With a real one: tests/integration/streams."""

from datetime import timedelta

import pytest

from contract import messages
from webapp.audio_server.client import Person, Room
from webapp.models import STREAM_STATES, Stream, now
from webapp.streams.reconcile import Observation, is_alive, next_state
from webapp.streams.rooms import Rooms

ROOMS = Rooms("studio-1", "stage-1-1", "{}", messages.BroadcastJob("1", "alice", "On air", "2026-01-01T00:00:00Z", 100.0))


def a_room(*people: Person) -> Room:
    return Room("{}", people)


def speaking(identity: str) -> Person:
    return Person(identity, sid=f"PA_{identity}", publishes_sound=True)


@pytest.mark.parametrize(
    ("state", "sound_check", "clean_sound", "lost", "expected"),
    [
        ("starting", False, True, False, "live"),
        ("starting", True, True, False, "checking"),
        ("starting", False, False, False, "starting"),
        ("starting", False, True, True, "starting"),
        ("checking", True, True, False, "checking"),
        ("checking", False, True, False, "live"),
        ("checking", True, True, True, "interrupted"),
        ("checking", True, False, False, "checking"),
        ("live", False, True, False, "live"),
        ("live", False, False, False, "live"),  # the track is on its way to another stage, or the microphone is unplugged
        ("live", False, True, True, "interrupted"),
        ("interrupted", False, True, False, "live"),
        ("interrupted", True, True, False, "checking"),
        ("interrupted", False, False, False, "interrupted"),
        ("interrupted", False, True, True, "interrupted"),
    ],
)
def test_the_state_follows_what_is_seen(state, sound_check, clean_sound, lost, expected):
    assert next_state(state, sound_check=sound_check, clean_sound=clean_sound, lost=lost) == expected


@pytest.mark.parametrize("seen", [(sound, lost, check) for sound in (0, 1) for lost in (0, 1) for check in (0, 1)])
def test_an_ended_stream_stays_ended_and_no_look_ends_one(seen):
    clean_sound, lost, sound_check = map(bool, seen)
    states = {state: next_state(state, sound_check=sound_check, clean_sound=clean_sound, lost=lost) for state in STREAM_STATES}
    assert [before for before, after in states.items() if after == "ended"] == ["ended"]


@pytest.mark.parametrize(
    ("studio", "stage", "clean"),
    [
        ([speaking("broadcaster"), speaking("noise-remover")], [speaking("noise-remover")], True),
        ([speaking("broadcaster")], [], False),
        ([Person("broadcaster", "PA_1")], [speaking("noise-remover")], False),
        ([speaking("broadcaster")], [Person("noise-remover", "PA_2")], False),
        ([speaking("broadcaster")], [speaking("a-seat")], False),
        ([speaking("a-seat")], [speaking("noise-remover")], False),
        ([], [speaking("noise-remover")], False),
    ],
)
def test_clean_sound_is_a_microphone_in_the_studio_and_the_noise_removers_track_on_the_stage(studio, stage, clean):
    observation = Observation.from_rooms(ROOMS, {"studio-1": a_room(*studio), "stage-1-1": a_room(*stage)})
    assert observation.clean_sound is clean


def test_a_stage_that_was_left_does_not_count():
    observation = Observation.from_rooms(
        ROOMS, {"studio-1": a_room(speaking("broadcaster")), "stage-1-0": a_room(speaking("noise-remover"))}
    )
    assert observation.cleaner is None


def with_heartbeat(beat: str, sid: str = "PA_1") -> Observation:
    agent = Person("noise-remover", sid, attributes={messages.ATTRIBUTE_BEAT: beat})
    return Observation.from_rooms(ROOMS, {"studio-1": a_room(agent)})


@pytest.mark.parametrize(
    ("observation", "seconds_ago", "alive"),
    [
        (with_heartbeat("7"), 4.9, True),
        (with_heartbeat("7"), 5.1, False),
        (with_heartbeat("8"), 60.0, True),
        (with_heartbeat("7", sid="PA_2"), 60.0, True),  # another one that happens to count from the same number
        (with_heartbeat(""), 60.0, True),  # one that has just come
        (Observation.from_rooms(ROOMS, {}), 0.0, False),
    ],
    ids=["fresh", "still", "beats", "another", "new", "gone"],
)
def test_a_noise_remover_lives_as_long_as_its_heartbeat_changes(observation, seconds_ago, alive):
    at = now()
    stream = Stream(agent_heartbeat=with_heartbeat("7").heartbeat, agent_heartbeat_at=at - timedelta(seconds=seconds_ago))
    assert is_alive(stream, observation, at) is alive


def test_a_long_heartbeat_fits_its_column():
    assert len(with_heartbeat("9" * 1000).heartbeat) == Stream.__table__.c.agent_beat.type.length


def test_the_audience_is_everybody_on_the_stage_but_the_noise_remover():
    stage = a_room(speaking("noise-remover"), Person("seat-1", "PA_1"), Person("seat-2", "PA_2"))
    assert Observation.from_rooms(ROOMS, {"stage-1-1": stage}).audience == {"seat-1", "seat-2"}


@pytest.mark.parametrize(
    ("told", "removed_db"),
    [
        ("18.5", 18.5),
        ("0.0", 0.0),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_how_much_noise_is_removed_as_the_noise_remover_says(told, removed_db):
    agent = Person("noise-remover", "PA_1", attributes={messages.ATTRIBUTE_REMOVED: told})
    assert Observation.from_rooms(ROOMS, {"studio-1": a_room(agent)}).removed_db == removed_db


def test_nobody_says_how_much_noise_is_removed():
    assert [observation.removed_db for observation in (with_heartbeat("7"), Observation.from_rooms(ROOMS, {}))] == [None, None]
