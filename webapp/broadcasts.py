"""A stream's life: start, go live, rejoin, stop, who may listen, and who is shut out.

The row is the truth about what shall be; the audio server follows it. Every function here changes the row first and commits, then
tells the audio server; when that fails, the reconciler (webapp.reconciler) does it within seconds. `move` is the only place where
a state changes, and it changes it for one caller, however many try at once:

    starting -> checking -> live <-> interrupted -> ended         (each of them -> ended; checking only for a sound check)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

import contract
from webapp import accounts, allowance, audit, events, friendships, notices, probe
from webapp.audio_server import AudioServer, AudioServerUnreachable
from webapp.config import Config
from webapp.errors import Conflict, NotFound
from webapp.extensions import db
from webapp.models import Stream, User, new_id, now, rfc3339
from webapp.tokens import TokenMint

log = logging.getLogger(__name__)

DISPATCH_WAITS_S = (3.0, 3.0, 3.0, 5.0)
"""How long a dispatch may wait to be taken, the first, second, ... one; one that nobody can take at once is lost."""
RETURN_S = 10.0
"""How long the noise remover gets to come back by itself after the audio server was restarted; 8 s is usual."""


@dataclass(frozen=True)
class Rooms:
    """What the audio server must know of a stream, as plain values: no database transaction is open during a call."""

    studio: str
    stage: str
    metadata: str
    job: contract.BroadcastJob

    @property
    def names(self) -> tuple[str, str]:
        return self.studio, self.stage

    @classmethod
    def of(cls, stream: Stream) -> Rooms:
        stage = contract.stage_room(stream.room_key, stream.stage_number)
        metadata = contract.StudioMetadata(
            stage=stage,
            live=not stream.sound_check,
            title=stream.title,
            recording_limit=allowance.left_for(stream.owner, stream.id),
        )
        return cls(
            studio=contract.studio_room(stream.room_key),
            stage=stage,
            metadata=metadata.to_json(),
            job=contract.BroadcastJob(
                stream_id=stream.id,
                owner=stream.owner.username,
                title=stream.title,
                started_at=rfc3339(stream.started_at),
                strength_db=stream.strength_db,
                quality=stream.quality,
            ),
        )


@dataclass(frozen=True)
class Ticket:
    """The way into one room of a stream."""

    stream: Stream
    token: str


# --- Questions

def running_stream_of(owner: User) -> Stream | None:
    """The owner's stream that has not ended, on air or not."""
    return db.session.scalar(select(Stream).where(Stream.owner_id == owner.id, Stream.state != "ended"))


def on_air(stream: Stream) -> bool:
    """Whether friends see this stream. A short interruption keeps it on air, a sound check does not put it there."""
    return stream.live_at is not None and stream.state != "ended"


def on_air_streams(owner_ids: Iterable[int]) -> dict[int, Stream]:
    """The streams of these people that friends see, by owner."""
    query = select(Stream).where(Stream.owner_id.in_(list(owner_ids)), Stream.state != "ended", Stream.live_at.is_not(None))
    return {stream.owner_id: stream for stream in db.session.scalars(query)}


def as_json(stream: Stream) -> dict[str, Any]:
    return {
        "id": stream.id,
        "title": stream.title,
        "state": stream.state,
        "sound_check": stream.sound_check,
        "quality": stream.quality,
        "started_at": rfc3339(stream.live_at or stream.started_at),
    }


def ticket_json(ticket: Ticket, host: str) -> dict[str, Any]:
    """What `room.connect(url, token)` of livekit-client takes. `host`: the Host header by which the browser reached us."""
    return {"stream": as_json(ticket.stream), "url": config().audio_url_for(host), "token": ticket.token}


def status_for(viewer: User, username: str) -> dict[str, Any]:
    """What the viewer may know of somebody's stream. Raises NotFound unless it is a friend or oneself."""
    owner = accounts.find(username)
    if owner is None or owner.id != viewer.id:
        owner = friendships.friend_for(viewer, username)
    stream = running_stream_of(owner)
    if stream is None or (owner.id != viewer.id and not on_air(stream)):
        return {"live": False, "state": "offline", "stream": None}
    found = {"live": on_air(stream), "state": stream.state, "stream": {**as_json(stream), "listeners": count_listeners(stream)}}
    return {**found, "all_places_taken": all_places_taken(stream)} if owner.id == viewer.id else found


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


def running_streams() -> list[Stream]:
    """All that have not ended, the longest first."""
    query = select(Stream).where(Stream.state != "ended").order_by(Stream.started_at, Stream.id)
    return list(db.session.scalars(query.options(joinedload(Stream.owner))))


def all_places_taken(stream: Stream) -> int | None:
    """How many streams can be cleaned at once, when that is why this one does not start; else None. It starts by itself when a
    place is free, for the reconciler asks again every few seconds."""
    url = config().agent_health_url
    if stream.state != "starting" or stream.dispatch_tries < 2 or url is None:      # the first dispatch may just be on its way
        return None
    try:
        health = json.loads(probe.ask(url).body)
        return int(health["places"]) if health["taken"] >= health["places"] else None
    except (ValueError, KeyError, TypeError):       # there is no noise remover at all, which is another trouble
        return None


# --- The admin's act

def end_for_admin(admin: User, stream_id: str) -> Stream:
    """Raises NotFound when there is no such stream, or not any more."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or stream.state == "ended":
        raise NotFound(_("This stream has ended already."))
    end(stream, admin)
    return stream


# --- The owner's acts

def start(
    owner: User, *, title: str = "", strength_db: float = 100.0, sound_check: bool = False, quality: str | None = None,
) -> Ticket:
    """A new stream with its rooms, and a noise remover on its way. Raises Conflict with the running stream when there is one.

    `quality`: of contract.QUALITIES; None is the owner's setting.
    """
    stream = Stream(
        id=new_id(),
        room_key=new_id(),
        owner=owner,
        title=title or _("%(name)s on air", name=owner.display_name),
        strength_db=strength_db,
        sound_check=sound_check,
        quality=quality or owner.quality,
    )
    db.session.add(stream)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        running = running_stream_of(owner)
        raise Conflict(
            _("You are streaming already."), code="already_streaming", extra={"stream": as_json(running) if running else None},
        ) from error
    try:
        open_rooms(Rooms.of(stream))
        ask_for_agent(stream)
    except AudioServerUnreachable:
        end(stream)
        raise
    return _studio_ticket(stream)


def go_live(owner: User) -> Stream:
    """End the sound check: record, and let friends in. Nothing happens when it is over already."""
    stream = running_for(owner)
    stream.sound_check = False
    db.session.commit()
    if stream.state == "checking":
        move(stream, "live")
    _tell_studio(stream)
    return stream


def rejoin(owner: User) -> Ticket:
    """A new way into the studio for the owner's page, after a lost connection or from another tab."""
    stream = running_for(owner)
    rooms = Rooms.of(stream)
    if rooms.studio not in audio_server().rooms([rooms.studio]):
        make_rooms_again(stream)
    stream.broadcaster_seen_at = now()
    db.session.commit()
    return _studio_ticket(stream)


def stop(owner: User) -> Stream:
    """End the owner's stream; the last one again when it has ended already."""
    stream = db.session.scalar(select(Stream).where(Stream.owner_id == owner.id).order_by(Stream.started_at.desc()).limit(1))
    if stream is None:
        raise NotFound(_("You have not streamed yet."))
    end(stream)
    return stream


def set_title(owner: User, title: str) -> Stream:
    stream = running_for(owner)
    stream.title = title
    _publish("stream.title", stream, to_friends=on_air(stream))
    db.session.commit()
    _tell_studio(stream)
    return stream


def monitor(owner: User) -> Ticket:
    """The owner's own ear on the stage, unseen by the listeners."""
    stream = running_for(owner)
    return Ticket(stream, token_mint().monitor(Rooms.of(stream).stage, owner.username, owner.display_name))


def running_for(owner: User) -> Stream:
    """Raises NotFound when the owner is not streaming."""
    stream = running_stream_of(owner)
    if stream is None:
        raise NotFound(_("You are not streaming."))
    return stream


# --- Friends

def listen_for(listener: User, username: str) -> Ticket:
    """A way onto the stage. Raises the same NotFound for a stranger, an unknown name and a friend who is not on air."""
    owner = friendships.friend_for(listener, username)
    stream = running_stream_of(owner)
    if stream is None or not on_air(stream):
        raise NotFound()
    room = Rooms.of(stream).stage
    return Ticket(stream, token_mint().stage(room, listener.username, listener.display_name, listener.avatar_url))


def shut_out(owner: User, outsider: User) -> None:
    """Take the owner's stream away from somebody who is no friend any more. Call it after that is committed.

    Sending them out is not enough, for the audio server renews every token that is in use. So the stream moves to a new stage,
    for which they never get a token; friends hear of it by `stream.moved` and come along.
    """
    stream = running_stream_of(owner)
    if stream is None or not on_air(stream):
        return
    left = Rooms.of(stream).stage
    if not _change(stream, Stream.stage_number == stream.stage_number, stage_number=stream.stage_number + 1):
        return          # another one was shut out this moment: the new stage is new for both
    _publish("stream.moved", stream, to_friends=True)
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


# --- The row and the audio server

def move(stream: Stream, state: str, admin: User | None = None) -> bool:
    """Change the state and tell whom it concerns. False when somebody else has changed it since `stream` was read."""
    first_time_live = state == "live" and stream.live_at is None
    times = {"live_at": now()} if first_time_live else {"ended_at": now()} if state == "ended" else {}
    if not _change(stream, Stream.state == stream.state, state=state, **times):
        return False
    if first_time_live:
        _publish("stream.live", stream, to_friends=True)
        notices.tell_live(stream)
    elif state == "ended":
        if admin is not None:
            audit.record(admin, "stream.ended", stream.owner, stream.title)
        _publish("stream.ended", stream, to_friends=stream.live_at is not None, by_admin=admin is not None)
    db.session.commit()
    return True


def end(stream: Stream, admin: User | None = None) -> None:
    """End it for good, whatever its state, and send everybody out. `admin`: who ends somebody else's."""
    while stream.state != "ended" and not move(stream, "ended", admin):
        db.session.refresh(stream)
    rooms = Rooms.of(stream)
    try:
        audio_server().delete_room(rooms.studio)
        audio_server().delete_room(rooms.stage)
    except AudioServerUnreachable:
        log.warning("rooms not closed yet, the reconciler will", extra={"stream": stream.id})


def make_rooms_again(stream: Stream) -> None:
    """After the audio server was restarted. Everybody comes back by himself when there is a room; they get time for it."""
    open_rooms(Rooms.of(stream))
    stream.broadcaster_seen_at, stream.agent_due_at = now(), now() + timedelta(seconds=RETURN_S)
    db.session.commit()


def ask_for_agent(stream: Stream) -> None:
    """A dispatch, which also evicts a dead noise remover; one only, whoever else has the same idea at this moment."""
    wait = timedelta(seconds=DISPATCH_WAITS_S[min(stream.dispatch_tries, len(DISPATCH_WAITS_S) - 1)])
    mine = _change(
        stream, Stream.agent_due_at == stream.agent_due_at, agent_due_at=now() + wait, dispatch_tries=stream.dispatch_tries + 1,
    )
    db.session.commit()
    if mine:
        rooms = Rooms.of(stream)
        audio_server().dispatch(rooms.studio, rooms.job)


def open_rooms(rooms: Rooms) -> None:
    """Both rooms, or what is missing of them. They outlive the broadcaster's grace, which the row alone counts."""
    keep_s = int(config().grace_s) + 60
    audio_server().create_room(rooms.studio, metadata=rooms.metadata, keep_s=keep_s)
    audio_server().create_room(rooms.stage, keep_s=keep_s)


def room_key_of(name: str) -> str | None:
    """The stream's key in a room's name; None for a room that is none of ours."""
    kind, _, rest = name.partition("-")
    return rest.partition("-")[0] if kind in ("studio", "stage") else None


def _tell_studio(stream: Stream) -> None:
    """Write title, stage and whether to record where the noise remover reads them."""
    rooms = Rooms.of(stream)
    try:
        audio_server().set_metadata(rooms.studio, rooms.metadata)
    except AudioServerUnreachable:
        log.warning("studio not told yet, the reconciler will", extra={"stream": stream.id})


def _studio_ticket(stream: Stream) -> Ticket:
    owner = stream.owner
    return Ticket(stream, token_mint().studio(Rooms.of(stream).studio, owner.username, owner.display_name))


def _change(stream: Stream, condition: ColumnElement[bool], **values: Any) -> bool:
    """Write into the row if the condition still holds there; `stream` is read again either way. The caller commits."""
    query = update(Stream).where(Stream.id == stream.id, condition).values(**values)
    result = db.session.execute(query.execution_options(synchronize_session=False))
    changed = cast("CursorResult[Any]", result).rowcount == 1
    db.session.refresh(stream)
    return changed


def _publish(kind: str, stream: Stream, *, to_friends: bool, **more: Any) -> None:
    owner = stream.owner
    audience = [owner.id, *(friendships.friend_ids(owner.id) if to_friends else ())]
    data = {"username": owner.username, "display_name": owner.display_name, "stream": as_json(stream), **more}
    events.publish(audience, kind, data)


def config() -> Config:
    found: Config = current_app.config["STILLAIR"]
    return found


def audio_server() -> AudioServer:
    settings = config()
    return AudioServer(settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret)


def token_mint() -> TokenMint:
    settings = config()
    return TokenMint(settings.livekit_api_key, settings.livekit_api_secret)
