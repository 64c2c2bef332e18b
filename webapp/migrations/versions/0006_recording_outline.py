"""The drawing of a recording in lists

Revision: recording_outline, after recording_allowance
"""

import sqlalchemy as sa
from alembic import op

revision = "recording_outline"
down_revision = "recording_allowance"
branch_labels = None
depends_on = None


def upgrade():
    # The reconciler takes all sidecars over when it starts, and fills them in.
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outline", sa.LargeBinary(), nullable=True))


def downgrade():
    with op.batch_alter_table("recording", schema=None) as batch_op:
        batch_op.drop_column("outline")
