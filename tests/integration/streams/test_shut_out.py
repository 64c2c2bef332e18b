"""Who is no friend any more hears nothing more, whatever their client does."""

import asyncio
import contextlib
import time
from functools import partial

import jwt
import pytest
from livekit import rtc
from sqlalchemy import select

from contract import messages
from tests.integration.streams.livekit_process import API_SECRET
from tests.integration.streams.people import Listener, delete, get, post, until
from tests.webapp.conftest import PASSWORD, Person
from webapp.accounts import accounts, password_resets, sessions
from webapp.core.database import db
from webapp.models import Event, LoginSession, User
from webapp.security import audit

pytestmark = pytest.mark.usefixtures("reconciler")


@pytest.fixture
async def on_air(broadcast):
    await broadcast.start()
    noise_remover = await broadcast.noise_remover()
    await until(broadcast.is_in("live"))
    broadcast.stage_now = lambda: noise_remover.stage_name
    return broadcast


def lasting(ticket: str, **changes: str) -> str:
    """Returns what a client holds after the audio server has renewed its ticket: it is valid for ten more minutes."""
    claims = jwt.decode(ticket, options={"verify_signature": False})
    return jwt.encode({**claims, **changes, "exp": int(time.time()) + 600}, API_SECRET)


async def ticket_of(listener: Person) -> str:
    answer = await post(listener, "/api/stream/listen/alice")
    assert answer.status_code == 200
    return answer.json["token"]


async def renew_csrf_token(person: Person) -> None:
    """Does what a page does whose log-in was opened anew, as with a new password."""
    person.csrf_token = (await get(person, "/api/session")).json["csrf_token"]


class Intruder:
    """Joins again and again with every token it ever got, and remembers when it last heard something.

    Given a person it is a page: it asks for a ticket whenever it is out, and never stays out for another reason.
    """

    def __init__(self, url: str, tokens: list[str] | None = None, *, page_of: Person | None = None) -> None:
        self._url, self.tokens, self._person = url, tokens or [], page_of
        self.heard_at = 0.0
        self.joined = 0
        self.task = asyncio.create_task(self._join_forever())

    async def _join_forever(self) -> None:
        while True:
            for token in await self._now():
                await self._stay(token)
            await asyncio.sleep(0.5 if self._person else 0.1)  # a page waits between its tries

    async def _now(self) -> list[str]:
        if self._person is None:
            return self.tokens
        await renew_csrf_token(self._person)
        answer = await post(self._person, "/api/stream/listen/alice")
        return [answer.json["token"]] if answer.status_code == 200 else []

    async def _stay(self, token: str) -> None:
        listener = Listener()
        try:
            with contextlib.suppress(rtc.ConnectError):
                await listener.connect(self._url, token)
                self.joined += 1
                while listener.room.isconnected():
                    self.heard_at = max(self.heard_at, listener.heard_at)
                    await asyncio.sleep(0.01)
        finally:
            await listener.leave()

    def hears(self) -> bool:
        return time.monotonic() - self.heard_at < 0.2

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


def settings_form(person: Person, path: str, **fields: str):
    return person.client.post(path, data={"csrf_token": person.csrf_token, **fields})


def end_log_in(app) -> None:
    """Ends the log-in before the newest one."""
    with app.app_context():
        newest = select(LoginSession.public_id).order_by(LoginSession.id.desc())
        sessions.end(accounts.find("bob"), db.session.scalars(newest).all()[1])


def reset_password(app) -> None:
    with app.app_context():
        link = password_resets.make(audit.COMMAND_LINE, accounts.find("bob"))
        password_resets.use(link.rpartition("/")[2], PASSWORD)


def change_password(person: Person):
    return settings_form(person, "/settings/password", old_password=PASSWORD, password="a wholly new password")


OF_THE_PERSON = {
    "unfriended": lambda app, alice, her: alice.delete(f"/api/friends/{her.username}"),
    "has unfriended": lambda app, alice, her: her.delete("/api/friends/alice"),
    "blocked": lambda app, alice, her: settings_form(alice, "/settings/blocked", username=her.username),
    "suspended": lambda app, alice, her: settings_form(alice, f"/admin/people/{her.username}/suspend"),
    "deleted by the admin": lambda app, alice, her: settings_form(
        alice, f"/admin/people/{her.username}/delete", username=her.username
    ),
    "has deleted the account": lambda app, alice, her: settings_form(her, "/settings/delete-account", password=PASSWORD),
}
OF_THE_LOGIN = {
    "logged out": lambda app, thief, other: thief.post("/api/logout"),
    "ended": lambda app, thief, other: end_log_in(app),
    "a new password by a link": lambda app, thief, other: reset_password(app),
    "a new password": lambda app, thief, other: change_password(other),
}


async def gone_after(act, intruder: Intruder, on_air, audio_server, room: str = "") -> None:
    """Does it; within 3 s the room, usually the stage, is closed, and nothing that the intruder has opens any."""
    room, began = room or on_air.rooms.stage, time.monotonic()
    await asyncio.to_thread(act)
    await until(lambda: room not in audio_server.room_ages(), 3, f"{room} is closed")
    closed_at = time.monotonic()
    for token in intruder.tokens:
        latecomer = Listener()
        with pytest.raises(rtc.ConnectError):
            await latecomer.connect(on_air.livekit.url, token)
        await latecomer.leave()
    assert intruder.heard_at - began < 3
    assert intruder.heard_at <= closed_at + 0.2


async def test_whoever_is_gone_is_off_within_3_s_though_they_join_again_in_a_loop(app, on_air, livekit, audio_server, charlie):
    alice, friend = on_air.owner, Intruder(livekit.url, page_of=charlie)
    await until(friend.hears)
    for number, (what, act) in enumerate(OF_THE_PERSON.items()):
        person = Person(app, f"person-{number}").register()
        await asyncio.to_thread(person.befriend, alice)
        intruder = Intruder(livekit.url, [lasting(await ticket_of(person)) for _ in range(2)])
        await until(intruder.hears, what=what)
        await gone_after(partial(act, app, alice, person), intruder, on_air, audio_server)
        assert (await post(person, "/api/stream/listen/alice")).status_code >= 400, what
        await intruder.stop()
    await until(friend.hears, what="who stays a friend hears on")
    await until(lambda: on_air.stage_now() == on_air.rooms.stage)
    await friend.stop()
    assert on_air.state == "live"


async def test_a_log_in_that_has_ended_is_off_within_3_s_and_the_others_hear_on(app, on_air, livekit, audio_server, bob):
    for what, act in OF_THE_LOGIN.items():
        thief, other = Person(app, "bob").log_in(), Person(app, "bob").log_in()
        intruder = Intruder(livekit.url, [lasting(await ticket_of(thief)) for _ in range(2)])
        page = Intruder(livekit.url, page_of=other)
        await until(lambda a=intruder, b=page: a.hears() and b.hears(), what=what)
        await gone_after(partial(act, app, thief, other), intruder, on_air, audio_server)
        assert (await post(thief, "/api/stream/listen/alice")).status_code >= 400, what
        if what != "a new password by a link":  # which ends all log-ins
            await until(page.hears, what=what)
        await intruder.stop()
        await page.stop()


async def test_the_studio_is_closed_to_a_log_in_that_has_ended(app, on_air, livekit, audio_server, alice):
    """A thief who keeps driving the broadcaster out is out for good with the new password, and the stream goes on."""
    thief, rooms = Person(app, "alice").log_in(), on_air.rooms
    intruder = Intruder(livekit.url, [lasting((await post(thief, "/api/stream/rejoin")).json["token"])])
    await until(lambda: intruder.joined)
    await gone_after(partial(change_password, alice), intruder, on_air, audio_server, room=rooms.studio)
    assert (await post(thief, "/api/stream/rejoin")).status_code >= 400

    await renew_csrf_token(alice)
    await on_air.rejoin()
    await on_air.noise_remover()
    assert on_air.rooms.studio != rooms.studio
    await until(on_air.is_in("live"))
    assert {person.identity for person in await on_air.participants_of(on_air.rooms.studio)} == {"broadcaster", "noise-remover"}
    assert on_air.rooms.stage == rooms.stage, "listeners stay where they are"
    await intruder.stop()


async def test_friends_who_stay_are_told_to_move_and_the_outsider_is_not(on_air, bob, charlie):
    await delete(on_air.owner, "/api/friends/bob")
    assert "stream.moved" in told(on_air, "charlie")
    assert "stream.moved" in told(on_air, "alice")
    assert "stream.moved" not in told(on_air, "bob")
    assert on_air.state == "live", "the stream goes on"


async def test_somebody_who_is_no_friend_is_sent_off_the_stage(on_air, livekit, bob):
    """Whatever the way was: the reconciler finds them."""
    stranger = await Listener().connect(livekit.url, lasting(await ticket_of(bob), sub="mallory"))
    await until(lambda: not stranger.room.isconnected())
    await stranger.leave()


async def test_two_who_are_shut_out_at_once_are_both_out(on_air, bob, charlie):
    stage = on_air.rooms.stage
    await asyncio.gather(delete(bob, "/api/friends/alice"), delete(charlie, "/api/friends/alice"))
    assert on_air.rooms.stage in (stage.removesuffix("-1") + "-2", stage.removesuffix("-1") + "-3")
    await until(lambda: on_air.stage_now() == on_air.rooms.stage)
    assert messages.StudioMetadata.from_json(on_air.rooms.metadata).stage == on_air.rooms.stage


def told(broadcast, username: str) -> list[str]:
    with broadcast.app.app_context():
        return list(db.session.scalars(select(Event.kind).join(User, User.id == Event.user_id).where(User.username == username)))
