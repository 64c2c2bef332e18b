"""What stands in bodies and answers of the JSON API, as JSON Schema (OpenAPI 3.1): small builders, and what several routes share.

A schema that one file needs stands in that file, beside the views. One with a title becomes a component of the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.messages import QUALITIES
from webapp.models import STREAM_STATES

Schema = Mapping[str, Any]


def text(about: str = "", *, least: int = 0, most: int | None = None, pattern: str = "", example: str = "") -> Schema:
    """`example`: with a pattern there must be one, which people are shown instead."""
    limits = {"minLength": least, "maxLength": most, "pattern": pattern, "examples": [example] if example else None}
    return {"type": "string", **_said(about, limits)}


def number(about: str = "", *, least: float | None = None, most: float | None = None) -> Schema:
    return {"type": "number", **_said(about, {}), **_between(least, most)}


def whole(about: str = "", *, least: int | None = None, most: int | None = None) -> Schema:
    return {"type": "integer", **_said(about, {}), **_between(least, most)}


def flag(about: str = "") -> Schema:
    return {"type": "boolean", **_said(about, {})}


def one_of(*values: str, about: str = "") -> Schema:
    return {"type": "string", "enum": list(values), **_said(about, {})}


def list_of(item: Schema, about: str = "", *, most: int | None = None) -> Schema:
    return {"type": "array", "items": item, **_said(about, {"maxItems": most})}


def record(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, title: str = "") -> Schema:
    """An object. `optional`: fields that may be missing."""
    return {
        "type": "object",
        **_said("", {"title": title, "required": list(fields)}),
        "properties": {**fields, **(optional or {})},
    }


def body(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """What webapp.openapi.json_body reads: a field that may be missing may be null as well."""
    return record(fields, {name: or_null(schema) for name, schema in (optional or {}).items()})


def or_null(schema: Schema) -> Schema:
    if "title" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _said(about: str, limits: Mapping[str, Any]) -> Schema:
    said = {"description": about, **limits}
    return {keyword: value for keyword, value in said.items() if value}


def _between(least: float | None, most: float | None) -> Schema:
    return {key: value for key, value in (("minimum", least), ("maximum", most)) if value is not None}


ID = text("An id.", pattern="^[0-9a-f]{32}$", example="0f1e2d3c4b5a69788796a5b4c3d2e1f0")
USERNAME = text("A user name.", pattern="^[A-Za-z0-9_-]{3,32}$", example="alice")
DISPLAY_NAME = text("What people call themselves.", most=64)
TIME = text("A time in UTC.", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", example="2026-01-31T12:34:56.789Z")
SECONDS = number("Seconds.", least=0)

STREAM_FIELDS = {
    "id": ID,
    "title": text(),
    "state": one_of(*STREAM_STATES),
    "sound_check": flag("Only its owner hears it, until go-live."),
    "quality": one_of(*QUALITIES),
    "started_at": TIME,
}
STREAM = record(STREAM_FIELDS, title="Stream")

ERROR = record(
    {
        "error": record(
            {"code": text("For programs.", example="not_found"), "message": text("For people.")},
            {"fields": {"type": "object", "additionalProperties": text(), "description": "Field name to what is wrong with it."}},
        ),
    },
    title="Error",
)
