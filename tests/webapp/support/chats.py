"""Streams on air in the database, and what is said in their chat. No audio server takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy import select, update

from webapp.accounts import accounts
from webapp.core.database import db
from webapp.models import Event, Stream, User, now
from webapp.presence import presence

if TYPE_CHECKING:
    from tests.webapp.conftest import Person


def put_on_air(app: Flask, owner: str, **values: object) -> str:
    values = {"state": "live", "live_at": now()} | values
    with app.app_context():
        stream = Stream(owner=accounts.find(owner), title="Morning show", **values)
        db.session.add(stream)
        db.session.commit()
        return stream.id


def path(stream: str) -> str:
    return f"/api/stream/chat/{stream}"


def say(person: Person, stream: str, text: str, status: int = 201) -> dict:
    answer = person.post(path(stream), {"text": text})
    assert answer.status_code == status, answer.json
    return answer.json["message"] if status == 201 else answer.json["error"]


def read(person: Person, stream: str) -> list[str]:
    return [message["text"] for message in person.get(path(stream)).json["messages"]]


def open_page(app: Flask, *people: Person) -> None:
    """As an open event stream does."""
    with app.app_context():
        for person in people:
            presence.connect(accounts.find(person.username).id, f"page of {person.username}", watching=True)


def told(app: Flask, person: Person) -> list[tuple[str, dict]]:
    query = (
        select(Event)
        .join(User, User.id == Event.user_id)
        .where(User.username == person.username, Event.kind.startswith("chat."))
        .order_by(Event.id)
    )
    with app.app_context():
        return [(event.kind, event.data) for event in db.session.scalars(query)]


def end(app: Flask, stream: str) -> None:
    with app.app_context():
        db.session.execute(update(Stream).where(Stream.id == stream).values(state="ended", ended_at=now()))
        db.session.commit()
        assert not db.session.get(Stream, stream).is_on_air
