"""A stream's life: start, go live, rejoin, stop, who may listen, and who is shut out.

The row is the truth about what shall be; the audio server follows it. Every function here changes the row first and commits, then
tells the audio server; when that fails, the reconciler (webapp.reconciler) does it within seconds. `move` is the only place where
a state changes, and it changes it for one caller, however many try at once:

    starting -> checking -> live <-> interrupted -> ended         (each of them -> ended; checking only for a sound check)
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, update

from webapp.audio_server.client import AudioServerUnreachable
from webapp.core.database import affected_rows, db
from webapp.core.errors import NotFound
from webapp.events import outbox
from webapp.friends import relations
from webapp.models import Stream, User, now
from webapp.notifications import go_live as notifications_go_live
from webapp.security import audit
from webapp.streams.rooms import Rooms, audio_server, open_rooms
from webapp.streams.serializers import as_json

log = logging.getLogger(__name__)

DISPATCH_WAITS_S = (3.0, 3.0, 3.0, 5.0)
"""How long a dispatch may wait to be taken, the first, second, ... one; one that nobody can take at once is lost."""
RETURN_S = 10.0
"""How long the noise remover gets to come back by itself after the audio server was restarted; 8 s is usual."""


# --- The admin's act


def end_for_admin(admin: User, stream_id: str) -> Stream:
    """Raises NotFound when there is no such stream, or not any more."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or stream.state == "ended":
        raise NotFound(_("This stream has ended already."))
    end(stream, admin)
    return stream


# --- The row and the audio server


def move(stream: Stream, state: str, admin: User | None = None) -> bool:
    """Change the state and tell whom it concerns. False when somebody else has changed it since `stream` was read."""
    first_time_live = state == "live" and stream.live_at is None
    times = {"live_at": now()} if first_time_live else {"ended_at": now()} if state == "ended" else {}
    if not change(stream, Stream.state == stream.state, state=state, **times):
        return False
    if first_time_live:
        publish("stream.live", stream, to_friends=True)
        notifications_go_live.tell_live(stream)
    elif state == "ended":
        if admin is not None:
            audit.record(admin, "stream.ended", stream.owner, stream.title)
        publish("stream.ended", stream, to_friends=stream.live_at is not None, by_admin=admin is not None)
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
    mine = change(
        stream,
        Stream.agent_due_at == stream.agent_due_at,
        agent_due_at=now() + wait,
        dispatch_tries=stream.dispatch_tries + 1,
    )
    db.session.commit()
    if mine:
        rooms = Rooms.of(stream)
        audio_server().dispatch(rooms.studio, rooms.job)


def change(stream: Stream, condition: ColumnElement[bool], **values: Any) -> bool:
    """Write into the row if the condition still holds there; `stream` is read again either way. The caller commits."""
    query = update(Stream).where(Stream.id == stream.id, condition).values(**values)
    changed = affected_rows(query.execution_options(synchronize_session=False)) == 1
    db.session.refresh(stream)
    return changed


def publish(kind: str, stream: Stream, *, to_friends: bool, **more: Any) -> None:
    owner = stream.owner
    audience = [owner.id, *(relations.friend_ids(owner.id) if to_friends else ())]
    data = {"username": owner.username, "display_name": owner.display_name, "stream": as_json(stream), **more}
    outbox.publish(audience, kind, data)
