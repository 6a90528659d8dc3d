"""Bring a database to the newest schema, one transaction, or leave it as it is. Knows no table.

The revisions are in `migrations/`; a database that names one we do not have was written by a newer lastgood.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from lastgood.core.errors import StoreFailed, StoreNewer

_MIGRATIONS = Path(__file__).with_name("migrations")


def check_known(connection: Connection) -> str | None:
    """Return the database's revision, None for an empty one.

    Raises StoreNewer for a revision that we do not know, StoreFailed where another program's tables are.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise StoreNewer(found=found, known=script.get_current_head())
    if found is None and inspect(connection).get_table_names():
        raise StoreFailed(reason="the database belongs to another program; give lastgood one of its own")
    return found


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest revision, in the transaction of the connection. Raises StoreNewer."""
    check_known(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
