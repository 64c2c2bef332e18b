"""Notices: browsers that get pushes, what waits to be sent, whom one does not want to hear of, and pages in sight

Revision: push, after recording_listens
"""

import sqlalchemy as sa
from alembic import op

revision = "push"
down_revision = "recording_listens"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "push_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(length=1024), nullable=False),
        sa.Column("p256dh", sa.String(length=88), nullable=False),
        sa.Column("auth", sa.String(length=24), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["login_session.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endpoint"),
        sa.UniqueConstraint("session_id"),
    )
    op.create_table(
        "push_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subscription_id"], ["push_subscription.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("push_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_message_due_at"), ["due_at"], unique=False)
        batch_op.create_index("ix_push_message_once", ["subscription_id", "stream_id"], unique=True)
        batch_op.create_index(batch_op.f("ix_push_message_stream_id"), ["stream_id"], unique=False)
    op.create_table(
        "notice_off",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("friend_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["friend_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "friend_id"),
    )
    with op.batch_alter_table("notice_off", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_off_friend_id"), ["friend_id"], unique=False)
    with op.batch_alter_table("event_connection", schema=None) as batch_op:
        batch_op.add_column(sa.Column("watching", sa.Boolean(), server_default=sa.true(), nullable=False))
    with op.batch_alter_table("event_connection", schema=None) as batch_op:
        batch_op.alter_column("watching", server_default=None)


def downgrade():
    with op.batch_alter_table("event_connection", schema=None) as batch_op:
        batch_op.drop_column("watching")
    op.drop_table("notice_off")
    op.drop_table("push_message")
    op.drop_table("push_subscription")
