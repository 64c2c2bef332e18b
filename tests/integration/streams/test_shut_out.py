"""Who is no friend any more hears nothing more, whatever their client does."""

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest
from livekit import api, rtc

from contract import messages
from tests.integration.streams.livekit_process import API_KEY, API_SECRET
from tests.integration.streams.people import Listener, delete, post, until
from tests.webapp.conftest import Person

pytestmark = pytest.mark.usefixtures("reconciler")


@pytest.fixture
def charlie(app, alice):
    """Registers another friend of Alice's, who stays one."""
    charlie = Person(app, "charlie").register()
    charlie.befriend(alice)
    return charlie


@pytest.fixture
async def on_air(broadcast):
    await broadcast.start()
    noise_remover = await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    broadcast.stage_now = lambda: noise_remover.stage_name
    return broadcast


def lasting_token(room: str, identity: str) -> str:
    """Returns what a client holds after the audio server has renewed its token: it is valid for ten more minutes."""
    grants = api.VideoGrants(room_join=True, room=room, can_publish=False, can_publish_data=False)
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_ttl(timedelta(minutes=10))
    return token.with_grants(grants).to_jwt()


def seat_for(broadcast, username: str) -> str:
    from webapp.accounts import accounts
    from webapp.core.database import db
    from webapp.streams import seats

    def give(stream):
        seat = seats.give(stream, accounts.find(username))
        db.session.commit()
        return seat

    return broadcast.read(give)


class Intruder:
    """Joins again and again with one token, and remembers when it last heard something."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self.heard_at = 0.0
        self.task = asyncio.create_task(self._join_forever())

    async def _join_forever(self) -> None:
        while True:
            listener = Listener()
            try:
                with contextlib.suppress(rtc.ConnectError):
                    await listener.connect(self._url, self._token)
                    while listener.room.isconnected():
                        self.heard_at = max(self.heard_at, listener.heard_at)
                        await asyncio.sleep(0.01)
            finally:
                await listener.leave()
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_an_unfriended_listener_is_off_within_3_s_though_it_joins_again_in_a_loop(on_air, livekit, bob, charlie, who):
    stage = on_air.rooms.stage
    friend = await on_air.listen(charlie)
    intruder = Intruder(livekit.url, lasting_token(stage, seat_for(on_air, "bob")))
    try:
        await until(lambda: intruder.heard_at > 0 and friend.hears())
        person, other = (on_air.owner, "bob") if who == "alice" else (bob, "alice")
        unfriended_at = time.monotonic()
        assert (await delete(person, f"/api/friends/{other}")).status_code == 204

        answer = await post(charlie, "/api/stream/listen/alice")
        moved = await Listener().connect(livekit.url, answer.json["token"])
        await until(moved.hears)
        await asyncio.sleep(max(0.0, unfriended_at + 5 - time.monotonic()))
        assert intruder.heard_at - unfriended_at < 3
        await until(moved.hears, what="who stays a friend hears on")
        await moved.leave()
    finally:
        await intruder.stop()
    assert on_air.rooms.stage == on_air.stage_now() != stage
    assert (await post(bob, "/api/stream/listen/alice")).status_code == 404


async def test_friends_who_stay_are_told_to_move_and_the_outsider_is_not(on_air, bob, charlie):
    await delete(on_air.owner, "/api/friends/bob")
    assert "stream.moved" in told(on_air, "charlie")
    assert "stream.moved" in told(on_air, "alice")
    assert "stream.moved" not in told(on_air, "bob")
    assert on_air.state == "live", "the stream goes on"


async def test_somebody_who_is_no_friend_is_sent_off_the_stage(on_air, livekit):
    stranger = await Listener().connect(livekit.url, lasting_token(on_air.rooms.stage, "mallory"))
    await until(lambda: not stranger.room.isconnected())
    await stranger.leave()


async def test_two_who_are_shut_out_at_once_are_both_out(on_air, bob, charlie):
    stage = on_air.rooms.stage
    await asyncio.gather(delete(bob, "/api/friends/alice"), delete(charlie, "/api/friends/alice"))
    assert on_air.rooms.stage in (stage.removesuffix("-1") + "-2", stage.removesuffix("-1") + "-3")
    await until(lambda: on_air.stage_now() == on_air.rooms.stage)
    assert messages.StudioMetadata.from_json(on_air.rooms.metadata).stage == on_air.rooms.stage


def told(broadcast, username: str) -> list[str]:
    from sqlalchemy import select

    from webapp.core.database import db
    from webapp.models import Event, User

    with broadcast.app.app_context():
        return list(db.session.scalars(select(Event.kind).join(User, User.id == Event.user_id).where(User.username == username)))
