"""Stereo for a track that the LiveKit SDK for Python publishes.

The SDK (livekit 1.1.21) does not tell the audio server that a source has two channels, and so has it encoded in mono
(github.com/livekit/rust-sdks/issues/1018). Here its signalling, and no sound, goes through a relay in the same process that
tells it. Delete this module with the first SDK that does so itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from livekit.protocol.models import AudioTrackFeature
from livekit.protocol.rtc import SignalRequest

_HOST = "127.0.0.1"
_CLOSE_TIMEOUT_S = 1.0

_WebSocket = ClientWebSocketResponse | web.WebSocketResponse


class StereoRelay:
    """Makes every track that is published through it one of two channels."""

    def __init__(self, url: str) -> None:
        """`url`: address of the audio server."""
        self._server = url.rstrip("/")
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_CLOSE_TIMEOUT_S)

    async def open(self) -> str:
        """Starts the relay. Returns the URL to give to the SDK instead of the audio server's."""
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        return f"ws://{_HOST}:{self._runner.addresses[0][1]}"

    async def aclose(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        client = web.WebSocketResponse(max_msg_size=0)
        headers = {name: value for name, value in request.headers.items() if name == "Authorization"}
        async with ClientSession(headers=headers) as session:
            try:
                if not client.can_prepare(request):  # the SDK asks why it was refused
                    async with session.get(self._server + request.raw_path) as reason:
                        return web.Response(status=reason.status, body=await reason.read())
                server = await session.ws_connect(self._server + request.raw_path, max_msg_size=0)
            except WSServerHandshakeError as refusal:
                return web.Response(status=refusal.status)
            except ClientError as error:
                return web.Response(status=502, text=str(error))
            await client.prepare(request)
            await asyncio.gather(_forward(client, server, _with_stereo), _forward(server, client, bytes))
            return client


async def _forward(source: _WebSocket, sink: _WebSocket, change: Callable[[bytes], bytes]) -> None:
    """Forwards messages until one side is closed, then closes the other."""
    with contextlib.suppress(ConnectionError):
        async for message in source:
            if message.type is WSMsgType.BINARY:  # protobuf; LiveKit sends nothing else
                await sink.send_bytes(change(message.data))
    await sink.close()


def _with_stereo(message: bytes) -> bytes:
    request = SignalRequest.FromString(message)
    if request.WhichOneof("message") != "add_track":
        return message
    request.add_track.audio_features.append(AudioTrackFeature.TF_STEREO)
    return request.SerializeToString()
