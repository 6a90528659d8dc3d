"""Insert or replace by key, in one statement, in the words that SQLite and PostgreSQL share. Knows no table."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that can say what happens on a conflict."""
    return insert_into(table, dialect=connection.dialect.name)


def upsert(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, or replace the values of the row with its primary key."""
    connection.execute(_replacing(connection.dialect.name, table, tuple(values)), dict(values))


def insert_into(table: Table, *, dialect: str) -> "sqlite.Insert | postgresql.Insert":
    """Return the same by the dialect's name, for a statement that is kept."""
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - only with such a database

    return postgresql.insert(table)


# Kept, because putting a statement together costs more than running it.
@cache
def _replacing(dialect: str, table: Table, columns: tuple[str, ...]) -> "sqlite.Insert | postgresql.Insert":
    inserting = insert_into(table, dialect=dialect)
    keys = [column.name for column in table.primary_key]
    changed = {name: inserting.excluded[name] for name in columns if name not in keys}
    return inserting.on_conflict_do_update(index_elements=keys, set_=changed)
