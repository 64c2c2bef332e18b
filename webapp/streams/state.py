"""The life of a stream: the changes of its state, its end, and the calls to the audio server that follow from them.

The row in the database says what should be, and the audio server follows it. Every function here changes the row and commits,
then tells the audio server; if that fails, the reconciler (webapp.reconciler) makes up for it within seconds. No transaction is
open during such a call, which may take seconds: plain values are read before it (webapp.streams.rooms).

`move` is the only place where a state changes, and however many callers try at once, it changes it for one of them:

    starting -> checking -> live <-> interrupted -> ended         (each of them -> ended; checking only for a sound check)
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, update

from webapp.audio_server.client import AudioServerUnreachable
from webapp.core.database import affected_rows, db
from webapp.core.errors import NotFound
from webapp.events import outbox
from webapp.friends import relations
from webapp.models import StageSeat, Stream, User, now
from webapp.notifications import go_live as notifications_go_live
from webapp.security import audit
from webapp.streams.queries import rooms_of
from webapp.streams.rooms import Rooms, audio_server, close_rooms, open_rooms
from webapp.streams.serializers import as_json

log = logging.getLogger(__name__)

DISPATCH_WAITS_S = (3.0, 3.0, 3.0, 5.0)
"""How long the first, second, ... dispatch may wait for a noise remover; one that nobody can take at once is lost."""
RETURN_S = 10.0
"""How long the noise remover has to come back by itself after the audio server was restarted; it usually takes 8 s."""


def end_for_admin(admin: User, stream_id: str) -> Stream:
    """End somebody's stream as the admin. Raises NotFound if there is no such stream, or if it has ended."""
    stream = db.session.get(Stream, stream_id)
    if stream is None or stream.state == "ended":
        raise NotFound(_("This stream has already ended."))
    end(stream, admin)
    return stream


def move(stream: Stream, state: str, admin: User | None = None) -> bool:
    """Change the state, publish the event and commit. Returns False if the state has changed since `stream` was read.

    `admin`: who ends the stream of somebody else.
    """
    first_time_live = state == "live" and stream.live_at is None
    more = {"live_at": now()} if first_time_live else {"ended_at": now(), "listener_ids": []} if state == "ended" else {}
    if not change(stream, Stream.state == stream.state, state=state, **more):
        return False
    if first_time_live:
        publish("stream.live", stream, to_friends=True)
        notifications_go_live.publish_live(stream)
    elif state == "ended":
        if admin is not None:
            audit.record(admin, "stream.ended", stream.owner, stream.title)
        db.session.execute(delete(StageSeat).where(StageSeat.stream_id == stream.id))
        publish("stream.ended", stream, to_friends=stream.live_at is not None, by_admin=admin is not None)
    db.session.commit()
    return True


def end(stream: Stream, admin: User | None = None) -> None:
    """End the stream for good, whatever its state, and send everybody out. `admin`: who ends the stream of somebody else."""
    while stream.state != "ended" and not move(stream, "ended", admin):
        db.session.refresh(stream)
    rooms = rooms_of(stream)
    db.session.commit()
    try:
        close_rooms(rooms)
    except AudioServerUnreachable:
        log.warning("rooms not closed yet, the reconciler will", extra={"stream": rooms.stream_id})


def make_rooms_again(stream: Stream, rooms: Rooms) -> None:
    """Make the rooms that a restart of the audio server has lost, and give everybody time to come back by themselves.

    Call it without an open transaction. Raises AudioServerUnreachable.
    """
    open_rooms(rooms)
    stream.broadcaster_seen_at, stream.agent_due_at = now(), now() + timedelta(seconds=RETURN_S)
    db.session.commit()


def ask_for_agent(stream: Stream) -> None:
    """Dispatch a noise remover, which also evicts a dead one. Of several callers at once only one does it.

    Raises AudioServerUnreachable.
    """
    wait = timedelta(seconds=DISPATCH_WAITS_S[min(stream.dispatch_tries, len(DISPATCH_WAITS_S) - 1)])
    is_mine = change(
        stream,
        Stream.agent_due_at == stream.agent_due_at,
        agent_due_at=now() + wait,
        dispatch_tries=stream.dispatch_tries + 1,
    )
    rooms = rooms_of(stream)
    db.session.commit()
    if is_mine:
        audio_server().dispatch(rooms.studio, rooms.job)


def change(stream: Stream, condition: ColumnElement[bool], **values: Any) -> bool:
    """Write into the row if the condition still holds there, and read `stream` again either way. The caller commits."""
    query = update(Stream).where(Stream.id == stream.id, condition).values(**values)
    changed = affected_rows(query.execution_options(synchronize_session=False)) == 1
    db.session.refresh(stream)
    return changed


def publish(kind: str, stream: Stream, *, to_friends: bool, **more: Any) -> None:
    """Publish an event about the stream to its owner, and to friends if they may know of it. The caller commits."""
    owner = stream.owner
    audience = [owner.id, *(relations.friend_ids(owner.id) if to_friends else ())]
    data = {"username": owner.username, "display_name": owner.display_name, "stream": as_json(stream), **more}
    outbox.publish(audience, kind, data, author=owner, about=stream.id)
