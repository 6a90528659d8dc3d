"""Read Git objects through long-lived `git cat-file` processes. Knows no branch and no remote."""

import contextlib
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import IO, NamedTuple

from lastgood.core.commit import Commit
from lastgood.core.commit_object import parse_commit
from lastgood.core.errors import GitFailed, ObjectMissing, ObjectTooLarge
from lastgood.core.tree import EMPTY_TREE, Tree, parse_tree
from lastgood.git.program import Git, start_failure

MAX_TREE_BYTES = 64 << 20
MAX_COMMIT_BYTES = 8 << 20
_MEMO_NAMES = 20_000
_AT_ONCE = 10
"""Questions sent before the answers are read: with the longest paths they still fit into a pipe, so nobody waits."""


class _Answer(NamedTuple):
    """What git says of an object. content: nothing where only its size was asked for."""

    oid: str
    kind: str
    size: int
    content: bytes


class _Batch:
    """One `git cat-file` process that answers line by line; started when first asked, again after a death."""

    def __init__(self, git: Git, mode: str) -> None:
        self._git = git
        self._mode = mode
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., object] | None = None

    def ask(self, name: str) -> _Answer | None:
        """Return what is said of one object; None if it is not here."""
        return next(iter(self.ask_all([name])))

    def ask_all(self, names: Sequence[str]) -> list[_Answer | None]:
        """Return what is said of each object, by id or `<commit>:<path>` without a newline; None: it is not here."""
        found: list[_Answer | None] = []
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise GitFailed("git cat-file has no pipes")
        try:
            for at in range(0, len(names), _AT_ONCE):
                asked = names[at : at + _AT_ONCE]
                process.stdin.write("".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape"))
                process.stdin.flush()
                found += [self._answer(process.stdout) for _ in asked]
        except (OSError, ValueError) as wrong:
            self.end()
            raise GitFailed("git cat-file ended before its answer") from wrong
        return found

    def _answer(self, out: IO[bytes]) -> _Answer | None:
        line = out.readline()
        if not line:
            raise BrokenPipeError
        if line.endswith(b" missing\n"):  # after what was asked for, which may hold spaces
            return None
        oid, kind, size = line.split()
        content = out.read(int(size) + 1)[: int(size)] if self._mode == "--batch" else b""
        return _Answer(oid.decode(), kind.decode(), int(size), content)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.end()
            try:
                self._process = subprocess.Popen(
                    self._git.arguments("cat-file", self._mode),
                    cwd=self._git.folder,
                    env=self._git.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as wrong:
                raise start_failure(wrong, self._git.folder) from wrong
            self._finalizer = weakref.finalize(self, _end, self._process)
        return self._process

    def end(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._finalizer = None


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()


class TreeMemo:
    """Trees read lately, up to 20,000 names in all: some 5 MB. They never change, so nothing can be out of date."""

    def __init__(self) -> None:
        self._trees: dict[str, Tree] = {}
        self._names = 0

    def known(self, oid: str) -> Tree | None:
        """Return a tree if it is remembered."""
        return self._trees.get(oid)

    def get(self, oid: str, read: Callable[[str], Tree]) -> Tree:
        """Return a tree, reading it if it is not remembered."""
        known = self._trees.get(oid)
        if known is None:
            known = read(oid)
            if self._names + len(known) > _MEMO_NAMES:
                self._trees, self._names = {}, 0
            self._trees[oid] = known
            self._names += len(known) + 1
        return known


class ObjectReader:
    """Reads commits, trees and blobs by id, sizes first. Safe to use from several threads, one at a time."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._check = _Batch(git, "--batch-check")
        self._content = _Batch(git, "--batch")
        self._memo = TreeMemo()

    def close(self) -> None:
        """End the processes; a later question starts them again."""
        with self._lock:
            self._check.end()
            self._content.end()

    def kind(self, oid: str) -> str | None:
        """Return commit, tree, blob or tag; None if the object is not here."""
        with self._lock:
            found = self._check.ask(checked(oid))
        return None if found is None else found.kind

    def read(self, kind: str, oid: str, *, max_bytes: int, path: str = "") -> bytes:
        """Read one object. Raises ObjectMissing (also if it is of another kind), ObjectTooLarge."""
        with self._lock:
            found = self._check.ask(checked(oid))
            if found is None or found.kind != kind:
                raise ObjectMissing(object=oid)
            if found.size > max_bytes:
                raise ObjectTooLarge(path=path or oid, size_bytes=found.size, limit_bytes=max_bytes)
            answer = self._content.ask(oid)
        if answer is None:
            raise ObjectMissing(object=oid)
        return answer.content

    def commit(self, oid: str) -> Commit:
        """Read a commit by its full id."""
        return parse_commit(oid, self.read("commit", oid, max_bytes=MAX_COMMIT_BYTES))

    def tree(self, oid: str) -> Tree:
        """Read a tree by its full id."""
        return self._memo.get(oid, self._read_tree)

    def _read_tree(self, oid: str) -> Tree:
        if oid == EMPTY_TREE:
            return Tree()
        return parse_tree(self.read("tree", oid, max_bytes=MAX_TREE_BYTES))

    def read_trees(self, oids: Sequence[str]) -> None:
        """Remember many trees, read at once, as far as they are here and there is room."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid != EMPTY_TREE and self._memo.known(oid) is None]
        with self._lock:
            answers = self._content.ask_all([checked(oid) for oid in wanted])
        for oid, answer in zip(wanted, answers, strict=True):
            if answer is not None and answer.kind == "tree":
                self._memo.get(oid, partial(_parsed, answer.content))

    def commits(self, oids: Sequence[str]) -> Iterator[Commit]:
        """Read many commits at once, in the order asked for."""
        with self._lock:
            answers = self._content.ask_all([checked(oid) for oid in oids])
        for oid, answer in zip(oids, answers, strict=True):
            if answer is None or answer.kind != "commit":
                raise ObjectMissing(object=oid)
            yield parse_commit(oid, answer.content)

    def trees_at(self, commits: Iterable[str], path: str) -> list[str | None]:
        """Return, for each commit, the id of the folder at a path; None where no folder is there.

        The path holds no newline.
        """
        with self._lock:
            answers = self._check.ask_all([f"{oid}:{path}" for oid in commits])
        return [answer.oid if answer is not None and answer.kind == "tree" else None for answer in answers]


def _parsed(content: bytes, _oid: str) -> Tree:
    return parse_tree(content)


def checked(oid: str) -> str:
    """Return an object id that is one; raise ObjectMissing for any other text."""
    if len(oid) == 40 and not set(oid) - set("0123456789abcdef"):  # noqa: PLR2004 - the length of SHA-1
        return oid
    raise ObjectMissing(object=oid[:80])
