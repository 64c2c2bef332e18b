"""Marks views that work for seconds. The server in front of Flask lets few of them work at once, beside those of pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def takes_long(view: View) -> View:
    """Mark a view, beneath all other decorators."""
    view.takes_long = True  # type: ignore[attr-defined]
    return view


def is_long(view: Callable[..., Any]) -> bool:
    return getattr(view, "takes_long", False)
