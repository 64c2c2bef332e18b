"""Does sound arrive from the broadcaster? The SDK never says when it does not: while packets are missing it hands out frames as
always, first a fading echo of what was there, then digital silence.

So only silence makes suspicious, and what has arrived on the network is asked for only then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit import rtc

from agent.voice.frames import Int16

logger = logging.getLogger(__name__)

SILENT_FRAMES = 50
LOOK_S = 0.5
"""Between two looks: the page sends 50 packets a second, in silence too."""
STATS_TIMEOUT_S = 2.0


class Arrivals:
    """Of one track. `look_at` every frame; `watch` runs beside."""

    def __init__(self, packets: Callable[[], Awaitable[int]]) -> None:
        """`packets`: how many have arrived so far."""
        self._packets = packets
        self._silent = 0  # frames, up to the newest
        self._suspicious = asyncio.Event()
        self.missing = False
        """Nothing arrives, and what the SDK hands out is made up."""

    def look_at(self, samples: Int16) -> None:
        if samples.item(-1) or samples.any():  # most often the one number tells
            self._silent = 0
            self.missing = False
            return
        self._silent += 1
        if self._silent == SILENT_FRAMES:
            self._suspicious.set()

    async def watch(self) -> None:
        """Never returns."""
        while True:
            await self._suspicious.wait()
            self._suspicious.clear()
            before = await self._packets()
            while self._silent >= SILENT_FRAMES:
                await asyncio.sleep(LOOK_S)
                now = await self._packets()
                self.missing = now == before and self._silent >= SILENT_FRAMES
                before = now


async def packets_of(track: rtc.RemoteAudioTrack) -> int:
    """Received for this track so far; -1 when the SDK cannot say."""
    try:
        async with asyncio.timeout(STATS_TIMEOUT_S):
            stats = await track.get_stats()
    except Exception:  # TimeoutError, and the SDK has no class of its own for what else goes wrong
        logger.debug("What arrived could not be asked for", exc_info=True)
        return -1
    return sum(entry.inbound_rtp.received.packets_received for entry in stats if entry.HasField("inbound_rtp"))
