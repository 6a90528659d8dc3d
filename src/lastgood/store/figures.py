"""The statements that read what is counted of deployment records, and nothing else of them."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, func, select

from lastgood.core.deployment import may_carry
from lastgood.core.figures import Attempt
from lastgood.core.record import DeploymentCount
from lastgood.store.schema import carried, deployments


def attempts(connection: Connection, *, app: str | None, environment: str | None, since: dt.datetime) -> list[Attempt]:
    """Return the attempts that ended at `since` or later, oldest first."""
    d, c = deployments.c, carried.c
    asked = (
        select(
            d.app, d.number, d.trigger, d.outcome, d.started_at, d.finished_at, d.degraded_at, d.images, d.origins,
            c.committed, c.entered, c.left, c.unknown,
        )
        .outerjoin(carried, c.deployment == d.id)
        .where(d.finished_at >= since)
        .order_by(d.id)
    )  # fmt: skip
    if app is not None:
        asked = asked.where(d.app == app)
    if environment is not None:
        asked = asked.where(d.environment == environment)
    return [
        Attempt(
            app=row.app,
            number=row.number,
            trigger=row.trigger,
            outcome=row.outcome,
            started_at=row.started_at,
            finished_at=row.finished_at,
            degraded_at=row.degraded_at,
            committed=_committed(row),
            left=bool(row.left),
        )
        for row in connection.execute(asked)
    ]


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
    if not may_carry(row.images, row.origins):
        return ()
    if not isinstance(row.committed, tuple) or (row.unknown and not row.entered):
        return None
    return tuple(dt.datetime.fromtimestamp(when, dt.UTC) for when in row.committed)
