"""The private room of a set-up check: its owner may speak and listen there, and nobody else even finds it."""

import asyncio

from tests.integration.streams.people import Client, Listener, delete, post, until


async def test_what_is_said_into_it_is_heard_and_then_it_is_closed(alice, bob, livekit, audio_server):
    room = (await post(alice, "/api/checkup/rooms")).json
    speaker, listener = Client(), Listener()
    await speaker.connect(livekit.url, room["speaker_token"])
    await listener.connect(livekit.url, room["listener_token"])
    await speaker.publish_tone()
    await until(listener.hears)

    path = f"/api/checkup/rooms/{room['id']}"
    assert (await delete(bob, path)).status_code == 404
    assert await asyncio.to_thread(audio_server.room_names) >= {f"check-{room['id']}"}
    assert (await delete(alice, path)).status_code == 204
    await until(lambda: not speaker.room.isconnected() and not listener.room.isconnected())
    assert f"check-{room['id']}" not in await asyncio.to_thread(audio_server.room_names)
    assert (await delete(alice, path)).status_code == 404
    await listener.leave()
    await speaker.leave()


async def test_every_check_has_a_room_of_its_own(alice):
    rooms = [(await post(alice, "/api/checkup/rooms")).json["id"] for _ in range(2)]
    assert rooms[0] != rooms[1]
