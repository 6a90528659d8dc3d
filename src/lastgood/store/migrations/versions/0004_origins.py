"""What the charts of changed images say of their source, and which bases in other repos changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of records that are kept now nobody knows it."""
    op.add_column("deployments", sa.Column("origins", sa.Text()))
