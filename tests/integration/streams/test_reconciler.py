"""The reconciler against a real audio server: whatever breaks, streams come back or end. No webhooks here: it must do without."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import select

from tests.integration.streams.conftest import Broadcast
from tests.integration.streams.livekit_process import API_KEY, API_SECRET, ROOT, LivekitProcess
from tests.integration.streams.people import get, post, until
from tests.webapp.conftest import Person
from webapp.core.database import db
from webapp.models import Event, User
from webapp.reconciler import Reconciler

pytestmark = pytest.mark.usefixtures("reconciler")


def kinds_told_to(broadcast: Broadcast, person: Person) -> list[str]:
    with broadcast.app.app_context():
        of_them = User.username == person.username, Event.kind.startswith("stream.")
        query = select(Event.kind).join(User, User.id == Event.user_id).where(*of_them).order_by(Event.id)
        return list(db.session.scalars(query))


async def test_a_stream_is_live_when_its_clean_track_is_on_the_stage(broadcast, bob):
    await broadcast.start()
    assert broadcast.state == "starting"
    noise_remover = await broadcast.noise_remover(with_track=False)
    await asyncio.sleep(1.2)
    assert broadcast.state == "starting"
    assert (await post(bob, "/api/stream/listen/alice")).status_code == 404

    await noise_remover.leave()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    listener = await broadcast.listen(bob)
    await until(listener.hears)
    await until(lambda: "stream.listeners" in kinds_told_to(broadcast, broadcast.owner))
    status = (await get(bob, "/api/stream/status/alice")).json
    assert (status["live"], status["state"], status["stream"]["listeners"]) == (True, "live", 1)
    assert kinds_told_to(broadcast, broadcast.owner) == ["stream.live", "stream.listeners"]
    assert kinds_told_to(broadcast, bob) == ["stream.live"]


async def test_a_stream_without_a_microphone_is_not_live(broadcast):
    speaker = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await speaker.leave()
    await until(broadcast.is_in("interrupted"))


async def test_a_sound_check_is_nobody_elses_business_until_go_live(broadcast, bob):
    await broadcast.start(sound_check=True)
    await broadcast.noise_remover()
    await until(broadcast.is_in("checking"))
    assert (await get(bob, "/api/stream/status/alice")).json == {"live": False, "state": "offline", "stream": None}
    assert (await post(bob, "/api/stream/listen/alice")).status_code == 404
    assert (await get(bob, "/api/friends")).json["friends"][0]["stream"] is None
    assert kinds_told_to(broadcast, bob) == []

    answer = await post(broadcast.owner, "/api/stream/go-live")
    assert answer.json["stream"]["state"] == "live"
    assert '"live": true' in broadcast.rooms.metadata
    assert kinds_told_to(broadcast, bob) == ["stream.live"]
    assert (await broadcast.listen(bob)).room.isconnected()


async def test_go_live_before_the_noise_remover_came_needs_no_second_press(broadcast):
    await broadcast.start(sound_check=True)
    answer = await post(broadcast.owner, "/api/stream/go-live")
    assert answer.json["stream"]["state"] == "starting"
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))


async def test_a_noise_remover_that_never_comes_is_asked_for_again(broadcast):
    await broadcast.start()
    assert await broadcast.dispatches() == 1
    await until(lambda: broadcast.read(lambda stream: stream.dispatch_tries) == 2)
    await until(lambda: asyncio.run(broadcast.dispatches()) == 2)


async def test_one_that_has_taken_the_job_is_waited_for(broadcast, livekit, worker):
    await until(lambda: "process initialized" in worker.read_text() and "registered worker" in worker.read_text(), 60)
    await broadcast.start()
    studio = broadcast.rooms.studio
    await until(lambda: len(asyncio.run(broadcast.participants_of(studio))) == 2, 30)
    # One, or two: the audio server takes up to 5 s to say that a job was taken.
    assert await broadcast.dispatches() <= 2


@pytest.fixture
def worker(livekit, tmp_path):
    """Starts a worker that is slow to arrive, and returns the path of its log."""
    log = tmp_path / "worker.log"
    environment = os.environ | {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    }
    # Not `python -m`: the job's process has to find the entrypoint in a module that is not called __main__.
    command = [sys.executable, "-c", "from tests.integration.streams.slow_worker import main; main()"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True)
    yield log
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


async def test_a_still_heartbeat_interrupts_and_brings_a_new_dispatch(broadcast, bob):
    await broadcast.start()
    ghost = await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await ghost.freeze()
    took_s = await until(broadcast.is_in("interrupted"))
    assert took_s > 3, "a heartbeat may be 2 s late without harm"
    await until(lambda: asyncio.run(broadcast.dispatches()) == 2)
    assert (await get(bob, "/api/stream/status/alice")).json["live"] is True, "an interruption is still on the air"

    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    assert kinds_told_to(broadcast, bob) == ["stream.live"], "nobody is told twice"


async def test_a_broadcaster_who_comes_back_within_the_grace_goes_on(broadcast):
    speaker = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await speaker.leave()
    await until(broadcast.is_in("interrupted"))
    await broadcast.rejoin()
    await until(broadcast.is_in("live"))


async def test_a_broadcaster_who_stays_away_ends_the_stream(broadcast, audio_server, bob):
    speaker = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await speaker.leave()
    took_s = await until(broadcast.is_in("ended"))
    assert took_s > 3, "the grace of this test is 4 s"
    await until(lambda: not audio_server.room_ages().keys() & set(broadcast.rooms.names))
    assert kinds_told_to(broadcast, bob) == ["stream.live", "stream.ended"]


async def test_a_page_that_never_joins_does_not_hold_a_stream(broadcast):
    answer = await post(broadcast.owner, "/api/stream/start")
    broadcast.id = answer.json["stream"]["id"]
    await until(broadcast.is_in("ended"))


async def test_rooms_of_ended_streams_are_closed_and_foreign_rooms_left_alone(broadcast, audio_server):
    await broadcast.start()
    foreign = "studio-00000000000000000000000000000000"
    await asyncio.to_thread(audio_server.create_room, foreign, keep_s=60)
    await post(broadcast.owner, "/api/stream/stop")
    for name in broadcast.rooms.names:  # a delete that was lost
        await asyncio.to_thread(audio_server.create_room, name, keep_s=60)
    await until(lambda: not audio_server.room_ages().keys() & set(broadcast.rooms.names))
    assert foreign in await asyncio.to_thread(audio_server.room_ages)
    await asyncio.to_thread(audio_server.delete_room, foreign)


async def test_two_reconcilers_do_no_more_than_one(broadcast, bob, app):
    second = Reconciler(app)
    loop = asyncio.get_running_loop().run_in_executor(None, second.run)
    try:
        await broadcast.start()
        ghost = await broadcast.noise_remover()
        await until(broadcast.is_in("live"))
        await ghost.freeze()
        await until(broadcast.is_in("interrupted"))
        await asyncio.sleep(1.5)
        assert await broadcast.dispatches() == 2
        await post(broadcast.owner, "/api/stream/stop")
        await asyncio.sleep(1.5)
        assert kinds_told_to(broadcast, bob) == ["stream.live", "stream.ended"]
    finally:
        second.stop()
        await loop


class TestWithAnAudioServerThatDies:
    @pytest.fixture
    def livekit(self, tmp_path):
        process = LivekitProcess(tmp_path)
        process.start()
        yield process
        process.kill()

    async def test_rooms_are_made_again_and_nobody_is_replaced(self, broadcast, livekit, audio_server, bob):
        speaker = await broadcast.start()
        noise_remover = await broadcast.noise_remover()
        await until(broadcast.is_in("live"))
        listener = await broadcast.listen(bob)
        await until(listener.hears)

        livekit.kill()
        await asyncio.sleep(1.5)
        livekit.start()
        names = set(broadcast.rooms.names)
        await until(lambda: audio_server.room_ages().keys() >= names)
        await until(lambda: listener.hears() and broadcast.state == "live", 20, "everybody's SDK reconnects by itself")
        assert await broadcast.dispatches() == 0, "the noise remover came back by itself"
        assert speaker.room.isconnected()
        assert noise_remover.studio.room.isconnected()

    async def test_start_says_that_the_audio_server_is_gone_and_leaves_nothing_behind(self, app, livekit, alice):
        livekit.kill()
        answer = await post(alice, "/api/stream/start")
        assert answer.status_code == 503
        assert answer.json["error"]["code"] == "audio_server_unreachable"
        assert answer.json["error"]["message"] == "Can't reach the audio server. Trying again in 5 s."
        assert answer.headers["Retry-After"] == "5"
        livekit.start()
        assert (await post(alice, "/api/stream/start")).status_code == 201

    async def test_stop_works_without_the_audio_server(self, livekit, alice):
        assert (await post(alice, "/api/stream/start")).status_code == 201
        livekit.kill()
        assert (await post(alice, "/api/stream/stop")).json["stream"]["state"] == "ended"


class TestAsAProcess:
    """Runs `python -m webapp.reconciler` as a process."""

    @pytest.fixture
    def reconciler(self, app, livekit, tmp_path):
        config = app.config["STILLAIR"]
        environment = os.environ | {
            "STILLAIR_DATA": str(config.data),
            "STILLAIR_SECRET_KEY": config.secret_key,
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": config.livekit_api_key,
            "LIVEKIT_API_SECRET": config.livekit_api_secret,
        }
        with (tmp_path / "reconciler.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "webapp.reconciler"], cwd=ROOT, env=environment, stderr=log)
        yield process
        process.kill()
        process.wait()

    async def test_it_outlives_its_database_and_stops_when_told(self, broadcast, reconciler, tmp_path):
        await broadcast.start()
        await broadcast.noise_remover()
        await until(broadcast.is_in("live"), 30)

        log = tmp_path / "reconciler.log"
        with broadcast.app.app_context():
            db.session.execute(db.text("ALTER TABLE stream RENAME TO away"))
            db.session.commit()
        await until(lambda: "streams failed" in log.read_text())
        assert log.read_text().count("streams failed") == 1, "an outage is one line"
        with broadcast.app.app_context():
            db.session.execute(db.text("ALTER TABLE away RENAME TO stream"))
            db.session.commit()
        await until(lambda: "streams work again" in log.read_text())

        reconciler.send_signal(signal.SIGTERM)
        assert reconciler.wait(10) == 0
