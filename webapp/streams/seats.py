"""Seats on a stage: who listens behind which identity.

An identity on a stage is random and its seat is hidden there, so neither other listeners nor the audio server's log learn who
listens. Only the table `stage_seat` knows whose it is; the owner of the stream gets the names from the web app.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select

from webapp.accounts import sessions
from webapp.core.database import db
from webapp.events import outbox
from webapp.friends import relations
from webapp.models import StageSeat, Stream, User
from webapp.security import rate_limits
from webapp.streams.state import change

MAX_SEATS = 32
"""Seats that one person may have on a stage. For one more the oldest is taken back, which a lost connection may have left."""


def give(stream: Stream, person: User) -> str:
    """Give somebody one more seat on the stage, for one page, and return its identity. The caller commits. Raises TooMany."""
    rate_limits.count("seat", person.id)
    theirs = select(StageSeat.id).where(StageSeat.stream_id == stream.id, StageSeat.user_id == person.id)
    take_back(db.session.scalars(theirs.order_by(StageSeat.created_at.desc()).offset(MAX_SEATS - 1)))
    seat = StageSeat(stream_id=stream.id, user_id=person.id, login=sessions.login_mark(person.session_token))
    db.session.add(seat)
    db.session.flush()
    return seat.id


def holders(stream_id: str, identities: Iterable[str]) -> dict[str, int]:
    """Return the user ids behind these identities. One that nobody was given is missing."""
    wanted = list(identities)
    if not wanted:
        return {}
    query = select(StageSeat).where(StageSeat.stream_id == stream_id, StageSeat.id.in_(wanted))
    return {seat.id: seat.user_id for seat in db.session.scalars(query)}


def lost(stream: Stream) -> set[str]:
    """Return the identities of seats whose holder has lost the right to them: no friend any more, or the log-in has ended."""
    columns = select(StageSeat.id, StageSeat.user_id, StageSeat.login)
    given = db.session.execute(columns.where(StageSeat.stream_id == stream.id)).all()
    if not given:
        return set()
    people = {stream.owner_id, *relations.friend_ids(stream.owner_id)}
    marks = sessions.open_marks(people & {seat.user_id for seat in given})
    return {seat.id for seat in given if seat.login not in marks}


def take_back(identities: Iterable[str]) -> None:
    """Forget these seats. The caller commits."""
    ids = list(identities)
    if ids:
        db.session.execute(delete(StageSeat).where(StageSeat.id.in_(ids)))


def remember(stream: Stream, seated: Mapping[str, int]) -> None:
    """Remember who listens, however many devices each of them uses, and tell the owner if that has changed. Commits.

    `seated`: user ids by the identities that are on the stage now. The owner's own ear does not count.
    """
    listening = sorted(set(seated.values()) - {stream.owner_id})
    if listening != stream.listener_ids and change(stream, Stream.state != "ended", listener_ids=listening):
        outbox.publish([stream.owner_id], "stream.listeners", {"stream": stream.id, "count": len(listening)})
    db.session.commit()


def listeners_of(stream: Stream) -> list[User]:
    """Return who listens now, ordered by display name."""
    users = db.session.scalars(select(User).where(User.id.in_(stream.listener_ids)))
    return sorted(users, key=lambda user: (user.display_name.casefold(), user.username_key))


def prune() -> None:
    """Delete the seats of streams that are over. The caller commits."""
    over = select(Stream.id).where(Stream.state == "ended")
    db.session.execute(delete(StageSeat).where(StageSeat.stream_id.in_(over)))
