"""What listeners learn of each other, and what their tickets let them do, with real clients of a real audio server."""

import asyncio
import json

import aiohttp
import pytest
from livekit import rtc

from contract import messages
from tests.integration.streams.livekit_process import LivekitProcess
from tests.integration.streams.people import Listener, get, post, until

NAMES = ("alice", "bob", "charlie")


@pytest.fixture(scope="module")
def livekit(tmp_path_factory):
    """Runs an audio server that writes more than the one of a server for people: everybody who comes and goes."""
    process = LivekitProcess(tmp_path_factory.mktemp("livekit"), log_level="info")
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def on_air(broadcast, reconciler):
    await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    return broadcast


def listening(broadcast) -> list[str]:
    from webapp.streams import seats

    return broadcast.read(lambda stream: [user.username for user in seats.listeners_of(stream)])


async def test_listeners_do_not_learn_of_each_other_and_the_owner_does(on_air, bob, charlie):
    seen: list[object] = []
    first = await on_air.listen(bob)
    for event in ("participant_connected", "participant_disconnected", "track_published"):
        first.room.on(event, lambda *told: seen.append(told))
    second, third = await on_air.listen(charlie), await on_air.listen(charlie)
    await until(lambda: listening(on_air) == ["bob", "charlie"], 3, "the owner knows")
    assert (await get(on_air.owner, "/api/stream/status/alice")).json["stream"]["listeners"] == 2
    page = (await get(on_air.owner, "/live")).text
    assert all(f'data-name-of="{name}"' in page for name in ("bob", "charlie"))
    for listener in (first, second, third):
        assert set(listener.room.remote_participants) == {messages.AGENT_NAME}
        assert not any(name in listener.room.local_participant.identity for name in NAMES)
    await second.leave()
    await third.leave()
    await until(lambda: listening(on_air) == ["bob"], 3, "the owner knows who left")
    assert seen == []


async def test_a_listeners_ticket_lets_nobody_be_heard_or_seen(on_air, livekit, bob, charlie):
    """Everything that a client can try is tried, and nothing of it arrives at another listener, the noise remover or the room."""
    other = await on_air.listen(charlie)
    await until(other.hears)
    arrived: list[object] = []
    for event in (
        "data_received",
        "participant_connected",
        "participant_attributes_changed",
        "participant_metadata_changed",
        "participant_name_changed",
        "room_metadata_changed",
        "track_published",
        "track_subscribed",
        "transcription_received",
    ):
        other.room.on(event, lambda *told, event=event: arrived.append((event, told)))
    other.room.register_text_stream_handler("chat", lambda *told: arrived.append(told))
    other.room.local_participant.register_rpc_method("ping", lambda call: arrived.append(call) or "pong")
    before = [person.metadata for person in await on_air.participants_of(on_air.rooms.stage)]

    intruder = await on_air.listen(bob)
    await until(intruder.hears)
    me = intruder.room.local_participant
    track = rtc.LocalAudioTrack.create_audio_track("voice", rtc.AudioSource(48000, 1))
    microphone = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    tries = [
        me.publish_track(track, microphone),
        me.publish_data(b"hello", reliable=True, topic="chat"),
        me.publish_data(b"hello", reliable=False, topic=messages.METER_TOPIC),
        me.send_text("hello", topic="chat"),
        me.set_metadata("Alice"),
        me.set_name("Alice"),
        me.set_attributes({"name": "Alice", messages.ATTRIBUTE_STATE: "paused"}),
        *(
            me.perform_rpc(destination_identity=to, method=method, payload=json.dumps({}), response_timeout=2)
            for to, method in (
                (other.room.local_participant.identity, "ping"),
                (messages.AGENT_NAME, messages.RPC_SET_BYPASS),
                (messages.AGENT_NAME, messages.RPC_SET_STRENGTH),
            )
        ),
    ]
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(asyncio.wait_for(each, 4) for each in tries), return_exceptions=True)
    assert isinstance(answers[0], Exception), "a track was published"
    assert all(isinstance(answer, Exception) for answer in answers[-3:]), "a call was answered"
    assert arrived == []
    people = await on_air.participants_of(on_air.rooms.stage)
    assert [person.identity for person in people if person.tracks] == [messages.AGENT_NAME]
    assert {person.name for person in people} == {""}
    assert {person.metadata for person in people} == set(before)
    assert (await get(charlie, "/api/stream/status/alice")).json["state"] == "live"


async def test_a_listeners_ticket_commands_nothing(on_air, livekit, bob):
    token = (await post(bob, "/api/stream/listen/alice")).json["token"]
    stage = {"room": on_air.rooms.stage}
    agent = stage | {"identity": messages.AGENT_NAME}
    calls = {
        "RoomService/ListRooms": {},
        "RoomService/ListParticipants": stage,
        "RoomService/CreateRoom": {"name": "another"},
        "RoomService/DeleteRoom": stage,
        "RoomService/RemoveParticipant": agent,
        "RoomService/UpdateParticipant": agent | {"name": "Alice"},
        "RoomService/MutePublishedTrack": agent | {"trackSid": "TR_1", "muted": True},
        "RoomService/UpdateRoomMetadata": {"room": on_air.rooms.studio, "metadata": "{}"},
        "RoomService/SendData": stage | {"data": "aGVsbG8="},
        "RoomService/MoveParticipant": agent | {"destinationRoom": on_air.rooms.studio},
        "RoomService/ForwardParticipant": agent | {"destinationRoom": on_air.rooms.studio},
        "AgentDispatchService/CreateDispatch": stage | {"agentName": messages.AGENT_NAME},
        "AgentDispatchService/ListDispatch": stage,
    }
    url = livekit.url.replace("ws:", "http:")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        statuses = {}
        for call, body in calls.items():
            async with session.post(f"{url}/twirp/livekit.{call}", json=body) as answer:
                statuses[call] = answer.status
    assert statuses == dict.fromkeys(calls, 401)


async def test_the_audio_server_and_its_log_name_nobody(on_air, livekit, bob):
    check = (await post(bob, "/api/checkup/rooms")).json
    for token in (check["speaker_token"], check["listener_token"]):
        await (await Listener().connect(livekit.url, token)).leave()
    listener = await on_air.listen(bob)
    people = str([await on_air.participants_of(room) for room in on_air.rooms.names])
    for known in (people, livekit.log):
        assert listener.room.local_participant.identity in known
        assert not any(name in known for name in NAMES)
