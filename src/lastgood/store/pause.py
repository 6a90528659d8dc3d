"""Statements about pauses. Knows no other table."""

from sqlalchemy import Connection, select

from lastgood.core.record import Pause
from lastgood.store.schema import pauses
from lastgood.store.upsert import upsert

# Kept, because putting a statement together costs more than running it.
_READ_ALL = select(pauses).order_by(pauses.c.since, pauses.c.scope, pauses.c.name)


def save(connection: Connection, pause: Pause) -> None:
    """Add a pause, replacing one of the same scope and name."""
    key = {"scope": pause.scope, "name": pause.name or ""}
    upsert(connection, pauses, {**key, "reason": pause.reason, "by": pause.by, "since": pause.since})


def end(connection: Connection, scope: str, name: str | None) -> bool:
    """End a pause; say whether there was one."""
    ended = connection.execute(pauses.delete().where(pauses.c.scope == scope, pauses.c.name == (name or "")))
    return ended.rowcount > 0


def read_all(connection: Connection) -> list[Pause]:
    """Return the pauses in force, oldest first."""
    return [
        Pause(scope=row.scope, name=row.name or None, reason=row.reason, by=row.by, since=row.since)
        for row in connection.execute(_READ_ALL)
    ]
