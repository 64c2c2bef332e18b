"""Client of the audio server (LiveKit): rooms, dispatches, and who is in a room.

`livekit.api` is asynchronous, but Flask views and the reconciler are not. Every call runs its own short event loop and connection
(about 2 ms), so threads share nothing, also after a fork. No database transaction may be open during a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
from flask_babel import gettext as _
from livekit import api
from livekit.protocol.agent import JobState, JobStatus

from contract import messages
from webapp.audio_server.room_tokens import LOGIN
from webapp.core.database import refuse_open_transaction
from webapp.core.errors import Busy

T = TypeVar("T")

CALL_TIMEOUT_S = 3.0
ARRIVAL_S = 15.0
"""How long a noise remover may take from the dispatch to the studio; usually it takes 0.2 s, on a busy machine seconds."""
EMPTY_TIMEOUT_S = 300
"""A room that nobody ever joins is deleted after this time."""


class AudioServerUnreachable(Busy):
    """The audio server does not answer, or not as it should. `__cause__` has details for the log."""

    code = "audio_server_unreachable"

    def __init__(self) -> None:
        super().__init__(_("Can't reach the audio server. Trying again in 5 s."), retry_after_s=5)


@dataclass(frozen=True)
class Person:
    """Somebody in a room, the noise remover included."""

    identity: str
    sid: str  # new at every join
    publishes_sound: bool = False
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> str:
        """In the studio: the mark of the log-in that has got the ticket."""
        return self.attributes.get(LOGIN, "")

    @property
    def is_agent(self) -> bool:
        return self.identity == messages.AGENT_NAME


@dataclass(frozen=True)
class Room:
    """A room and who is in it now."""

    metadata: str
    people: tuple[Person, ...] = ()

    def find(self, identity: str) -> Person | None:
        return next((person for person in self.people if person.identity == identity), None)


@dataclass(frozen=True)
class AudioServer:
    """Calls the audio server with full rights. Every method raises AudioServerUnreachable within CALL_TIMEOUT_S."""

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    def create_room(
        self,
        name: str,
        *,
        metadata: str = "",
        keep_s: int,
        empty_s: int = EMPTY_TIMEOUT_S,
        max_people: int = 0,
    ) -> None:
        """Make a room, or leave the existing one as it is.

        `keep_s`: how long the room stays after everybody has left. `empty_s`: how long it stays if nobody ever comes.
        `max_people`: 0 for no limit.
        """
        request = api.CreateRoomRequest(
            name=name,
            metadata=metadata,
            max_participants=max_people,
            empty_timeout=max(empty_s, keep_s),
            departure_timeout=keep_s,
        )
        self._run(lambda livekit: livekit.room.create_room(request))

    def delete_room(self, name: str) -> None:
        """Send everybody out and delete the room, if it exists."""
        self._run(lambda livekit: _or_absent(livekit.room.delete_room(api.DeleteRoomRequest(room=name))))

    def set_metadata(self, name: str, metadata: str) -> None:
        """Replace a room's metadata, if the room exists."""
        request = api.UpdateRoomMetadataRequest(room=name, metadata=metadata)
        self._run(lambda livekit: _or_absent(livekit.room.update_room_metadata(request)))

    def remove(self, room: str, identity: str) -> None:
        """Send somebody out of a room. Their token still lets them in again: see webapp.streams.shut_out."""
        request = api.RoomParticipantIdentity(room=room, identity=identity)
        self._run(lambda livekit: _or_absent(livekit.room.remove_participant(request)))

    def dispatch(self, room: str, job: messages.BroadcastJob) -> None:
        """Ask for a noise remover once. If none is free to come, the audio server does not ask again."""
        request = api.CreateAgentDispatchRequest(agent_name=messages.AGENT_NAME, room=room, metadata=job.to_json())
        self._run(lambda livekit: livekit.agent_dispatch.create_dispatch(request))

    def agent_is_coming(self, room: str) -> bool:
        """Tell whether a noise remover has taken a dispatch to this room a moment ago, and may still be on its way.

        livekit-server 1.13.5 may need 5 s to know, because it asks for workers of other kinds first (`CheckEnabledTimeout`).
        """

        async def ask(livekit: api.LiveKitAPI) -> bool:
            dispatches = await livekit.agent_dispatch.list_dispatch(room)
            return any(_is_fresh(job.state) for dispatch in dispatches for job in dispatch.state.jobs)

        return self._run(ask)

    def room_ages(self) -> dict[str, float]:
        """Return the names of all rooms, and for how many seconds each has been open."""

        async def ask(livekit: api.LiveKitAPI) -> dict[str, float]:
            found = await livekit.room.list_rooms(api.ListRoomsRequest())
            return {room.name: time.time() - room.creation_time for room in found.rooms}

        return self._run(ask)

    def rooms(self, names: Iterable[str]) -> dict[str, Room]:
        """Return those of these rooms that exist, with the people in them."""
        wanted = list(names)

        async def look_into(livekit: api.LiveKitAPI, name: str) -> tuple[Person, ...]:
            answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=name))
            return tuple(_person(info) for info in answer.participants)

        async def look(livekit: api.LiveKitAPI) -> dict[str, Room]:
            found = (await livekit.room.list_rooms(api.ListRoomsRequest(names=wanted))).rooms
            people = await asyncio.gather(*(look_into(livekit, room.name) for room in found))
            return {room.name: Room(room.metadata, inside) for room, inside in zip(found, people, strict=True)}

        return self._run(look) if wanted else {}

    def _run(self, call: Callable[[api.LiveKitAPI], Awaitable[T]]) -> T:
        async def connected() -> T:
            # failover=False: there is one server, and the reconciler is what tries again. The time-out of LiveKitAPI itself does
            # nothing: with every request livekit-api 1.2 hands on `timeout=None`, which for aiohttp means none at all.
            async with (
                asyncio.timeout(CALL_TIMEOUT_S),
                api.LiveKitAPI(self.url, self.api_key, self.api_secret, failover=False) as livekit,
            ):
                return await call(livekit)

        refuse_open_transaction("audio server")
        try:
            return asyncio.run(connected())
        except (aiohttp.ClientError, TimeoutError, OSError, api.TwirpError) as error:
            raise AudioServerUnreachable from error


async def _or_absent(call: Awaitable[object]) -> None:
    """Await a call that counts as done if its object no longer exists."""
    try:
        await call
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise


def _is_fresh(job: JobState) -> bool:
    # A job that has died may be listed as RUNNING for long, so its age counts as well.
    age_s = time.time() - job.started_at / 1e9
    return job.status in (JobStatus.JS_PENDING, JobStatus.JS_RUNNING) and age_s < ARRIVAL_S


def _person(info: api.ParticipantInfo) -> Person:
    return Person(
        identity=info.identity,
        sid=info.sid,
        publishes_sound=any(track.type == api.TrackType.AUDIO for track in info.tracks),
        attributes=dict(info.attributes),
    )
