"""Makes one OpenAPI 3.1 document of all operations (webapp.openapi.operations). Its JSON Schemas are pydantic's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from flask import Flask
from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema
from typing_extensions import TypedDict
from werkzeug.routing import Rule

from webapp.openapi import operations
from webapp.openapi.operations import SAFE, Answer, Media, Operation
from webapp.openapi.schemas import Error, Id, JsonSchema, Username
from webapp.security.headers import MAX_BODY_BYTES, cookie_name

IN_PATH = {
    "username": Username,
    **dict.fromkeys(("recording_id", "request_id", "stream_id", "message_id", "room_id"), Id),
}
VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
JSON = "application/json"

ERRORS: Mapping[int, str] = {
    400: "The request cannot be read.",
    401: "Not logged in, or an access token that does not count.",
    403: "The CSRF token is missing or wrong, or the access token lacks the scope.",
    404: "Not there, or not yours: nobody can tell which.",
    409: "It does not fit how things are now.",
    410: "It was there once.",
    413: f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.",
    416: "It is not that long.",
    422: "A field is wrong; `fields` names it.",
    429: "Too many; `Retry-After` says when to try again.",
    503: "Not at this moment; `Retry-After` says when to try again.",
}

ABOUT = """What the pages of Stillair use, and what anybody may script against. Bodies and answers are JSON, times are UTC in \
RFC 3339, durations are seconds. A trailing slash is accepted on every path. Fields that are not described here may come; \
fields of a body that are not known are ignored.

A script sends an access token as `Authorization: Bearer stillair_...`, and no cookie: beside a cookie a token does not count. \
Pages have the session cookie instead, and send the header `X-CSRF-Token` with every unsafe request."""


class Document(TypedDict):
    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]


def document(app: Flask) -> Document:
    """Made once, when somebody asks for it: that takes some milliseconds."""
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = _document(app)
    made: Document = app.extensions["openapi"]
    return made


def _document(app: Flask) -> Document:
    schemas = Schemas()
    templates = _templates(app)
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, found in operations.described(app):
        template = templates[_shape(rule)]
        paths.setdefault(template, {})[method.lower()] = _operation(rule, template, method, found, schemas)
    responses = {str(status): _error(status, words, schemas) for status, words in ERRORS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stillair", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": _security_schemes(app),
            "responses": responses,
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


class Schemas:
    """JSON Schemas of types. Those with a name become components of the document."""

    def __init__(self) -> None:
        self.components: dict[str, JsonSchema] = {}

    def of(self, kind: Any) -> JsonSchema:
        """The schema of a type itself. Named types that it consists of are referred to."""
        made = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}", schema_generator=_Generator)
        for name, schema in made.pop("$defs", {}).items():
            self._add(name, schema)
        return made

    def reference(self, kind: type) -> JsonSchema:
        """A reference to the schema of a named type."""
        self._add(kind.__name__, self.of(kind))
        return {"$ref": f"#/components/schemas/{kind.__name__}"}

    def _add(self, name: str, schema: JsonSchema) -> None:
        if self.components.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas of the JSON API have the name {name}.")


class _Generator(GenerateJsonSchema):
    """Without titles that only repeat the name of a field, and without defaults that say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchema:
        made = super().default_schema(schema)
        if made.get("default") in (None, "", []):
            made.pop("default", None)
        return made


def _security_schemes(app: Flask) -> dict[str, Any]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "An access token from the settings page."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": cookie_name(app.config["STILLAIR"])},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "From GET /api/session."},
    }


def _error(status: int, words: str, schemas: Schemas) -> dict[str, Any]:
    retry = {"Retry-After": {"schema": schemas.of(Annotated[int, Field(description="Seconds.")]), "required": True}}
    return {
        "description": words,
        "content": {JSON: {"schema": schemas.reference(Error)}},
        **({"headers": retry} if status in (429, 503) else {}),
    }


def _shape(rule: Rule) -> str:
    return VARIABLE.sub("{}", rule.rule)


def _templates(app: Flask) -> Mapping[str, str]:
    """The template of each shape of URL: routes that differ only in a parameter's name are one path in OpenAPI, as in
    `/api/recordings/{username_or_recording_id}`."""
    names: dict[str, list[dict[str, None]]] = {}
    for rule, _, _ in operations.described(app):
        found = VARIABLE.findall(rule.rule)
        for part, name in zip(names.setdefault(_shape(rule), [{} for _ in found]), found, strict=True):
            part[name] = None
    return {shape: shape.format(*("{" + "_or_".join(part) + "}" for part in parts)) for shape, parts in names.items()}


def _operation(rule: Rule, template: str, method: str, found: Operation, schemas: Schemas) -> dict[str, Any]:
    errors = sorted(found.statuses_of_errors(rule, method) - found.answers.keys())
    made = {
        "tags": [operations.operation_id(rule).partition(".")[0]],
        "operationId": operations.operation_id(rule),
        "summary": found.summary,
        "description": found.description,
        "security": _security(method, found),
        "parameters": list(_parameters(rule, template, found, schemas)),
        "requestBody": found.body and _body(schemas.of(found.body)),
        "responses": {
            **{str(status): _answer(status, answer, schemas) for status, answer in found.answers.items()},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in errors},
        },
    }
    return {name: value for name, value in made.items() if value or name == "security"}


def _body(schema: JsonSchema) -> dict[str, Any]:
    return {"required": "required" in schema, "content": {JSON: {"schema": schema}}}


def _parameters(rule: Rule, template: str, found: Operation, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for name, own_name in zip(re.findall(r"{(\w+)}", template), VARIABLE.findall(rule.rule), strict=True):
        yield {"name": name, "in": "path", "required": True, "schema": schemas.of(IN_PATH.get(own_name, str))}
    query = schemas.of(found.query) if found.query else {}
    for name, schema in query.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": schema}
    for name, kind in found.headers.items():
        yield {"name": name, "in": "header", "required": False, "schema": schemas.of(kind)}


def _security(method: str, found: Operation) -> list[dict[str, list[str]]]:
    cookie: dict[str, list[str]] = {"cookie": []} if method in SAFE else {"cookie": [], "csrf": []}
    token: list[dict[str, list[str]]] = [{"token": [found.scope]}] if found.scope else []
    if found.login:
        return [*token, cookie]
    return [{}, *token] if method in SAFE else [cookie]


def _answer(status: int, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    if isinstance(answer, Media):
        return {"description": answer.about, "content": {answer.type: {}}}
    described = {"description": HTTPStatus(status).phrase}
    return described if answer is None else {**described, "content": {JSON: {"schema": schemas.reference(answer)}}}
