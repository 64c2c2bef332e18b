"""The database: the session, safe engines for SQLite and PostgreSQL, and rules for transactions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import IntEnum, unique
from typing import Any, cast

import pysqlite3.dbapi2 as sqlite
from flask import Flask, current_app, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import CursorResult, Executable, event, func, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import DeclarativeBase

from contract.settings import ConfigError
from webapp.core.config import Config

log = logging.getLogger(__name__)

SQLITE_MIN_VERSION = (3, 51, 3)  # older ones can corrupt a WAL database that two processes write: sqlite.org/wal.html#walresetbug
BUSY_TIMEOUT_S = 10
BACKGROUND_THREADS = 1
"""Threads of the web app that serve no request and use the database: the poller of webapp.presence.hub."""


class Base(DeclarativeBase):
    """Base of all models."""


db = SQLAlchemy(model_class=Base)


def init_database(app: Flask, config: Config) -> None:
    """Bind `db` to the configured database. Raises ConfigError when its URL is wrong or the SQLite library too old."""
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **engine_options(config.database_url),
        **pool_options(config.threads + BACKGROUND_THREADS),
    }
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)


def engine_options(url: str, version: tuple[int, ...] = sqlite.sqlite_version_info) -> Mapping[str, Any]:
    """Return what an engine for `url` needs to be safe. Raises ConfigError.

    Error messages never show parameters, because hashes of tokens and passwords are among them.
    """
    if _backend(url) != "sqlite":
        return {"hide_parameters": True, "pool_pre_ping": True}
    if version < SQLITE_MIN_VERSION:
        found, least = (".".join(map(str, numbers)) for numbers in (version, SQLITE_MIN_VERSION))
        raise ConfigError(f"SQLite {found} can corrupt this database; {least} is safe. Install pysqlite3 0.6.1 or later.")
    return {"hide_parameters": True, "module": sqlite, "connect_args": {"timeout": BUSY_TIMEOUT_S}}


def pool_options(threads: int) -> Mapping[str, Any]:
    """Return a connection pool in which each of `threads` finds a connection at once, and none waits for another one.

    With SQLAlchemy's default of 5 connections and 10 more, a few slow requests would make all others wait. Connections are
    opened when they are needed, and the one used last is taken first, so a quiet server keeps few of them busy.
    """
    return {"pool_size": threads, "max_overflow": 0, "pool_use_lifo": True}


def _backend(url: str) -> str:
    """Return the name of the database system. Errors never show `url`, which may contain a password."""
    try:
        dialect = make_url(url).get_dialect()
        if dialect.name != "sqlite":
            dialect.import_dbapi()
    except (ArgumentError, ValueError):
        raise ConfigError("STILLAIR_DATABASE_URL is no address such as postgresql://name:password@host/database.") from None
    except ImportError as error:
        raise ConfigError(f"STILLAIR_DATABASE_URL needs the driver {error.name}, which is not installed.") from error
    if dialect.name == "sqlite" and make_url(url).database in (None, "", ":memory:"):
        raise ConfigError("STILLAIR_DATABASE_URL is a database in memory, which the web app and the reconciler cannot share.")
    return dialect.name


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own `lower` changes ASCII letters only.
    connection.create_function("lower", 1, lambda text: text.lower() if text else text, deterministic=True)


@unique
class AdvisoryLock(IntEnum):
    """Keys of the locks for which transactions on PostgreSQL wait in turn."""

    FIRST_ACCOUNT = 0x5711
    """Who is the first account, and who is the last admin."""
    EVENTS = 0x5712
    """Event ids are handed out in the order of commits."""
    BLOCKS = 0x5713
    """A request or an invite link that is used while somebody blocks."""
    PLAYS = 0x5714
    """Two reports of one listener at the same moment."""
    PLACES = 0x5715
    """Who has the last place of the noise remover that is not kept for the admins."""


def advisory_lock(lock: AdvisoryLock) -> None:
    """Take `lock` until the current transaction is over. SQLite has one writer at a time anyway."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(lock.value)))


def affected_rows(statement: Executable) -> int:
    """Execute an UPDATE or DELETE in the current transaction and return how many rows it changed."""
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount


def refuse_open_transaction(call: str) -> None:
    """Make sure that the current session holds no connection while `call`, the name of a slow partner, is waited for.

    Whoever asks another program builds plain values from the database and commits first; a transaction that only reads holds a
    connection as well. Raises RuntimeError while testing; in production the first violation of each `call` is logged as an error.
    """
    if not has_app_context() or not db.session.registry.has() or not db.session.registry().in_transaction():
        return
    message = f"a database transaction is open during a call to the {call}"
    if current_app.testing:
        raise RuntimeError(message)
    reported: set[str] = current_app.extensions.setdefault("open_transactions_reported", set())
    if call not in reported:
        reported.add(call)
        log.error(message, stack_info=True)
