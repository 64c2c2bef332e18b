"""Sends answers. Nothing here holds a thread while a client is waited for; who does not read is cut off by
webapp.front.connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from typing import Any

from webapp.core.sent_body import SentBody
from webapp.front.body import Receive
from webapp.front.wsgi import Answer
from webapp.presence.event_stream import HEARTBEAT, HEARTBEAT_S, EventStream

Send = Callable[[Any], Awaitable[None]]

PIECE_BYTES = 64 * 1024


async def send_answer(answer: Answer, receive: Receive, send: Send, readers: Executor) -> None:
    """`readers`: threads that read the next piece of a file, which may be on a slow disk, or make one."""
    body = answer.body
    if isinstance(body, EventStream):
        await _send_start(send, answer)
        await _send_events(body, receive, send)
    elif isinstance(body, SentBody):
        await _send_start(send, answer)
        await _send_body(body, receive, send, readers)
    else:
        await _send_start(send, answer)
        for piece in _cut(body):
            await _send_piece(send, piece)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_start(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})


async def _send_piece(send: Send, piece: bytes | memoryview) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


def _cut(pieces: Iterable[bytes]) -> Iterable[bytes | memoryview]:
    """Cut large pieces, of which the connection would keep a copy each."""
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(piece), PIECE_BYTES):
            yield view[start : start + PIECE_BYTES]


async def _send_body(body: SentBody, receive: Receive, send: Send, readers: Executor) -> None:
    loop = asyncio.get_running_loop()
    gone = loop.create_task(_until_gone(receive))
    try:
        while not gone.done() and (piece := await loop.run_in_executor(readers, body.read)):
            await _send_piece(send, piece)
    finally:
        gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_events(stream: EventStream, receive: Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(woken.set)

    stream.on_news = wake
    gone = loop.create_task(_until_gone(receive))
    gone.add_done_callback(lambda _: woken.set())
    try:
        while not gone.done() and not stream.is_over:
            woken.clear()
            if text := "".join(iter(stream.take, "")):
                await _send_piece(send, text.encode())
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await woken.wait()
            except TimeoutError:
                await _send_piece(send, HEARTBEAT.encode())
    finally:
        gone.cancel()
