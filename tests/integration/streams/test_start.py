"""Start and what goes wrong with it, against a real audio server."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from livekit import rtc
from sqlalchemy import func, select

from tests.integration.streams.people import Client, Listener, get, post, until
from tests.webapp.conftest import Person
from webapp.core.database import db
from webapp.models import Stream


def test_start_gives_a_studio_token_and_a_second_one_says_what_runs(alice):
    first = alice.post("/api/stream/start", {"title": "Morning show"})
    assert first.status_code == 201
    stream = first.json["stream"]
    assert (stream["title"], stream["state"]) == ("Morning show", "starting")
    assert first.json["url"].startswith("ws://localhost:")
    grants = jwt.decode(first.json["token"], options={"verify_signature": False})["video"]
    assert grants["room"].startswith("studio-")

    second = alice.post("/api/stream/start")
    assert second.status_code == 409
    assert second.json["error"]["code"] == "already_streaming"
    assert second.json["stream"] == stream
    assert "token" not in second.json


def test_fifty_starts_at_once_make_one_stream(app, alice):
    cookie = alice.client.get_cookie(app.config["SESSION_COOKIE_NAME"]).value

    def start(_: int) -> int:
        page = Person.__new__(Person)
        page.client = app.test_client()
        page.client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
        page.csrf_token = alice.csrf_token
        return page.post("/api/stream/start").status_code

    with ThreadPoolExecutor(50) as threads:
        statuses = sorted(threads.map(start, range(50)))
    assert statuses == [201] + [409] * 49
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Stream)) == 1


def test_stop_is_idempotent_and_start_works_again(alice):
    assert alice.post("/api/stream/start").status_code == 201
    ended = alice.post("/api/stream/stop")
    assert (ended.status_code, ended.json["stream"]["state"]) == (200, "ended")
    assert alice.post("/api/stream/stop").json == ended.json
    again = alice.post("/api/stream/start")
    assert again.status_code == 201
    assert again.json["stream"]["id"] != ended.json["stream"]["id"]


async def test_rejoin_takes_over_from_the_other_tab_and_makes_missing_rooms(broadcast, livekit):
    first = await broadcast.start()
    second = await broadcast.rejoin()
    await until(lambda: not first.room.isconnected())
    assert second.room.isconnected()


async def test_the_broadcaster_can_publish_nothing_but_a_microphone(broadcast):
    speaker = await broadcast.start()
    await try_to_publish(speaker, rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    (alice,) = await broadcast.participants_of(broadcast.rooms.studio)
    assert [track.source for track in alice.tracks] == [rtc.TrackSource.SOURCE_MICROPHONE]


@pytest.mark.usefixtures("reconciler")
async def test_the_owners_monitor_hears_the_stage_unseen_and_uncounted(broadcast, bob, livekit):
    await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    answer = await post(broadcast.owner, "/api/stream/monitor")
    monitor = await Listener().connect(livekit.url, answer.json["token"])
    await until(monitor.hears)
    listener = await broadcast.listen(bob)
    assert set(listener.room.remote_participants) == {"noise-remover"}
    await until(lambda: broadcast.read(lambda stream: len(stream.listener_ids)) == 1)
    assert (await get(bob, "/api/stream/status/alice")).json["stream"]["listeners"] == 1
    await monitor.leave()


async def try_to_publish(client: Client, source: rtc.TrackSource.ValueType) -> None:
    """The audio server does not answer a client that may not; a client that may has its answer in a tenth of the time."""
    track = rtc.LocalAudioTrack.create_audio_track("sound", rtc.AudioSource(48_000, 1))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(client.room.local_participant.publish_track(track, rtc.TrackPublishOptions(source=source)), 1)
