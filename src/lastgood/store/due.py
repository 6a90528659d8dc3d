"""Find the deployment records of which something is to be kept beside them: it was not looked for, or is due again."""

import datetime as dt

from sqlalchemy import ColumnElement, Connection, Table, select

from lastgood.core.deployment import Deployment
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.deployment import RECORD, record
from lastgood.store.schema import deployments


def due(
    connection: Connection, kept: Table, *only: ColumnElement[bool], after_id: int, at: dt.datetime, limit: int
) -> list[Deployment]:
    """Return records without a row in `kept`, and those whose row is to be made again by now; oldest first.

    kept: a table with the columns `deployment` and `again_at`. only: what must hold of records without a row.
    after_id: records without a row count only with a larger id.
    """
    without = (
        select(deployments.c.id)
        .outerjoin(kept, kept.c.deployment == deployments.c.id)
        .where(deployments.c.id > min(after_id, INTEGER_MAX), *only, kept.c.deployment.is_(None))
        .order_by(deployments.c.id)
        .limit(limit)
    )
    again = select(kept.c.deployment).where(kept.c.again_at <= at).order_by(kept.c.again_at).limit(limit)
    ids = [*connection.execute(without).scalars(), *connection.execute(again).scalars()][:limit]
    rows = connection.execute(select(*RECORD).where(deployments.c.id.in_(ids)).order_by(deployments.c.id))
    return [record(row) for row in rows]
