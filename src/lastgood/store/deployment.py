"""Statements that write and read single deployment records. Which records a filter means is `timeline.py`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Row, Select, bindparam, desc, func, select

from lastgood.core.commit import Commit, Person
from lastgood.core.deployment import Deployment, Judged
from lastgood.core.errors import StoreFailed
from lastgood.store import application, operation
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.schema import deployments, numbering
from lastgood.store.search import image_text, search_text
from lastgood.store.upsert import insert_into

# What a filter needs besides the record itself; never read back.
_FOR_FILTERS = (
    *("environment", "author_folded", "people_folded", "images_folded"),
    *("search_text", "features_folded", "settings_folded"),
)
RECORD = tuple(column for column in deployments.c if column.name not in _FOR_FILTERS)
_COMMIT = tuple(column for column in RECORD if column.name.startswith(("commit", "author")))
_JUDGED = (
    *(deployments.c[name] for name in ("id", "number", "version", "path_tree", "outcome")),
    *(deployments.c[name] for name in ("baked_at", "degraded_at", "own_fault")),
    *_COMMIT,
)
# Kept, because putting a statement together costs more than running it.
_START = deployments.insert().returning(*RECORD)
_SAVE = (
    deployments.update()
    .where(deployments.c.id == bindparam("saved_id"))
    .values(search_text=bindparam("own_text") + deployments.c.features_folded + deployments.c.settings_folded)
)


def start(connection: Connection, deployment: Deployment) -> Deployment:
    """Insert an attempt with the next number of its application; return it with id and number."""
    number = _next_number(connection, deployment.app)
    reason = operation.reason(connection, deployment.operation) if deployment.operation else ""
    environment = application.environment(connection, deployment.app)
    values = {**_fixed(deployment, environment), **_changing(deployment, reason), "number": number}
    row = connection.execute(_START, values).one()
    return record(row)


def save(connection: Connection, deployment: Deployment) -> None:
    """Replace the changing parts of the record with this id. Raises StoreFailed where there is none."""
    reason = operation.reason(connection, deployment.operation) if deployment.operation else ""
    values = dict(_changing(deployment, reason))
    own = values.pop("search_text")
    changed = connection.execute(_SAVE, {**values, "own_text": own, "saved_id": deployment.id})
    if changed.rowcount != 1:
        raise StoreFailed(reason=f"deployment {deployment.id} of {deployment.app} is not recorded")


def read(connection: Connection, app: str, number: int) -> Deployment | None:
    """Return one record, None where there is none."""
    row = connection.execute(
        select(*RECORD).where(deployments.c.app == app, deployments.c.number == min(number, INTEGER_MAX))
    ).one_or_none()
    return None if row is None else record(row)


def unfinished(connection: Connection) -> list[Deployment]:
    """Return what is in progress, oldest first."""
    asked = select(*RECORD).where(deployments.c.outcome == "in-progress").order_by(deployments.c.id)
    return [record(row) for row in connection.execute(asked)]


def latest(connection: Connection, apps: list[str]) -> dict[str, Deployment]:
    """Return the newest record of each application that has one, in one statement."""
    newest = (
        select(deployments.c.id)
        .where(deployments.c.app == numbering.c.app)
        .order_by(desc(deployments.c.id))
        .limit(1)
        .correlate(numbering)
        .scalar_subquery()
    )
    asked = select(*RECORD).where(deployments.c.id.in_(select(newest).where(numbering.c.app.in_(apps))))
    return {row.app: record(row) for row in connection.execute(asked)}


def judged(connection: Connection, app: str, *, limit: int) -> list[Judged]:
    """Return of each version the newest record that judges it, newest first; the rule itself is core/last_good.py."""
    return [_of_judged(row) for row in connection.execute(_judged(), {"judged_app": app, "most": limit})]


def newest_judged(connection: Connection, app: str, *, limit: int) -> list[Judged]:
    """Return so many of the newest records that judge a version: found without a look at the older ones."""
    return [_of_judged(row) for row in connection.execute(_newest_judged(), {"judged_app": app, "most": limit})]


def _of_judged(row: Row[Any]) -> Judged:
    return Judged(
        id=row.id,
        number=row.number,
        version=row.version,
        path_tree=row.path_tree,
        commit=_commit(row),
        outcome=row.outcome,
        baked_at=row.baked_at,
        degraded_at=row.degraded_at,
        own_fault=row.own_fault,
    )


@cache
def _judged() -> Select[Any]:
    newest = (
        select(func.max(deployments.c.id).label("id"))
        .where(*_judges())
        .group_by(deployments.c.version)
        .order_by(desc("id"))
        .limit(bindparam("most"))
    )
    return select(*_JUDGED).where(deployments.c.id.in_(newest)).order_by(desc(deployments.c.id))


@cache
def _newest_judged() -> Select[Any]:
    return select(*_JUDGED).where(*_judges()).order_by(desc(deployments.c.id)).limit(bindparam("most"))


def _judges() -> tuple[ColumnElement[bool], ...]:
    failed_by_itself = deployments.c.outcome.in_(("failed", "partial")) & deployments.c.own_fault
    judges = deployments.c.baked_at.is_not(None) | deployments.c.degraded_at.is_not(None) | failed_by_itself
    return deployments.c.app == bindparam("judged_app"), judges


def _next_number(connection: Connection, app: str) -> int:
    values = {"app": app, "last_number": 1}
    number: int = connection.execute(_numbered(connection.dialect.name), values).scalar_one()
    return number


@cache
def _numbered(dialect: str) -> Executable:
    given = insert_into(numbering, dialect=dialect).on_conflict_do_update(
        index_elements=["app"], set_={"last_number": numbering.c.last_number + 1}
    )
    return given.returning(numbering.c.last_number)


def _fixed(deployment: Deployment, environment: str | None) -> Mapping[str, Any]:
    commit = deployment.commit
    return {
        "app": deployment.app,
        "environment": environment,
        "version": deployment.version,
        "path_tree": deployment.path_tree,
        "commit_oid": commit.oid,
        "commit_tree": commit.tree,
        "commit_parents": " ".join(commit.parents),
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "committer_name": commit.committer.name,
        "committer_email": commit.committer.email,
        "authored_at": commit.authored_at,
        "committed_at": commit.committed_at,
        "commit_message": commit.message,
        "trigger": deployment.trigger,
        "started_at": deployment.started_at,
        "operation": deployment.operation,
        "definition": deployment.definition,
        "author_folded": f"{commit.author.name} <{commit.author.email}>".casefold(),
    }


def _changing(deployment: Deployment, reason: str) -> Mapping[str, Any]:
    return {
        "outcome": deployment.outcome,
        "finished_at": deployment.finished_at,
        "baked_at": deployment.baked_at,
        "degraded_at": deployment.degraded_at,
        "own_fault": deployment.own_fault,
        "message": deployment.message,
        "digest": deployment.digest,
        "images": deployment.images,
        "origins": deployment.origins,
        "resources": deployment.resources,
        "phases": deployment.phases,
        "superseded_by": deployment.superseded_by,
        "last_words": deployment.last_words,
        "images_folded": image_text(deployment.images),
        "search_text": search_text(deployment.commit, deployment.images, reason),
    }


def record(row: Row[Any]) -> Deployment:
    """Make the value of a row of RECORD."""
    return Deployment(
        id=row.id,
        app=row.app,
        number=row.number,
        version=row.version,
        path_tree=row.path_tree,
        commit=_commit(row),
        trigger=row.trigger,
        outcome=row.outcome,
        started_at=row.started_at,
        finished_at=row.finished_at,
        baked_at=row.baked_at,
        degraded_at=row.degraded_at,
        own_fault=row.own_fault,
        message=row.message,
        operation=row.operation,
        definition=row.definition,
        digest=row.digest,
        images=row.images,
        origins=row.origins,
        resources=row.resources,
        phases=row.phases,
        superseded_by=row.superseded_by,
        last_words=row.last_words,
    )


def _commit(row: Row[Any]) -> Commit:
    return Commit(
        oid=row.commit_oid,
        tree=row.commit_tree,
        parents=tuple(row.commit_parents.split()),
        author=Person(name=row.author_name, email=row.author_email),
        committer=Person(name=row.committer_name, email=row.committer_email),
        authored_at=row.authored_at,
        committed_at=row.committed_at,
        message=row.commit_message,
    )
