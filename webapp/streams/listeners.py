"""What friends can do with a stream: see its status and listen. What ends with a friendship: the way to the stage."""

from __future__ import annotations

import logging

from flask import Flask

from webapp.accounts import accounts
from webapp.audio_server.client import AudioServerUnreachable
from webapp.core import noise_remover
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.friends import relations
from webapp.friends.signals import friendship_ended
from webapp.models import Stream, User
from webapp.streams import seats
from webapp.streams.queries import rooms_of, running_stream_of, stage_of
from webapp.streams.rooms import Rooms, audio_server, open_rooms, token_mint
from webapp.streams.schemas import StreamStatus
from webapp.streams.serializers import Ticket, as_json
from webapp.streams.state import change, publish

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Take streams away from former friends as soon as a friendship has ended."""
    friendship_ended.connect(_part_listeners)


# --- Status


def status_for(viewer: User, username: str) -> StreamStatus:
    """Return what the viewer may know of somebody's stream. Raises NotFound unless it is a friend's or the viewer's own."""
    owner = accounts.find(username)
    is_own = owner is not None and owner.id == viewer.id
    if owner is None or not is_own:
        owner = relations.friend_for(viewer, username)
    stream = running_stream_of(owner)
    if stream is None or not (is_own or stream.is_on_air):
        return {"live": False, "state": "offline", "stream": None}
    status: StreamStatus = {"live": stream.is_on_air, "state": stream.state, "stream": None}
    shown, listening = as_json(stream), len(stream.listener_ids)
    may_wait = stream.state == "starting" and stream.dispatch_tries > 1  # the first dispatch may just be on its way
    db.session.commit()
    if is_own:
        status["all_places_taken"] = full_capacity() if may_wait else None
    return {**status, "stream": {**shown, "listeners": listening}}


def full_capacity() -> int | None:
    """Return how many streams the server cleans at once if all slots are taken, so that a new stream has to wait; else None.

    The stream then starts by itself when a slot is free, because the reconciler asks again every few seconds. Call it without an
    open transaction.
    """
    health = noise_remover.health()
    if health is None or health.slots is None:  # there is no noise remover at all, which is another problem
        return None
    return None if health.slots.free else health.slots.total


# --- Listening


def listen_for(listener: User, username: str) -> Ticket:
    """Return a ticket to the stage. Raises the same NotFound for a stranger, an unknown name and a friend who is not on air."""
    owner = relations.friend_for(listener, username)
    stream = running_stream_of(owner)
    if stream is None or not stream.is_on_air:
        raise NotFound()
    seat = seats.give(stream, listener)
    db.session.commit()
    return Ticket(stream, token_mint().stage(stage_of(stream), seat))


def _part_listeners(user: User, friend: User) -> None:
    shut_out(user, friend)
    shut_out(friend, user)


def shut_out(owner: User, outsider: User) -> None:
    """Take the owner's stream away from somebody who is no longer a friend. Call it after that is committed.

    Removing the person from the room is not enough, because the audio server renews every token that is in use. So the stream
    moves to a new stage, for which they never get a token; friends hear of it by the event `stream.moved` and follow.
    """
    stream = running_stream_of(owner)
    if stream is None or not stream.is_on_air:
        return
    old_stage, identities = stage_of(stream), seats.identities_of(stream.id, outsider)
    if not change(stream, Stream.stage_number == stream.stage_number, stage_number=stream.stage_number + 1):
        return  # somebody else was shut out at this moment: the new stage is new for both
    publish("stream.moved", stream, to_friends=True)
    rooms = rooms_of(stream)
    db.session.commit()
    try:
        _move_stage(rooms, old_stage, identities)
    except AudioServerUnreachable:
        log.warning("stage not moved yet, the reconciler will", extra={"stream": rooms.stream_id})


def _move_stage(rooms: Rooms, old_stage: str, identities: set[str]) -> None:
    open_rooms(rooms)
    audio_server().set_metadata(rooms.studio, rooms.metadata)
    found = audio_server().rooms([old_stage]).get(old_stage)
    for person in found.people if found else ():
        if person.identity in identities:
            audio_server().remove(old_stage, person.identity)
