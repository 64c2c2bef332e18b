"""Compares a stream with what the audio server sees, and repairs the difference.

API calls and webhooks are quick and may get lost; what is here is what everything rests on. The reconciler calls it for every
stream every second, a webhook for its own stream at once. Nothing is kept in memory, and every change is guarded by what was
read, so it may be stopped at any moment and run twice at once without harm.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, nan

from sqlalchemy import select

from contract import messages
from webapp.audio_server.client import Person, Room
from webapp.core import config
from webapp.core.database import db
from webapp.friends import relations
from webapp.models import Stream, now
from webapp.streams import rooms as stream_rooms
from webapp.streams import state as stream_state
from webapp.streams import statistics

log = logging.getLogger(__name__)

STILL_S = 5.0
"""A noise remover whose heartbeat (every 2 s) stands still for this long is dead, though the audio server shows it for 21 s."""


@dataclass(frozen=True)
class Sight:
    """What one look at the audio server says about a stream."""

    broadcaster: Person | None
    agent: Person | None  # in the studio, where its heartbeat is
    cleaner: Person | None  # the same one on the stage, where its track is
    audience: tuple[Person, ...]

    @classmethod
    def of(cls, rooms: stream_rooms.Rooms, seen: Mapping[str, Room]) -> Sight:
        nowhere = Room("")
        studio, stage = seen.get(rooms.studio, nowhere), seen.get(rooms.stage, nowhere)
        return cls(
            broadcaster=studio.find(rooms.job.owner),
            agent=studio.find(messages.AGENT_NAME),
            cleaner=stage.find(messages.AGENT_NAME),
            audience=tuple(person for person in stage.people if not person.is_agent),
        )

    @property
    def beat(self) -> str:
        """Changes while a noise remover lives, and when another one comes; "" while there is none."""
        return f"{self.agent.sid} {self.agent.attributes.get(messages.ATTRIBUTE_BEAT, '')}"[:80] if self.agent else ""

    @property
    def listeners(self) -> int:
        return len({person.username for person in self.audience if not person.hidden})

    @property
    def removed_db(self) -> float | None:
        """How much noise is removed now; None while nobody says."""
        try:
            told = float(self.agent.attributes[messages.ATTRIBUTE_REMOVED]) if self.agent else nan
        except (KeyError, ValueError):
            return None
        return told if isfinite(told) else None

    @property
    def clean_sound(self) -> bool:
        """Whether there is a microphone to clean and a track that carries the result."""
        return bool(self.broadcaster and self.broadcaster.publishes_sound and self.cleaner and self.cleaner.publishes_sound)


def next_state(state: str, *, sound_check: bool, clean_sound: bool, lost: bool) -> str:
    """Where a stream goes from what is seen. `lost`: broadcaster or noise remover is gone."""
    if lost:
        return "interrupted" if state in ("checking", "live") else state
    if clean_sound and state != "ended":
        return "checking" if sound_check else "live"
    return state


def is_alive(stream: Stream, sight: Sight, at: datetime) -> bool:
    """Whether the noise remover works, by its heartbeat and what was seen of it before."""
    if sight.agent is None:
        return False
    return sight.beat != stream.agent_beat or (at - stream.agent_beat_at).total_seconds() < STILL_S


# --- One stream


def repair(stream_id: str) -> None:
    """Look at one stream now, because a webhook hinted that something happened. Raises AudioServerUnreachable."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or stream.state == "ended":
        return
    rooms = stream_rooms.Rooms.of(stream)
    db.session.commit()
    settle(stream, rooms, stream_rooms.audio_server().rooms(rooms.names))


def settle(stream: Stream, rooms: stream_rooms.Rooms, seen: Mapping[str, Room]) -> None:
    """Repair what differs between a stream and its rooms as they were seen. Raises AudioServerUnreachable."""
    db.session.refresh(stream)
    if stream.state == "ended" or stream_rooms.Rooms.of(stream) != rooms:
        return  # it has changed since we looked
    _repair_rooms(stream, rooms, seen)
    sight, at = Sight.of(rooms, seen), now()
    alive = is_alive(stream, sight, at)
    _remember(stream, sight, at, alive=alive)
    is_left_alone = (at - stream.broadcaster_seen_at).total_seconds() > config.current_config().grace_s
    if is_left_alone or stream.owner.suspended_at is not None:
        stream_state.end(stream)
        return
    _move(stream, sight, alive=alive)
    if stream.is_on_air:
        statistics.note(stream, sight.listeners, sight.removed_db, at)
    _send_uninvited_out(stream, rooms, sight)
    if not alive and at >= stream.agent_due_at and not _is_agent_coming(stream, rooms):
        log.warning("noise remover is missing, asked for", extra={"stream": stream.id})
        stream_state.ask_for_agent(stream)


def _repair_rooms(stream: Stream, rooms: stream_rooms.Rooms, seen: Mapping[str, Room]) -> None:
    if rooms.studio not in seen:
        log.warning("rooms are gone, made again", extra={"stream": stream.id})
        stream_state.make_rooms_again(stream)
    elif rooms.stage not in seen:
        stream_rooms.open_rooms(rooms)
    elif seen[rooms.studio].metadata != rooms.metadata:
        stream_rooms.audio_server().set_metadata(rooms.studio, rooms.metadata)


def _remember(stream: Stream, sight: Sight, at: datetime, *, alive: bool) -> None:
    if sight.broadcaster is not None:
        stream.broadcaster_seen_at = at
    if sight.agent is not None and sight.beat != stream.agent_beat:
        stream.agent_beat, stream.agent_beat_at = sight.beat, at
    if alive:
        stream.dispatch_tries = 0
    db.session.commit()


def _move(stream: Stream, sight: Sight, *, alive: bool) -> None:
    lost = not alive or sight.broadcaster is None
    state = next_state(stream.state, sound_check=stream.sound_check, clean_sound=sight.clean_sound, lost=lost)
    if state != stream.state and stream_state.move(stream, state):
        log.info("stream moved", extra={"stream": stream.id, "state": state})


def _send_uninvited_out(stream: Stream, rooms: stream_rooms.Rooms, sight: Sight) -> None:
    """Only the owner and friends may be on the stage, and nobody who is suspended, whatever token somebody holds."""
    if not sight.audience:
        return
    people = (stream.owner, *relations.friends_of(stream.owner))
    invited = {person.username for person in people if person.suspended_at is None}
    db.session.commit()
    for person in sight.audience:
        if person.username not in invited:
            log.warning("uninvited listener sent out", extra={"stream": stream.id})
            stream_rooms.audio_server().remove(rooms.stage, person.identity)


def _is_agent_coming(stream: Stream, rooms: stream_rooms.Rooms) -> bool:
    """A second noise remover would drive the first one out. No tries: one was there since the last dispatch, and died."""
    return stream.dispatch_tries > 0 and stream_rooms.audio_server().agent_is_coming(rooms.studio)


# --- All of them


def repair_all() -> bool:
    """Look at every stream. True while one is starting. Raises AudioServerUnreachable."""
    running = db.session.scalars(select(Stream).where(Stream.state != "ended")).all()
    rooms = [stream_rooms.Rooms.of(stream) for stream in running]
    db.session.commit()
    seen = stream_rooms.audio_server().rooms([name for each in rooms for name in each.names])
    for stream, each in zip(running, rooms, strict=True):
        try:
            settle(stream, each, seen)
        except Exception:  # whatever it is, the other streams need repair too
            db.session.rollback()
            log.exception("stream not settled", extra={"stream": each.job.stream_id})
    return any(stream.state == "starting" for stream in running)


def close_old_rooms() -> None:
    """Close the rooms of streams that have ended, and stages that were left. Rooms of unknown streams may be another server's."""
    there = stream_rooms.audio_server().room_names()  # before the rows: a room that is there has its row already
    keys = {key for name in there if (key := stream_rooms.room_key_of(name))}
    streams = db.session.scalars(select(Stream).where(Stream.room_key.in_(keys))).all() if keys else ()
    known = {stream.room_key for stream in streams}
    in_use = {name for stream in streams if stream.state != "ended" for name in stream_rooms.Rooms.of(stream).names}
    db.session.commit()
    for name in there - in_use:
        if stream_rooms.room_key_of(name) in known:
            stream_rooms.audio_server().delete_room(name)
