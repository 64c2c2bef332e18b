"""Profiles, blocked people, and accounts that are deleted

Revision: people, after quality
"""

import sqlalchemy as sa
from alembic import op

revision = "people"
down_revision = "quality"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "block",
        sa.Column("blocker_id", sa.Integer(), nullable=False),
        sa.Column("blocked_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("blocker_id != blocked_id"),
        sa.ForeignKeyConstraint(["blocked_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["blocker_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id"),
    )
    with op.batch_alter_table("block", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_block_blocked_id"), ["blocked_id"], unique=False)
    op.create_table(
        "discarded_recording",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("discarded_recording", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_discarded_recording_due_at"), ["due_at"], unique=False)
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about", sa.String(length=160), server_default="", nullable=False))
        batch_op.add_column(sa.Column("avatar", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("exact_name_only", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("theme", sa.String(length=8), server_default="system", nullable=False))
        batch_op.add_column(sa.Column("shortcuts", sa.Boolean(), server_default="1", nullable=False))
        # Nothing here may make SQLite copy the table: it would drop the old one, and all rows that refer to it.
        batch_op.create_index(batch_op.f("ix_user_avatar"), ["avatar"], unique=True)


def downgrade():
    op.drop_index("ix_user_avatar", "user")
    for column in ("shortcuts", "theme", "exact_name_only", "avatar", "about"):
        op.drop_column("user", column)
    op.drop_table("discarded_recording")
    op.drop_table("block")
