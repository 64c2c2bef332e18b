"""Recordings in any order, and their search

Revision: library_order, after registration
"""

import sqlalchemy as sa
from alembic import op

revision = "library_order"
down_revision = "registration"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("title_key", sa.String(length=240), nullable=True))
    # The reconciler takes all sidecars over when it starts, and does it better.
    op.execute("UPDATE recording SET title_key = lower(title)")
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.alter_column("title_key", existing_type=sa.String(length=240), nullable=False)
        batch_op.drop_index("ix_recording_owner_started")
        batch_op.drop_index("ix_recording_deleted_at")
        batch_op.create_index("ix_recording_owner_started", ["owner_id", "started_at", "id"], unique=False)
        batch_op.create_index("ix_recording_owner_duration", ["owner_id", "duration", "id"], unique=False)
        batch_op.create_index("ix_recording_owner_title", ["owner_id", "title_key", "id"], unique=False)
        batch_op.create_index(
            "ix_recording_deleted",
            ["deleted_at"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )


def downgrade():
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_recording_deleted",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_recording_owner_title")
        batch_op.drop_index("ix_recording_owner_duration")
        batch_op.drop_index("ix_recording_owner_started")
        batch_op.create_index("ix_recording_deleted_at", ["deleted_at"], unique=False)
        batch_op.create_index("ix_recording_owner_started", ["owner_id", "started_at"], unique=False)
        batch_op.drop_column("title_key")
