"""The first schema: repos, heads, applications, deployments, operations, holds, pauses, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# SQLite's index for search; the triggers keep it true to the column, whoever writes.
SEARCH = """
CREATE VIRTUAL TABLE deployment_search USING fts5(
    search_text, content='deployments', content_rowid='id', tokenize='trigram case_sensitive 1'
);;
CREATE TRIGGER deployment_search_insert AFTER INSERT ON deployments BEGIN
    INSERT INTO deployment_search(rowid, search_text) VALUES (new.id, new.search_text);
END;;
CREATE TRIGGER deployment_search_update AFTER UPDATE OF search_text ON deployments
WHEN old.search_text IS NOT new.search_text BEGIN
    INSERT INTO deployment_search(deployment_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    INSERT INTO deployment_search(rowid, search_text) VALUES (new.id, new.search_text);
END;;
CREATE TRIGGER deployment_search_delete AFTER DELETE ON deployments BEGIN
    INSERT INTO deployment_search(deployment_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END
"""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "applications",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text()),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("renderer", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("current_version", sa.Text()),
        sa.Column("desired_version", sa.Text()),
        sa.Column("running_version", sa.Text()),
        sa.Column("last_good_version", sa.Text()),
        sa.Column("refused", sa.Text()),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("health", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("health_message", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.BigInteger()),
        sa.Column("updated_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_applications")),
    )
    op.create_table(
        "events",
        sa.Column("id", COUNTING, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("app", sa.Text()),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "holds",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("commit_oid", sa.Text()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.Text()),
        sa.Column("vanished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("app", "hold_id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_ended_at_since"), "holds", ["ended_at", "since"])
    op.create_table(
        "numbering",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app", name=op.f("pk_numbering")),
    )
    op.create_table(
        "observed_heads",
        sa.Column("id", COUNTING, nullable=False),
        sa.Column("repo", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit_oid", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observed_heads")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_observed_heads_repo_branch_id"), "observed_heads", ["repo", "branch", "id"])
    op.create_table(
        "operations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("repo", sa.Text()),
        sa.Column("branch", sa.Text()),
        sa.Column("moved", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("despite", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("by_email", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("commit_oid", sa.Text()),
        sa.Column("head", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("plan", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_index(op.f("ix_operations_requested_at_id"), "operations", ["requested_at", "id"])
    op.create_index(op.f("ix_operations_step_requested_at"), "operations", ["step", "requested_at"])
    op.create_table(
        "pauses",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_pauses")),
    )
    op.create_table(
        "refused_heads",
        sa.Column("id", COUNTING, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text()),
        sa.Column("commit_oid", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_heads")),
        sa.UniqueConstraint("app", "commit_oid", name=op.f("uq_refused_heads_app_commit_oid")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refused_heads_app_at"), "refused_heads", ["app", "at"])
    op.create_index(op.f("ix_refused_heads_environment_at"), "refused_heads", ["environment", "at"])
    op.create_index(op.f("ix_refused_heads_at"), "refused_heads", ["at"])
    op.create_table(
        "repos",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("head", sa.Text()),
        sa.Column("observed_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_repos")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", COUNTING, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.Text()),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("path_tree", sa.Text()),
        sa.Column("commit_oid", sa.Text(), nullable=False),
        sa.Column("commit_tree", sa.Text(), nullable=False),
        sa.Column("commit_parents", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_email", sa.Text(), nullable=False),
        sa.Column("committer_name", sa.Text(), nullable=False),
        sa.Column("committer_email", sa.Text(), nullable=False),
        sa.Column("authored_at", sa.BigInteger(), nullable=False),
        sa.Column("committed_at", sa.BigInteger(), nullable=False),
        sa.Column("commit_message", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("baked_at", sa.BigInteger()),
        sa.Column("degraded_at", sa.BigInteger()),
        sa.Column("own_fault", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text()),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("resources", sa.Text(), nullable=False),
        sa.Column("phases", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.Text()),
        sa.Column("last_words", sa.Text(), nullable=False),
        sa.Column("author_folded", sa.Text(), nullable=False),
        sa.Column("images_folded", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["app"], ["numbering.app"], name=op.f("fk_deployments_app")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint("app", "number", name=op.f("uq_deployments_app_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deployments_app_id"), "deployments", ["app", "id"])
    op.create_index(
        op.f("ix_deployments_app_started_at_outcome_trigger"),
        "deployments",
        ["app", "started_at", "outcome", "trigger"],
    )
    op.create_index(op.f("ix_deployments_app_version_id"), "deployments", ["app", "version", "id"])
    op.create_index(op.f("ix_deployments_app_commit_oid_id"), "deployments", ["app", "commit_oid", "id"])
    op.create_index(op.f("ix_deployments_operation_id"), "deployments", ["operation", "id"])
    op.create_index(op.f("ix_deployments_environment_id"), "deployments", ["environment", "id"])
    op.create_index(
        op.f("ix_deployments_environment_started_at_outcome_trigger"),
        "deployments",
        ["environment", "started_at", "outcome", "trigger"],
    )
    op.create_index(op.f("ix_deployments_outcome_id"), "deployments", ["outcome", "id"])
    op.create_index(
        op.f("ix_deployments_started_at_outcome_trigger"), "deployments", ["started_at", "outcome", "trigger"]
    )
    op.create_index(op.f("ix_deployments_trigger_id"), "deployments", ["trigger", "id"])
    op.create_table(
        "operation_applications",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operation"], ["operations.id"], name=op.f("fk_operation_applications_operation")),
        sa.PrimaryKeyConstraint("operation", "app", name=op.f("pk_operation_applications")),
    )
    op.create_index(op.f("ix_operation_applications_app"), "operation_applications", ["app"])
    if op.get_bind().dialect.name == "sqlite":
        for statement in SEARCH.split(";;"):
            op.execute(statement)
