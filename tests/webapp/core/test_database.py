from __future__ import annotations

import alembic.util
import flask_migrate
import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from contract.settings import ConfigError
from tests.webapp.conftest import POSTGRES
from webapp.accounts import former_names
from webapp.core.database import Base, db, engine_options
from webapp.models import LoginSession, Recording, User


def test_models_and_migrations_agree(app):
    with app.app_context():
        flask_migrate.check()


def test_check_notices_a_column_without_a_migration(app):
    with app.app_context():
        db.session.execute(text("ALTER TABLE recording DROP COLUMN size"))
        db.session.commit()
        with pytest.raises((SystemExit, alembic.util.CommandError)):
            flask_migrate.check()


def test_migrations_can_be_taken_back(app):
    with app.app_context():
        flask_migrate.downgrade(revision="base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        flask_migrate.upgrade()
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}


def test_recordings_of_an_older_version_are_kept(app):
    with app.app_context():
        flask_migrate.downgrade(revision="0001")
        db.session.execute(text("INSERT INTO \"user\" VALUES (1, 'ana', 'ana', 'Ana', 'x', true, '2026-01-01', NULL)"))
        db.session.execute(
            text("INSERT INTO recording VALUES ('a', 1, 'Späte Stunde', '2026-01-01', 60.0, 5, 'closed', '[]', '[]', NULL)")
        )
        db.session.commit()
        flask_migrate.upgrade()
        (recording,) = db.session.scalars(select(Recording))
        assert (recording.title, recording.title_key) == ("Späte Stunde", "späte stunde")
        assert (recording.audience, recording.outline, recording.clip_of) == ("friends", None, "")
        assert (recording.owner.audience, recording.owner.keep_days) == ("friends", None)


def test_names_of_accounts_that_an_older_version_deleted_are_given_to_nobody(app):
    with app.app_context():
        flask_migrate.downgrade(revision="language")
        db.session.execute(text("INSERT INTO audit_entry VALUES (1, '2026-01-01', 'adam', 'person.deleted', 'Bob', '')"))
        db.session.commit()
        flask_migrate.upgrade()
        assert (former_names.is_former("bob"), former_names.is_former("adam")) == (True, False)


on_sqlite = pytest.mark.skipif(bool(POSTGRES), reason="these tests run on PostgreSQL")


@on_sqlite
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("busy_timeout", 10_000),
        ("synchronous", 1),
    ],
)
def test_every_connection_to_sqlite_is_safe(app, pragma, value):
    with app.app_context(), db.engine.connect() as one, db.engine.connect() as other:
        assert one.scalar(text(f"PRAGMA {pragma}")) == other.scalar(text(f"PRAGMA {pragma}")) == value


@on_sqlite
def test_the_sqlite_library_is_one_that_does_not_corrupt(app):
    with app.app_context():
        found = db.session.scalar(text("SELECT sqlite_version()"))
    assert tuple(map(int, found.split("."))) >= (3, 51, 3)


@pytest.mark.parametrize("version", [(3, 45, 1), (3, 51, 2)])
def test_an_older_sqlite_library_is_refused(version):
    with pytest.raises(ConfigError, match=r"3\.\d+\.\d.*3\.51\.3"):
        engine_options("sqlite:////tmp/x.db", version)


@pytest.mark.parametrize("url", ["canary", "canary://x", "sqlite+canary:///x", "postgresql://host:canary/air"])
def test_an_address_that_is_no_databases_is_refused_without_showing_it(url):
    with pytest.raises(ConfigError) as caught:
        engine_options(url)
    assert "STILLAIR_DATABASE_URL" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url):
    with pytest.raises(ConfigError, match="in memory"):
        engine_options(url)


def test_a_missing_driver_is_named():
    with pytest.raises(ConfigError, match="driver MySQLdb"):
        engine_options("mysql+mysqldb://host/air")


def test_postgresql_does_not_ask_for_sqlite():
    assert "module" not in engine_options("postgresql+psycopg://air@localhost/air", version=(3, 0, 0))


def test_every_table_is_valid_for_postgresql():
    """Compiled by the dialect; the partial indices keep their conditions."""
    tables = Base.metadata.sorted_tables
    for table in tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect()))
    indices = [str(CreateIndex(index).compile(dialect=postgresql.dialect())) for table in tables for index in table.indexes]
    assert sum("WHERE" in index for index in indices) == 4


def test_sessions_go_with_their_account(app, alice):
    with app.app_context():
        db.session.delete(db.session.scalar(select(User)))
        db.session.commit()
        assert db.session.scalar(select(LoginSession)) is None
    assert alice.get("/api/friends").status_code == 401


def test_two_writers_wait_for_each_other(app):
    with app.app_context():
        url = db.engine.url
    engines = [create_engine(url, **engine_options(str(url))) for _ in range(2)]
    with engines[0].begin() as first:
        first.execute(text("INSERT INTO login_failure (subject, at) VALUES ('a', '2026-01-01')"))
    with engines[1].begin() as second:
        second.execute(text("INSERT INTO login_failure (subject, at) VALUES ('b', '2026-01-01')"))
        assert second.scalar(text("SELECT count(*) FROM login_failure")) == 2
    for engine in engines:
        engine.dispose()
