"""The private room of a set-up check: its owner may speak and listen there, and nobody else even finds it."""

import asyncio

from tests.integration.streams.people import Client, Listener, delete, post, until
from webapp.streams import connection_check, reconcile


async def test_what_is_said_into_it_is_heard_and_then_it_is_closed(alice, bob, livekit, audio_server):
    room = (await post(alice, "/api/checkup/rooms")).json
    speaker, listener = Client(), Listener()
    await speaker.connect(livekit.url, room["speaker_token"])
    await listener.connect(livekit.url, room["listener_token"])
    await speaker.publish_tone()
    await until(listener.hears)

    path = f"/api/checkup/rooms/{room['id']}"
    assert (await delete(bob, path)).status_code == 404
    assert f"check-{room['id']}" in await asyncio.to_thread(audio_server.room_ages)
    assert (await delete(alice, path)).status_code == 204
    await until(lambda: not speaker.room.isconnected() and not listener.room.isconnected())
    assert f"check-{room['id']}" not in await asyncio.to_thread(audio_server.room_ages)
    assert (await delete(alice, path)).status_code == 404
    await listener.leave()
    await speaker.leave()


async def test_every_check_has_a_room_of_its_own(alice):
    rooms = [(await post(alice, "/api/checkup/rooms")).json["id"] for _ in range(2)]
    assert rooms[0] != rooms[1]


async def test_its_time_ends_though_somebody_is_in_it(app, alice, livekit, audio_server, monkeypatch):
    room = (await post(alice, "/api/checkup/rooms")).json
    listener = await Listener().connect(livekit.url, room["listener_token"])

    def close_old_rooms() -> set[str]:
        with app.app_context():
            reconcile.close_old_rooms()
        return audio_server.room_ages().keys() & {f"check-{room['id']}"}

    assert await asyncio.to_thread(close_old_rooms), "it is needed still"
    monkeypatch.setattr(connection_check, "LASTS_S", -1.0)
    assert not await asyncio.to_thread(close_old_rooms)
    await until(lambda: not listener.room.isconnected())
    await listener.leave()
