"""Statements about the log of events that front ends follow. Knows no other table."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from lastgood.core.record import Event
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.schema import events

# Months of a busy server. Whoever is further behind than this reads the records themselves.
KEPT = 100_000
# So that most events cost no second statement.
TRIM_EVERY = 1_000


def add(connection: Connection, *, kind: str, app: str | None, payload: Mapping[str, Any], at: dt.datetime) -> Event:
    """Append an event; from time to time, delete those that are older than the newest so many."""
    new = events.insert().values(kind=kind, app=app, payload=dict(payload), at=at)
    added = _event(connection.execute(new.returning(*events.c)).one())
    if added.id % TRIM_EVERY == 0:
        connection.execute(events.delete().where(events.c.id <= added.id - KEPT))
    return added


def read_after(connection: Connection, *, after: int, limit: int) -> list[Event]:
    """Return events with an id above `after`, oldest first."""
    asked = select(events).where(events.c.id > min(after, INTEGER_MAX)).order_by(events.c.id).limit(limit)
    return [_event(row) for row in connection.execute(asked)]


def _event(row: Row[Any]) -> Event:
    return Event(id=row.id, at=row.at, kind=row.kind, app=row.app, payload=row.payload)
