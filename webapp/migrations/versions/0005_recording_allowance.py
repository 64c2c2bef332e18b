"""Space and time for the recordings of one person

Revision: recording_allowance, after recording_audience
"""

import sqlalchemy as sa
from alembic import op

revision = "recording_allowance"
down_revision = "recording_audience"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("keep_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("quota_gb", sa.Double(), nullable=True))


def downgrade():
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("quota_gb")
        batch_op.drop_column("keep_days")
