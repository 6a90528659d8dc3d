"""Counts the statements that a database is asked, and the work that SQLite does for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from lastgood.store import SqlStore

_STEPS = 10


class Recorded:
    """What was asked. statements: as sent, without the transaction's own. work: steps of SQLite's machine."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.values: list[Any] = []
        self.work = 0


@contextmanager
def recorded(store: SqlStore) -> Iterator[Recorded]:
    """Record what the store asks its database in the block."""
    seen = Recorded()
    engine = store._database.engine

    def asked(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:  # noqa: FBT001 SQLAlchemy's form
        if not statement.startswith("BEGIN"):
            seen.statements.append(statement)
            seen.values.append(values)

    def worked() -> int:
        seen.work += _STEPS
        return 0

    def begun(connection: Any) -> None:
        connection.connection.driver_connection.set_progress_handler(worked, _STEPS)

    event.listen(engine, "before_cursor_execute", asked)
    event.listen(engine, "begin", begun)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", asked)
        event.remove(engine, "begin", begun)
