"""How old the voice is when it leaves the noise remover, added up from what every station on its way measures.

    the broadcaster's page        microphone, a packet of 20 ms, half a round trip to the audio server; sent by RPC
    the jitter buffer here        WebRTC's own count of how long samples waited (`jitterBufferDelay`, W3C webrtc-stats)
    the noise remover             its latency

The listener's page adds its own stations (webapp/static/js/audio/delay.js). No clock of one machine is compared with another's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livekit.rtc._proto.stats_pb2 import RtcStats  # what a track's `get_stats` returns; not exported

from contract.recording import SAMPLE_RATE

MIN_CHANGE_MS = 20
"""Smaller changes are not worth a message to everybody (ms)."""


@dataclass(frozen=True)
class JitterBufferCount:
    """Holds what a jitter buffer has counted since it was made."""

    seconds: float  # that all samples have waited in it, added up
    samples: int  # that have left it

    @classmethod
    def from_stats(cls, stats: Iterable[RtcStats]) -> JitterBufferCount | None:
        """Returns None when nothing is received."""
        for each in stats:
            if each.WhichOneof("stats") == "inbound_rtp":
                inbound = each.inbound_rtp.inbound
                return cls(inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count)
        return None


class Latency:
    """Estimates the latency of one broadcast."""

    def __init__(self, processing_samples: int = 0) -> None:
        self.processing_samples = processing_samples  # latency of the noise remover
        self._before: JitterBufferCount | None = None
        self._waiting_ms = 0.0
        self._published_ms = 0
        self.uplink_ms = 0.0  # as the broadcaster's page has measured it

    def update(self, now: JitterBufferCount | None) -> None:
        """Takes a new reading; None before the first of a new track."""
        before, self._before = self._before, now
        if now is not None and before is not None and now.samples > before.samples:
            self._waiting_ms = (now.seconds - before.seconds) / (now.samples - before.samples) * 1e3

    @property
    def published_ms(self) -> int:
        """Latency to publish; changes below MIN_CHANGE_MS are suppressed. 0: not known yet."""
        if self._waiting_ms:
            processing_ms = self.processing_samples / SAMPLE_RATE * 1e3
            measured = self.uplink_ms + self._waiting_ms + processing_ms
            if abs(measured - self._published_ms) >= MIN_CHANGE_MS:
                self._published_ms = round(measured)
        return self._published_ms
