"""The audio server's own webhooks, without a reconciler: they make things quick."""

import asyncio
import threading

import pytest
from sqlalchemy import update
from werkzeug.serving import make_server

from tests.integration.streams.livekit_process import LivekitProcess, free_port
from tests.integration.streams.people import until
from tests.webapp.support.webhooks import deliver, hint
from webapp.core.database import db
from webapp.models import Stream

pytestmark = pytest.mark.usefixtures("web_server")


@pytest.fixture(scope="module")
def web_port():
    return free_port()


@pytest.fixture(scope="module")
def livekit(tmp_path_factory, web_port):
    process = LivekitProcess(tmp_path_factory.mktemp("livekit"), f"http://127.0.0.1:{web_port}/livekit/webhook")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def web_server(app, web_port):
    """Makes the web app listen where the audio server sends its webhooks."""
    server = make_server("127.0.0.1", web_port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


async def test_the_published_track_makes_the_stream_live_at_once(broadcast):
    await broadcast.start()
    noise_remover = await broadcast.noise_remover(with_track=False)
    await asyncio.sleep(0.5)
    assert broadcast.state == "starting"
    await noise_remover.leave()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))


async def test_the_owner_learns_at_once_who_comes_and_goes_though_nobody_else_sees_it(broadcast, bob):
    await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    listener = await broadcast.listen(bob)
    await until(lambda: broadcast.read(lambda stream: len(stream.listener_ids)) == 1)
    await listener.leave()
    await until(lambda: broadcast.read(lambda stream: stream.listener_ids) == [])


async def test_a_broadcaster_who_leaves_interrupts_at_once(broadcast):
    speaker = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await speaker.leave()
    await until(broadcast.is_in("interrupted"))


async def test_a_delivery_that_comes_again_is_not_acted_on(broadcast):
    await broadcast.start()
    first, second = (hint("track_published", delivery_id, broadcast.rooms.studio) for delivery_id in ("EV_first", "EV_second"))
    assert (await asyncio.to_thread(deliver, broadcast.app, first)).status_code == 204
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    await asyncio.sleep(0.5)
    with broadcast.app.app_context():  # as if the audio server's own webhooks had been lost
        db.session.execute(update(Stream).values(state="starting"))
        db.session.commit()
    assert (await asyncio.to_thread(deliver, broadcast.app, first)).status_code == 204
    assert broadcast.state == "starting"
    assert (await asyncio.to_thread(deliver, broadcast.app, second)).status_code == 204
    assert broadcast.state == "live"
