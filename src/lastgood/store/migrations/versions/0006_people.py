"""Who wrote what a deployment carried, for the filter by author."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# So many records are read at once: their features may be megabytes.
_AT_ONCE = 500


def upgrade() -> None:
    """Add the column, and fill it from what is kept of features."""
    op.add_column("deployments", sa.Column("people_folded", sa.Text(), nullable=False, server_default=""))
    connection = op.get_bind()
    read = sa.text("SELECT deployment, entered FROM carried WHERE deployment > :after ORDER BY deployment LIMIT :most")
    write = sa.text("UPDATE deployments SET people_folded = :people WHERE id = :of")
    after = -1
    while rows := connection.execute(read, {"after": after, "most": _AT_ONCE}).all():
        people = [(row.deployment, _people(row.entered)) for row in rows]
        found = [{"of": of, "people": text} for of, text in people if text]
        if found:
            connection.execute(write, found)
        after = rows[-1].deployment


def _people(entered: str) -> str:
    each = (person for feature in json.loads(entered) for person in feature["authors"])
    return "\n".join(dict.fromkeys(f"{person['name']} <{person['email']}>".casefold() for person in each))
