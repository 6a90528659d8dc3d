"""What goes wrong with a database file, each with a clear no and nothing lost."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import msgspec
import pytest
import sqlalchemy.exc

from lastgood.core.commit import Person
from lastgood.core.errors import StoreFailed, StoreFull, StoreNewer, StoreUnavailable
from lastgood.core.hold import Hold
from lastgood.core.operation import Operation
from lastgood.core.record import DeploymentQuery, HoldRecord
from lastgood.store import SqlStore
from lastgood.store.errors import BY_CLASS, of_driver, translated
from twins.store import NOON, make_deployment


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "lastgood.db"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_child(code: str, *args: object) -> subprocess.Popen[str]:
    """Start Python on a few lines, with our modules and with pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_the_file_is_its_owners_alone(tmp_path):
    """A new database, its folder and its log are not for others to read, whatever the umask."""
    before = os.umask(0)
    try:
        store = SqlStore.open(tmp_path / "records" / "lastgood.db")
    finally:
        os.umask(before)
    folder = tmp_path / "records"
    modes = {found.name: found.stat().st_mode & 0o777 for found in folder.iterdir()}
    store.close()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == {"lastgood.db": 0o600, "lastgood.db-wal": 0o600, "lastgood.db-shm": 0o600}


async def test_a_full_disk_starts_nothing_and_keeps_everything(path):
    """An attempt that cannot be recorded does not start; with space again it goes on, no number lost or given twice."""
    store = SqlStore.open(path)
    await store.start_deployment(make_deployment())
    await store._database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1"))
    large = make_deployment(last_words="x" * 1_000_000)
    with pytest.raises(StoreFull, match="the disk is full") as full:
        await store.start_deployment(large)
    kept = await store.count_deployments(DeploymentQuery())
    await store._database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=100000"))
    after = await store.start_deployment(large)
    store.close()

    assert "nothing was started" in full.value.hint
    assert kept == 1
    assert after.number == 2


async def test_an_operation_whose_hold_cannot_be_kept_is_not_kept_either(path):
    """All or nothing: an operation that is recorded as done has its holds recorded, too."""
    store = SqlStore.open(path)
    by = Person(name="Priya Nair", email="priya@example.com")
    operation = Operation(
        id="op-1",
        kind="rollback",
        repo="config",
        branch="main",
        moved=(),
        reason="",
        despite=(),
        by=by,
        requested_at=NOON,
        step="pushing",
    )
    await store.save_operation(operation)
    await store._database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1"))
    hold = Hold(id="h-1", version="a" * 40, commit="c" * 40, since=NOON, until=None, reason="x" * 1_000_000)
    with pytest.raises(StoreFull):
        await store.save_operation(
            msgspec.structs.replace(operation, step="done"),
            holds=(HoldRecord(app="web-production", hold=hold, commit=None),),
        )
    (found,) = await store.operations()
    store.close()

    assert found.step == "pushing"


async def test_a_file_that_another_process_holds_is_waited_for_and_then_refused(path):
    """A write waits as long as it was told, then says who is in the way; afterwards it goes on."""
    store = SqlStore.open(path, busy_timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        await store.start_deployment(make_deployment())
    readable = await store.deployments(DeploymentQuery())
    other.execute("ROLLBACK")
    other.close()
    begun = await store.start_deployment(make_deployment())
    store.close()

    assert readable == []
    assert begun.number == 1


def test_a_locked_file_is_not_opened(path):
    """A start while another program holds the file alone is refused in bounded time, and the file stays."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        SqlStore.open(path, busy_timeout_s=0.05)
    other.close()


@pytest.mark.parametrize("content", [b"#!/bin/sh\n" * 500, b"SQLite format 3\0" + b"\xff" * 8192])
def test_a_file_of_another_kind_is_left_alone(path, content):
    """A path that names something else is refused; not one byte of it changes."""
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match=r"not a lastgood database|damaged"):
        SqlStore.open(path)

    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(path):
    """Tables of somebody else are not joined by ours."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title)")
    other.close()
    before = digest(path)
    with pytest.raises(StoreFailed, match="belongs to another program"):
        SqlStore.open(path)

    assert digest(path) == before


def test_a_newer_schema_is_refused_and_left_alone(path):
    """An older program says which schema it found and which it knows, and changes nothing."""
    SqlStore.open(path).close()
    with sqlite3.connect(path) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    before = digest(path)
    with pytest.raises(StoreNewer) as refused:
        SqlStore.open(path)

    assert (refused.value.facts["found"], refused.value.facts["known"]) == ("9999", "0007")
    assert digest(path) == before


async def test_a_damaged_file_says_so(path):
    """Pages that make no sense are an error in words, not a wrong answer."""
    store = SqlStore.open(path)
    for _ in range(20):
        await store.start_deployment(make_deployment())
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreFailed, match="damaged"):
        SqlStore.open(path)


async def test_a_record_of_another_form_says_so(path):
    """JSON that somebody edited by hand is an error in words, with the cause behind it."""
    store = SqlStore.open(path)
    await store.start_deployment(make_deployment())
    await store._database.write(lambda c: c.exec_driver_sql("UPDATE deployments SET phases = '[1]'"))
    with pytest.raises(StoreFailed, match="another form than lastgood wrote") as odd:
        await store.deployment("web-production", 1)
    store.close()

    assert isinstance(odd.value.__cause__, msgspec.ValidationError)


def test_a_place_that_cannot_be_written_says_so():
    """Without the right to make a file, or to write the one that is there, the refusal names it and says why."""
    child = """
        import os, sys
        from lastgood.store import SqlStore
        from lastgood.core.errors import StoreFailed
        if os.geteuid() == 0:
            os.setuid(65534)  # rights do not bind root
        for path in sys.argv[1:]:
            try:
                SqlStore.open(path)
            except StoreFailed as refused:
                print(refused.facts["reason"])
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new, old = folder / "new.db", folder / "old.db"
        SqlStore.open(old).close()
        old.chmod(0o444)
        folder.chmod(0o555)
        said, wrong = run_child(child, new, old).communicate(timeout=30)
        folder.chmod(0o700)

    assert said.splitlines() == [f"{new}: Permission denied", f"{old}: Permission denied"], wrong


def test_a_path_through_a_file_says_so(tmp_path):
    """A folder that is a file is named with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match=r"file/lastgood\.db: "):
        SqlStore.open(tmp_path / "file" / "lastgood.db")


@pytest.mark.parametrize("url", ["mystery://u:secret@h/x", "sqlite://", "sqlite:///a?mode=ro", "://", "no dialect://"])
def test_an_unusable_url_does_not_repeat_its_password(url):
    """A URL that names nothing usable is refused, and what it says stays out of the message."""
    with pytest.raises(StoreFailed) as refused:
        SqlStore.open(url)

    assert "secret" not in str(refused.value.as_json())


def test_an_sqlite_url_is_its_path(path):
    """sqlite:/// and a path means the file, with a file's care."""
    SqlStore.open(f"sqlite:///{path}").close()

    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_process_killed_while_it_writes_loses_nothing_that_was_recorded(path):
    """After SIGKILL in the middle of a transaction, what was answered for is there and the half is not."""
    child = """
        import asyncio, sys
        from lastgood.store import SqlStore, deployment
        from twins.store import make_deployment

        def half(connection):
            deployment.start(connection, make_deployment())
            print("half", flush=True)
            sys.stdin.read()

        async def main():
            store = SqlStore.open(sys.argv[1])
            for _ in range(3):
                print((await store.start_deployment(make_deployment())).number, flush=True)
            await store._database.write(half)

        asyncio.run(main())
    """
    with run_child(child, path) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(4)]
        process.kill()
    store = SqlStore.open(path)
    left = await store.unfinished_deployments()
    after = await store.start_deployment(make_deployment())
    store.close()

    assert said == ["1", "2", "3", "half"]
    assert [d.number for d in left] == [1, 2, 3]
    assert after.number == 4
    with sqlite3.connect(path) as checked:
        assert checked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    checked.close()


async def test_two_processes_share_a_file(path):
    """An agent and a web process on one file see each other's records, and numbers stay unique."""
    one, two = SqlStore.open(path), SqlStore.open(path)
    begun = [await store.start_deployment(make_deployment()) for store in (one, two, one, two)]
    seen = [await store.count_deployments(DeploymentQuery()) for store in (one, two)]
    one.close()
    two.close()

    assert [d.number for d in begun] == [1, 2, 3, 4]
    assert seen == [4, 4]


def test_every_driver_error_has_a_name_here():
    """A class that SQLAlchemy gains is translated on purpose, not by chance."""
    known = {
        found
        for found in vars(sqlalchemy.exc).values()
        if isinstance(found, type) and issubclass(found, sqlalchemy.exc.DBAPIError)
    }

    assert set(BY_CLASS) == known


class ServerError(Exception):
    def __init__(self, text: str, sqlstate: str | None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("53100", StoreFull), ("57P03", StoreUnavailable), ("08006", StoreUnavailable), (None, StoreFailed)],
)
def test_a_servers_states_are_told_apart(sqlstate, kind):
    """A full disk, a server that is not there and the rest are three answers; one line is passed on, bounded."""
    orig = ServerError("first line " + "x" * 1000 + "\nDETAIL: a value", sqlstate)
    error = of_driver(sqlalchemy.exc.OperationalError("SELECT", {}, orig))

    assert type(error) is kind
    assert len(error.facts["reason"]) <= 200
    assert "DETAIL" not in error.facts["reason"]


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (sqlite3.SQLITE_LOCKED_SHAREDCACHE, StoreUnavailable, "locked"),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreFailed, "can only be read"),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFailed, "the disk of the database fails, or is full"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, StoreFailed, "cannot be opened"),
        (sqlite3.SQLITE_TOOBIG, StoreFailed, "string or blob too big"),
    ],
)
def test_a_files_extended_codes_are_told_apart(code, kind, reason):
    """SQLite's finer codes count as what they are a kind of; one without a name is passed on in its words."""
    orig = sqlite3.OperationalError("string or blob too big")
    orig.sqlite_errorcode = code
    error = of_driver(sqlalchemy.exc.OperationalError("SELECT", {}, orig))

    assert type(error) is kind
    assert reason in error.facts["reason"]


def test_no_connection_in_time_is_unavailable():
    """A pool that stays empty is a store that does not answer."""
    with pytest.raises(StoreUnavailable), translated():
        raise sqlalchemy.exc.TimeoutError
