"""The features that deployments carried, and what records are found by through them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; records of before are looked at by the agent, the newest ones."""
    op.add_column("deployments", sa.Column("features_folded", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "carried",
        sa.Column("deployment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.Text(), nullable=False),
        sa.Column("left", sa.Text(), nullable=False),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("committed", sa.Text(), nullable=False),
        sa.Column("again_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["deployment"], ["deployments.id"], name=op.f("fk_carried_deployment")),
        sa.PrimaryKeyConstraint("deployment", name=op.f("pk_carried")),
    )
    op.create_index(op.f("ix_carried_again_at"), "carried", ["again_at"])
