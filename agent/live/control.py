"""What the broadcaster's page can ask of the noise remover: RPC methods in the studio, with JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import rtc
from livekit.rtc.participant import PublishTrackError, UnpublishTrackError

from agent.desk.desk import Desk
from agent.desk.seat import Seat
from agent.live.latency import Latency
from agent.live.original_track import OriginalTrack
from agent.live.status import StatusPublisher
from contract.messages import ATTRIBUTE_STRENGTH, RPC_SET_BYPASS, RPC_SET_MONITOR, RPC_SET_STRENGTH, RPC_SET_UPLINK

MAX_STRENGTH_DB = 100
MAX_UPLINK_MS = 10_000

_Request = dict[str, Any]


class Control:
    """Answers the broadcaster's RPC calls, and refuses everybody else's."""

    def __init__(
        self, owner: str, desk: Desk, seat: Seat, latency: Latency, original_track: OriginalTrack, status: StatusPublisher
    ) -> None:
        """`owner`: identity of the broadcaster. `seat`: of their voice, at the desk."""
        self._owner = owner
        self._desk = desk
        self._seat = seat
        self._latency = latency
        self._original_track = original_track
        self._status = status

    def register(self, agent: rtc.LocalParticipant) -> None:
        """Makes the methods callable in the studio that `agent` has joined."""
        for method, answer in (
            (RPC_SET_STRENGTH, self._set_strength),
            (RPC_SET_BYPASS, self._set_bypass),
            (RPC_SET_MONITOR, self._set_monitor),
            (RPC_SET_UPLINK, self._set_uplink),
        ):
            agent.register_rpc_method(method, self._for_broadcaster(answer))

    def _for_broadcaster(
        self,
        answer: Callable[[_Request], Coroutine[Any, Any, _Request]],
    ) -> Callable[[rtc.RpcInvocationData], Coroutine[Any, Any, str]]:
        """Wraps `answer` in the check of the caller, and in JSON."""

        async def handle(call: rtc.RpcInvocationData) -> str:
            if call.caller_identity != self._owner:
                raise rtc.RpcError(403, "Only the broadcaster may do this.")
            try:
                request = json.loads(call.payload)
            except (ValueError, RecursionError):
                request = None
            if not isinstance(request, dict):
                raise rtc.RpcError(400, "The request is not a JSON object.")
            return json.dumps(await answer(request))

        return handle

    async def _set_strength(self, request: _Request) -> _Request:
        strength_db = _number(request, "strength_db", maximum=MAX_STRENGTH_DB)
        self._desk.set_strength(self._seat, strength_db)
        self._status.set(ATTRIBUTE_STRENGTH, f"{strength_db:g}")
        return {"strength_db": strength_db}

    async def _set_uplink(self, request: _Request) -> _Request:
        self._latency.uplink_ms = _number(request, "delay_ms", maximum=MAX_UPLINK_MS)
        return {"delay_ms": self._latency.uplink_ms}

    async def _set_bypass(self, request: _Request) -> _Request:
        bypass = _flag(request, "bypass")
        self._desk.set_bypass(self._seat, bypass)
        return {"bypass": bypass}

    async def _set_monitor(self, request: _Request) -> _Request:
        wanted = _flag(request, "original")
        try:
            await self._original_track.switch(wanted)
        except (PublishTrackError, UnpublishTrackError, TimeoutError) as error:
            raise rtc.RpcError(500, "The original sound cannot be sent now. Try again.") from error
        return {"original": wanted}


def _number(request: _Request, name: str, *, maximum: float) -> float:
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        raise rtc.RpcError(400, f"{name} must be a number from 0 to {maximum:g}.")
    return float(value)


def _flag(request: _Request, name: str) -> bool:
    value = request.get(name)
    if not isinstance(value, bool):
        raise rtc.RpcError(400, f"{name} must be true or false.")
    return value
