"""The records: SQLAlchemy on SQLite, migrated by Alembic. Outside this package only `SqlStore` is used."""

from lastgood.store.sql_store import SqlStore

__all__ = ["SqlStore"]
