"""A whole Stillair, with its real noise remover and reconciler. Parts of it are killed while Alice speaks and Bob listens."""

import asyncio
import os
import re
import secrets
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.integration.page import Page
from tests.integration.streams.people import Client, Listener, until

PASSWORD = "correct horse battery"


@dataclass
class Story:
    """Holds a stream in which Alice speaks and Bob listens."""

    alice: Page
    owner: str
    speaker: Client
    listener: Listener

    async def is_live(self) -> bool:
        return (await self.alice.ask("GET", f"/api/stream/status/{self.owner}"))["state"] == "live"

    @asynccontextmanager
    async def heard_again_within(self, seconds: float):
        """Expects the block to interrupt the sound, which must come back in time on a new track while the stream is live."""
        tracks, began = self.listener.tracks, time.monotonic()
        yield
        await until(lambda: self.listener.tracks > tracks and self.listener.hears(), seconds + 10, "clean sound again")
        assert time.monotonic() - began < seconds
        await until_true(self.is_live)


async def until_true(question) -> None:
    async with asyncio.timeout(30):
        while not await question():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.1)


@pytest.fixture
async def story(instance):
    await until(lambda: "registered worker" in instance.log("noise-remover"), 60)
    async with AsyncExitStack() as stack:
        alice, bob = [await stack.enter_async_context(Page(instance.url)) for _ in range(2)]
        names = [f"{name}-{secrets.token_hex(4)}" for name in ("alice", "bob")]
        for page, name in zip((alice, bob), names, strict=True):
            await page.ask("POST", "/api/register", username=name, password=PASSWORD)
        request = await bob.ask("POST", "/api/friend-request/send", username=names[0])
        await alice.ask("POST", f"/api/friend-request/{request['id']}/respond", action="accept")

        # Without noise removal, for what is played here is a tone, and no voice.
        started = await alice.ask("POST", "/api/stream/start", strength_db=0)
        stack.push_async_callback(alice.ask, "POST", "/api/stream/stop")
        speaker = await Client().connect(started["url"], started["token"])
        stack.push_async_callback(speaker.leave)
        await speaker.publish_tone()
        listener = Listener()
        stack.push_async_callback(listener.leave)
        story = Story(alice, names[0], speaker, listener)
        await until_true(story.is_live)
        ticket = await bob.ask("POST", f"/api/stream/listen/{names[0]}")
        await listener.connect(ticket["url"], ticket["token"])
        await until(listener.hears)
        yield story


def kill_worker(instance) -> None:
    """Kills the worker of the newest broadcast."""
    *_, pid = re.findall(r"The broadcast runs.* pid=(\d+)", instance.log("noise-remover"))
    os.kill(int(pid), signal.SIGKILL)


async def test_a_killed_noise_remover_is_replaced_within_10_s(instance, story):
    async with story.heard_again_within(10):
        kill_worker(instance)
    assert story.speaker.room.isconnected()


async def test_it_is_replaced_though_the_reconciler_dies_at_the_same_time(instance, story):
    async with story.heard_again_within(30):
        kill_worker(instance)
        instance.kill("reconciler")


async def test_a_killed_audio_server_is_back_within_15_s(instance, story):
    async with story.heard_again_within(15):
        instance.kill("audio-server")
