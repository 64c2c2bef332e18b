"""The audio server's own webhooks, without a reconciler: they make things quick."""

import asyncio

import pytest
from sqlalchemy import func, select

from tests.integration.streams.people import until
from webapp.extensions import db
from webapp.models import WebhookDelivery

pytestmark = pytest.mark.usefixtures("webhooks")


async def test_the_published_track_makes_the_stream_live_at_once(broadcast):
    await broadcast.start()
    noise_remover = await broadcast.noise_remover(with_track=False)
    await asyncio.sleep(0.5)
    assert broadcast.state == "starting"
    await noise_remover.leave()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"), 0.5)


async def test_a_broadcaster_who_leaves_interrupts_at_once(broadcast):
    speaker = await broadcast.start()
    await broadcast.noise_remover()
    await until(broadcast.is_in("live"), 0.5)
    await speaker.leave()
    await until(broadcast.is_in("interrupted"), 0.5)


async def test_every_delivery_is_remembered_by_its_id(broadcast):
    await broadcast.start()

    def deliveries() -> int:
        with broadcast.app.app_context():
            return db.session.scalar(select(func.count()).select_from(WebhookDelivery))

    await until(lambda: deliveries() >= 2, 2, "the broadcaster joined and published")
