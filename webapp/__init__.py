"""The web app: accounts, friends, tokens, recordings and the pages."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from webapp import (
    accounts,
    avatars,
    bearer,
    cli,
    clips,
    compression,
    errors,
    event_hub,
    language,
    library,
    opus,
    pages,
    push_route,
    security,
    static_files,
    takeout,
)
from webapp.api import chat as api_chat
from webapp.api import checkup as api_checkup
from webapp.api import description, health, webhook
from webapp.api import events as api_events
from webapp.api import friends as api_friends
from webapp.api import push as api_push
from webapp.api import recordings as api_recordings
from webapp.api import session as api_session
from webapp.api import streams as api_streams
from webapp.config import Config
from webapp.extensions import csrf, db, init_database, migrate
from webapp.passwords import Passwords

BLUEPRINTS = (
    api_session.blueprint,
    api_friends.blueprint,
    api_events.blueprint,
    api_streams.blueprint,
    api_chat.blueprint,
    api_recordings.blueprint,
    api_push.blueprint,
    api_checkup.blueprint,
    description.blueprint,
    webhook.blueprint,
    health.blueprint,
)


def create_app(config: Config | None = None) -> Flask:
    """`config`: None reads the environment. Raises ConfigError."""
    config = config or Config.from_environment()
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.config["STILLAIR"] = config
    app.extensions["passwords"] = Passwords(config)
    security.init_app(app, config)
    init_database(app, config.database_url)
    migrate.init_app(app, db, directory=str(Path(app.root_path) / "migrations"))
    bearer.init_app(app)
    csrf.init_app(app)
    language.init_app(app)
    accounts.init_app(app)
    event_hub.init_app(app, config)
    push_route.init_app(app)
    library.init_app(app, config)
    clips.init_app(app)
    opus.init_app(app)
    avatars.init_app(app, config)
    takeout.init_app(app)
    errors.init_app(app)
    pages.init_app(app)
    static_files.init_app(app)
    compression.init_app(app)
    cli.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
