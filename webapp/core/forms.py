"""Forms on pages. What they send is checked by the domain, as it is for the JSON API; a view only shows what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

from flask import make_response
from flask.typing import ResponseReturnValue

from webapp.core.errors import ApiError

Problems = Mapping[str, str]
"""Name of a field -> what is wrong with it."""
View = Callable[..., ResponseReturnValue]

NO_PROBLEMS: Problems = MappingProxyType({})


def form_errors(page: View, field: str = "") -> Callable[[View], View]:
    """Decorate a view that takes a form: when it raises ApiError, answer with the page of the form and what is wrong.

    `page` is called as the view is, and with `problems`. An error that names no field stands at `field`; without that it goes on.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**arguments: Any) -> ResponseReturnValue:
            try:
                return view(**arguments)
            except ApiError as error:
                problems = error.fields or ({field: error.message} if field else {})
                if not problems:
                    raise
                return make_response(page(**arguments, problems=problems), error.status)

        return answer

    return decorate
