"""Open a database: private files, the newest schema, or a clear no with nothing changed. Knows no table."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from lastgood.core.errors import StoreFailed
from lastgood.store.database import Database, server_engine, sqlite_engine
from lastgood.store.errors import translated
from lastgood.store.revision import is_newest


def open_database(where: str | Path, *, busy_timeout_s: float) -> Database:
    """Open a file, or a server by its URL, and bring its schema up to date.

    Raises StoreNewer (nothing was changed), StoreUnavailable, StoreFull, StoreFailed.
    """
    if isinstance(where, str) and "://" in where:
        try:
            url = make_url(where)
            if url.get_backend_name() != "sqlite":
                return _up_to_date(Database(server_engine(url)))
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as unknown:
            # The URL may carry a password: it is not repeated.
            raise StoreFailed(
                "the store's URL names no database that can be used here",
                hint="give a file's path, or install the driver that the URL names",
                reason="unusable URL",
            ) from unknown
        if not url.database or url.query:
            raise StoreFailed(reason="an SQLite URL here is sqlite:/// and a file's path, nothing else")
        where = url.database
    path = Path(where).absolute()
    _make_private(path)
    return _up_to_date(Database(sqlite_engine(str(path), busy_timeout_s=busy_timeout_s)))


def memory_database() -> Database:
    """Open an empty database that is gone when it is closed."""
    database = Database(sqlite_engine(None, busy_timeout_s=0))
    with _sqlite(database) as driver:
        driver.deserialize(_empty_schema())
    return database


@cache
def _empty_schema() -> bytes:
    # What the migrations make of nothing is the same each time, and takes longer than all that a short test does.
    database = _up_to_date(Database(sqlite_engine(None, busy_timeout_s=0)))
    try:
        with _sqlite(database) as driver:
            return driver.serialize()
    finally:
        database.close()


@contextmanager
def _sqlite(database: Database) -> Iterator[sqlite3.Connection]:
    with closing(database.engine.raw_connection()) as raw:
        driver: sqlite3.Connection = raw.driver_connection  # type: ignore[assignment] # it is SQLite's
        yield driver


def _make_private(path: Path) -> None:
    # SQLite would make the file by the umask, readable for everybody; its log files take the file's own mode.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as refused:
        raise StoreFailed(reason=f"{path}: {refused.strerror}") from refused


def _up_to_date(database: Database) -> Database:
    try:
        with translated(), database.engine.connect() as connection:
            up_to_date = is_newest(connection)
        if up_to_date:
            database.allow_readers_beside_a_writer()
        else:
            _migrated(database)
    except BaseException:
        database.close()
        raise
    return database


def _migrated(database: Database) -> None:
    # Alembic is 9 MB that would stay for as long as the server runs: only a database that needs it pays for it.
    from lastgood.store.migrate import check_known, migrate  # noqa: PLC0415 - see above

    with translated(), database.engine.connect() as connection:
        check_known(connection)
    database.allow_readers_beside_a_writer()
    database.write_now(migrate)
