"""Reads typed fields out of JSON that another program wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class DocumentError(ValueError):
    """Says that a document from the other program cannot be read. The message names the document and the field."""


def read(document: str, text: str) -> Mapping[str, Any]:
    """Parse a JSON object. `document`: its name for messages. Raises DocumentError."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"{document} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DocumentError(f"{document} is not a JSON object")
    return data


def take(document: str, data: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """Return a field that has one of these types. Raises DocumentError."""
    value = data.get(name)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise DocumentError(f"{document}: {name} is {value!r}, not {' or '.join(kind.__name__ for kind in kinds)}")
    return value
