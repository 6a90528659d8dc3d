"""The statements that read what is counted of deployment records, and nothing else of them."""

import datetime as dt
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    func,
    null,
    select,
    type_coerce,
)

from lastgood.core.deployment import may_carry
from lastgood.core.figures import Attempt
from lastgood.core.record import DeploymentCount
from lastgood.store.schema import carried, deployments


def attempts(connection: Connection, *, app: str) -> list[Attempt]:
    """Return the attempts of an application that ended, oldest first."""
    return [
        Attempt(
            app=app,
            number=row.number,
            version=row.version,
            trigger=row.trigger,
            outcome=row.outcome,
            started_at=row.started_at,
            finished_at=row.finished_at,
            degraded_at=row.degraded_at,
            environment=row.environment,
            committed=_committed(row),
            more=bool(row.unknown),
            left=bool(row.left),
            whole=row.outcome == "succeeded" or bool(row.watched),
        )
        for row in connection.execute(_ended(), {"counted_app": app})
    ]


@cache
def _ended() -> Select[Any]:
    """Of lists that only their emptiness is asked for, the database says it: they are long, and records are many."""
    d, c = deployments.c, carried.c
    return (
        select(
            d.number, d.version, d.trigger, d.outcome, d.started_at, d.finished_at, d.degraded_at, d.environment,
            c.committed,
            _has_some(d.images).label("images"),
            case((_has_some(d.images), null()), else_=d.origins).label("origins"),
            _has_some(c.entered).label("entered"),
            _has_some(c.left).label("left"),
            _has_some(c.unknown).label("unknown"),
            # The name of a phase, as JSON has it; a text that says it has its quotes escaped.
            type_coerce(d.phases, Text).contains('"watch"').label("watched"),
        )
        .outerjoin(carried, c.deployment == d.id)
        .where(d.app == bindparam("counted_app"), d.finished_at.is_not(None))
        .order_by(d.id)
    )  # fmt: skip


def _has_some(column: Column[Any]) -> ColumnElement[bool]:
    return type_coerce(column, Text) != "[]"


def totals(connection: Connection) -> list[DeploymentCount]:
    """Count all attempts that ended, by application, trigger and outcome."""
    d = deployments.c
    by = (d.app, d.trigger, d.outcome)
    asked = select(*by, func.count()).where(d.outcome != "in-progress").group_by(*by).order_by(*by)
    return [
        DeploymentCount(app=app, trigger=trigger, outcome=outcome, count=count)
        for app, trigger, outcome, count in connection.execute(asked)
    ]


def _committed(row: Any) -> tuple[dt.datetime, ...] | None:
    """Return when what entered was committed; none for a change of settings alone; None where that is not known."""
    if not row.images and not may_carry((), row.origins):
        return ()
    if not isinstance(row.committed, tuple) or (row.unknown and not row.entered):
        return None
    return tuple(dt.datetime.fromtimestamp(when, dt.UTC) for when in row.committed)
