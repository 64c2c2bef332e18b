"""What the owner of a stream can do: start, go live, rejoin, rename, listen along and stop."""

from __future__ import annotations

import logging

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.accounts import sessions
from webapp.audio_server.client import AudioServerUnreachable
from webapp.core.database import db
from webapp.core.errors import Conflict, NotFound
from webapp.core.text import validate_title
from webapp.events import outbox
from webapp.models import Event, Stream, User, new_id, now
from webapp.security import rate_limits
from webapp.streams import places, seats
from webapp.streams.queries import rooms_of, running_for, running_stream_of, stage_of, studio_of
from webapp.streams.rooms import audio_server, open_rooms, token_mint
from webapp.streams.serializers import Ticket, as_json
from webapp.streams.state import ask_for_agent, end, make_rooms_again, move, publish

log = logging.getLogger(__name__)


def start(
    owner: User,
    *,
    title: str = "",
    strength_db: float = 100.0,
    sound_check: bool = False,
    quality: str | None = None,
) -> Ticket:
    """Create a stream and its rooms, and send for a noise remover. Returns the owner's ticket to the studio.

    `title`: empty for "NAME on air". `quality`: a key of contract.messages.QUALITIES, or None for the owner's setting.
    Raises Invalid, TooMany, Conflict with the running stream if there is one, Busy, and AudioServerUnreachable.
    """
    rate_limits.check("start", owner.id)
    open_places = places.open_to(owner)
    stream = Stream(
        id=new_id(),
        room_key=new_id(),
        owner=owner,
        title=validate_title(title, default=_("%(name)s on air", name=owner.display_name)),
        strength_db=strength_db,
        sound_check=sound_check,
        quality=quality or owner.quality,
    )
    _insert(stream, open_places)
    rooms = rooms_of(stream)
    db.session.commit()
    try:
        open_rooms(rooms)
        ask_for_agent(stream)
    except AudioServerUnreachable:
        end(stream)
        raise
    rate_limits.record("start", owner.id)  # now: while the audio server is away, the page tries again every 5 s
    db.session.commit()
    return _studio_ticket(stream)


def _insert(stream: Stream, open_places: int | None) -> None:
    owner = stream.owner
    db.session.add(stream)
    try:
        db.session.flush()  # SQLite lets nobody else write from here on
    except IntegrityError as error:
        db.session.rollback()
        raise _already_streaming(owner) from error
    places.check(open_places)
    db.session.commit()


def _already_streaming(owner: User) -> Conflict:
    running = running_stream_of(owner)
    extra = {"stream": as_json(running) if running else None}
    return Conflict(_("You are already streaming."), code="already_streaming", extra=extra)


def go_live(owner: User) -> Stream:
    """End the sound check: friends may listen, and the recording begins. Does nothing if it has ended. Raises NotFound."""
    stream = running_for(owner)
    stream.sound_check = False
    db.session.commit()
    if stream.state == "checking":
        move(stream, "live")
    _tell_studio(stream)
    return stream


def rejoin(owner: User) -> Ticket:
    """Return a new ticket to the studio, for a page that has lost its connection or for another tab.

    Raises NotFound and AudioServerUnreachable.
    """
    stream = running_for(owner)
    rooms = rooms_of(stream)
    db.session.commit()
    if rooms.studio not in audio_server().rooms([rooms.studio]):
        make_rooms_again(stream, rooms)
    stream.broadcaster_seen_at = now()
    db.session.commit()
    return _studio_ticket(stream)


def stop(owner: User) -> Stream:
    """End the owner's stream; if it has ended, return the last one. Raises NotFound if there never was one."""
    stream = db.session.scalar(select(Stream).where(Stream.owner_id == owner.id).order_by(Stream.started_at.desc()).limit(1))
    if stream is None:
        raise NotFound(_("You have not streamed yet."))
    end(stream)
    return stream


def set_title(owner: User, title: str) -> Stream:
    """Rename the running stream, and tell friends if it is on air. Raises Invalid and NotFound."""
    title = validate_title(title)
    stream = running_for(owner)
    stream.title = title
    outbox.rewrite(Event.about == stream.id, title=title)
    publish("stream.title", stream, to_friends=stream.is_on_air)
    db.session.commit()
    _tell_studio(stream)
    return stream


def monitor(owner: User) -> Ticket:
    """Return a ticket with which the owner hears what friends hear, unseen by them. Raises NotFound."""
    stream = running_for(owner)
    seat, shown, stage = seats.give(stream, owner), as_json(stream), stage_of(stream)
    db.session.commit()
    return Ticket(shown, token_mint().stage(stage, seat))


def _tell_studio(stream: Stream) -> None:
    """Write title, stage and whether to record into the studio's metadata, where the noise remover reads them."""
    rooms = rooms_of(stream)
    db.session.commit()
    try:
        audio_server().set_metadata(rooms.studio, rooms.metadata)
    except AudioServerUnreachable:
        log.warning("studio not told yet, the reconciler will", extra={"stream": rooms.stream_id})


def _studio_ticket(stream: Stream) -> Ticket:
    login = sessions.login_mark(stream.owner.session_token)
    return Ticket(as_json(stream), token_mint().studio(studio_of(stream), login))
