"""Lists every module that answers requests. Nothing else imports them: they are the leaves of the import graph."""

from __future__ import annotations

from flask import Flask

from webapp.accounts import (
    api_log_ins,
    pages_access_tokens,
    pages_log_ins,
    pages_password_reset,
    pages_preferences,
    pages_settings,
)
from webapp.admin import api_health, pages_people, pages_statistics
from webapp.admin import pages as admin_pages
from webapp.auth import api as auth_api
from webapp.auth import pages as auth_pages
from webapp.auth import pages_invites
from webapp.chat import api as chat_api
from webapp.chat import pages as chat_pages
from webapp.factors import api as factors_api
from webapp.factors import pages as factors_pages
from webapp.factors import pages_confirmation
from webapp.friends import api as friends_api
from webapp.friends import pages as friends_pages
from webapp.friends import pages_search
from webapp.home import pages as home_pages
from webapp.home import pages_demo, pages_install
from webapp.i18n import pages as i18n_pages
from webapp.notifications import api as notifications_api
from webapp.notifications import pages as notifications_pages
from webapp.openapi import api as openapi_api
from webapp.openapi import pages as openapi_pages
from webapp.presence import api as presence_api
from webapp.privacy import pages as privacy_pages
from webapp.profiles import pages as profiles_pages
from webapp.recordings import api as recordings_api
from webapp.recordings import pages as recordings_pages
from webapp.security import pages as security_pages
from webapp.streams import api as streams_api
from webapp.streams import api_connection_check, pages_listen, pages_live, webhook

ROUTES = (
    # JSON
    auth_api,
    factors_api,
    api_log_ins,
    friends_api,
    presence_api,
    streams_api,
    chat_api,
    recordings_api,
    notifications_api,
    api_connection_check,
    openapi_api,
    webhook,
    api_health,
    # HTML
    auth_pages,
    home_pages,
    pages_demo,
    pages_install,
    friends_pages,
    pages_search,
    pages_invites,
    pages_live,
    pages_listen,
    recordings_pages,
    chat_pages,
    notifications_pages,
    profiles_pages,
    privacy_pages,
    pages_settings,
    pages_preferences,
    pages_password_reset,
    pages_log_ins,
    pages_access_tokens,
    factors_pages,
    pages_confirmation,
    admin_pages,
    pages_people,
    pages_statistics,
    openapi_pages,
    i18n_pages,
    security_pages,
)


def init_app(app: Flask) -> None:
    for module in ROUTES:
        app.register_blueprint(module.blueprint)
