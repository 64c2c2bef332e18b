"""Leads the events of LiveKit's SDK to those whom they concern.

The SDK hands each event of a process to every subscriber in it: with many rooms in one process every frame and every answer would
wake all their event loops. Here frames go straight from the SDK's thread to who takes them, without an event loop, and everything
else goes to the loop of the room, or of the request, that it belongs to. What belongs to nobody known goes to all, as before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from livekit.rtc._ffi_client import FfiClient, FfiQueue

logger = logging.getLogger(__name__)

MAX_UNANSWERED = 4096
"""Requests whose loop is remembered; of older ones the answer goes to all."""

Taker = Callable[[Any], None]


class EventRouter(FfiQueue[Any]):
    """Takes the place of the SDK's list of subscribers (livekit 1.1.21). `put` is called on the SDK's threads."""

    def __init__(self) -> None:
        super().__init__()
        self.frame_takers: dict[int, Taker] = {}
        """By the handle of an audio stream: called with each of its events, on the SDK's thread."""
        self.confirmations: dict[int, Callable[[], None]] = {}
        """By the number of a request to send a frame: called when the SDK has taken it, on the SDK's thread."""
        self._loops_by_request: OrderedDict[int, asyncio.AbstractEventLoop] = OrderedDict()
        self._loops_by_handle: dict[int, asyncio.AbstractEventLoop] = {}  # of rooms and their own participants

    def asked(self, response: Any) -> None:
        """Notes, after a request, which loop waits for its answer."""
        loop = asyncio._get_running_loop()
        kind = response.WhichOneof("message")
        number = getattr(getattr(response, kind), "async_id", 0) if kind else 0
        if loop is None or not number:
            return
        with self._lock:
            self._loops_by_request[number] = loop
            if len(self._loops_by_request) > MAX_UNANSWERED:
                self._loops_by_request.popitem(last=False)

    def put(self, item: Any) -> None:
        kind = item.WhichOneof("message")
        if kind == "audio_stream_event":
            taker = self.frame_takers.get(item.audio_stream_event.stream_handle)
            if taker is not None:
                taker(item.audio_stream_event)
                return
        elif kind == "capture_audio_frame":
            confirmation = self.confirmations.get(item.capture_audio_frame.async_id)
            if confirmation is not None:
                confirmation()
                return
        self._deliver(item, self._loop_of(kind, getattr(item, kind)))

    def _deliver(self, item: Any, only: asyncio.AbstractEventLoop | None) -> None:
        if only is None:
            super().put(item)
            return
        with self._lock:
            concerned = [(queue, loop, accepts) for queue, loop, accepts in self._subscribers if loop is only]
        for queue, loop, accepts in concerned:
            if accepts is not None and not accepts(item):
                continue
            try:
                loop.call_soon_threadsafe(queue.put_nowait, item)
            except RuntimeError:  # it has been closed
                logger.debug("An event came too late for its loop")

    def _loop_of(self, kind: str, event: Any) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            if kind == "room_event":
                loop = self._loops_by_handle.get(event.room_handle)
                if event.HasField("eos"):
                    self._loops_by_handle.pop(event.room_handle, None)
                return loop
            if kind == "rpc_method_invocation":
                return self._loops_by_handle.get(event.local_participant_handle)
            loop = self._loops_by_request.pop(getattr(event, "async_id", 0), None)
            if kind == "connect" and loop is not None and event.HasField("result"):
                self._loops_by_handle = {handle: of for handle, of in self._loops_by_handle.items() if not of.is_closed()}
                self._loops_by_handle[event.result.room.handle.id] = loop
                self._loops_by_handle[event.result.local_participant.handle.id] = loop
            return loop


def router() -> EventRouter:
    """Returns the router of this process, which is put in place when it is first asked for."""
    client = FfiClient.instance
    if isinstance(client._queue, EventRouter):
        return client._queue
    new = EventRouter()
    new._subscribers = client._queue._subscribers
    client._queue = new
    request = client.request

    def noted(message: Any) -> Any:
        response = request(message)
        new.asked(response)
        return response

    client.request = noted
    return new
