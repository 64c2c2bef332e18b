"""Reads typed fields out of JSON that another program wrote."""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Mapping
from typing import Any


class DocumentError(ValueError):
    """Says that a document from the other program cannot be read. The message names the document and the field."""


def read(document: str, text: str) -> Mapping[str, Any]:
    """Parse a JSON object. `document`: its name for messages. Raises DocumentError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter if it is nested too deeply
        raise DocumentError(f"{document} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DocumentError(f"{document} is not a JSON object")
    return data


def take(document: str, data: Mapping[str, Any], name: str, *kinds: type) -> Any:
    """Return a field that has one of these types. A text holds only what files and databases can keep. Raises DocumentError."""
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise DocumentError(f"{document}: {name} is {reprlib.repr(value)}, not {' or '.join(kind.__name__ for kind in kinds)}")
    if isinstance(value, str) and _UNWRITABLE.search(value):
        raise DocumentError(f"{document}: {name} holds characters that cannot be written")
    return value


_UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # half of a pair in UTF-16, which JSON can name and UTF-8 cannot


def take_number(document: str, data: Mapping[str, Any], name: str) -> float:
    """Return a field that is a finite number. Raises DocumentError."""
    value = take(document, data, name, int, float)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DocumentError(f"{document}: {name} is {reprlib.repr(value)}, which no number of ours is")
    return number
