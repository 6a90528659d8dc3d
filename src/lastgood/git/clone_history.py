"""History of a scope in a clone: `git rev-list` prunes, then only the hits are looked up; remembered per head.

Knows the commit ids and trees alone: what a commit says plays no part. The memory lies in `.git/lastgood` and may be
deleted or damaged at any time: then the question is answered anew.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lastgood.core.application import Scope
from lastgood.core.commit import History, HistoryEntry
from lastgood.core.tree import name_bytes, outside_inputs, version_id
from lastgood.core.value import Value
from lastgood.git.first_parent import FirstParentIndex, scan
from lastgood.git.objects import ObjectReader
from lastgood.git.program import Git

_FORMAT = b"lastgood history 1\n"
_MAX_FILE_BYTES = 256 << 20
_MAX_FILES = 2000
_FEW = 3
"""Questions about new scopes for which git prunes by path; for more, one scan of the whole branch is quicker."""


class _Remembered(Value, frozen=True, kw_only=True):
    """What is kept of one scope. edge: a digest of where the clone ends. now: the version at the head."""

    head: str
    edge: str
    scope: Scope
    now: str | None
    history: History


class CloneHistory:
    """Answers `ConfigRepo.history` for a clone. common: the repository's folder; memory: where to remember."""

    def __init__(self, git: Git, objects: ObjectReader, *, common: Path, memory: Path) -> None:
        self._git = git
        self._objects = objects
        self._common = common
        self._memory = memory
        self._asked_for = 0
        self._index = FirstParentIndex(self._first_parent, lambda head, since: scan(git, head, since=since))

    def history(self, head: str, scope: Scope, limit: int | None = None) -> History:
        """See ConfigRepo.history."""
        edge = self._edge()
        known = self._recall(scope, edge)
        if known is None or known.head != head:
            extended = self._extended(known, head, scope, edge) if known else None
            known = extended or self._asked(head, scope, edge)
            self._remember(known)
        if limit is not None and len(known.history.entries) > limit:
            return History(entries=known.history.entries[:limit])
        return known.history

    # where a shallow clone ends

    def shallow(self) -> frozenset[str]:
        """Return the commits whose parents this clone does not have."""
        try:
            return frozenset((self._common / "shallow").read_text("ascii").split())
        except (OSError, ValueError):
            return frozenset()

    def ends_shallow(self, head: str) -> bool:
        """Say whether the first-parent line of a head ends at the edge of a shallow clone."""
        shallow = self.shallow()
        if not shallow:
            return False
        return bool(shallow & set(self._git.run("rev-list", "--first-parent", "--max-parents=0", head).lines))

    def shallow_below(self, head: str) -> bool:
        """Say whether anything that the head reaches is at the edge of a shallow clone."""
        shallow = self.shallow()
        return bool(shallow) and bool(shallow & set(self._git.run("rev-list", "--max-parents=0", head).lines))

    def _edge(self) -> str:
        digest = hashlib.sha256()
        for name in ("shallow", "info/grafts"):
            with contextlib.suppress(OSError):
                digest.update(b"%s\0%s\0" % (name.encode(), (self._common / name).read_bytes()))
        return digest.hexdigest()

    # asking git

    def _first_parent(self, oid: bytes) -> bytes | None:
        commit = oid.hex()
        parents = () if commit in self.shallow() else self._objects.commit(commit).parents
        return bytes.fromhex(parents[0]) if parents else None

    def _asked(self, head: str, scope: Scope, edge: str) -> _Remembered:
        truncated = self.ends_shallow(head)
        self._asked_for += 1
        if self._asked_for > _FEW:
            hits = self._index.hits(head, [name_bytes(path) for path in (scope.path, *outside_inputs(scope))])
        else:
            hits = self._hits(head, scope)
        states = list(self._states(hits, scope))
        now = states[0][1] if states else None
        if truncated and states and states[-1][0] in self.shallow():
            # Git takes the edge for a root, at which everything appeared. Nobody knows whether it did.
            entries = self._entries(states[:-1], before=states[-1][1])
        else:
            entries = self._entries(states, before=None)
        return _Remembered(
            head=head, edge=edge, scope=scope, now=now, history=History(entries=entries, truncated=truncated)
        )

    def _extended(self, known: _Remembered, head: str, scope: Scope, edge: str) -> _Remembered | None:
        """Return what is known, with the commits that came on top; None if the head did not simply move forward."""
        if self._objects.kind(known.head) is None:
            return None
        new = self._git.run("rev-list", "--first-parent", "--parents", head, f"^{known.head}").lines
        # After a merge the wrong way round the old head is not on the first-parent line any more.
        if not new or new[-1].split(" ")[1:2] != [known.head]:
            return None
        states = list(self._states(self._hits(head, scope, since=known.head), scope))
        entries = self._entries(states, before=known.now)
        now = states[0][1] if states else known.now
        history = History(entries=entries + known.history.entries, truncated=known.history.truncated)
        return _Remembered(head=head, edge=edge, scope=scope, now=now, history=history)

    def _hits(self, head: str, scope: Scope, *, since: str | None = None) -> list[str]:
        paths = [scope.path, *outside_inputs(scope)]
        only = ("--", *paths) if all(paths) else ()
        old = (f"^{since}",) if since else ()
        return self._git.run("rev-list", "--first-parent", head, *old, *only).lines

    def _states(self, commits: list[str], scope: Scope) -> Iterator[tuple[str, str | None, str | None]]:
        """Yield (commit, version, path tree)."""
        simple = bool(scope.path) and not scope.left_out and not outside_inputs(scope) and "\n" not in scope.path
        if simple:
            trees = self._objects.trees_at(commits, scope.path)
            yield from ((c, t, t) for c, t in zip(commits, trees, strict=True))
            return
        for commit in self._objects.commits(commits):
            yield (commit.oid, *version_id(commit.tree, scope, self._objects.tree))

    def _entries(
        self, states: list[tuple[str, str | None, str | None]], *, before: str | None
    ) -> tuple[HistoryEntry, ...]:
        """Keep the states that differ from the one before; between two hits of git nothing changes."""
        versions = [*(version for _, version, _ in states[1:]), before]
        changed = [state for state, older in zip(states, versions, strict=False) if state[1] != older]
        commits = self._objects.commits([oid for oid, _, _ in changed])
        return tuple(
            HistoryEntry(commit=commit, version=version, path_tree=path_tree)
            for commit, (_, version, path_tree) in zip(commits, changed, strict=True)
        )

    # remembering

    def _file(self, scope: Scope) -> Path:
        return self._memory / "history" / hashlib.sha256(msgspec.json.encode(_plain(scope))).hexdigest()[:32]

    def _recall(self, scope: Scope, edge: str) -> _Remembered | None:
        try:
            with self._file(scope).open("rb") as file:
                data = file.read(_MAX_FILE_BYTES)
        except OSError:
            return None
        head = len(_FORMAT) + 32
        if not data.startswith(_FORMAT) or hashlib.sha256(data[head:]).digest() != data[len(_FORMAT) : head]:
            return None
        try:
            known = msgspec.msgpack.decode(data[head:], type=_Remembered)
        except msgspec.MsgspecError:
            return None
        return known if known.edge == edge and known.scope == scope else None

    def _remember(self, known: _Remembered) -> None:
        # Nothing depends on it: a read-only clone or a full disk only makes the next look slower.
        with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError):
            content = msgspec.msgpack.encode(known)
            file = self._file(known.scope)
            file.parent.mkdir(parents=True, exist_ok=True)
            self._prune(file.parent)
            descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
            try:
                with os.fdopen(descriptor, "wb") as new:
                    new.write(_FORMAT + hashlib.sha256(content).digest() + content)
                Path(name).replace(file)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    @staticmethod
    def _prune(folder: Path) -> None:
        # Names alone: this is asked once for each application, and a path object for each file would take longest.
        names = os.listdir(folder)  # noqa: PTH208 - the reason stands above
        if len(names) > _MAX_FILES:
            for name in names:
                (folder / name).unlink(missing_ok=True)


def _plain(scope: Scope) -> list[object]:
    return [
        os.fsencode(scope.path).hex(),
        *([os.fsencode(p).hex() for p in ps] for ps in (scope.others, scope.left_out)),
    ]
