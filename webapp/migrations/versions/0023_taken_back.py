"""Events say whose words they carry, so that these can be taken back

Revision: taken_back, after former_names
"""

import sqlalchemy as sa
from alembic import op

revision = "taken_back"
down_revision = "former_names"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("DELETE FROM event")  # pages load their lists anew; the rows of before do not say whose words they carry
    with op.batch_alter_table("event", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("author_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("about", sa.String(length=32), server_default="", nullable=False))
        batch_op.create_foreign_key("fk_event_author_id_user", "user", ["author_id"], ["id"], ondelete="CASCADE")
        batch_op.create_index(batch_op.f("ix_event_about"), ["about"], unique=False)


def downgrade():
    with op.batch_alter_table("event", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_about"))
        batch_op.drop_constraint("fk_event_author_id_user", type_="foreignkey")
        batch_op.drop_column("about")
        batch_op.drop_column("author_id")
