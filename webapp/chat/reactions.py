"""Reactions to a stream on air: a heart, a laugh. Nobody is told who sent them.

The owner can switch them off for the stream; webapp.chat.archive keeps them with the recording.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, select

from webapp.chat import messages
from webapp.chat.schemas import KINDS
from webapp.core.database import db
from webapp.core.errors import Conflict, Invalid
from webapp.events import outbox
from webapp.models import Reaction, User
from webapp.security import rate_limits

MAX_REACTIONS = 20_000  # of one stream


def counts(stream_id: str) -> dict[str, int]:
    """Count the reactions of each kind."""
    query = select(Reaction.kind, func.count()).where(Reaction.stream_id == stream_id).group_by(Reaction.kind)
    found = {row[0]: row[1] for row in db.session.execute(query)}
    return {kind: found.get(kind, 0) for kind in KINDS}


def react(person: User, stream_id: str, kind: str) -> dict[str, int]:
    """Send a reaction and return the new counts.

    Raises NotFound, Forbidden if the person is muted, Invalid, TooMany, and Conflict if reactions are off or too many.
    """
    stream = messages.stream_for(person, stream_id)
    messages.check_not_muted(person, stream)
    if kind not in KINDS:
        raise Invalid.choice("kind", KINDS)
    if not stream.reactions_on:
        raise Conflict(_("%(name)s has switched reactions off for this stream.", name=stream.owner.display_name))
    rate_limits.count("reaction", person.id)
    if sum(counts(stream.id).values()) >= MAX_REACTIONS:
        raise Conflict(_("This stream has reached its limit of reactions. The stream goes on."))
    db.session.add(Reaction(stream_id=stream.id, kind=kind))
    db.session.flush()
    found = counts(stream.id)
    outbox.publish(messages.readers(stream), "chat.reaction", {"stream": stream.id, "kind": kind, "counts": found})
    db.session.commit()
    return found


def switch(owner: User, stream_id: str, *, on: bool) -> None:
    """Switch reactions on or off for everybody. Raises NotFound."""
    stream = messages.own_stream(owner, stream_id)
    stream.reactions_on = on
    outbox.publish(messages.readers(stream), "chat.reactions", {"stream": stream.id, "on": on})
    db.session.commit()
