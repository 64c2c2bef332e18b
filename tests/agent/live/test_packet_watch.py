"""Silence that was sent, and silence because nothing arrives."""

import asyncio

import pytest

from agent.live import packet_watch
from agent.live.packet_watch import SILENT_FRAMES, PacketWatch


class Network:
    def __init__(self):
        self.arrived = 0
        self.alive = True
        self.asked = asyncio.Queue()

    async def packets(self):
        self.arrived += self.alive
        self.asked.put_nowait(self.arrived)
        return self.arrived


@pytest.fixture
async def network(monkeypatch):
    monkeypatch.setattr(packet_watch, "LOOK_S", 0.001)
    return Network()


@pytest.fixture
async def watched(network):
    made = PacketWatch(network.packets)
    task = asyncio.create_task(made.watch())
    yield made
    task.cancel()
    await asyncio.wait([task])


async def looks(network, count):
    for _ in range(count):
        await asyncio.wait_for(network.asked.get(), 5)


def hear_silence(watched, count):
    for number in range(count):
        watched.look_at(number + 1)


def hear_sound(watched):
    watched.look_at(0)


async def test_while_there_is_sound_nobody_asks(network, watched):
    for _ in range(10):
        hear_silence(watched, SILENT_FRAMES - 1)
        hear_sound(watched)
        await asyncio.sleep(0)
    assert network.asked.empty()
    assert not watched.missing


async def test_silence_that_arrives_is_silence(network, watched):
    hear_silence(watched, SILENT_FRAMES)
    await looks(network, 5)
    assert not watched.missing


async def test_silence_that_does_not_arrive_is_missing_until_the_first_sound(network, watched):
    network.alive = False
    hear_silence(watched, SILENT_FRAMES)
    await looks(network, 5)
    assert watched.missing
    hear_sound(watched)
    assert not watched.missing
    await looks(network, 1)
    assert not watched.missing


async def test_silence_that_arrives_again_is_missing_no_more(network, watched):
    network.alive = False
    hear_silence(watched, SILENT_FRAMES)
    await looks(network, 5)
    assert watched.missing
    network.alive = True
    await looks(network, 3)
    assert not watched.missing


async def test_it_is_noticed_each_time(network, watched):
    network.alive = False
    for _ in range(3):
        hear_silence(watched, SILENT_FRAMES)
        await looks(network, 5)
        assert watched.missing
        hear_sound(watched)
