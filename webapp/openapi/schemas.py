"""Types of the fields in bodies, queries and answers of the JSON API.

A body is a `Body` and a query string a `Query`, both pydantic models. An answer is a TypedDict, so that mypy compares it with the
dict that the view returns. Each is declared once: requests are read by it (webapp.openapi.requests), and the OpenAPI document is
made of it (webapp.openapi.document). What a domain shows of itself stands in its own `schemas`, what only one route needs beside
the view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NotRequired

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WrapValidator
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict  # before Python 3.12 pydantic cannot read the one of typing

from webapp.core.text import TITLE_LENGTH, clean, without_half_surrogates

JsonSchema = dict[str, Any]


class Body(BaseModel):
    """A JSON object that a request brings. A field with a default may be missing or null; fields not declared are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        made = handler.resolve_ref_schema(handler(schema))
        for name, field in cls.model_fields.items():
            if not field.is_required():
                made["properties"][name] = or_null(made["properties"][name])
        return made


class Query(BaseModel):
    """A query string. Parameters that are not declared are ignored."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


def or_null(schema: JsonSchema) -> JsonSchema:
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


class OneOf:
    """`Annotated[str, OneOf(*STATES)]` is one of several texts. Where mypy is to know them, too, Literal does the same."""

    def __init__(self, *choices: str) -> None:
        self.choices = list(choices)

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.choices)


def checked_later(description: str = "", **limits: Any) -> Any:
    """A field whose limits are only described: the domain checks them, and says more about what is wrong."""
    return Field(description=description or None, json_schema_extra=limits)


def _clean(value: object, check: Callable[[object], str]) -> str:
    """The limits hold for what was sent and for what is left of it."""
    as_sent = check(without_half_surrogates(value) if isinstance(value, str) else value)
    return check(clean(as_sent))


CLEAN = WrapValidator(_clean)
"""Stands after the limits: `Annotated[str, Field(max_length=9), CLEAN]` is a text without control and direction characters."""

USERNAME_PATTERN = "^[A-Za-z0-9_-]{3,32}$"
TIME_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"

Id = Annotated[str, Field(description="An id.", pattern="^[0-9a-f]{32}$", examples=["0f1e2d3c4b5a69788796a5b4c3d2e1f0"])]
Username = Annotated[str, Field(description="A user name.", pattern=USERNAME_PATTERN, examples=["alice"])]
DisplayName = Annotated[str, Field(description="What people call themselves.", max_length=64)]
Title = Annotated[str, Field(min_length=1), checked_later(maxLength=TITLE_LENGTH)]
Time = Annotated[str, Field(description="A time in UTC.", pattern=TIME_PATTERN, examples=["2026-01-31T12:34:56.789Z"])]
Seconds = Annotated[float, Field(description="Seconds.", ge=0)]
Count = Annotated[int, Field(ge=0)]


class Problem(TypedDict):
    code: Annotated[str, Field(description="For programs.", examples=["not_found"])]
    message: Annotated[str, Field(description="For people.")]
    fields: NotRequired[Annotated[dict[str, str], Field(description="Field name to what is wrong with it.")]]


class Error(TypedDict):
    error: Problem
