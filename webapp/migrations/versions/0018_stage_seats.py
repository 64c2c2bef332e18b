"""Seats on a stage

Revision: stage_seats, after second_factor
"""

import sqlalchemy as sa
from alembic import op

revision = "stage_seats"
down_revision = "second_factor"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "stage_seat",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["session_id"], ["login_session.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("stage_seat", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stage_seat_stream_id"), ["stream_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stage_seat_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stage_seat_session_id"), ["session_id"], unique=False)
    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.add_column(sa.Column("listener_ids", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.alter_column("listener_ids", server_default=None)


def downgrade():
    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.drop_column("listener_ids")
    op.drop_table("stage_seat")
