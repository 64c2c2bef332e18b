"""Recordings as the JSON API shows them."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from contract.recording import MANIFEST_STATES
from webapp.models import AUDIENCES
from webapp.openapi.schemas import Id, OneOf, Seconds, Time, Username

EXAMPLE_URL = "/recordings/0f1e2d3c4b5a69788796a5b4c3d2e1f0/audio"


class Span(TypedDict):
    start: Seconds
    length: Seconds
    cause: str


class Recording(TypedDict):
    id: Id
    title: str
    owner: Username
    started_at: Time
    duration: Seconds
    size: Annotated[int, Field(description="Bytes.", ge=0)]
    state: Annotated[str, OneOf(*MANIFEST_STATES)]
    gaps: Annotated[list[Span], Field(description="Filled with silence.")]
    paused: Annotated[list[Span], Field(description="Without noise removal.")]
    clip_of: Id | None
    audio_url: Annotated[str, Field(description="Path of the FLAC.", examples=[EXAMPLE_URL])]
    audience: NotRequired[
        Annotated[str, OneOf(*AUDIENCES), Field(description="Who may hear it beside its owner, who alone sees this.")]
    ]
    usernames: NotRequired[Annotated[list[Username], Field(description="The chosen friends; for the owner.")]]
