"""In which language people read

Revision: language, after access_tokens
"""

import sqlalchemy as sa
from alembic import op

revision = "language"
down_revision = "access_tokens"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("browser_language", sa.String(length=16), nullable=True))


def downgrade():
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("browser_language")
        batch_op.drop_column("language")
