"""History of a scope in a clone: `git rev-list` prunes, then only the hits are looked up; remembered per head.

Knows the commit ids and trees alone: what a commit says plays no part. The memory lies in `.git/lastgood` and may be
deleted or damaged at any time: then the question is answered anew.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

import msgspec

from lastgood.core.application import AnyScope, DeclaredScope, Scope
from lastgood.core.commit import MODE_TREE, Commit, History, HistoryEntry, TreeEntry
from lastgood.core.declared_inputs import Declared, DeclaredInputs, Look
from lastgood.core.tree import find, name_bytes, outside_inputs, version_id
from lastgood.core.value import Value
from lastgood.git.first_parent import FirstParentIndex, scan
from lastgood.git.history import State, changes_of, declared_hits
from lastgood.git.objects import ObjectReader
from lastgood.git.program import Git

_FORMAT = b"lastgood history 2\n"
_MAX_FILE_BYTES = 256 << 20
_MAX_FILES = 2000
_FEW = 3
"""Questions about new scopes for which git prunes by path; for more, one scan of the whole branch is quicker."""


_READ_AHEAD = 100
"""Folders read with one question on a walk."""

_MAX_ARGUMENTS = 100_000
"""Characters of paths in one command line; more are looked up in that scan, too."""


class _Remembered(Value, frozen=True, kw_only=True):
    """What is kept of one scope (as text). edge: a digest of where the clone ends. now: the version at the head."""

    head: str
    edge: str
    scope: str
    now: str | None
    history: History


class CloneHistory:
    """Answers `ConfigRepo.history` for a clone. common: the repository's folder; memory: where to remember."""

    def __init__(self, git: Git, objects: ObjectReader, *, common: Path, memory: Path) -> None:
        self._git = git
        self.objects = objects
        self._common = common
        self._memory = memory
        self._asked_for = 0
        self._declared = DeclaredInputs()
        self._index = FirstParentIndex(self._first_parent, lambda head, since: scan(git, head, since=since))

    def history(self, head: str, scope: AnyScope, limit: int | None = None) -> History:
        """See ConfigRepo.history."""
        edge = self._edge()
        known = self._recall(scope, edge)
        if known is None or known.head != head:
            extended = self._extended(known, head, scope, edge) if known else None
            known = extended or self._asked(head, scope, edge)
            self._remember(known, scope)
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
        parents = () if commit in self.shallow() else self.objects.commit(commit).parents
        return bytes.fromhex(parents[0]) if parents else None

    def inputs(self, scope: AnyScope, look: Look) -> Declared:
        """Return the inputs in a tree: see ConfigRepo.inputs. look: finds what stands at a path of that tree."""
        return self._declared.at(
            scope,
            look=look,
            tree=self.objects.tree,
            blob=lambda oid, most: self.objects.read("blob", oid, max_bytes=most),
        )

    def _asked(self, head: str, scope: AnyScope, edge: str) -> _Remembered:
        truncated = self.ends_shallow(head)
        states = list(self._states(head, scope))
        now = states[0].version if states else None
        if truncated and states and states[-1].commit in self.shallow():
            # Git takes the edge for a root, at which everything appeared. Nobody knows whether it did.
            entries = self._entries(states[:-1], before=states[-1].version)
        else:
            entries = self._entries(states, before=None)
        return _Remembered(
            head=head, edge=edge, scope=_text(scope), now=now, history=History(entries=entries, truncated=truncated)
        )

    def _extended(self, known: _Remembered, head: str, scope: AnyScope, edge: str) -> _Remembered | None:
        """Return what is known, with the commits that came on top; None if the head did not simply move forward."""
        if self.objects.kind(known.head) is None:
            return None
        new = self._git.run("rev-list", "--first-parent", "--parents", head, f"^{known.head}").lines
        # After a merge the wrong way round the old head is not on the first-parent line any more.
        if not new or new[-1].split(" ")[1:2] != [known.head]:
            return None
        states = list(self._states(head, scope, since=known.head))
        entries = self._entries(states, before=known.now)
        now = states[0].version if states else known.now
        history = History(entries=entries + known.history.entries, truncated=known.history.truncated)
        return _Remembered(head=head, edge=edge, scope=_text(scope), now=now, history=history)

    def _states(self, head: str, scope: AnyScope, *, since: str | None = None) -> Iterator[State]:
        """Yield what the scope was wherever it may have changed, newest first, down to `since` (left out)."""
        if isinstance(scope, Scope):
            yield from self._states_at(self._hits(head, scope, since=since), scope)
            return
        line = _Line(self, scope)
        pieces = declared_hits(
            head,
            inputs_at=line.inputs_at,
            hits=lambda start, at: line.read(self._hits(start, at, since=since)),
            parent=line.parent,
            end=since,
        )
        for at, together in groupby(pieces, key=itemgetter(1)):
            yield from self._states_at([oid for oid, _ in together], at)

    def _hits(self, head: str, scope: Scope, *, since: str | None = None) -> list[str]:
        paths = [scope.path, *outside_inputs(scope)]
        short = sum(map(len, paths)) < _MAX_ARGUMENTS
        if since is None:
            self._asked_for += 1
            if self._asked_for > _FEW or not short:
                return self._index.hits(head, [name_bytes(path) for path in paths])
        only = ("--", *paths) if all(paths) and short else ()
        old = (f"^{since}",) if since else ()
        return self._git.run("rev-list", "--first-parent", head, *old, *only).lines

    def _states_at(self, commits: list[str], scope: Scope) -> Iterator[State]:
        simple = bool(scope.path) and not scope.left_out and not outside_inputs(scope) and "\n" not in scope.path
        if simple:
            trees = self.objects.trees_at(commits, scope.path)
            yield from (State(c, t, t) for c, t in zip(commits, trees, strict=True))
            return
        for commit in self.objects.commits(commits):
            yield State(commit.oid, *version_id(commit.tree, scope, self.objects.tree))

    def _entries(self, states: list[State], *, before: str | None) -> tuple[HistoryEntry, ...]:
        changed = changes_of(states, before=before, limit=None)
        commits = self.objects.commits([state.commit for state in changed])
        return tuple(
            HistoryEntry(commit=commit, version=state.version, path_tree=state.path_tree)
            for commit, state in zip(commits, changed, strict=True)
        )

    # remembering

    def _file(self, scope: AnyScope) -> Path:
        return self._memory / "history" / hashlib.sha256(_text(scope).encode()).hexdigest()[:32]

    def _recall(self, scope: AnyScope, edge: str) -> _Remembered | None:
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
        return known if known.edge == edge and known.scope == _text(scope) else None

    def _remember(self, known: _Remembered, scope: AnyScope) -> None:
        # Nothing depends on it: a read-only clone or a full disk only makes the next look slower.
        with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError):
            content = msgspec.msgpack.encode(known)
            file = self._file(scope)
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


class _Line:
    """Commits of one walk, read many at once: one question for each of thousands would be most of the work."""

    def __init__(self, history: CloneHistory, scope: DeclaredScope) -> None:
        self._history = history
        self._scope = scope
        self._shallow = history.shallow()
        self._commits: dict[str, Commit] = {}
        self._folders: dict[str, str | None] = {}
        # Folders in the order of the walk that were not read yet.
        self._unread: dict[str, None] = {}

    def read(self, hits: list[str]) -> list[str]:
        """Read the commits and what the application's folder was there and before; return them as they are."""
        objects, path = self._history.objects, self._scope.path
        self._commits |= {commit.oid: commit for commit in objects.commits(hits)}
        if hits and path and "\n" not in path:
            # Between two hits nothing of the scope changed: what a hit's parent had, the next hit has.
            below = [self.parent(oid) for oid in hits]
            last = [below[-1]] if below[-1] is not None else []
            found = [*objects.trees_at([*hits, *last], path), None]
            self._folders |= dict(zip(hits, found, strict=False))
            self._folders |= {oid: found[n] for n, oid in enumerate(below, start=1) if oid is not None}
            self._unread |= dict.fromkeys(tree for tree in found if tree is not None)
        return hits

    def parent(self, oid: str) -> str | None:
        """Return a commit's first parent; None at the beginning, and where a shallow clone ends."""
        parents = () if oid in self._shallow else self._commit(oid).parents
        return parents[0] if parents else None

    def inputs_at(self, oid: str) -> Scope:
        """Return the inputs at a commit."""
        objects, folder = self._history.objects, self._folders.get(oid)
        if folder in self._unread:
            self._read_ahead(folder)

        def look(path: str) -> TreeEntry | None:
            if path == self._scope.path and oid in self._folders:
                return None if folder is None else TreeEntry(path=path, mode=MODE_TREE, oid=folder)
            return find(self._commit(oid).tree, path, objects.tree)

        return self._history.inputs(scope=self._scope, look=look).scope

    def _read_ahead(self, folder: str) -> None:
        """Read the next folders of the walk with one question, no more than can be remembered."""
        others = (tree for tree in self._unread if tree != folder)
        chunk = [folder, *islice(others, _READ_AHEAD - 1)]
        for tree in chunk:
            del self._unread[tree]
        self._history.objects.read_trees(chunk)

    def _commit(self, oid: str) -> Commit:
        if oid not in self._commits:
            self._commits[oid] = self._history.objects.commit(oid)
        return self._commits[oid]


def _text(scope: AnyScope) -> str:
    """Write a scope so that paths which are no UTF-8 can be kept, too."""
    listed = [scope.others, scope.left_out]
    declared: list[str] = []
    if isinstance(scope, DeclaredScope):
        listed, declared = [*listed, scope.values], [scope.render]
    paths = [os.fsencode(scope.path).hex(), *([os.fsencode(p).hex() for p in ps] for ps in listed)]
    return msgspec.json.encode([paths, declared]).decode()
