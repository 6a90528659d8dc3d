"""The settings that deployments changed, and what records are found by through them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the column; records of before are looked at by the agent, the newest ones."""
    op.add_column("deployments", sa.Column("settings_folded", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "settings",
        sa.Column("deployment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Text(), nullable=False),
        sa.Column("again_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["deployment"], ["deployments.id"], name=op.f("fk_settings_deployment")),
        sa.PrimaryKeyConstraint("deployment", name=op.f("pk_settings")),
    )
    op.create_index(op.f("ix_settings_again_at"), "settings", ["again_at"])
