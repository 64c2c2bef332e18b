"""Reads the body and the query string of a request, so that whatever is sent ends as 400 or 422 and never as 500."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from flask import request
from flask_babel import gettext as _
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import BadRequest as UnreadableJson

from webapp.core.errors import BadRequest, Invalid
from webapp.openapi.schemas import Body, JsonSchema, Query

Model = TypeVar("Model", bound=BaseModel)


def read_body(model: type[Body]) -> Body:
    """The JSON object that the request brings; no body at all counts as `{}`. Raises BadRequest and Invalid."""
    return _validated(model, _json_object() if request.get_data() else {})


def read_query(model: type[Query]) -> Query:
    """The query string. Of several values of one parameter the first counts. Raises Invalid."""
    return _validated(model, request.args.to_dict())


def _json_object() -> dict[str, Any]:
    try:
        data = request.get_json(force=True)
    except (UnreadableJson, RecursionError) as error:
        raise BadRequest(_("The body is not JSON.")) from error
    if not isinstance(data, dict):
        raise Invalid(_("The body must be a JSON object."))
    return data


def _validated(model: type[Model], data: dict[str, Any]) -> Model:
    """Raises Invalid for the first field that is wrong."""
    given = {name: value for name, value in data.items() if value is not None}  # null says no more than a missing field
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = str(problem["loc"][0])
        raise Invalid.field(name, _message(problem, _fields(model)[name])) from error


@cache
def _fields(model: type[BaseModel]) -> dict[str, JsonSchema]:
    fields: dict[str, JsonSchema] = model.model_json_schema()["properties"]
    return fields


def _message(problem: ErrorDetails, field: JsonSchema) -> str:
    """What is wrong with a field, for people and in their language. Pydantic's own messages are English and for programmers."""
    if problem["type"] == "value_error":  # raised by a validator of ours
        return str(problem["ctx"]["error"])
    if "anyOf" in field:  # this or null
        field = field["anyOf"][0]
    if "enum" in field:
        return Invalid.choice("", field["enum"]).message
    if "boolean" in field["type"]:
        return _("This must be true or false.")
    if "number" in field["type"]:
        return _("This must be a number from %(least)g to %(most)g.", least=field["minimum"], most=field["maximum"])
    if "array" in field["type"]:
        return _("This must be a list of at most %(count)d texts.", count=field["maxItems"])
    return _message_about_text(problem)


def _message_about_text(problem: ErrorDetails) -> str:
    match problem["type"]:
        case "string_too_short":
            return _("This may not be empty.")
        case "string_too_long":
            return _("At most %(count)d characters.", count=problem["ctx"]["max_length"])
        case "string_unicode":
            return _("This contains invalid characters.")
    return _("This must be text and may not be missing.")
