"""Sets the HTTP side of security: headers on every answer, the cookie, host names, proxies, and `?next=`."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Flask, Response, g, request
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.core.config import Config
from webapp.core.errors import NotFound

MAX_BODY_BYTES = 64 * 1024
SESSION_LIFETIME = timedelta(days=30)
COOKIE_LIFETIME = timedelta(days=400)  # the most that browsers take; how long a log-in lasts is decided by its row

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def init_app(app: Flask, config: Config) -> None:
    app.config.update(
        SECRET_KEY=config.secret_key,
        TRUSTED_HOSTS=config.hosts,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        PERMANENT_SESSION_LIFETIME=COOKIE_LIFETIME,
        SESSION_REFRESH_EACH_REQUEST=False,  # an answer in the background would undo what a form has just written
        SESSION_COOKIE_NAME=cookie_name(config),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.tls,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open all day
        WTF_CSRF_SSL_STRICT=False,  # scripts send no Referer, and the token alone decides
    )
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.before_request
    def refuse_nul() -> None:
        if "\0" in request.path:  # no name and no id holds it, and PostgreSQL takes no text with it
            raise NotFound

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers["Content-Security-Policy"] = content_security_policy(config.audio_url_for(_host()))
        response.headers.setdefault("Cache-Control", "no-store")
        if config.tls:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response


def _host() -> str:
    """Return the Host header; empty when it is none of ours (and this answer says so)."""
    try:
        return request.host
    except SecurityError:
        return ""


def cookie_name(config: Config) -> str:
    """Return a name with the port in it: cookies do not know ports, and two servers on one machine must not share them."""
    name = f"stillair_{config.port}"
    return f"__Host-{name}" if config.tls else name


def csp_nonce() -> str:
    """Return the nonce for the one style element that Turbo adds by itself (`<meta name="csp-nonce">`); scripts never get one."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def content_security_policy(audio_url: str) -> str:
    """Return the policy of the current answer.

    `audio_url` is ws(s)://host:port; livekit-client also asks that server by http(s) why a connection failed.
    """
    audio = audio_url.removeprefix("ws")  # "://host:port" or "s://host:port"
    style_nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self'{style_nonce}",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "media-src 'self' blob:",
            "manifest-src 'self'",
            "worker-src 'self'",
            f"connect-src 'self' ws{audio} http{audio}",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def local_path(target: str | None) -> str:
    """Return `target` (from `?next=`) when it is a path on this server, else "/".

    Browsers read a backslash as a slash and skip control characters.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    if "\\" in target or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in target):
        return "/"
    return target
