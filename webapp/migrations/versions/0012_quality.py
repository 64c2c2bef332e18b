"""Quality: voice, standard or music

Revision: quality, after stream_samples
"""

import sqlalchemy as sa
from alembic import op

revision = "quality"
down_revision = "stream_samples"
branch_labels = None
depends_on = None


def upgrade():
    for table in ("user", "stream"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("quality", sa.String(length=16), nullable=False, server_default="standard"))


def downgrade():
    for table in ("stream", "user"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("quality")
