"""The tables, as they are now; `migrations/` says how a database comes to be like this. No statement here.

`docs/reference/records.md` tells the same in words.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint

from lastgood.core.application import Refusal
from lastgood.core.built import Built
from lastgood.core.deployment import Phase
from lastgood.core.feature import Feature
from lastgood.core.hold import Hold
from lastgood.core.observation import ResourceResult
from lastgood.core.operation import Moved
from lastgood.core.origins import Origins
from lastgood.core.resource import ImageChange
from lastgood.core.setting import SettingChange
from lastgood.core.source_features import NotKnown
from lastgood.core.version import Version
from lastgood.store.columns import CleanText, CountingKey, JsonOf, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

repos = Table(
    "repos",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("url", CleanText, nullable=False),
    Column("branch", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("message", CleanText, nullable=False),
    Column("head", CleanText),
    Column("observed_at", UtcTime),
)

# No foreign key to repos: the log of what was seen is never refused for want of another row.
observed_heads = Table(
    "observed_heads",
    metadata,
    Column("id", CountingKey, primary_key=True),
    Column("repo", CleanText, nullable=False),
    Column("branch", CleanText, nullable=False),
    Column("commit_oid", CleanText, nullable=False),
    Column("previous", CleanText),
    Column("kind", CleanText, nullable=False),
    Column("observed_at", UtcTime, nullable=False),
    Index(None, "repo", "branch", "id"),
    sqlite_autoincrement=True,
)

applications = Table(
    "applications",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("repo", CleanText, nullable=False),
    Column("branch", CleanText, nullable=False),
    Column("path", CleanText, nullable=False),
    Column("group_name", CleanText, nullable=False),
    Column("environment", CleanText),
    Column("destination", CleanText, nullable=False),
    Column("renderer", CleanText, nullable=False),
    Column("definition", JsonOf(dict[str, Any]), nullable=False),
    Column("state", CleanText, nullable=False),
    Column("message", CleanText, nullable=False),
    Column("current_version", JsonOf(Version)),
    Column("desired_version", JsonOf(Version)),
    Column("running_version", JsonOf(Version)),
    Column("last_good_version", JsonOf(Version)),
    Column("refused", JsonOf(Refusal)),
    Column("held", Integer, nullable=False),
    Column("health", CleanText, nullable=False),
    Column("sync", CleanText, nullable=False),
    Column("health_message", CleanText, nullable=False),
    Column("observed_at", UtcTime),
    Column("updated_at", UtcTime),
    Column("earlier", BigInteger, nullable=False, server_default="0"),
)

# The last number given to a deployment of an application; outlives the application, so that none is given twice.
numbering = Table(
    "numbering",
    metadata,
    Column("app", CleanText, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

# environment: the application's when the attempt began. *_folded and search_text: for filters, in folded case.
deployments = Table(
    "deployments",
    metadata,
    Column("id", CountingKey, primary_key=True),
    Column("app", CleanText, ForeignKey("numbering.app"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("environment", CleanText),
    Column("version", CleanText, nullable=False),
    Column("path_tree", CleanText),
    Column("commit_oid", CleanText, nullable=False),
    Column("commit_tree", CleanText, nullable=False),
    Column("commit_parents", CleanText, nullable=False),
    Column("author_name", CleanText, nullable=False),
    Column("author_email", CleanText, nullable=False),
    Column("committer_name", CleanText, nullable=False),
    Column("committer_email", CleanText, nullable=False),
    Column("authored_at", UtcTime, nullable=False),
    Column("committed_at", UtcTime, nullable=False),
    Column("commit_message", CleanText, nullable=False),
    Column("trigger", CleanText, nullable=False),
    Column("outcome", CleanText, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("baked_at", UtcTime),
    Column("degraded_at", UtcTime),
    Column("own_fault", Boolean(create_constraint=False), nullable=False),
    Column("message", CleanText, nullable=False),
    Column("operation", CleanText),
    Column("definition", JsonOf(dict[str, Any]), nullable=False),
    Column("digest", CleanText),
    Column("images", JsonOf(tuple[ImageChange, ...]), nullable=False),
    Column("resources", JsonOf(tuple[ResourceResult, ...]), nullable=False),
    Column("phases", JsonOf(tuple[Phase, ...]), nullable=False),
    Column("superseded_by", CleanText),
    Column("last_words", CleanText, nullable=False),
    Column("author_folded", CleanText, nullable=False),
    Column("images_folded", CleanText, nullable=False),
    Column("search_text", CleanText, nullable=False),
    Column("features_folded", CleanText, nullable=False, server_default=""),
    Column("origins", JsonOf(tuple[Origins, Origins])),
    Column("settings_folded", CleanText, nullable=False, server_default=""),
    Column("people_folded", CleanText, nullable=False, server_default=""),
    UniqueConstraint("app", "number"),
    Index(None, "app", "id"),
    Index(None, "environment", "id"),
    Index(None, "outcome", "id"),
    Index(None, "trigger", "id"),
    Index(None, "app", "version", "id"),
    Index(None, "app", "commit_oid", "id"),
    Index(None, "operation", "id"),
    # For ranges of time and for the chart, which counts from the index alone.
    Index(None, "started_at", "outcome", "trigger"),
    Index(None, "app", "started_at", "outcome", "trigger"),
    Index(None, "environment", "started_at", "outcome", "trigger"),
    sqlite_autoincrement=True,
)

# The features that a deployment carried: found after it began, some never.
carried = Table(
    "carried",
    metadata,
    Column("deployment", BigInteger, ForeignKey("deployments.id"), primary_key=True, autoincrement=False),
    Column("found_at", UtcTime, nullable=False),
    Column("entered", JsonOf(tuple[Feature, ...]), nullable=False),
    Column("left", JsonOf(tuple[Feature, ...]), nullable=False),
    Column("unknown", JsonOf(tuple[NotKnown, ...]), nullable=False),
    Column("more", Integer, nullable=False),
    Column("committed", JsonOf(tuple[int, ...]), nullable=False),
    Column("again_at", UtcTime),
    Column("build", CleanText),
    Column("built", JsonOf(tuple[Built, ...]), nullable=False, server_default="[]"),
    Index(None, "again_at"),
)

# The settings that a deployment changed: found after it began. unknown: why they are not known, "" where they are.
settings = Table(
    "settings",
    metadata,
    Column("deployment", BigInteger, ForeignKey("deployments.id"), primary_key=True, autoincrement=False),
    Column("found_at", UtcTime, nullable=False),
    Column("before", CleanText),
    Column("changes", JsonOf(tuple[SettingChange, ...]), nullable=False),
    Column("more", Integer, nullable=False),
    Column("unknown", CleanText, nullable=False),
    Column("again_at", UtcTime),
    Index(None, "again_at"),
)

operations = Table(
    "operations",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("kind", CleanText, nullable=False),
    Column("repo", CleanText),
    Column("branch", CleanText),
    Column("moved", JsonOf(tuple[Moved, ...]), nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("despite", JsonOf(tuple[str, ...]), nullable=False),
    Column("by_name", CleanText, nullable=False),
    Column("by_email", CleanText, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("step", CleanText, nullable=False),
    Column("commit_oid", CleanText),
    Column("head", CleanText),
    Column("message", CleanText, nullable=False),
    Column("finished_at", UtcTime),
    Column("plan", JsonOf(dict[str, Any])),
    Index(None, "requested_at", "id"),
    Index(None, "step", "requested_at"),
)

operation_applications = Table(
    "operation_applications",
    metadata,
    Column("operation", CleanText, ForeignKey("operations.id"), primary_key=True),
    Column("app", CleanText, primary_key=True),
    Index(None, "app"),
)

holds = Table(
    "holds",
    metadata,
    Column("app", CleanText, primary_key=True),
    Column("hold_id", CleanText, primary_key=True),
    Column("hold", JsonOf(Hold), nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("commit_oid", CleanText),
    Column("ended_at", UtcTime),
    Column("ended_by", CleanText),
    Column("vanished", Boolean(create_constraint=False), nullable=False),
    Index(None, "ended_at", "since"),
)

refused_heads = Table(
    "refused_heads",
    metadata,
    Column("id", CountingKey, primary_key=True),
    Column("app", CleanText, nullable=False),
    Column("environment", CleanText),
    Column("commit_oid", CleanText, nullable=False),
    Column("version", CleanText, nullable=False),
    Column("hold", CleanText, nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("app", "commit_oid"),
    Index(None, "app", "at"),
    Index(None, "environment", "at"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# name: "" for everything, because a key has no NULL.
pauses = Table(
    "pauses",
    metadata,
    Column("scope", CleanText, primary_key=True),
    Column("name", CleanText, primary_key=True),
    Column("reason", CleanText, nullable=False),
    Column("by", CleanText, nullable=False),
    Column("since", UtcTime, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", CountingKey, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("app", CleanText),
    Column("payload", JsonOf(dict[str, Any]), nullable=False),
    sqlite_autoincrement=True,
)
