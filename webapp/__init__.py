"""Puts the web app together: accounts, friends, streams, recordings and the pages."""

from __future__ import annotations

from flask import Flask

from webapp import cli, routes
from webapp.accounts import bearer_auth, sessions
from webapp.accounts.passwords import Passwords
from webapp.core import compression, errors, static_files
from webapp.core.config import Config
from webapp.core.database import init_database
from webapp.core.extensions import csrf
from webapp.i18n import language
from webapp.notifications import push_client
from webapp.presence import hub
from webapp.profiles import avatars
from webapp.recordings import ingest
from webapp.security import headers, turns
from webapp.streams import shut_out
from webapp.ui import templates


def create_app(config: Config | None = None, *, migrates: bool = True) -> Flask:
    """Make the app. `config`: None reads the environment. Raises ConfigError.

    `migrates`: False for programs that change no tables, which spares them 10 MB of Alembic and a third of a second.
    """
    config = config or Config.from_environment()
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.config["STILLAIR"] = config
    app.extensions["passwords"] = Passwords(config)
    headers.init_app(app, config)
    init_database(app, config)
    if migrates:
        from webapp.core import migrations

        migrations.init_app(app)
    bearer_auth.init_app(app)
    csrf.init_app(app)
    language.init_app(app)
    sessions.init_app(app)
    hub.init_app(app, config)
    push_client.init_app(app)
    shut_out.init_app(app)
    ingest.init_app(app, config)
    avatars.init_app(app, config)
    turns.init_app(app)
    errors.init_app(app)
    templates.init_app(app)
    routes.init_app(app)
    static_files.init_app(app)
    compression.init_app(app)
    cli.init_app(app)
    return app
