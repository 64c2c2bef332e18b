"""Whether an answer is what the description of the API says (webapp.openapi.document)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from webapp.openapi import operations
from webapp.openapi.document import document

DOCUMENT: dict[str, Any] = {}
OPERATIONS: dict[str, Any] = {}
VALIDATORS: dict[tuple[int, bool], Draft202012Validator] = {}
"""Of the first app that is asked; all apps of the tests have the same routes, and making it takes a while."""


def problem_of(app: Flask, method: str, url: str, response: TestResponse, *, strict: bool = False) -> str:
    """Empty when all is well, and where nothing is described. `strict`: fields that are not described are a problem."""
    try:
        rule, _ = app.url_map.bind("localhost").match(unquote(url.partition("?")[0]), method, return_rule=True)
    except HTTPException:
        return ""
    if not DOCUMENT:
        DOCUMENT.update(document(app))
        OPERATIONS.update({found["operationId"]: found for methods in DOCUMENT["paths"].values() for found in methods.values()})
    operation = OPERATIONS.get(operations.operation_id(rule))
    if operation is None or response.status_code == 500:
        return ""
    problem = _problem(operation["responses"].get(str(response.status_code)), response, strict)
    how = f'Say so in the view "{rule.endpoint}": by what it returns, or @operation(answers={{STATUS: TYPE}}, errors=(STATUS,)).'
    return f"{method} {url} answers {response.status_code}, {problem}. {how}" if problem else ""


def _problem(described: Any, response: TestResponse, strict: bool) -> str:
    if described is None:
        return "which is not described"
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    content = described.get("content", {})
    if not content:
        return "with a body that is not described" if response.is_json else ""
    if response.mimetype not in content:
        return f"as {response.mimetype}, not {' or '.join(content)}"
    if not response.is_json:
        return ""
    error = next(_validator(content[response.mimetype]["schema"], strict).iter_errors(response.json), None)
    return f"which is not as described: {error.message}" if error else ""


def _validator(schema: Any, strict: bool) -> Draft202012Validator:
    """One for each part of the document, which lives as long as that: making one takes longer than its work."""
    key = id(schema), strict
    if key not in VALIDATORS:
        whole = {**schema, "components": DOCUMENT["components"]}
        VALIDATORS[key] = Draft202012Validator(_closed(whole) if strict else whole)
    return VALIDATORS[key]


def _closed(node: Any) -> Any:
    """Without room for further fields."""
    if isinstance(node, list):
        return [_closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    made = {key: _closed(value) for key, value in node.items()}
    return {"additionalProperties": False, **made} if "type" in made and isinstance(made.get("properties"), dict) else made
