"""Voices and jobs for the tests of the denoising process: sounds, a job's stream, and the run that it must equal."""

import asyncio
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

from agent.denoise import Denoiser
from agent.denoise.spectrum import HOP, SAMPLE_RATE
from agent.denoise_service.client import SharedStream
from agent.denoise_service.link import Link
from agent.denoise_service.shared_memory import slot_record

SPEECH = Path(__file__).parents[1] / "audio" / "speech.flac"
ROUNDING = 1e-6  # of samples in [-1, 1]: what the size of a batch and the order of its rows may change


def sine(hops):
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(hops * HOP) / SAMPLE_RATE)).astype(np.float32).reshape(hops, HOP)


def noise(hops, seed=0):
    return (np.random.default_rng(seed).standard_normal((hops, HOP)) * 0.05).astype(np.float32)


def speech(hops):
    """Two sentences, over and over, in a little noise."""
    samples, rate = soundfile.read(str(SPEECH), dtype="float32")
    return np.resize(soxr.resample(samples, rate, SAMPLE_RATE), (hops, HOP)) + noise(hops) * np.float32(0.2)


class Job:
    """One voice, fed by hand. Keeps what went in and what came out."""

    def __init__(self, denoiser: Denoiser, link, *, strength_db=100.0, clock=time.monotonic_ns):
        self.denoiser = denoiser
        self.link = link
        self.strength_db = strength_db
        self.stream = SharedStream(denoiser.engine(1), link, strength_db=strength_db, clock=clock)
        self.fed = []
        self.heard = []

    @classmethod
    def of(cls, denoiser, address, **options):
        """A job of a real process."""
        return cls(denoiser, Link(address, slot_record(denoiser.engine(1).voice(0))), **options)

    def feed(self, hop):
        self.fed.append(hop)
        self.heard.append(self.stream.feed(hop))

    @property
    def answered(self):
        slot = self.link.slot()
        return slot is None or slot.idle

    async def feed_and_wait(self, hop):
        """Feeds, and gives the process all the time that it wants for the answer."""
        self.feed(hop)
        if self.stream.shared:
            await until(lambda: self.answered)

    async def feed_until(self, condition, hops):
        """Feeds hop by hop, 10 ms each, until the condition holds."""
        for hop in hops:
            if condition():
                return
            await self.feed_and_wait(hop)
            await asyncio.sleep(HOP / SAMPLE_RATE)
        raise AssertionError("the sound was over before the condition held")

    @property
    def difference(self):
        """Largest, from a stream of its own that was never disturbed. Each output is a hop later; every sample counts."""
        heard = np.concatenate(self.heard)
        own = self.denoiser.stream(strength_db=self.strength_db).feed(np.concatenate(self.fed))
        assert len(heard) == len(own) - HOP
        return float(np.abs(heard - own[: len(heard)]).max())


async def until(condition, within_s=30.0):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.001)
