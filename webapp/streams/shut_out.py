"""Shuts people out of the rooms of streams, at once and for good. Whatever the reason, it happens here.

Removing somebody from a room is not enough: the audio server renews every token that is in use, and a client may hold many. So
the room moves, which is a new number in its name, and a ticket for the new one is given only to who may have it. Who may stay
learns of it by the event `stream.moved` or by the end of the old room, and asks for a ticket.

    shut_out      somebody may hear these streams no more: a friendship or an account has ended, or is suspended
    look_after    a log-in or an access token has ended: its tickets are void, and the person's others are not
    guard         looks at one stream, as the reconciler does every second, whatever was missed
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from flask import Flask

from contract.messages import BROADCASTER
from webapp.accounts import sessions
from webapp.accounts.signals import login_ended
from webapp.audio_server.client import AudioServerUnreachable, Room
from webapp.core.database import db
from webapp.friends import relations
from webapp.friends.signals import friendship_ended
from webapp.models import Stream, User, now
from webapp.streams import seats
from webapp.streams.queries import rooms_of, running_streams_of, stage_of, studio_of
from webapp.streams.rooms import Rooms, audio_server, close_left_room, open_rooms
from webapp.streams.state import ask_for_agent, change, publish

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Take rooms away as soon as a friendship or a log-in has ended."""
    friendship_ended.connect(_part)
    login_ended.connect(look_after)


def _part(user: User, friend: User) -> None:
    shut_out([user.id, friend.id])


def shut_out(owner_ids: Iterable[int]) -> None:
    """Take the streams of these owners away from whoever has lost the right to them. Call it after that is committed."""
    _move_stages([stream for stream in running_streams_of(owner_ids) if stream.is_on_air])


def look_after(user_id: int) -> None:
    """Take every room away from log-ins of a person that have ended. Call it after that is committed."""
    streams = running_streams_of([user_id, *relations.friend_ids(user_id)])
    every_room = [rooms_of(stream) for stream in streams]
    db.session.commit()
    try:
        found = audio_server().rooms([name for rooms in every_room for name in rooms.names])
        for stream, rooms in zip(streams, every_room, strict=True):
            guard(stream, rooms, found)
    except AudioServerUnreachable:
        log.warning("rooms not looked after, the reconciler will")


def guard(stream: Stream, rooms: Rooms, found: Mapping[str, Room]) -> None:
    """Shut out whoever has lost the right to a room that was found. Raises AudioServerUnreachable."""
    broadcaster = found[rooms.studio].find(BROADCASTER) if rooms.studio in found else None
    if broadcaster is not None and broadcaster.login not in sessions.open_marks([stream.owner_id]):
        log.warning("the studio moves away from a log-in that has ended", extra={"stream": rooms.stream_id})
        _move_studio(stream)
    if seats.lost(stream):
        log.warning("the stage moves away from somebody uninvited", extra={"stream": rooms.stream_id})
        _move_stages([stream])
    _send_strangers_out(stream, rooms.stage, found)


def _move_stages(streams: Iterable[Stream]) -> None:
    """Move friends to new stages, and send the others off the old ones at once. All move, however long the audio server takes."""
    left = [(stream, stage_of(stream)) for stream in streams]
    moved = [(stream, old_stage) for stream, old_stage in left if _renumber_stage(stream)]
    try:
        for stream, old_stage in moved:
            rooms = rooms_of(stream)
            db.session.commit()
            open_rooms(rooms)
            audio_server().set_metadata(rooms.studio, rooms.metadata)
            _send_strangers_out(stream, old_stage, audio_server().rooms([old_stage]))
    except AudioServerUnreachable:
        log.warning("stages not moved yet, the reconciler will")


def _renumber_stage(stream: Stream) -> bool:
    """Give the stream a new stage, and commit. False if it has got one at this moment, which is new for everybody."""
    lost = seats.lost(stream)
    if not change(stream, Stream.stage_number == stream.stage_number, stage_number=stream.stage_number + 1):
        return False
    seats.take_back(lost)
    publish("stream.moved", stream, to_friends=stream.is_on_air)
    db.session.commit()
    return True


def _send_strangers_out(stream: Stream, stage: str, found: Mapping[str, Room]) -> None:
    """Send everybody off a stage who has no seat there, whatever token they hold. Raises AudioServerUnreachable."""
    present = {person.identity for person in found[stage].people if not person.is_agent} if stage in found else set()
    strangers = present - set(seats.holders(stream.id, present))
    db.session.commit()
    for identity in strangers:
        audio_server().remove(stage, identity)


def _move_studio(stream: Stream) -> None:
    """Move the broadcaster and the noise remover to a new studio. The recording goes on; for a second there is no sound."""
    old_studio = studio_of(stream)
    values = {"studio_number": stream.studio_number + 1, "broadcaster_seen_at": now(), "agent_due_at": now(), "dispatch_tries": 0}
    if not change(stream, Stream.studio_number == stream.studio_number, **values):
        return
    rooms = rooms_of(stream)
    db.session.commit()
    try:
        close_left_room(old_studio)
        open_rooms(rooms)
        ask_for_agent(stream)
    except AudioServerUnreachable:
        log.warning("studio not moved yet, the reconciler will", extra={"stream": rooms.stream_id})
