"""Say whether a database has the newest schema already, without Alembic. Changes nothing and knows no table of ours."""

from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

_REVISIONS = Path(__file__).with_name("migrations") / "versions"
_TABLE = "alembic_version"


def newest() -> str:
    """Return the newest revision: the number that its file's name begins with."""
    return max(file.name.partition("_")[0] for file in _REVISIONS.glob("[0-9]*_*.py"))


def is_newest(connection: Connection) -> bool:
    """Say whether a database has the newest schema; anything else is for `store/migrate.py` to judge."""
    if not inspect(connection).has_table(_TABLE):
        return False
    return list(connection.execute(select(table(_TABLE, column("version_num")).c.version_num)).scalars()) == [newest()]
