"""Runs a web app with a reconciler and a real audio server, which can send it webhooks. The tests play the noise removers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask
from livekit import api

from tests.integration.streams.livekit_process import API_KEY, API_SECRET, LivekitProcess
from tests.integration.streams.people import Client, Listener, NoiseRemover, post
from tests.webapp.conftest import Person, make_config
from webapp import create_app
from webapp.audio_server.client import AudioServer
from webapp.core.database import db
from webapp.models import Stream
from webapp.reconciler import Reconciler
from webapp.streams import queries as stream_queries
from webapp.streams import rooms as stream_rooms

T = TypeVar("T")
Somebody = TypeVar("Somebody", Client, Listener, NoiseRemover)


@pytest.fixture(scope="session")
def shared_livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivekitProcess]:
    process = LivekitProcess(tmp_path_factory.mktemp("livekit"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def livekit(shared_livekit: LivekitProcess) -> LivekitProcess:
    """Provides an audio server that sends no webhooks."""
    return shared_livekit


@pytest.fixture
def app(tmp_path: Path, livekit: LivekitProcess) -> Iterator[Flask]:
    app = create_app(
        make_config(
            tmp_path,
            livekit_url=livekit.url,
            livekit_api_key=API_KEY,
            livekit_api_secret=API_SECRET,
            grace_s=4.0,
        )
    )
    app.testing = True  # a call to the audio server inside a transaction is an error then
    with app.app_context():
        db.create_all()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def reconciler(app: Flask) -> Iterator[Reconciler]:
    """Runs the loop of `python -m webapp.reconciler` during the test."""
    reconciler = Reconciler(app)
    thread = threading.Thread(target=reconciler.run)
    thread.start()
    yield reconciler
    reconciler.stop()
    thread.join()


@pytest.fixture
def alice(app: Flask) -> Person:
    return Person(app, "alice").register()


@pytest.fixture
def bob(app: Flask, alice: Person) -> Person:
    """Registers Bob, Alice's friend."""
    bob = Person(app, "bob").register()
    bob.befriend(alice)
    return bob


@pytest.fixture
def audio_server(livekit: LivekitProcess) -> AudioServer:
    return AudioServer(livekit.url, API_KEY, API_SECRET)


class Broadcast:
    """Holds a stream of Alice's and everybody in it. Network calls run in threads, because views have their own event loops."""

    def __init__(self, app: Flask, livekit: LivekitProcess, owner: Person, stack: contextlib.AsyncExitStack) -> None:
        self.app = app
        self.livekit = livekit
        self.owner = owner
        self._stack = stack
        self.id = ""

    async def start(self, **body: Any) -> Client:
        """Presses Start Streaming, with a microphone that works."""
        answer = (await post(self.owner, "/api/stream/start", body)).json
        self.id = answer["stream"]["id"]
        return await self._speak(answer["token"])

    async def rejoin(self) -> Client:
        answer = await post(self.owner, "/api/stream/rejoin")
        assert answer.status_code == 200
        return await self._speak(answer.json["token"])

    async def _speak(self, token: str) -> Client:
        client = await self._taking_part(Client()).connect(self.livekit.url, token)
        await client.publish_tone()
        return client

    async def noise_remover(self, **options: Any) -> NoiseRemover:
        return await self._taking_part(NoiseRemover(self.livekit.url, self.rooms.studio)).come(**options)

    async def listen(self, listener: Person) -> Listener:
        answer = await post(listener, f"/api/stream/listen/{self.owner.username}")
        assert answer.status_code == 200, answer.json
        return await self._taking_part(Listener()).connect(self.livekit.url, answer.json["token"])

    async def participants_of(self, room: str) -> list[api.ParticipantInfo]:
        async with self._livekit_api() as livekit:
            return list((await livekit.room.list_participants(api.ListParticipantsRequest(room=room))).participants)

    async def dispatches(self) -> int:
        """Returns how often a noise remover was requested. The audio server lists an empty default dispatch, too."""
        async with self._livekit_api() as livekit:
            return sum(bool(each.agent_name) for each in await livekit.agent_dispatch.list_dispatch(self.rooms.studio))

    def _livekit_api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.livekit.url, API_KEY, API_SECRET)

    def _taking_part(self, somebody: Somebody) -> Somebody:
        self._stack.push_async_callback(somebody.leave)
        return somebody

    @property
    def rooms(self) -> stream_rooms.Rooms:
        return self.read(stream_queries.rooms_of)

    @property
    def state(self) -> str:
        return self.read(lambda stream: stream.state)

    def read(self, question: Callable[[Stream], T]) -> T:
        with self.app.app_context():
            return question(db.session.get_one(Stream, self.id))

    def is_in(self, *states: str) -> Callable[[], bool]:
        return lambda: self.state in states


@pytest.fixture
async def broadcast(app: Flask, livekit: LivekitProcess, alice: Person) -> AsyncIterator[Broadcast]:
    async with contextlib.AsyncExitStack() as stack:
        yield Broadcast(app, livekit, alice, stack)


@pytest.fixture
def charlie(app: Flask, alice: Person) -> Person:
    """Registers another friend of Alice's."""
    charlie = Person(app, "charlie").register()
    charlie.befriend(alice)
    return charlie
