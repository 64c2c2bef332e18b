"""The list of log-ins, browsers known from earlier, and notices about accounts

Revision: logins, after confirmation
"""

from secrets import token_hex

import sqlalchemy as sa
from alembic import op

revision = "logins"
down_revision = "confirmation"
branch_labels = None
depends_on = None


def upgrade():
    _make_known_browsers()
    _describe_log_ins()
    _make_notices()


def _make_known_browsers():
    op.create_table(
        "known_browser",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("nonce_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("nonce_hash"),
    )
    op.create_index("ix_known_browser_user_id", "known_browser", ["user_id"])


def _describe_log_ins():
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("public_id", sa.String(length=32), nullable=True))
        for name, length in (("browser", 32), ("system", 32), ("network", 64)):
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("known_browser_id", sa.Integer(), nullable=True))
    rows = sa.table("login_session", sa.column("id", sa.Integer), sa.column("public_id", sa.String))
    for (row_id,) in op.get_bind().execute(sa.select(rows.c.id)).all():
        op.execute(sa.update(rows).where(rows.c.id == row_id).values(public_id=token_hex(16)))
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.alter_column("public_id", existing_type=sa.String(length=32), nullable=False)
        for name, length in (("browser", 32), ("system", 32), ("network", 64)):
            batch_op.alter_column(name, existing_type=sa.String(length=length), server_default=None)
        batch_op.create_unique_constraint("uq_login_session_public_id", ["public_id"])
        batch_op.create_index("ix_login_session_known_browser_id", ["known_browser_id"])
        name = "fk_login_session_known_browser_id"
        batch_op.create_foreign_key(name, "known_browser", ["known_browser_id"], ["id"], ondelete="SET NULL")


def _make_notices():
    op.create_table(
        "account_notice",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=160), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("known_browser_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["known_browser_id"], ["known_browser.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("user_id", "at", "known_browser_id"):
        op.create_index(f"ix_account_notice_{name}", "account_notice", [name])
    op.create_table(
        "notice_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=160), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("try_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notice_mail_user_id", "notice_mail", ["user_id"])


def downgrade():
    op.drop_table("notice_mail")
    op.drop_table("account_notice")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_constraint("fk_login_session_known_browser_id", type_="foreignkey")
        batch_op.drop_index("ix_login_session_known_browser_id")
        batch_op.drop_constraint("uq_login_session_public_id", type_="unique")
        for name in ("known_browser_id", "network", "system", "browser", "public_id"):
            batch_op.drop_column(name)
    op.drop_table("known_browser")
