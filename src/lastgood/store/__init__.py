"""The records: SQLAlchemy on SQLite, migrated by Alembic."""
