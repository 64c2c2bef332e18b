"""Names of accounts that were deleted before, as far as the audit log still knows them

Revision: names_of_the_log, after passkeys
"""

import sqlalchemy as sa
from alembic import op

from webapp.security.sealing import keyed_hash

revision = "names_of_the_log"
down_revision = "passkeys"
branch_labels = None
depends_on = None


def upgrade():
    connection = op.get_bind()
    names = connection.execute(sa.text("SELECT DISTINCT about FROM audit_entry WHERE act = 'person.deleted'")).scalars()
    kept = set(connection.execute(sa.text("SELECT name_hash FROM former_name")).scalars())
    hashes = {keyed_hash(name.lower(), "former name") for name in names} - kept
    former_name = sa.table("former_name", sa.column("name_hash", sa.String))
    if hashes:
        op.bulk_insert(former_name, [{"name_hash": found} for found in sorted(hashes)])


def downgrade():
    """Leave them: they are right."""
