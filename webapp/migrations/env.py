"""How Alembic reaches the database: over the app's own engine. `flask --app webapp db upgrade`."""

import sqlalchemy as sa
from alembic import context

from webapp.core.database import Base, db
from webapp.models import UtcDateTime


def render_item(kind, item, _autogen_context):
    """Migrations must not import models: those go on changing."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def compare_type(_context, _inspected_column, _metadata_column, inspected_type, metadata_type):
    if isinstance(metadata_type, UtcDateTime):
        return not isinstance(inspected_type, sa.DateTime)
    return None


def migrate():
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_item=render_item,
            compare_type=compare_type,
            render_as_batch=True,  # SQLite alters a table by copying it
        )
        with context.begin_transaction():
            context.run_migrations()


migrate()
