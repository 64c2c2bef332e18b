"""`@operation` makes a function a view of the JSON API. What the view takes and answers is read from the function itself:

    @blueprint.post("/title")
    @operation(scope=Scope.STREAM, errors=(404,))
    def set_title(body: NewTitle) -> RunningStream:
        \"\"\"Change the title of your stream.\"\"\"

`body` and `query` are what the request must fit (webapp.openapi.schemas). The TypedDict that is returned describes the answer;
None is answered with 204. The docstring is what people read: a summary, an empty line and a description. The view is only for
people who are logged in, and without `scope` it is closed to access tokens (webapp.accounts.bearer_auth).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_type_hints

from flask import Flask
from flask.typing import ResponseReturnValue
from flask_login import login_required
from typing_extensions import is_typeddict
from werkzeug.routing import Rule

from webapp.openapi import requests
from webapp.openapi.schemas import Body, Query
from webapp.openapi.scopes import Scope

View = Callable[..., ResponseReturnValue]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Media:
    """An answer that is not JSON."""

    type: str
    about: str


Answer = Any  # a TypedDict, Media, or None for nothing but the status


@dataclass(frozen=True)
class Operation:
    """What is known of a view of the JSON API."""

    summary: str
    description: str
    answers: Mapping[int, Answer]
    errors: tuple[int, ...]  # beyond those that follow from the rest
    scope: Scope | None  # what an access token must have; None: no token counts here
    login: bool  # False: for anybody
    body: type[Body] | None
    query: type[Query] | None
    headers: Mapping[str, Any]

    def statuses_of_errors(self, rule: Rule, method: str) -> set[int]:
        found = {400, *self.errors}
        found |= {401} if self.login or self.scope else set()
        found |= {403} if self.scope or method not in SAFE else set()
        found |= {404} if rule.arguments else set()
        found |= {413, 422} if self.body else {413} if method not in SAFE else set()
        found |= {422} if self.query else set()
        return found


def operation(
    *,
    scope: Scope | None = None,
    login: bool = True,
    status: int = 200,
    answers: Mapping[int, Answer] | None = None,
    errors: tuple[int, ...] = (),
    headers: Mapping[str, Any] | None = None,
    about: str = "",
) -> Callable[[Callable[..., Any]], View]:
    """Decorate a view.

    `status` is that of the returned TypedDict, `answers` are those that the annotation cannot say, and `about` goes on where the
    docstring ends. The rest is as in Operation.
    """

    def decorate(function: Callable[..., Any]) -> View:
        hints = get_type_hints(function, include_extras=True)
        summary, _, description = (inspect.getdoc(function) or "").partition("\n")
        found = Operation(
            summary=summary.removesuffix("."),
            description="\n\n".join(filter(None, (description.strip(), about))),
            answers={**_returned(status, hints["return"]), **(answers or {})},
            errors=errors,
            scope=scope,
            login=login,
            body=hints.get("body"),
            query=hints.get("query"),
            headers=headers or {},
        )
        return _as_view(function, found, status)

    return decorate


def _returned(status: int, kind: Any) -> dict[int, Answer]:
    if kind is type(None):
        return {204: None}
    return {status: kind} if is_typeddict(kind) else {}


def _as_view(function: Callable[..., Any], found: Operation, status: int) -> View:
    @wraps(function)
    def answer(**arguments: Any) -> ResponseReturnValue:
        if found.query:
            arguments["query"] = requests.read_query(found.query)
        if found.body:
            arguments["body"] = requests.read_body(found.body)
        made: ResponseReturnValue | None = function(**arguments)
        if made is None:
            return "", 204
        return (made, status) if isinstance(made, dict) else made

    view: Any = login_required(answer) if found.login else answer
    view.operation = found
    return view  # type: ignore[no-any-return]


def operation_of(app: Flask, endpoint: str | None) -> Operation | None:
    return getattr(app.view_functions.get(endpoint or ""), "operation", None)


def described(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every route that is an operation, with its method."""
    for rule in app.url_map.iter_rules():
        if found := operation_of(app, rule.endpoint):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, found


def operation_id(rule: Rule) -> str:
    return str(rule.endpoint).removeprefix("api_")
