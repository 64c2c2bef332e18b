"""What friends can do with a stream: see its status and listen."""

from __future__ import annotations

from webapp.accounts import accounts
from webapp.core import noise_remover
from webapp.core.database import db
from webapp.core.errors import NotFound
from webapp.friends import relations
from webapp.models import User
from webapp.streams import seats
from webapp.streams.queries import running_stream_of, stage_of
from webapp.streams.rooms import token_mint
from webapp.streams.schemas import StreamStatus
from webapp.streams.serializers import Ticket, as_json

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
    """Return a ticket to the stage. Raises the same NotFound for a stranger, an unknown name and a friend who is not on air.

    Raises TooMany.
    """
    owner = accounts.find(username)
    stream = running_stream_of(owner) if owner is not None else None
    if owner is None or stream is None or not stream.is_on_air:
        raise NotFound()
    stage = stage_of(stream)
    # Asked after the stage is read: whoever is shut out in between has a ticket to the stage that is left.
    if not relations.are_friends(listener, owner):
        raise NotFound()
    seat, shown = seats.give(stream, listener), as_json(stream)
    db.session.commit()
    return Ticket(shown, token_mint().stage(stage, seat))
