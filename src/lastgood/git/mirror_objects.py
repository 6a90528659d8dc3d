"""Read and write the objects of a bare mirror through libgit2, from any thread. Knows no branch and no remote.

libgit2's handles are not to be shared between threads: each thread opens the mirror for itself.
"""

import threading
from pathlib import Path

import pygit2

from lastgood.core.commit import MODE_TREE, Commit, TreeEntry
from lastgood.core.commit_object import parse_commit
from lastgood.core.errors import GitFailed, ObjectMissing, ObjectTooLarge
from lastgood.core.tree import EMPTY_TREE, Tree, parse_tree
from lastgood.git.objects import MAX_COMMIT_BYTES, MAX_TREE_BYTES, TreeMemo, checked

CACHE_BYTES = 8 << 20

_MEMO_COMMITS = 1000  # read lately, as one plan asks several times for an application's newest
_MEMO_MESSAGE = 4096  # characters: a commit that says more is read again
_KINDS = {
    pygit2.enums.ObjectType.COMMIT: "commit",
    pygit2.enums.ObjectType.TREE: "tree",
    pygit2.enums.ObjectType.BLOB: "blob",
    pygit2.enums.ObjectType.TAG: "tag",
}
_TYPES = {kind: number for number, kind in _KINDS.items()}

# libgit2 keeps parsed objects up to 256 MB by default, for all handles together.
pygit2.settings.cache_max_size(CACHE_BYTES)


class MirrorObjects:
    """The objects of one bare repository. damaged: set when something that must be there could not be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged = False
        self._handles: dict[int, pygit2.Repository] = {}
        self._memo = TreeMemo()
        self._commits: dict[str, Commit] = {}

    def reopen(self) -> None:
        """Make every thread open the mirror anew: another one stands in its place."""
        self.let_go()
        self._memo = TreeMemo()
        self._commits = {}
        self.damaged = False

    def let_go(self) -> None:
        """Close the handles of all threads, each once its thread is done with it; the next question opens one again.

        A handle keeps what it has unpacked for the next question, and all of them together some 30 MB after a long
        walk, beside libgit2's own cache and its limit.
        """
        self._handles = {}

    @property
    def repository(self) -> pygit2.Repository:
        """This thread's handle. Raises GitFailed if the mirror cannot be opened."""
        handles, thread = self._handles, threading.get_ident()
        handle = handles.get(thread)
        if handle is None:
            try:
                handle = pygit2.Repository(str(self.folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
            except pygit2.GitError as wrong:
                self.damaged = True
                raise GitFailed("the mirror is damaged; the next fetch rebuilds it") from wrong
            handles[thread] = handle
        return handle

    def header(self, oid: str) -> tuple[str, int] | None:
        """Return (kind, size in bytes); None if the object is not here."""
        try:
            number, size = self.repository.odb.read_header(checked(oid))
        except KeyError:
            return None
        except pygit2.GitError as wrong:
            raise self._broken(oid) from wrong
        return _KINDS[pygit2.enums.ObjectType(number)], size

    def read(self, kind: str, oid: str, *, max_bytes: int, path: str = "") -> bytes:
        """Read one object. Raises ObjectMissing (also if it is of another kind), ObjectTooLarge."""
        header = self.header(oid)
        if header is None or header[0] != kind:
            raise ObjectMissing(object=oid)
        if header[1] > max_bytes:
            raise ObjectTooLarge(path=path or oid, size_bytes=header[1], limit_bytes=max_bytes)
        try:
            data: bytes = self.repository.read(oid)[1]
        except (KeyError, pygit2.GitError) as wrong:
            raise self._broken(oid) from wrong
        return data

    def _broken(self, oid: str) -> ObjectMissing:
        self.damaged = True
        return ObjectMissing(f"Git object {oid} is damaged", hint="the next fetch rebuilds the mirror", object=oid)

    def commit(self, oid: str) -> Commit:
        """Read a commit by its full id."""
        known = self._commits.get(oid)
        if known is None:
            known = parse_commit(oid, self.read("commit", oid, max_bytes=MAX_COMMIT_BYTES))
            if len(known.message) <= _MEMO_MESSAGE:
                if len(self._commits) >= _MEMO_COMMITS:
                    self._commits = {}
                self._commits[oid] = known
        return known

    def remembered_commit(self, oid: str) -> Commit | None:
        """Return a commit that was read lately, without reading anything; None if it was not."""
        return self._commits.get(oid)

    def tree(self, oid: str) -> Tree:
        """Read a tree by its full id."""
        return self._memo.get(oid, self._read_tree)

    def known(self, oid: str) -> Tree:
        """Return a tree that was read lately, without reading anything. Raises KeyError if it was not."""
        found = self.remembered(oid)
        if found is None:
            raise KeyError(oid)
        return found

    def remembered(self, oid: str) -> Tree | None:
        """Return a tree that was read lately, without reading anything; None if it was not."""
        return self._memo.known(oid)

    def _read_tree(self, oid: str) -> Tree:
        if oid == EMPTY_TREE:
            return Tree()
        return parse_tree(self.read("tree", oid, max_bytes=MAX_TREE_BYTES))

    def tree_at(self, commit: str, path: str) -> str | None:
        """Return the id of the folder at a path, None if none is there; quick for folders with many names."""
        try:
            tree = self.repository[self._parsed(commit).tree_id]
            found = tree[path] if path else tree  # type: ignore[index]  # it is a Tree
        except KeyError:
            return None
        except (ValueError, pygit2.GitError) as wrong:
            raise self._broken(commit) from wrong
        return str(found.id) if found.type == pygit2.enums.ObjectType.TREE else None

    def entry_at(self, commit_or_tree: str, path: str) -> TreeEntry | None:
        """Return what stands at a path, None for nothing; as quick as `tree_at`."""
        try:
            found: pygit2.Object = self.repository[checked(commit_or_tree)]
            tree = found.tree if isinstance(found, pygit2.Commit) else found
            if not isinstance(tree, pygit2.Tree):
                raise ObjectMissing(object=commit_or_tree)
            if not path:
                return TreeEntry(path="", mode=MODE_TREE, oid=str(tree.id))
            there = tree[path]
        except KeyError as missing:
            if self.header(commit_or_tree) is None:
                raise ObjectMissing(object=commit_or_tree) from missing
            return None
        except (ValueError, pygit2.GitError) as wrong:
            raise self._broken(commit_or_tree) from wrong
        return TreeEntry(path=path, mode=int(there.filemode), oid=str(there.id))

    def first_parent(self, commit: bytes) -> bytes | None:
        """Return a commit's first parent, both as 20 bytes."""
        parents = self._parsed(commit.hex()).parent_ids
        return bytes(parents[0].raw) if parents else None

    def committed_at(self, commit: bytes) -> int:
        """Return the committer's time, in seconds since 1970."""
        return int(self._parsed(commit.hex()).commit_time)

    def _parsed(self, oid: str) -> pygit2.Commit:
        try:
            found = self.repository[checked(oid)]
        except KeyError as missing:
            raise ObjectMissing(object=oid) from missing
        except pygit2.GitError as wrong:
            raise self._broken(oid) from wrong
        if not isinstance(found, pygit2.Commit):
            raise ObjectMissing(object=oid)
        return found

    def write(self, kind: str, data: bytes) -> str:
        """Store an object as it is; return its id."""
        try:
            return str(self.repository.write(_TYPES[kind], data))
        except (OSError, pygit2.GitError) as wrong:
            raise GitFailed(f"the mirror cannot be written: {wrong}") from wrong
