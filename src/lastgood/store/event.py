"""Statements about the log of events that front ends follow. Knows no other table."""

from typing import Any

from sqlalchemy import Connection, Row, select

from lastgood.core.record import Event, Told
from lastgood.store.columns import INTEGER_MAX
from lastgood.store.schema import events

# Months of a busy server. Whoever is further behind than this reads the records themselves.
KEPT = 100_000
# So that most events cost no second statement.
TRIM_EVERY = 1_000
# Kept, because putting a statement together costs more than running it.
_ADD = events.insert().returning(*events.c)
_TELL = events.insert().returning(events.c.id)


def add(connection: Connection, told: Told) -> Event:
    """Append an event; from time to time, delete those that are older than the newest so many."""
    added = _event(connection.execute(_ADD, _new(told)).one())
    _trim(connection, added.id)
    return added


def tell(connection: Connection, told: Told) -> None:
    """Do the same where nobody asks for the event."""
    _trim(connection, connection.execute(_TELL, _new(told)).scalar_one())


def _new(told: Told) -> dict[str, Any]:
    return {"kind": told.kind, "app": told.app, "payload": told.payload, "at": told.at}


def _trim(connection: Connection, newest: int) -> None:
    if newest % TRIM_EVERY == 0:
        connection.execute(events.delete().where(events.c.id <= newest - KEPT))


def read_after(connection: Connection, *, after: int, limit: int) -> list[Event]:
    """Return events with an id above `after`, oldest first."""
    asked = select(events).where(events.c.id > min(after, INTEGER_MAX)).order_by(events.c.id).limit(limit)
    return [_event(row) for row in connection.execute(asked)]


def _event(row: Row[Any]) -> Event:
    return Event(id=row.id, at=row.at, kind=row.kind, app=row.app, payload=row.payload)
