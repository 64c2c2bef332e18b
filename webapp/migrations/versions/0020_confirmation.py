"""When a log-in was confirmed, and from where a token was used

Revision: confirmation, after studios
"""

import sqlalchemy as sa
from alembic import op

revision = "confirmation"
down_revision = "studios"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confirmed_at", sa.DateTime(), nullable=True))
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("networks", sa.String(length=1024), server_default="", nullable=False))


def downgrade():
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.drop_column("networks")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_column("confirmed_at")
