"""Somebody is suspended in the middle of a stream: as its owner, or while listening."""

import asyncio

import pytest

from tests.integration.streams.people import until
from tests.webapp.conftest import Person
from webapp.accounts import accounts
from webapp.admin import people
from webapp.core.database import db
from webapp.models import Stream, now
from webapp.security import audit

pytestmark = pytest.mark.usefixtures("reconciler")


async def suspend(admin: Person, username: str) -> None:
    path, fields = f"/admin/people/{username}/suspend", {"csrf_token": admin.csrf_token}
    answer = await asyncio.to_thread(admin.client.post, path, data=fields)
    assert answer.status_code == 303


async def test_a_listener_who_is_suspended_hears_nothing_more(app, broadcast, alice, bob):
    await broadcast.start()
    noise_remover = await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    listener = await broadcast.listen(bob)
    await until(listener.hears, 20, "the stream")
    left = noise_remover.stage_name
    await suspend(alice, "bob")
    await until(lambda: not listener.room.isconnected(), 20, "sent out")
    await until(lambda: noise_remover.stage_name != left, 20, "another stage")
    assert broadcast.state == "live"


async def test_a_stream_of_somebody_who_is_suspended_ends_with_its_rooms(app, broadcast, audio_server, alice, bob):
    await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    with app.app_context():
        people.make_admin(audit.COMMAND_LINE, accounts.find("bob"))
    names = broadcast.rooms.names
    await suspend(bob, "alice")
    with app.app_context():
        assert db.session.get(Stream, broadcast.id).state == "ended"
    await until(lambda: not audio_server.rooms(names), 20, "no rooms")
    answer = await asyncio.to_thread(alice.post, "/api/stream/rejoin")
    assert answer.status_code == 401


async def test_a_stream_that_began_at_that_very_moment_ends_too(app, broadcast, audio_server, alice):
    await broadcast.start()
    with app.app_context():
        accounts.find("alice").suspended_at = now()
        db.session.commit()
    await until(broadcast.is_in("ended"), 20, "the reconciler has seen it")
    await until(lambda: not audio_server.rooms(broadcast.rooms.names), 20, "no rooms")
