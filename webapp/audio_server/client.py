"""The audio server (LiveKit) as the web app uses it: rooms, dispatches, and who is where.

`livekit.api` is asynchronous; Flask views and the reconciler are not. Every call here runs its own short event loop and
connection (about 2 ms), so there is nothing to share between threads and nothing to break when gunicorn forks.
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
from webapp.audio_server.room_tokens import username_of
from webapp.core.database import refuse_open_transaction
from webapp.core.errors import Busy

T = TypeVar("T")

CALL_TIMEOUT_S = 3.0
ARRIVAL_S = 15.0
"""How long a noise remover may take from the dispatch to the studio; 0.2 s is usual, a busy machine takes seconds."""
EMPTY_TIMEOUT_S = 300
"""A room that nobody ever joined goes away by itself after this."""


class AudioServerUnreachable(Busy):
    """The audio server does not answer, or not as it should. `__cause__` says more, to the log and not to people."""

    code = "audio_server_unreachable"

    def __init__(self) -> None:
        super().__init__(_("Can't reach the audio server. Trying again in 5 s."), retry_after_s=5)


@dataclass(frozen=True)
class Person:
    """Somebody in a room, the noise remover included."""

    identity: str
    sid: str  # new at every join
    publishes_sound: bool = False
    hidden: bool = False
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def username(self) -> str:
        return username_of(self.identity)

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
    """Calls with full rights. Every method raises `AudioServerUnreachable` within `CALL_TIMEOUT_S`."""

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
        """Send everybody out and forget the room. A room that is not there is fine."""
        self._run(lambda livekit: _or_absent(livekit.room.delete_room(api.DeleteRoomRequest(room=name))))

    def set_metadata(self, name: str, metadata: str) -> None:
        request = api.UpdateRoomMetadataRequest(room=name, metadata=metadata)
        self._run(lambda livekit: _or_absent(livekit.room.update_room_metadata(request)))

    def remove(self, room: str, identity: str) -> None:
        """Send somebody out of a room. Their token lets them in again: see `broadcasts.shut_out`."""
        request = api.RoomParticipantIdentity(room=room, identity=identity)
        self._run(lambda livekit: _or_absent(livekit.room.remove_participant(request)))

    def dispatch(self, room: str, job: messages.BroadcastJob) -> None:
        """Ask for a noise remover. Nobody may be free to come, and the audio server does not ask twice."""
        request = api.CreateAgentDispatchRequest(agent_name=messages.AGENT_NAME, room=room, metadata=job.to_json())
        self._run(lambda livekit: livekit.agent_dispatch.create_dispatch(request))

    def agent_is_coming(self, room: str) -> bool:
        """Whether a noise remover has taken a dispatch to this room a moment ago, and may still be on its way.

        livekit-server 1.13.5 may need 5 s to know it: it first asks for workers of other kinds (`CheckEnabledTimeout`).
        """

        async def ask(livekit: api.LiveKitAPI) -> bool:
            dispatches = await livekit.agent_dispatch.list_dispatch(room)
            return any(_is_fresh(job.state) for dispatch in dispatches for job in dispatch.state.jobs)

        return self._run(ask)

    def room_names(self) -> set[str]:
        async def ask(livekit: api.LiveKitAPI) -> set[str]:
            return {room.name for room in (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms}

        return self._run(ask)

    def rooms(self, names: Iterable[str]) -> dict[str, Room]:
        """These rooms with the people in them; one that does not exist is left out."""
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
    """What shall be removed or told is gone already: as good as done."""
    try:
        await call
    except api.TwirpError as error:
        if error.code != api.TwirpErrorCode.NOT_FOUND:
            raise


def _is_fresh(job: JobState) -> bool:
    # A job that has died may read RUNNING for long, so its age decides too.
    age_s = time.time() - job.started_at / 1e9
    return job.status in (JobStatus.JS_PENDING, JobStatus.JS_RUNNING) and age_s < ARRIVAL_S


def _person(info: api.ParticipantInfo) -> Person:
    return Person(
        identity=info.identity,
        sid=info.sid,
        publishes_sound=any(track.type == api.TrackType.AUDIO for track in info.tracks),
        hidden=info.permission.hidden,
        attributes=dict(info.attributes),
    )
