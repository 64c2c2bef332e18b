"""What friends do with a stream: see its status, listen, and lose access."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from flask import Flask

from webapp.accounts import accounts
from webapp.audio_server.client import AudioServerUnreachable
from webapp.core import noise_remover
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.friends import relations
from webapp.friends.signals import friendship_ended
from webapp.models import Stream, User
from webapp.streams.queries import running_stream_of
from webapp.streams.rooms import Rooms, audio_server, open_rooms, token_mint
from webapp.streams.schemas import StreamStatus, StreamWithListeners
from webapp.streams.serializers import Ticket, as_json
from webapp.streams.state import change, publish

log = logging.getLogger(__name__)


def status_for(viewer: User, username: str) -> StreamStatus:
    """What the viewer may know of somebody's stream. Raises NotFound unless it is a friend or oneself."""
    owner = accounts.find(username)
    if owner is None or owner.id != viewer.id:
        owner = relations.friend_for(viewer, username)
    stream = running_stream_of(owner)
    if stream is None or (owner.id != viewer.id and not stream.is_on_air):
        return {"live": False, "state": "offline", "stream": None}
    shown: StreamWithListeners = {**as_json(stream), "listeners": count_listeners(stream)}
    found: StreamStatus = {"live": stream.is_on_air, "state": stream.state, "stream": shown}
    if owner.id == viewer.id:
        found["all_places_taken"] = all_places_taken(stream)
    return found


def count_listeners(stream: Stream) -> int:
    """How many friends are listening; 0 while the audio server cannot say."""
    return listener_counts([stream]).get(stream.id, 0)


def listener_counts(streams: Iterable[Stream]) -> dict[str, int]:
    """The same of several, by stream; empty while the audio server cannot say."""
    stages = {Rooms.of(stream).stage: stream.id for stream in streams}
    try:
        rooms = audio_server().rooms(stages)
    except AudioServerUnreachable:
        return {}
    return {
        stages[stage]: len({person.username for person in room.people if not person.is_agent and not person.hidden})
        for stage, room in rooms.items()
    }


def all_places_taken(stream: Stream) -> int | None:
    """How many streams can be cleaned at once, when that is why this one does not start; else None. It starts by itself when a
    place is free, for the reconciler asks again every few seconds."""
    if stream.state != "starting" or stream.dispatch_tries < 2:  # the first dispatch may just be on its way
        return None
    health = noise_remover.health()
    if health is None or health.slots is None:  # there is no noise remover at all, which is another trouble
        return None
    return None if health.slots.free else health.slots.total


# --- Friends


def listen_for(listener: User, username: str) -> Ticket:
    """A way onto the stage. Raises the same NotFound for a stranger, an unknown name and a friend who is not on air."""
    owner = relations.friend_for(listener, username)
    stream = running_stream_of(owner)
    if stream is None or not stream.is_on_air:
        raise NotFound()
    room = Rooms.of(stream).stage
    return Ticket(stream, token_mint().stage(room, listener.username, listener.display_name, listener.avatar_url))


def init_app(app: Flask) -> None:
    """Take streams away from former friends as soon as a friendship has ended."""
    friendship_ended.connect(_part_listeners)


def _part_listeners(user: User, friend: User) -> None:
    shut_out(user, friend)
    shut_out(friend, user)


def shut_out(owner: User, outsider: User) -> None:
    """Take the owner's stream away from somebody who is no friend any more. Call it after that is committed.

    Sending them out is not enough, for the audio server renews every token that is in use. So the stream moves to a new stage,
    for which they never get a token; friends hear of it by `stream.moved` and come along.
    """
    stream = running_stream_of(owner)
    if stream is None or not stream.is_on_air:
        return
    left = Rooms.of(stream).stage
    if not change(stream, Stream.stage_number == stream.stage_number, stage_number=stream.stage_number + 1):
        return  # another one was shut out this moment: the new stage is new for both
    publish("stream.moved", stream, to_friends=True)
    db.session.commit()
    rooms = Rooms.of(stream)
    try:
        open_rooms(rooms)
        audio_server().set_metadata(rooms.studio, rooms.metadata)
        for person in audio_server().rooms([left])[left].people:
            if person.username == outsider.username:
                audio_server().remove(left, person.identity)
    except (AudioServerUnreachable, KeyError):
        log.warning("stage not moved yet, the reconciler will", extra={"stream": stream.id})
