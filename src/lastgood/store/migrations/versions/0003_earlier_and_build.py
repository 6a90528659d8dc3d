"""Which deployments of an application are from before it was forgotten, and the build of what one carried."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of applications that are kept now, no deployment is from before."""
    op.add_column("applications", sa.Column("earlier", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("carried", sa.Column("build", sa.Text()))
