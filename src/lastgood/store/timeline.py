"""Statements that find, count and chart deployment records by a filter. Reads only; knows no single record's form."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, Integer, case, desc, func, literal_column, or_, select

from lastgood.core.deployment import Deployment
from lastgood.core.record import Bucket, DeploymentQuery
from lastgood.store import deployment
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.schema import deployments
from lastgood.store.search import contains, found, naming, searched_words, words

# Kept, because putting a statement together costs more than running it.
_NEWEST_FIRST = select(*deployment.RECORD).order_by(desc(deployments.c.id))


def page(connection: Connection, query: DeploymentQuery) -> list[Deployment]:
    """Return the matching records, newest first, at most query.limit."""
    conditions = _conditions(connection, query)
    if query.before_id is not None:
        conditions.append(deployments.c.id < min(query.before_id, INTEGER_MAX))
    newest: ColumnElement[int] = deployments.c.id
    if query.since is not None or query.until is not None:
        # Hides the key from the planner, which would walk back through all records to find a distant time.
        newest = newest + 0
    # Ids first, from an index alone: sorting must not carry whole records along.
    ids = select(deployments.c.id).where(*conditions).order_by(desc(newest)).limit(_at_most(query.limit))
    asked = _NEWEST_FIRST.where(deployments.c.id.in_(ids))
    return [deployment.record(row) for row in connection.execute(asked)]


def count(connection: Connection, query: DeploymentQuery) -> int:
    """Count the matching records, limit and before_id aside."""
    asked = select(func.count()).select_from(deployments).where(*_conditions(connection, query))
    return connection.execute(asked).scalar_one()


def buckets(connection: Connection, query: DeploymentQuery, edges: Sequence[dt.datetime]) -> list[Bucket]:
    """Count the matching records that began in [edge, next edge), by trigger if they succeeded, else by outcome.

    edges: ascending. Returns len(edges) - 1 buckets, empty ones too.
    """
    spans = list(pairwise(edges))
    if not spans:
        return []
    began = deployments.c.started_at
    bar = _bar(edges, 0, len(spans)).label("bar")
    kind = case((deployments.c.outcome == "succeeded", deployments.c.trigger), else_=deployments.c.outcome).label(
        "kind"
    )
    asked = (
        select(bar, kind, func.count().label("records"))
        .where(began >= edges[0], began < edges[-1], *_conditions(connection, query))
        .group_by("bar", "kind")
    )
    counts: list[dict[str, int]] = [{} for _ in spans]
    for row in connection.execute(asked):
        counts[row.bar][row.kind] = row.records
    return [
        Bucket(start=begins, end=ends, counts=dict(sorted(by_kind.items())))
        for (begins, ends), by_kind in zip(spans, counts, strict=True)
    ]


def _at_most(limit: int) -> int:
    # A negative limit would be none at all in SQLite.
    return min(max(limit, 0), INTEGER_MAX)


def _bar(edges: Sequence[dt.datetime], first: int, last: int) -> ColumnElement[int]:
    # A decision tree, so that each record is read once and compared six times for 60 bars.
    if last - first == 1:
        return literal_column(str(first), Integer)
    middle = (first + last) // 2
    before = deployments.c.started_at < edges[middle]
    return case((before, _bar(edges, first, middle)), else_=_bar(edges, middle, last))


def _conditions(connection: Connection, query: DeploymentQuery) -> list[ColumnElement[bool]]:
    records = deployments.c
    equal = (
        (records.app, query.app),
        (records.environment, query.environment),
        (records.outcome, query.outcome),
        (records.trigger, query.trigger),
        (records.version, query.version),
        (records.commit_oid, query.commit),
        (records.operation, query.operation),
    )
    conditions = [where == value for where, value in equal if value is not None]
    if query.since is not None:
        conditions.append(records.started_at >= query.since)
    if query.until is not None:
        conditions.append(records.started_at < query.until)
    wanted = searched_words(query.search or "")
    for word in words(query.author or ""):
        conditions.append(or_(contains(records.author_folded, word), contains(records.people_folded, word)))
        wanted.append(word)
    for text, where in (
        (query.image, records.images_folded),
        (query.feature, records.features_folded),
    ):
        for word in words(text or ""):
            conditions.append(contains(where, word))
            wanted.append(word)
    if query.features:
        conditions += naming(connection, query.features)
    return [*conditions, *found(connection, wanted)]
