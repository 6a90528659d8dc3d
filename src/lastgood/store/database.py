"""The way to the database: one writer, a few readers, each piece of work in one transaction in a thread.

Knows no table. A cancelled caller never tears a transaction: its thread finishes it, or it never began.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from lastgood.core.errors import StoreFailed
from lastgood.store.batches import Batches
from lastgood.store.errors import translated

P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Connection, P], T]

_READERS = 4
# Reads differ much in length, and a short one shall not wait for many long ones.
_WRITES_TOGETHER, _READS_TOGETHER = 64, 8
_WRITES = "lastgood_writes"

# FULL: what was recorded outlives a power cut, not only a kill; our writes are few.
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA journal_size_limit=16777216",
)


class Database:
    """Runs work on connections. No call is torn: all of it is in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write_engine = engine.execution_options(**{_WRITES: True})
        # SQLite has one writer at a time anyway; a queue of our own keeps the order and never times out.
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="lastgood-store-writer")
        self._writes = Batches(self._write_engine, self._writing, at_once=1, most_together=_WRITES_TOGETHER)
        in_memory = isinstance(engine.pool, StaticPool)
        # A database in memory is one connection, so it has one thread.
        self._readers = self._writing if in_memory else ThreadPoolExecutor(_READERS, "lastgood-store-reader")
        self._reads = Batches(
            engine, self._readers, at_once=1 if in_memory else _READERS, most_together=_READS_TOGETHER
        )

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in a read transaction; other readers and the writer go on."""
        return await self._reads(lambda connection: work(connection, *args, **kwargs))

    async def read_together(self, work: Callable[[Connection], T]) -> T:
        """Do the same for a question without parameters: those who ask it before it begins share the answer."""
        return await self._reads(work, question=work)

    async def write(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in a write transaction, maybe with that of others, after all that was asked before it."""
        return await self._writes(lambda connection: work(connection, *args, **kwargs))

    def write_now(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in a write transaction in this thread; for opening, before anything else runs."""
        return _transaction(self._write_engine, work, *args, **kwargs)

    def allow_readers_beside_a_writer(self) -> None:
        """Switch a file to a write-ahead log, for good. Raises StoreFailed where its file system cannot."""
        if self.engine.dialect.name != "sqlite" or self._readers is self._writing:
            return
        with translated(), closing(self.engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
            mode = cursor.fetchone()
        if mode != ("wal",):
            raise StoreFailed(reason="its file system cannot keep a write-ahead log; choose a local disk")

    def close(self) -> None:
        """Finish what was begun, then let the database go."""
        self._readers.shutdown()
        self._writing.shutdown()
        self.engine.dispose()


def _transaction(engine: Engine, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with translated(), engine.begin() as connection:
        return work(connection, *args, **kwargs)


def sqlite_engine(path: str | None, *, busy_timeout_s: float) -> Engine:
    """Return an engine for a file, or for a database in memory (None); nothing is opened yet.

    busy_timeout_s: how long a transaction waits for another process.
    """
    memory: dict[str, Any] = {} if path else {"poolclass": StaticPool}
    return _with_sqlite_manners(
        create_engine(
            URL.create("sqlite", database=path),
            connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
            hide_parameters=True,
            **memory,
        )
    )


def server_engine(url: URL) -> Engine:
    """Return an engine for a database server by its SQLAlchemy URL."""
    return create_engine(url, hide_parameters=True, pool_pre_ping=True)


def _with_sqlite_manners(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def connect(raw: Any, _record: object) -> None:
        # Python's driver would open transactions by its own rules, and not before a SELECT.
        raw.isolation_level = None
        for pragma in _PRAGMAS:
            raw.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write transaction takes the lock at once: upgrading a read one later can fail without waiting.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
