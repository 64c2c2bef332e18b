"""How old the voice is when it leaves the noise remover, put together from what every station on its way measures.

    the broadcaster's page        microphone, a packet of 20 ms, half a round trip to the audio server; it tells by RPC
    the jitter buffer here        WebRTC's own count of how long samples waited (`jitterBufferDelay`, W3C webrtc-stats)
    the noise remover             its latency

The listener's page adds its own stations (webapp/static/js/audio/delay.js). No clock of one machine is compared with another's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livekit.rtc._proto.stats_pb2 import RtcStats  # what a track's `get_stats` returns; not exported

from contract.recording import SAMPLE_RATE

NOTICED_MS = 20
"""Smaller changes are not worth a message to everybody."""


@dataclass(frozen=True)
class Waited:
    """What a jitter buffer has counted since it was made."""

    seconds: float  # all samples' times in it, added up
    samples: int  # that have left it

    @classmethod
    def of(cls, stats: Iterable[RtcStats]) -> Waited | None:
        for each in stats:
            if each.WhichOneof("stats") == "inbound_rtp":
                inbound = each.inbound_rtp.inbound
                return cls(inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count)
        return None


class Delay:
    """Of one broadcast."""

    def __init__(self, processing_samples: int) -> None:
        self._processing_ms = processing_samples / SAMPLE_RATE * 1e3
        self._before: Waited | None = None
        self._waiting_ms = 0.0
        self._told_ms = 0
        self.uplink_ms = 0.0  # what the broadcaster's page has told

    def waited(self, now: Waited | None) -> None:
        """A new reading; one of a new track begins anew."""
        before, self._before = self._before, now
        if now is not None and before is not None and now.samples > before.samples:
            self._waiting_ms = (now.seconds - before.seconds) / (now.samples - before.samples) * 1e3

    @property
    def told_ms(self) -> int:
        """To be told: it stays as it is while it changes only a little. 0: not known yet."""
        if self._waiting_ms:
            measured = self.uplink_ms + self._waiting_ms + self._processing_ms
            if abs(measured - self._told_ms) >= NOTICED_MS:
                self._told_ms = round(measured)
        return self._told_ms
