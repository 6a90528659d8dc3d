"""Statements that find, count and chart deployment records by a filter. Reads only; knows no single record's form."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from operator import eq, ge, lt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    case,
    desc,
    func,
    literal_column,
    or_,
    select,
)

from lastgood.core.deployment import Deployment
from lastgood.core.record import Bucket, DeploymentQuery
from lastgood.store import deployment
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.schema import deployments
from lastgood.store.search import contains, found, naming, searched_words, words

# By which fields of a query a record is found through one column, and how the two compare.
_COLUMNS: dict[str, tuple[ColumnElement[Any], Callable[[Any, Any], ColumnElement[bool]]]] = {
    "app": (deployments.c.app, eq),
    "environment": (deployments.c.environment, eq),
    "outcome": (deployments.c.outcome, eq),
    "trigger": (deployments.c.trigger, eq),
    "version": (deployments.c.version, eq),
    "commit": (deployments.c.commit_oid, eq),
    "operation": (deployments.c.operation, eq),
    "since": (deployments.c.started_at, ge),
    "until": (deployments.c.started_at, lt),
}


def page(connection: Connection, query: DeploymentQuery) -> list[Deployment]:
    """Return the matching records, newest first, at most query.limit."""
    given, texts = _given(query), _texts(connection, query)
    if query.before_id is not None:
        given["before_id"] = min(query.before_id, INTEGER_MAX)
    asked = _page(tuple(given), texts) if texts else _kept_page(tuple(given))
    # A negative limit would be none at all in SQLite.
    given["most"] = min(max(query.limit, 0), INTEGER_MAX)
    return [deployment.record(row) for row in connection.execute(asked, given)]


# Kept, because putting a statement together costs more than running it.
@cache
def _kept_page(given: tuple[str, ...]) -> Select[Any]:
    return _page(given, ())


def _page(given: Sequence[str], texts: Sequence[ColumnElement[bool]]) -> Select[Any]:
    conditions = [*_compared(given), *texts]
    if "before_id" in given:
        conditions.append(deployments.c.id < bindparam("before_id"))
    newest: ColumnElement[int] = deployments.c.id
    if "since" in given or "until" in given:
        # Hides the key from the planner, which would walk back through all records to find a distant time.
        newest = newest + 0
    # Ids first, from an index alone: sorting must not carry whole records along.
    ids = select(deployments.c.id).where(*conditions).order_by(desc(newest)).limit(bindparam("most"))
    return select(*deployment.RECORD).where(deployments.c.id.in_(ids)).order_by(desc(deployments.c.id))


def count(connection: Connection, query: DeploymentQuery) -> int:
    """Count the matching records, limit and before_id aside."""
    given = _given(query)
    conditions = [*_compared(given), *_texts(connection, query)]
    asked = select(func.count()).select_from(deployments).where(*conditions)
    return connection.execute(asked, given).scalar_one()


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
    given = _given(query)
    asked = (
        select(bar, kind, func.count().label("records"))
        .where(began >= edges[0], began < edges[-1], *_compared(given), *_texts(connection, query))
        .group_by("bar", "kind")
    )
    counts: list[dict[str, int]] = [{} for _ in spans]
    for row in connection.execute(asked, given):
        counts[row.bar][row.kind] = row.records
    return [
        Bucket(start=begins, end=ends, counts=dict(sorted(by_kind.items())))
        for (begins, ends), by_kind in zip(spans, counts, strict=True)
    ]


def _bar(edges: Sequence[dt.datetime], first: int, last: int) -> ColumnElement[int]:
    # A decision tree, so that each record is read once and compared six times for 60 bars.
    if last - first == 1:
        return literal_column(str(first), Integer)
    middle = (first + last) // 2
    before = deployments.c.started_at < edges[middle]
    return case((before, _bar(edges, first, middle)), else_=_bar(edges, middle, last))


def _given(query: DeploymentQuery) -> dict[str, Any]:
    """Return the fields that are compared with a column, with what they are compared to."""
    return {name: getattr(query, name) for name in _COLUMNS if getattr(query, name) is not None}


def _compared(given: Iterable[str]) -> list[ColumnElement[bool]]:
    found = ((name, *_COLUMNS[name]) for name in given if name in _COLUMNS)
    return [compare(column, bindparam(name)) for name, column, compare in found]


def _texts(connection: Connection, query: DeploymentQuery) -> list[ColumnElement[bool]]:
    """Return the conditions of the fields in whose texts words are looked for."""
    records = deployments.c
    conditions: list[ColumnElement[bool]] = []
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
