"""The HTML pages: one blueprint per noun, server-rendered, and the names that templates use everywhere."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from webapp import events, people, samples
from webapp.pages import (
    admin,
    api,
    attendance,
    auth,
    avatars,
    chat,
    difference,
    drawing,
    friends,
    home,
    install,
    invites,
    listen,
    live,
    members,
    notifications,
    preferences,
    privacy,
    recordings,
    resets,
    search,
    settings,
    tokens,
    words,
)


def init_app(app: Flask) -> None:
    for page in (
        auth, difference, home, search, friends, invites, live, listen, recordings, settings, notifications, install,
        chat, attendance, avatars, preferences, privacy, admin, members, resets, tokens,
        api,
    ):
        app.register_blueprint(page.blueprint)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(words.TEMPLATE_FILTERS)
    app.jinja_env.globals.update(
        drawing.TEMPLATE_GLOBALS,
        company=company,
        csrf=csrf_field,
        difference_samples=samples.NAMES,
        latest_event=events.latest_id,
        page_path=page_path,
        route=route,
        theme=theme,
    )


def company() -> people.Company:
    """The people around whoever looks at this page; asked once for a page."""
    if "company" not in g:
        g.company = people.company_of(current_user)
    found: people.Company = g.company
    return found


def csrf_field() -> Markup:
    """The hidden field that every form carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def page_path() -> str:
    """The page that is being looked at; `/sidebar` is asked for on behalf of another one."""
    return request.args.get("page", "/") if request.endpoint == "pages_home.sidebar" else request.path


def theme() -> str:
    """preferences.THEMES: what whoever looks at this page has chosen."""
    return str(current_user.theme) if current_user.is_authenticated else "system"


def route(name: str, **values: Any) -> str:
    """Address of a page: `route("listen.friend", username=...)`."""
    return url_for(f"pages_{name}", **values)
