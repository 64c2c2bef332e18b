"""How often and how far friends listened

Revision: recording_listens, after recording_clips
"""

import sqlalchemy as sa
from alembic import op

revision = "recording_listens"
down_revision = "recording_clips"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "recording_listen",
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("furthest", sa.Double(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording_id", "user_id"),
    )
    with op.batch_alter_table("recording_listen", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_listen_user_id"), ["user_id"], unique=False)


def downgrade():
    op.drop_table("recording_listen")
