"""Compares streams with what the audio server sees, and repairs the differences.

API calls and webhooks are quick, but they may get lost; everything rests on what is here. The reconciler looks at every stream
every second, a webhook has its own stream looked at immediately. Nothing is kept in memory, and every change is guarded by what
was read, so it may be stopped at any moment, and two may run at once without harm.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite, nan

from sqlalchemy import select

from contract import messages
from webapp.audio_server.client import Person, Room
from webapp.core import config
from webapp.core.database import db
from webapp.models import RUNNING, Stream, User, now
from webapp.streams import connection_check, seats, shut_out, statistics
from webapp.streams import state as stream_state
from webapp.streams.queries import rooms_of, stage_of, studio_of
from webapp.streams.rooms import Rooms, audio_server, close_left_room, open_rooms, room_key_of

log = logging.getLogger(__name__)

HEARTBEAT_TIMEOUT_S = 5.0
"""A noise remover whose heartbeat (every 2 s) stands still for this long is dead, though the audio server shows it for 21 s."""
SEEN_WITHIN = timedelta(seconds=0.05)
"""How exactly it is kept when a broadcaster was seen last, for each second of the grace. Each time is a write."""


@dataclass(frozen=True)
class Observation:
    """What the audio server says about a stream at one moment."""

    broadcaster: Person | None
    agent: Person | None  # in the studio, where its heartbeat is
    cleaner: Person | None  # the same agent on the stage, where its track is
    audience: frozenset[str]  # identities of all others on the stage

    @classmethod
    def from_rooms(cls, rooms: Rooms, found: Mapping[str, Room]) -> Observation:
        """`found`: the rooms that exist, by name."""
        empty = Room("")
        studio, stage = found.get(rooms.studio, empty), found.get(rooms.stage, empty)
        return cls(
            broadcaster=studio.find(messages.BROADCASTER),
            agent=studio.find(messages.AGENT_NAME),
            cleaner=stage.find(messages.AGENT_NAME),
            audience=frozenset(person.identity for person in stage.people if not person.is_agent),
        )

    @property
    def heartbeat(self) -> str:
        """Changes while a noise remover is alive, and when another one comes. Empty while there is none."""
        return f"{self.agent.sid} {self.agent.attributes.get(messages.ATTRIBUTE_BEAT, '')}"[:80] if self.agent else ""

    @property
    def removed_db(self) -> float | None:
        """How much noise is removed now, in dB. None while it is unknown."""
        try:
            removed_db = float(self.agent.attributes[messages.ATTRIBUTE_REMOVED]) if self.agent else nan
        except (KeyError, ValueError):
            return None
        return removed_db if isfinite(removed_db) else None

    @property
    def clean_sound(self) -> bool:
        """Whether there is a microphone track to clean and a track with the result."""
        return bool(self.broadcaster and self.broadcaster.publishes_sound and self.cleaner and self.cleaner.publishes_sound)


def next_state(state: str, *, sound_check: bool, clean_sound: bool, lost: bool) -> str:
    """Return the state that follows from an observation. `lost`: the broadcaster or the noise remover is gone."""
    if lost:
        return "interrupted" if state in ("checking", "live") else state
    if clean_sound and state != "ended":
        return "checking" if sound_check else "live"
    return state


def is_alive(stream: Stream, observation: Observation, at: datetime) -> bool:
    """Tell whether the noise remover works, by its heartbeat and the one that was seen before."""
    if observation.agent is None:
        return False
    return (
        observation.heartbeat != stream.agent_heartbeat or (at - stream.agent_heartbeat_at).total_seconds() < HEARTBEAT_TIMEOUT_S
    )


# --- One stream


def repair(stream_id: str) -> None:
    """Look at one stream now, because a webhook hinted that something happened. Raises AudioServerUnreachable."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or stream.state == "ended":
        return
    rooms = rooms_of(stream)
    db.session.commit()
    settle(stream, rooms, audio_server().rooms(rooms.names))


def settle(stream: Stream, rooms: Rooms, found: Mapping[str, Room]) -> None:
    """Repair what differs between a stream and its rooms as they were found. Raises AudioServerUnreachable."""
    db.session.refresh(stream)
    if stream.state == "ended" or rooms_of(stream) != rooms:
        return  # the stream has changed since we asked
    db.session.commit()
    _repair_rooms(stream, rooms, found)
    observation, at = Observation.from_rooms(rooms, found), now()
    alive = is_alive(stream, observation, at)
    _remember(stream, observation, at, alive=alive)
    is_left_alone = (at - stream.broadcaster_seen_at).total_seconds() > config.current_config().grace_s
    if is_left_alone or stream.owner.suspended_at is not None:
        stream_state.end(stream)
        return
    _move(stream, observation, alive=alive)
    seated = seats.holders(stream.id, observation.audience)
    seats.remember(stream, seated)
    if stream.is_on_air:
        statistics.record_sample(stream, len(stream.listener_ids), observation.removed_db, at)
    shut_out.guard(stream, rooms, found)
    if not alive and at >= stream.agent_due_at and not _is_agent_coming(stream, rooms):
        log.warning("noise remover is missing, asked for", extra={"stream": rooms.stream_id})
        stream_state.ask_for_agent(stream)


def _repair_rooms(stream: Stream, rooms: Rooms, found: Mapping[str, Room]) -> None:
    if rooms.studio not in found:
        log.warning("rooms are gone, made again", extra={"stream": rooms.stream_id})
        stream_state.make_rooms_again(stream, rooms)
    elif rooms.stage not in found:
        open_rooms(rooms)
    elif found[rooms.studio].metadata != rooms.metadata:
        audio_server().set_metadata(rooms.studio, rooms.metadata)


def _remember(stream: Stream, observation: Observation, at: datetime, *, alive: bool) -> None:
    if observation.broadcaster is not None and at - stream.broadcaster_seen_at > SEEN_WITHIN * config.current_config().grace_s:
        stream.broadcaster_seen_at = at
    if observation.agent is not None and observation.heartbeat != stream.agent_heartbeat:
        stream.agent_heartbeat, stream.agent_heartbeat_at = observation.heartbeat, at
    if alive:
        stream.dispatch_tries = 0
    db.session.commit()


def _move(stream: Stream, observation: Observation, *, alive: bool) -> None:
    lost = not alive or observation.broadcaster is None
    state = next_state(stream.state, sound_check=stream.sound_check, clean_sound=observation.clean_sound, lost=lost)
    if state != stream.state and stream_state.move(stream, state):
        log.info("stream moved", extra={"stream": stream.id, "state": state})


def _is_agent_coming(stream: Stream, rooms: Rooms) -> bool:
    """Tell whether a noise remover is on its way: a second one would drive it out.

    Without any try since the last sign of life there was one, and it died.
    """
    was_asked = stream.dispatch_tries > 0
    db.session.commit()
    return was_asked and audio_server().agent_is_coming(rooms.studio)


# --- All streams


def repair_all() -> list[str]:
    """Look at every stream, and return the states of all that run. Raises AudioServerUnreachable."""
    # Many commits end a transaction before the audio server is asked, and rows would be read again after each. They are where it
    # matters: by `settle`, and whenever something has been changed.
    db.session().expire_on_commit = False
    running = db.session.scalars(select(Stream).where(RUNNING)).all()
    owners = db.session.scalars(select(User).where(User.id.in_(stream.owner_id for stream in running))).all() if running else ()
    every_room = [rooms_of(stream) for stream in running]
    db.session.commit()
    found = audio_server().rooms([name for rooms in every_room for name in rooms.names])
    for stream, rooms in zip(running, every_room, strict=True):
        try:
            settle(stream, rooms, found)
        except Exception:  # whatever it is, the other streams need repair too
            db.session.rollback()
            log.exception("stream not settled", extra={"stream": rooms.stream_id})
    del owners  # kept until here, so that no stream reads its own
    return [stream.state for stream in running]


def close_old_rooms() -> None:
    """Close rooms of ended streams, rooms that a stream has left, and rooms of checks whose time is over.

    Rooms of unknown streams may be another server's.
    """
    ages = audio_server().room_ages()  # before the rows are read: a room that exists has its row already
    names = set(ages)
    keys = {key for name in names if (key := room_key_of(name))}
    streams = db.session.scalars(select(Stream).where(Stream.room_key.in_(keys))).all() if keys else ()
    runs = {stream.room_key: stream.state != "ended" for stream in streams}
    in_use = {name for stream in streams if runs[stream.room_key] for name in (studio_of(stream), stage_of(stream))}
    db.session.commit()
    for name in names - in_use:
        key = room_key_of(name)
        if key in runs:
            (close_left_room if runs[key] else audio_server().delete_room)(name)
        elif connection_check.is_over(name, ages[name]):
            audio_server().delete_room(name)
