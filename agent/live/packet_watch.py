"""Notices when no sound arrives from the broadcaster. The SDK does not tell: while packets are missing it hands out frames as
always, first a fading echo of what was there, then digital silence.

So only silence is suspicious, and only then the SDK is asked what has arrived on the network.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from livekit import rtc

logger = logging.getLogger(__name__)

SILENT_FRAMES = 50
LOOK_S = 0.5
"""Time between two looks: the page sends 50 packets a second, in silence too."""
STATS_TIMEOUT_S = 2.0


class PacketWatch:
    """Watches one track. `look_at` is called for every frame, on any thread; `watch` runs beside it on the event loop."""

    def __init__(self, packets: Callable[[], Awaitable[int]]) -> None:
        """`packets`: asks how many have arrived so far."""
        self._packets = packets
        self._silent = 0  # frames, up to the newest
        self._suspicious = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.missing = False
        """Whether nothing arrives, and the SDK makes up what it hands out."""

    def look_at(self, silent_frames: int) -> None:
        """Takes how many frames were silent, up to the newest."""
        was_silent = self._silent >= SILENT_FRAMES
        self._silent = silent_frames
        if not silent_frames:
            self.missing = False
        elif silent_frames >= SILENT_FRAMES and not was_silent:
            self._loop.call_soon_threadsafe(self._suspicious.set)

    async def watch(self) -> None:
        """Looks at the network while there is silence. Never returns."""
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
    """Returns how many were received for this track so far; -1 when the SDK cannot say."""
    try:
        async with asyncio.timeout(STATS_TIMEOUT_S):
            stats = await track.get_stats()
    except Exception:  # TimeoutError, and the SDK has no class of its own for what else goes wrong
        logger.debug("What arrived could not be asked for", exc_info=True)
        return -1
    return sum(entry.inbound_rtp.received.packets_received for entry in stats if entry.HasField("inbound_rtp"))
