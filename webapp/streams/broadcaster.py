"""What the owner of a stream does: start, go live, rejoin, rename, stop."""

from __future__ import annotations

import logging

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.audio_server.client import AudioServerUnreachable
from webapp.core.database import db
from webapp.core.errors import Conflict, NotFound
from webapp.core.text import validate_title
from webapp.models import Stream, User, new_id, now
from webapp.streams.queries import running_for, running_stream_of
from webapp.streams.rooms import Rooms, audio_server, open_rooms, token_mint
from webapp.streams.serializers import Ticket, as_json
from webapp.streams.state import ask_for_agent, end, make_rooms_again, move, publish

log = logging.getLogger(__name__)


# --- The owner's acts


def start(
    owner: User,
    *,
    title: str = "",
    strength_db: float = 100.0,
    sound_check: bool = False,
    quality: str | None = None,
) -> Ticket:
    """A new stream with its rooms, and a noise remover on its way. Raises Conflict with the running stream when there is one.

    `quality`: of contract.QUALITIES; None is the owner's setting.
    """
    stream = Stream(
        id=new_id(),
        room_key=new_id(),
        owner=owner,
        title=validate_title(title, default=_("%(name)s on air", name=owner.display_name)),
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
            _("You are streaming already."),
            code="already_streaming",
            extra={"stream": as_json(running) if running else None},
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
    """Raises Invalid."""
    title = validate_title(title)
    stream = running_for(owner)
    stream.title = title
    publish("stream.title", stream, to_friends=stream.is_on_air)
    db.session.commit()
    _tell_studio(stream)
    return stream


def monitor(owner: User) -> Ticket:
    """The owner's own ear on the stage, unseen by the listeners."""
    stream = running_for(owner)
    return Ticket(stream, token_mint().monitor(Rooms.of(stream).stage, owner.username, owner.display_name))


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
