"""Chat and reactions of a stream

Revision: chat, after push
"""

import sqlalchemy as sa
from alembic import op

revision = "chat"
down_revision = "push"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "chat_message",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("chat_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_message_author_id"), ["author_id"], unique=False)
        batch_op.create_index("ix_chat_message_stream_at", ["stream_id", "at", "id"], unique=False)

    op.create_table(
        "chat_mute",
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("stream_id", "user_id"),
    )
    with op.batch_alter_table("chat_mute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_mute_user_id"), ["user_id"], unique=False)

    op.create_table(
        "reaction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("reaction", schema=None) as batch_op:
        batch_op.create_index("ix_reaction_stream_kind", ["stream_id", "kind"], unique=False)

    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reactions_on", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade():
    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.drop_column("reactions_on")
    op.drop_table("reaction")
    op.drop_table("chat_mute")
    op.drop_table("chat_message")
