"""Who may hear a recording

Revision: recording_audience, after library_order
"""

import sqlalchemy as sa
from alembic import op

revision = "recording_audience"
down_revision = "library_order"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "recording_share",
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recording_id", "user_id"),
    )
    with op.batch_alter_table("recording_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_share_user_id"), ["user_id"], unique=False)
    for table in ("user", "recording"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("audience", sa.String(length=16), server_default="friends", nullable=False))


def downgrade():
    for table in ("user", "recording"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("audience")
    op.drop_table("recording_share")
