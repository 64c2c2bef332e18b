"""Studios move like stages, and seats belong to log-ins, as their tokens are at that moment

Revision: studios, after stage_seats
"""

import sqlalchemy as sa
from alembic import op

revision = "studios"
down_revision = "stage_seats"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("DELETE FROM stage_seat")  # their holders ask for new ones
    with op.batch_alter_table("stage_seat", schema=None) as batch_op:
        batch_op.drop_index("ix_stage_seat_session_id")
        batch_op.drop_column("session_id")
        batch_op.add_column(sa.Column("login", sa.String(length=32), nullable=False))
    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.add_column(sa.Column("studio_number", sa.Integer(), nullable=False, server_default="1"))


def downgrade():
    with op.batch_alter_table("stream", schema=None) as batch_op:
        batch_op.drop_column("studio_number")
    op.execute("DELETE FROM stage_seat")
    with op.batch_alter_table("stage_seat", schema=None) as batch_op:
        batch_op.drop_column("login")
        batch_op.add_column(sa.Column("session_id", sa.Integer(), nullable=True))
        batch_op.create_index("ix_stage_seat_session_id", ["session_id"], unique=False)
