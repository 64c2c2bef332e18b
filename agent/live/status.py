"""Tells the broadcaster's page and the web app how a broadcast is: the agent's attributes in the studio, and the meter."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from agent.desk.seat import Seat
from contract.messages import (
    ATTRIBUTE_BEAT,
    ATTRIBUTE_DELAY,
    ATTRIBUTE_RECORDING,
    ATTRIBUTE_REMOVED,
    ATTRIBUTE_STAGE,
    ATTRIBUTE_STATE,
    ATTRIBUTE_STRENGTH,
    METER_TOPIC,
)

logger = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
METER_S = 0.1


class StatusPublisher:
    """Publishes the state of one broadcast. `set` returns at once; `publish_attributes` and `publish_meter` run beside it.
    Belongs to the event loop."""

    def __init__(self, studio: rtc.Room, owner: str, *, strength_db: float) -> None:
        """`owner`: identity of the broadcaster, who alone receives the meter."""
        self._studio = studio
        self._owner = owner
        self._attributes = {
            ATTRIBUTE_STATE: "starting",
            ATTRIBUTE_STRENGTH: f"{strength_db:g}",
            ATTRIBUTE_RECORDING: "off",
            ATTRIBUTE_DELAY: "",
            ATTRIBUTE_STAGE: "",
        }
        self._attributes_due = asyncio.Event()

    def get(self, attribute: str) -> str:
        return self._attributes[attribute]

    def set(self, attribute: str, value: str) -> None:
        if self._attributes[attribute] != value:
            self._attributes[attribute] = value
            self._attributes_due.set()

    async def publish_attributes(self, seat: Seat) -> None:
        """Sends all attributes at every change and at every heartbeat, because an audio server that was restarted has
        forgotten them. Never returns."""
        while True:
            self._attributes_due.clear()
            heartbeat = {ATTRIBUTE_BEAT: f"{time.time():.3f}", ATTRIBUTE_REMOVED: f"{seat.reading.removed_db:.1f}"}
            await self._studio.local_participant.set_attributes(self._attributes | heartbeat)
            try:
                await asyncio.wait_for(self._attributes_due.wait(), HEARTBEAT_S)
            except TimeoutError:
                continue

    async def publish_meter(self, seat: Seat, recorded_s: Callable[[], float]) -> None:
        """Sends the broadcaster a reading ten times a second while there is sound. Never returns."""
        shown = None
        while True:
            await asyncio.sleep(METER_S)
            reading = seat.reading
            if reading is shown:
                continue
            shown = reading
            values = {
                "removed_db": round(reading.removed_db, 1),
                "level_db": round(reading.level_db, 1),
                "seconds": round(recorded_s(), 1),
            }
            try:
                await self._studio.local_participant.publish_data(
                    json.dumps(values),
                    reliable=False,
                    destination_identities=[self._owner],
                    topic=METER_TOPIC,
                )
            except PublishDataError:
                logger.debug("A meter reading was not sent")
