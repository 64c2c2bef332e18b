"""Reads the JSON body of a request field by field, so that whatever is sent ends as 400 or 422 and never as 500."""

from __future__ import annotations

from typing import Any, Self

from flask import request
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest as UnreadableJson

from webapp.core.errors import BadRequest, Invalid
from webapp.core.text import clean, is_encodable


class JsonBody:
    """One JSON object. Every reader raises Invalid, naming the field; unknown fields are ignored."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @classmethod
    def of_request(cls) -> Self:
        """The current request's body; an empty one counts as `{}`. Raises BadRequest when it is not JSON."""
        if not request.get_data():
            return cls({})
        try:
            data = request.get_json(force=True)
        except (UnreadableJson, RecursionError) as error:
            raise BadRequest(_("The body is not JSON.")) from error
        if not isinstance(data, dict):
            raise Invalid(_("The body must be a JSON object."))
        return cls(data)

    def secret(self, name: str) -> str:
        """Text exactly as it was sent."""
        value = self._data.get(name)
        if not isinstance(value, str) or not value:
            raise Invalid.field(name, _("This must be text and may not be missing."))
        if not is_encodable(value):
            raise Invalid.field(name, _("This contains characters that do not exist."))
        return value

    def text(self, name: str, *, default: str | None = None, most: int = 128) -> str:
        """Text without control and direction characters, of at most `most` characters; `default` when it is missing or empty."""
        value = self._data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise Invalid.field(name, _("This must be text and may not be missing."))
        if len(value) > most:  # as it was sent: what is described as too long is refused, whatever it consists of
            raise Invalid.field(name, _("At most %(count)d characters.", count=most))
        value = clean(value) or default
        if value is None:
            raise Invalid.field(name, _("This may not be empty."))
        return value

    def number(self, name: str, *, default: float, least: float, most: float) -> float:
        value = self._data.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise Invalid.field(name, _("This must be a number from %(least)g to %(most)g.", least=least, most=most))
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._data.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Invalid.field(name, _("This must be true or false."))
        return value

    def choice(self, name: str, *choices: str, default: str | None = None) -> str:
        value = self._data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in choices:
            raise Invalid.choice(name, choices)
        return value

    def texts(self, name: str, *, most: int = 1000) -> list[str]:
        """A list of texts, empty when it is missing."""
        value = self._data.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most or not all(isinstance(text, str) for text in value):
            raise Invalid.field(name, _("This must be a list of at most %(count)d texts.", count=most))
        return value
