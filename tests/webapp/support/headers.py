"""The headers that stand on every answer."""

from __future__ import annotations

import re

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def directives(response) -> dict[str, list[str]]:
    policy = response.headers["Content-Security-Policy"]
    return {name: sources for name, *sources in (directive.split() for directive in policy.split(";"))}


def check_headers(response) -> None:
    assert {name: response.headers.get(name) for name in ALWAYS} == ALWAYS
    policy = directives(response)
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "Cache-Control" in response.headers
    assert not re.search(r"werkzeug|flask|python|uvicorn|sqlalchemy", str(response.headers), re.IGNORECASE)
