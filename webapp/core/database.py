"""Flask extensions, bound to the app in `create_app`, and what the database engine needs to be safe."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, unique
from typing import Any, cast

import pysqlite3.dbapi2 as sqlite
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import CursorResult, Executable, event, func, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import DeclarativeBase

from contract.settings import ConfigError

SQLITE_LEAST = (3, 51, 3)  # older ones can corrupt a WAL database that two processes write: sqlite.org/wal.html#walresetbug
BUSY_TIMEOUT_S = 10


class Base(DeclarativeBase):
    """Base of all models."""


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


def init_database(app: Flask, url: str) -> None:
    """Binds `db` to `url`. Raises ConfigError when the SQLite library is too old or the address is none."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)


def engine_options(url: str, version: tuple[int, ...] = sqlite.sqlite_version_info) -> Mapping[str, Any]:
    """Raises ConfigError. Error messages never show parameters: tokens' and passwords' hashes are among them."""
    if _backend(url) != "sqlite":
        return {"hide_parameters": True, "pool_pre_ping": True}
    if version < SQLITE_LEAST:
        found, least = (".".join(map(str, numbers)) for numbers in (version, SQLITE_LEAST))
        raise ConfigError(f"SQLite {found} can corrupt this database; {least} is safe. Install pysqlite3 0.6.1 or later.")
    return {"hide_parameters": True, "module": sqlite, "connect_args": {"timeout": BUSY_TIMEOUT_S}}


def _backend(url: str) -> str:
    """Name of the database system. The address is never shown, for a password may be in it."""
    try:
        dialect = make_url(url).get_dialect()
        if dialect.name != "sqlite":
            dialect.import_dbapi()
    except (ArgumentError, ValueError):
        raise ConfigError("STILLAIR_DATABASE_URL is no address such as postgresql://name:password@host/database.") from None
    except ImportError as error:
        raise ConfigError(f"STILLAIR_DATABASE_URL needs the driver {error.name}, which is not installed.") from error
    return dialect.name


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    # Its own knows only ASCII.
    connection.create_function("lower", 1, lambda text: text.lower() if text else text, deterministic=True)


@unique
class AdvisoryLock(IntEnum):
    """What transactions on PostgreSQL wait for in turn, by the key of its lock."""

    FIRST_ACCOUNT = 0x5711
    """Who is the first account, and who is the last admin."""
    EVENTS = 0x5712
    """Event ids are handed out in the order of commits."""
    BLOCKS = 0x5713
    """A request or an invite link that is used while somebody blocks."""
    PLAYS = 0x5714
    """Two reports of one listener at the same moment."""


def advisory_lock(lock: AdvisoryLock) -> None:
    """Take `lock` until the current transaction is over. SQLite has one writer at a time anyway."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(lock.value)))


def affected_rows(statement: Executable) -> int:
    """Execute an UPDATE or DELETE in the current transaction and return how many rows it changed."""
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount
