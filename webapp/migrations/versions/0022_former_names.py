"""Names of deleted accounts, which nobody gets again, and ids by which files name people

Revision: former_names, after logins
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "former_names"
down_revision = "logins"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "former_name",
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name_hash"),
    )
    op.add_column("user", sa.Column("file_id", sa.String(length=32), server_default="", nullable=False))
    user = sa.table("user", sa.column("id", sa.Integer), sa.column("file_id", sa.String))
    for user_id in op.get_bind().execute(sa.select(user.c.id)).scalars().all():
        op.execute(user.update().where(user.c.id == user_id).values(file_id=secrets.token_hex(16)))
    op.create_index("ix_user_file_id", "user", ["file_id"], unique=True)


def downgrade():
    op.drop_index("ix_user_file_id", "user")
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("file_id")
    op.drop_table("former_name")
