"""The description of the JSON API. `@Operation` stands on each view and says what it takes and answers; `document` makes one
OpenAPI document of them. A view without it is closed to access tokens (webapp.accounts.bearer_auth)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from apispec import APISpec
from flask import Flask
from werkzeug.routing import Rule

from webapp.openapi import schemas
from webapp.openapi.schemas import Schema
from webapp.openapi.scopes import Scope
from webapp.security.headers import MAX_BODY_BYTES, cookie_name

View = TypeVar("View", bound=Callable[..., Any])

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
IN_PATH = {
    "username": schemas.USERNAME,
    **dict.fromkeys(("recording_id", "request_id", "stream_id", "message_id", "room_id"), schemas.ID),
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


@dataclass(frozen=True)
class Media:
    """An answer that is not JSON."""

    type: str
    about: str


Answer = Schema | Media | None  # None: nothing but the status


@dataclass(frozen=True)
class Operation:
    """Stands as a decorator on the view."""

    summary: str
    answers: Mapping[int, Answer]
    scope: Scope | None = None  # what an access token must have; None: no token counts here
    login: bool = True  # False: for anybody
    query: Mapping[str, Schema] = field(default_factory=dict)
    required_query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    errors: tuple[int, ...] = ()  # beyond those that follow from the rest
    about: str = ""

    def __call__(self, view: View) -> View:
        view.operation = self  # type: ignore[attr-defined]
        return view

    def statuses_of_errors(self, rule: Rule, method: str) -> set[int]:
        found = {400, *self.errors}
        found |= {401} if self.login or self.scope else set()
        found |= {403} if self.scope or method not in SAFE else set()
        found |= {404} if rule.arguments else set()
        found |= {413, 422} if self.body else {413} if method not in SAFE else set()
        found |= {422} if self.query or self.required_query else set()
        return found


def operation_of(app: Flask, endpoint: str | None) -> Operation | None:
    return getattr(app.view_functions.get(endpoint or ""), "operation", None)


def described(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every route with its method that has a description."""
    for rule in app.url_map.iter_rules():
        if found := operation_of(app, rule.endpoint):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, found


def document(app: Flask) -> dict[str, Any]:
    """Made once, when somebody asks for it: that takes some milliseconds."""
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = _document(app)
    made: dict[str, Any] = app.extensions["openapi"]
    return made


def operation_id(rule: Rule) -> str:
    return str(rule.endpoint).removeprefix("api_")


def _document(app: Flask) -> dict[str, Any]:
    spec = APISpec("Stillair", "1", "3.1.0", info={"description": ABOUT}, servers=[{"url": "/"}])
    for name, scheme in _security_schemes(app).items():
        spec.components.security_scheme(name, scheme)
    for status, words in ERRORS.items():
        spec.components.response(str(status), _error(status, words))
    templates = _templates(app)
    for rule, method, found in described(app):
        template = templates[_shape(rule)]
        spec.path(template, operations={method.lower(): _operation(rule, template, method, found)})
    made = spec.to_dict()
    components: dict[str, Any] = {}
    made["paths"] = _hoisted(made["paths"], components)
    made["components"]["responses"] = _hoisted(made["components"]["responses"], components)
    made["components"]["schemas"] = dict(sorted(components.items()))
    return made


def _security_schemes(app: Flask) -> Mapping[str, Any]:
    return {
        "token": {"type": "http", "scheme": "bearer", "description": "An access token from the settings page."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": cookie_name(app.config["STILLAIR"])},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "From GET /api/session."},
    }


def _error(status: int, words: str) -> dict[str, Any]:
    retry = {"Retry-After": {"schema": schemas.whole("Seconds."), "required": True}}
    return {
        "description": words,
        "content": {JSON: {"schema": schemas.ERROR}},
        **({"headers": retry} if status in (429, 503) else {}),
    }


def _shape(rule: Rule) -> str:
    return VARIABLE.sub("{}", rule.rule)


def _templates(app: Flask) -> Mapping[str, str]:
    """Of shapes. Routes that differ only in the name of a part are one path in OpenAPI: `{username_or_recording_id}`."""
    names: dict[str, list[dict[str, None]]] = {}
    for rule, _, _ in described(app):
        found = VARIABLE.findall(rule.rule)
        for part, name in zip(names.setdefault(_shape(rule), [{} for _ in found]), found, strict=True):
            part[name] = None
    return {shape: shape.format(*("{" + "_or_".join(part) + "}" for part in parts)) for shape, parts in names.items()}


def _operation(rule: Rule, template: str, method: str, found: Operation) -> dict[str, Any]:
    errors = sorted(found.statuses_of_errors(rule, method) - found.answers.keys())
    made = {
        "tags": [operation_id(rule).partition(".")[0]],
        "operationId": operation_id(rule),
        "summary": found.summary,
        "description": found.about,
        "security": _security(method, found),
        "parameters": list(_parameters(rule, template, found)),
        "requestBody": found.body and {"required": "required" in found.body, "content": {JSON: {"schema": found.body}}},
        "responses": {
            **{str(status): _answer(status, answer) for status, answer in found.answers.items()},
            **{str(status): str(status) for status in errors},  # apispec makes references of them
        },
    }
    return {name: value for name, value in made.items() if value or name == "security"}


def _parameters(rule: Rule, template: str, found: Operation) -> Iterator[dict[str, Any]]:
    names = zip(re.findall(r"{(\w+)}", template), VARIABLE.findall(rule.rule), strict=True)
    in_path = {name: IN_PATH.get(own_name, schemas.text()) for name, own_name in names}
    yield from _parameters_in("path", in_path, required=True)
    yield from _parameters_in("query", found.required_query, required=True)
    yield from _parameters_in("query", found.query)
    yield from _parameters_in("header", found.headers)


def _parameters_in(place: str, parameters: Mapping[str, Schema], *, required: bool = False) -> Iterator[dict[str, Any]]:
    for name, schema in parameters.items():
        yield {"name": name, "in": place, "required": required, "schema": schema}


def _security(method: str, found: Operation) -> list[dict[str, list[str]]]:
    cookie: dict[str, list[str]] = {"cookie": []} if method in SAFE else {"cookie": [], "csrf": []}
    token: list[dict[str, list[str]]] = [{"token": [found.scope]}] if found.scope else []
    if found.login:
        return [*token, cookie]
    return [{}, *token] if method in SAFE else [cookie]


def _answer(status: int, answer: Answer) -> dict[str, Any]:
    words = HTTPStatus(status).phrase
    if isinstance(answer, Media):
        return {"description": answer.about, "content": {answer.type: {}}}
    return {"description": words, "content": {JSON: {"schema": answer}}} if answer is not None else {"description": words}


def _hoisted(node: Any, components: dict[str, Any]) -> Any:
    """The same with a reference in the place of each schema that has a title; those are collected in `components`."""
    if isinstance(node, list):
        return [_hoisted(entry, components) for entry in node]
    if not isinstance(node, Mapping):
        return node
    made = {key: _hoisted(value, components) for key, value in node.items()}
    title = made.get("title")
    if not isinstance(title, str) or "type" not in made:
        return made
    if components.setdefault(title, made) != made:
        raise ValueError(f"Two schemas of the JSON API have the title {title}.")
    return {"$ref": f"#/components/schemas/{title}"}
