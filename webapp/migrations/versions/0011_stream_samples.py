"""How many listened to a stream, and how much noise was removed

Revision: stream_samples, after chat
"""

import sqlalchemy as sa
from alembic import op

revision = "stream_samples"
down_revision = "chat"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "stream_sample",
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("listeners", sa.Integer(), nullable=False),
        sa.Column("removed_db", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("stream_id", "at"),
    )


def downgrade():
    op.drop_table("stream_sample")
