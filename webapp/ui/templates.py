"""Provides the names, filters and options that every template uses."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from jinja2.ext import Extension
from markupsafe import Markup

from webapp.accounts import notices
from webapp.events import outbox
from webapp.factors import passkeys
from webapp.home import demo_samples
from webapp.home.overview import Overview, overview_of
from webapp.models import AccountNotice
from webapp.ui import formatting, svg

CSRF_FIELD = Markup('<input type="hidden" name="csrf_token" value="%s">')
INDENTATION = re.compile(r"\n[ \t]+")


class Dense(Extension):
    """Leaves out the indentation of templates when they are compiled: it is a third of a page, which is sent uncompressed."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return INDENTATION.sub("\n ", source)  # with one space left: trim_blocks takes the line break behind a block


def init_app(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension(Dense)
    app.jinja_env.filters.update(formatting.TEMPLATE_FILTERS)
    app.jinja_env.globals.update(
        svg.TEMPLATE_GLOBALS,
        account_notices=account_notices,
        csrf=csrf_field,
        difference_samples=demo_samples.NAMES,
        latest_event=outbox.latest_id,
        notice_text=notices.text_of,
        overview=overview,
        passkey_origin=passkeys.origin,
        page_path=page_path,
        route=route,
        theme=theme,
    )


def overview() -> Overview:
    """Return the people around whoever looks at this page; it is read once for a page."""
    if "overview" not in g:
        g.overview = overview_of(current_user)
    found: Overview = g.overview
    return found


def account_notices() -> list[AccountNotice]:
    """Return what whoever looks at this page has to be told about their account."""
    return notices.notices_of(current_user)


def csrf_field() -> Markup:
    """Return the hidden field that every form carries."""
    return CSRF_FIELD % str(generate_csrf())


def page_path() -> str:
    """Return the path of the page that is being looked at; `/sidebar` is asked for on behalf of another one."""
    return request.args.get("page", "/") if request.endpoint == "pages_home.sidebar" else request.path


def theme() -> str:
    """Return which of preferences.THEMES the reader has chosen."""
    return str(current_user.theme) if current_user.is_authenticated else "system"


def route(name: str, **values: Any) -> str:
    """Return the address of a page: `route("listen.friend", username=...)`."""
    return url_for(f"pages_{name}", **values)
