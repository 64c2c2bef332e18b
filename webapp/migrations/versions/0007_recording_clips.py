"""Recordings that are pieces of others

Revision: recording_clips, after recording_outline
"""

import sqlalchemy as sa
from alembic import op

revision = "recording_clips"
down_revision = "recording_outline"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clip_of", sa.String(length=32), server_default="", nullable=False))
        batch_op.create_index(
            "ix_recording_clip_of",
            ["clip_of"],
            unique=False,
            sqlite_where=sa.text("clip_of != ''"),
            postgresql_where=sa.text("clip_of != ''"),
        )


def downgrade():
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_recording_clip_of", sqlite_where=sa.text("clip_of != ''"), postgresql_where=sa.text("clip_of != ''")
        )
        batch_op.drop_column("clip_of")
