"""What the images of a deployment were found to be built from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of records from before, nothing is known."""
    op.add_column("carried", sa.Column("built", sa.Text(), nullable=False, server_default="[]"))
