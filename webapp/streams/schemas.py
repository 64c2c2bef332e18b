"""Streams as the JSON API shows them."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from contract import messages
from webapp.models import STREAM_STATES
from webapp.openapi.schemas import Count, Error, Id, OneOf, Time

Quality = Annotated[str, OneOf(*messages.QUALITIES)]

ABOUT_ALL_PLACES_TAKEN = """For the owner: how many streams the server cleans at once, when all of these are in use and this one \
waits for a place."""


class Stream(TypedDict):
    id: Id
    title: str
    state: Annotated[str, OneOf(*STREAM_STATES)]
    sound_check: Annotated[bool, Field(description="Only its owner hears it, until go-live.")]
    quality: Quality
    started_at: Time


class StreamWithListeners(Stream):
    listeners: Count


class RunningStream(TypedDict):
    stream: Stream


class AlreadyStreaming(Error):
    stream: Stream | None


class StreamStatus(TypedDict):
    live: Annotated[bool, Field(description="Whether friends can listen.")]
    state: Annotated[str, OneOf("offline", *STREAM_STATES)]
    stream: StreamWithListeners | None
    all_places_taken: NotRequired[Annotated[int | None, Field(description=ABOUT_ALL_PLACES_TAKEN)]]


class Ticket(TypedDict):
    stream: Stream
    url: Annotated[str, Field(description="Of the audio server.")]
    token: Annotated[str, Field(description="For two minutes: what `room.connect(url, token)` of a LiveKit client takes.")]


class NoiseRemover(TypedDict):
    answers: bool
    places: Count
    free: Count


class Recorder(TypedDict):
    state: Annotated[str, OneOf(*messages.RECORDING_STATES)]
    left_bytes: Annotated[Count | None, Field(description="Of your space; null without a limit.")]


class ServerParts(TypedDict):
    noise_remover: NoiseRemover
    recording: Recorder
