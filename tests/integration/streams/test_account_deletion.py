"""Somebody deletes the account while on air."""

import asyncio

import pytest
from sqlalchemy import func, select

from tests.integration.streams.people import until
from tests.webapp.conftest import Person
from webapp.accounts import accounts
from webapp.core.database import db
from webapp.events import outbox
from webapp.models import Stream

pytestmark = pytest.mark.usefixtures("reconciler")


async def test_an_account_that_is_deleted_while_it_is_live_takes_its_stream_along(app, broadcast, bob, audio_server):
    Person(app, "keeper").register()
    broadcaster = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    listener = await broadcast.listen(bob)
    await until(listener.hears)
    rooms = broadcast.rooms.names

    answer = await _leave(broadcast.owner)
    assert answer.status_code == 303
    await until(lambda: not listener.room.isconnected() and not broadcaster.room.isconnected())
    assert await asyncio.to_thread(audio_server.rooms, rooms) == {}
    with app.app_context():
        assert accounts.find("alice") is None
        assert db.session.scalar(select(func.count()).select_from(Stream)) == 0
        told = [event.kind for event in outbox.after(accounts.find("bob").id, 0)]
    assert told[-1:] == ["friend.removed"]


async def _leave(person: Person):
    form = {"csrf_token": person.csrf_token, "successor": "keeper"}
    return await asyncio.to_thread(lambda: person.client.post("/settings/delete-account", data=form))
