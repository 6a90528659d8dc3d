"""An index of a source repo's commits in an SQLite file beside the mirror: a cache, thrown away when it is damaged.

Grows by what is new since it was last brought up to date. Knows no pull request and no service.
"""

import contextlib
import re
import sqlite3
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lastgood.core.commit import Person
from lastgood.core.commit_facts import Facts, read_facts
from lastgood.core.commit_graph import CommitGraph
from lastgood.core.errors import GitFailed
from lastgood.core.reverts import Claim
from lastgood.core.source_commit import SourceCommit
from lastgood.git.program import Git
from lastgood.git.source_log import MAX_PATHS, LoggedCommit, read_log

_T = TypeVar("_T")
_LIKE, _MARKED = re.compile(r"[!%_]"), r"!\g<0>"

FORMAT = 5
_BATCH = 500
_CACHE_KB = 8192
_REMEMBERED = 4000
_SHORTEST = 7

_SCHEMA = """
CREATE TABLE commits(
    at INTEGER PRIMARY KEY, oid BLOB NOT NULL, parents BLOB NOT NULL, time INTEGER NOT NULL, name TEXT NOT NULL,
    email TEXT NOT NULL, title TEXT NOT NULL, facts BLOB NOT NULL, paths BLOB, did INTEGER, undoes INTEGER);
CREATE TABLE pulls(number INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(number, at)) WITHOUT ROWID;
CREATE TABLE issues(name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(name, at)) WITHOUT ROWID;
CREATE TABLE acting(at INTEGER PRIMARY KEY, content INTEGER NOT NULL);
"""

_INDEXES = (
    "CREATE UNIQUE INDEX by_oid ON commits(oid)",
    "CREATE INDEX by_undoes ON commits(undoes) WHERE undoes IS NOT NULL",
)
_UNDOING = """
INSERT INTO acting SELECT at, 1 FROM commits AS c WHERE at >= ? AND did IS NOT NULL
    AND EXISTS (SELECT 1 FROM commits AS o WHERE o.undoes = c.did AND o.at < c.at)
    ON CONFLICT(at) DO UPDATE SET content = 1
"""

_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(Facts)


class SourceIndex:
    """The commits of one mirror. file: the index; git: the mirror's program. Safe across threads, one at a time.

    Memory: 4 bytes for each commit, some 100 for each merge, SQLite's pages (8 MB at most), 4,000 commits read lately.
    """

    def __init__(self, file: Path, git: Git) -> None:
        self.file, self._git = file, git
        self.lock = threading.RLock()
        self.graph = CommitGraph()
        self._memo: OrderedDict[int, SourceCommit] = OrderedDict()
        self._database: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        with self.lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    def update(self) -> int:
        """Index every commit of the mirror that is not here yet; return how many these were.

        A damaged file, or one of another format, is thrown away and made anew. Raises GitFailed.
        """
        with self.lock:
            try:
                return self._update()
            except sqlite3.DatabaseError:
                self._discard()
            try:
                return self._update()
            except sqlite3.DatabaseError as wrong:
                self._discard()
                raise GitFailed(f"the index {self.file.name} cannot be written: {wrong}") from wrong

    def _update(self) -> int:
        database = self._open()
        before = len(self.graph)
        first = self.graph.first
        inner = set(first).union(*self.graph.more.values()) if self.graph.more else set(first)
        heads = [at for at in range(before) if at not in inner]
        log = read_log(self._git, known=[self._oid(at) for at in heads])
        places: dict[bytes, int] = {}
        try:
            # One transaction, so that what is here is always all that some refs reached.
            with database:
                if not before:
                    database.execute("DROP INDEX by_oid")
                    database.execute("DROP INDEX by_undoes")
                while batch := list(islice(log, _BATCH)):
                    self._add(database, batch, places)
                if not before:
                    for index in _INDEXES:  # sorted at once, which takes half as long as one by one
                        database.execute(index)
                database.execute(_UNDOING, (before,))
        except BaseException:
            # The graph has what the file has not: read it anew.
            self.close()
            raise
        if len(self.graph) > before:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return len(self.graph) - before

    def _add(self, database: sqlite3.Connection, batch: Sequence[LoggedCommit], places: dict[bytes, int]) -> None:
        commits, pulls, issues, acting = [], [], [], []
        for one in batch:
            parents = [self._place(oid, places) for oid in one.parents]
            at = self.graph.add(parents)
            places[one.oid] = at
            facts = read_facts(one.message)
            paths = None if len(one.paths) > MAX_PATHS else b"\0".join(one.paths)
            commits.append((
                at, one.oid, array("i", parents).tobytes(), one.time, one.author.name, one.author.email, facts.title,
                _ENCODE.encode(facts), paths, one.did, one.undoes,
            ))  # fmt: skip
            if facts.pull is not None:
                pulls.append((facts.pull, at))
            issues += [(name, at) for name in (*facts.issues, *facts.keys)]
            if facts.reverts or facts.reverts_pulls or facts.picks:
                acting.append((at,))
        database.executemany("INSERT INTO commits VALUES (?,?,?,?,?,?,?,?,?,?,?)", commits)
        database.executemany("INSERT OR IGNORE INTO pulls VALUES (?,?)", pulls)
        database.executemany("INSERT OR IGNORE INTO issues VALUES (?,?)", issues)
        database.executemany("INSERT INTO acting VALUES (?,0)", acting)

    def _place(self, oid: bytes, places: dict[bytes, int]) -> int:
        known = places.get(oid)
        if known is None:
            known = self._at(oid)
            if known is None:
                # A shallow mirror, or one whose past is lost: what is there cannot be placed.
                raise GitFailed(f"the parent {oid.hex()[:12]} of a commit is not in the mirror")
            places[oid] = known
        return known

    def _open(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        self.file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.file, check_same_thread=False, timeout=30)
        try:
            database.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            # Once at the end of each look: in between, a first index would write its pages several times.
            database.execute("PRAGMA wal_autocheckpoint=0")
            found = database.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                database.executescript(f"BEGIN;{_SCHEMA}{';'.join(_INDEXES)};PRAGMA user_version={FORMAT};COMMIT;")
            elif found != FORMAT:
                raise sqlite3.DatabaseError(f"it has format {found}")  # noqa: TRY301 - closed below, like any other
            self.graph = _graph(database)
            self._memo.clear()
        except BaseException:
            database.close()
            raise
        self._database = database
        return database

    def _discard(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.file.with_name(self.file.name + suffix).unlink()
        self.graph = CommitGraph()
        self._memo.clear()

    # what is asked of it

    def guarded(self, question: Callable[[], _T]) -> _T:
        """Answer a question; where the file turns out to be damaged, index anew and answer once more."""
        with self.lock:
            try:
                self._open()
                return question()
            except sqlite3.DatabaseError:
                self._discard()
                self.update()
            try:
                return question()
            except sqlite3.DatabaseError as wrong:
                raise GitFailed(f"the index {self.file.name} cannot be read: {wrong}") from wrong

    def find(self, oid: str) -> int | None:
        """Return the commit with that id, or the only one that begins with it (7 digits at least)."""
        if len(oid) == 40:  # noqa: PLR2004 - the length of SHA-1
            return self._at(bytes.fromhex(oid))
        if len(oid) < _SHORTEST:
            return None
        even = oid + "0" * (len(oid) % 2)
        low = bytes.fromhex(even)
        rows = self._rows("SELECT at, hex(oid) FROM commits WHERE oid >= ? ORDER BY oid LIMIT 2", low)
        fits = [row[0] for row in rows if row[1].lower().startswith(oid)]
        return fits[0] if len(fits) == 1 else None

    def _at(self, oid: bytes) -> int | None:
        rows = self._rows("SELECT at FROM commits WHERE oid = ?", oid)
        return rows[0][0] if rows else None

    def _oid(self, at: int) -> bytes:
        oid: bytes = self._rows("SELECT oid FROM commits WHERE at = ?", at)[0][0]
        return oid

    def pulls(self, number: int) -> list[int]:
        """Return the commits that claim to be a pull request, ascending."""
        return [row[0] for row in self._rows("SELECT at FROM pulls WHERE number = ? ORDER BY at", number)]

    def naming(self, issue: str) -> list[int]:
        """Return the commits that name an issue, ascending."""
        return [row[0] for row in self._rows("SELECT at FROM issues WHERE name = ? ORDER BY at", issue)]

    def titled(self, words: Sequence[str], *, most: int) -> list[int]:
        """Return the newest commits in whose titles all words occur, without case (of ASCII letters)."""
        where = " AND ".join(["title LIKE ? ESCAPE '!'"] * len(words))
        patterns = [f"%{_LIKE.sub(_MARKED, word)}%" for word in words]
        rows = self._rows(
            f"SELECT at FROM commits WHERE {where} ORDER BY at DESC LIMIT ?",  # noqa: S608 - only marks are put in
            *patterns,
            most,
        )
        return [row[0] for row in rows]

    def inverses(self, at: int) -> list[int]:
        """Return earlier commits whose changes are the exact inverse of a commit's, the newest by position first."""
        rows = self._rows(
            "SELECT o.at FROM commits AS c JOIN commits AS o ON o.undoes = c.did WHERE c.at = ? AND o.at < c.at"
            " ORDER BY o.at DESC LIMIT 64",
            at,
        )
        return [row[0] for row in rows]

    def age(self, at: int) -> tuple[int, str]:
        """Return a commit's date and id."""
        commit = self.commit(at)
        return commit.time, commit.oid

    def claims(self) -> Iterator[Claim]:
        """Yield what commits claim to revert or pick, or undo without saying so, ascending."""
        rows = self._rows("SELECT c.at, c.facts, a.content FROM acting AS a JOIN commits AS c USING(at) ORDER BY c.at")
        for at, data, content in rows:
            facts = _DECODE.decode(data)
            yield Claim(
                at, facts.reverts, facts.reverts_pulls, facts.picks, undoes=content == 1, mainlines=facts.mainlines
            )

    def commit(self, at: int) -> SourceCommit:
        """Read one commit."""
        known = self._memo.get(at)
        return known if known is not None else self.commits([at])[0]

    def commits(self, positions: Sequence[int]) -> list[SourceCommit]:
        """Read commits, in the order asked for."""
        missing = sorted({at for at in positions if at not in self._memo})
        fresh: dict[int, SourceCommit] = {}
        for begin in range(0, len(missing), 500):
            some = missing[begin : begin + 500]
            marks = ",".join("?" * len(some))
            rows = self._rows(
                f"SELECT at, oid, time, name, email, facts, paths FROM commits WHERE at IN ({marks})",  # noqa: S608 - only marks are put in
                *some,
            )
            for at, oid, time, name, email, facts, paths in rows:
                fresh[at] = SourceCommit(
                    oid=oid.hex(),
                    time=time,
                    author=Person(name=name, email=email),
                    facts=_DECODE.decode(facts),
                    paths=None if paths is None else _paths(paths),
                )
        found = [fresh.get(at) or self._memo[at] for at in positions]
        for at, commit in fresh.items():
            self._memo[at] = commit
        while len(self._memo) > _REMEMBERED:
            self._memo.popitem(last=False)
        return found

    def _rows(self, statement: str, *values: object) -> list[Any]:
        return self._open().execute(statement, values).fetchall()


def _paths(data: bytes) -> tuple[str, ...]:
    return tuple(data.decode("utf-8", "surrogateescape").split("\0")) if data else ()


def _graph(database: sqlite3.Connection) -> CommitGraph:
    graph = CommitGraph()
    for number, (at, data) in enumerate(database.execute("SELECT at, parents FROM commits ORDER BY at")):
        parents = array("i", data)
        if at != number or any(not 0 <= parent < at for parent in parents):
            raise sqlite3.DatabaseError("its commits are not in order")
        graph.add(parents)
    return graph
