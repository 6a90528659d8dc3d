"""Which first-parent commits touched which paths: one scan of a branch answers for every application on it.

Grows with the branch, forks when it is rewritten. Knows commit ids and paths; what a commit holds others look up.
"""

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lastgood.core.errors import GitFailed
from lastgood.core.message import CLAIM
from lastgood.git.program import Git

_MAX_LINES = 4
_NEAR = 2000


class Step(NamedTuple):
    """One first-parent commit and the paths that differ from its first parent (from nothing, for a root)."""

    oid: bytes
    paths: Sequence[bytes]
    claims: bool = False  # its message names an operation of ours


def claiming(git: Git, head: str, *, since: str | None = None) -> frozenset[bytes]:
    """Return the first-parent commits of a head whose messages name an operation, down to `since` (left out)."""
    old = (f"^{since}",) if since else ()
    found = git.run("rev-list", "--first-parent", "--fixed-strings", f"--grep={CLAIM}", head, *old, "--").lines
    return frozenset(bytes.fromhex(oid) for oid in found)


def scan(git: Git, head: str, *, since: str | None = None) -> Iterator[Step]:
    """Read the first-parent line of a head, oldest first, from what follows `since` or from its beginning."""
    records = git.stream(
        "log",
        "--first-parent",
        "--reverse",
        "-m",
        "--root",
        "--raw",
        "-z",
        "--format=%H",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-show-signature",
        "--no-notes",
        "--no-mailmap",
        "--ignore-submodules=none",
        head,
        *((f"^{since}",) if since else ()),
        "--",
        limit_s=600,
    )
    oid: bytes | None = None
    paths: list[bytes] = []
    for given in records:
        record = given.lstrip(b"\n")
        if record.startswith(b":"):
            paths.append(next(records))
        elif record:
            if oid is not None:
                yield Step(oid, paths)
            try:
                oid, paths = bytes.fromhex(record.decode("ascii")), []
            except ValueError as wrong:
                raise GitFailed("git log gave something else than was asked for") from wrong
    if oid is not None:
        yield Step(oid, paths)


class _Line:
    """A first-parent line, oldest first, and for each path (folders too) the positions at which it changed."""

    def __init__(self) -> None:
        self.oids: list[bytes] = []
        self.position: dict[bytes, int] = {}
        self.touched: dict[bytes, array[int]] = {}
        self.claims: set[int] = set()

    def add(self, steps: Iterable[Step]) -> None:
        """Append steps, given oldest first."""
        for step in steps:
            number = len(self.oids)
            self.oids.append(step.oid)
            self.position[step.oid] = number
            if step.claims:
                self.claims.add(number)
            for path in _with_folders(step.paths):
                self.touched.setdefault(path, array("I")).append(number)

    def until(self, position: int) -> "_Line":
        """Return the line as it was when that position was its end."""
        older = _Line()
        older.oids = self.oids[: position + 1]
        older.position = {oid: n for n, oid in enumerate(older.oids)}
        older.claims = {n for n in self.claims if n <= position}
        kept = ((path, array("I", (n for n in at if n <= position))) for path, at in self.touched.items())
        older.touched = {path: at for path, at in kept if at}
        return older


def _with_folders(paths: Iterable[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for path in paths:
        while path not in found:
            found.add(path)
            folder, _, _ = path.rpartition(b"/")
            path = folder  # noqa: PLW2901 - on to the folder, up to the root, which is b""
    return found


class FirstParentIndex:
    """The lines of one repository's branches, at most four; the one used longest ago goes. Safe across threads."""

    def __init__(
        self, parent_of: Callable[[bytes], bytes | None], read: Callable[[str, str | None], Iterable[Step]]
    ) -> None:
        """parent_of: a commit's first parent. read: (head, since) -> steps, oldest first; see `scan`."""
        self._parent_of = parent_of
        self._read = read
        self._lines: list[_Line] = []
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Drop everything: the repository was rebuilt."""
        with self._lock:
            self._lines = []

    def hits(self, head: str, paths: Iterable[bytes], *, claims: bool = False) -> list[str]:
        """Return the first-parent commits of a head that touched any of the paths (b"" for all), newest first.

        claims: only those whose steps say so.
        """
        with self._lock:
            line, position = self._line_of(bytes.fromhex(head))
            numbers: set[int] = set()
            for path in paths:
                numbers.update(range(position + 1) if not path else line.touched.get(path, ()))
            if claims:
                numbers &= line.claims
            return [line.oids[n].hex() for n in sorted(numbers, reverse=True) if n <= position]

    def _line_of(self, head: bytes) -> tuple[_Line, int]:
        line = next((x for x in self._lines if head in x.position), None) or self._advanced(head)
        if line in self._lines:
            self._lines.remove(line)
        self._lines = [line, *self._lines][:_MAX_LINES]
        return line, line.position[head]

    def _advanced(self, head: bytes) -> _Line:
        """Find a line that the head stands on, a little way down; else read all of it."""
        here: bytes | None = head
        for _ in range(_NEAR if self._lines else 0):
            here = self._parent_of(here) if here is not None else None
            if here is None:
                break
            below = next((x for x in self._lines if here in x.position), None)
            if below is not None:
                position = below.position[here]
                # A branch that was rewritten, or another branch: the old line stays for who still asks for it.
                # All of them before the first is added: a line that is in use never has half of what git gave.
                steps = list(self._read(head.hex(), here.hex()))
                line = below if position == len(below.oids) - 1 else below.until(position)
                line.add(steps)
                return line
        line = _Line()
        line.add(self._read(head.hex(), None))
        return line
