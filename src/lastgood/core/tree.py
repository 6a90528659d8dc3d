"""Tree arithmetic: Git's tree objects as bytes and ids, editing a tree, and the version of an application.

Callbacks read and write trees; nothing here knows a repository. Names are text with `surrogateescape`,
so that a name that is not UTF-8 comes out as it went in; `shown_path` makes one fit to print.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_TREE, Edit, FileChange, TreeEntry
from lastgood.core.errors import GitFailed


class Tree(list[TreeEntry]):
    """The names of a tree (`path` is one segment), in its order."""

    @cached_property
    def by_name(self) -> dict[str, TreeEntry]:
        """Return the same by name, so that one among thousands is at hand; of a name twice the first, as in Git."""
        return {entry.path: entry for entry in reversed(self)}


ReadTree = Callable[[str], Tree]
"""Given a tree's id, its names. Raises ObjectMissing."""

WriteTree = Callable[[Sequence[TreeEntry]], str]
"""Given names in Git's order, stores the tree and returns its id."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

OURS = (".lastgood", "lastgood.yaml")
"""What at the repo's root is lastgood's own and never part of an application."""

MAX_DEPTH = 256

# A mode, a space, a name, a zero byte, the 20 bytes of an id: one call for a whole tree takes half of a loop's time.
_ENTRY = re.compile(rb"([0-7]{1,6}) ([^\0]*)\0(.{20})", re.DOTALL)
_BESIDE = 22


def object_id(kind: str, data: bytes) -> str:
    """Return the id that Git gives to an object. kind: blob, tree or commit."""
    return hashlib.sha1(b"%s %d\0%s" % (kind.encode(), len(data), data), usedforsecurity=False).hexdigest()


def name_bytes(name: str) -> bytes:
    """Return a name as it stands in the tree object."""
    return name.encode("utf-8", "surrogateescape")


def name_text(name: bytes) -> str:
    """Return a name of a tree object as text that `name_bytes` turns back."""
    return name.decode("utf-8", "surrogateescape")


def shown_path(path: str) -> str:
    r"""Make a path fit for a screen or JSON: bytes that are no UTF-8 and control characters as \xNN."""
    text = name_bytes(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def git_order(entry: TreeEntry) -> bytes:
    """Return the key that sorts names as Git does: a folder as if its name ended in a slash."""
    return name_bytes(entry.path) + (b"/" if entry.mode == MODE_TREE else b"")


def format_tree(entries: Iterable[TreeEntry]) -> bytes:
    """Write a tree object (without its header). entries: one segment each, in any order."""
    return b"".join(
        b"%o %s\0%s" % (e.mode, name_bytes(e.path), bytes.fromhex(e.oid)) for e in sorted(entries, key=git_order)
    )


def parse_tree(data: bytes) -> Tree:
    """Read a tree object (without its header), in its order. Raises GitFailed if it is not one."""
    found = _ENTRY.findall(data)
    # What does not fit is passed over by the search: then some bytes are in no entry.
    if sum(len(mode) + len(name) for mode, name, _ in found) + _BESIDE * len(found) != len(data):
        raise GitFailed("a tree object is damaged")
    return Tree(TreeEntry(path=name_text(name), mode=int(mode, 8), oid=oid.hex()) for mode, name, oid in found)


def tree_id(entries: Iterable[TreeEntry]) -> str:
    """Return the id of the tree that holds these names (one segment each, in any order)."""
    return object_id("tree", format_tree(entries))


def find(root: str, path: str, read: ReadTree) -> TreeEntry | None:
    """Return what stands at a path of a tree ("" is the tree itself), None for nothing; symlinks are not followed."""
    here: TreeEntry | None = TreeEntry(path=path, mode=MODE_TREE, oid=root)
    for segment in path.split("/") if path else ():
        if here is None or not here.is_tree:
            return None
        here = read(here.oid).by_name.get(segment)
    return None if here is None else TreeEntry(path=path, mode=here.mode, oid=here.oid)


class _Wanted:
    """What the edits say of one path and, by name, of what is below it."""

    __slots__ = ("below", "edit")

    def __init__(self) -> None:
        self.edit: Edit | None = None
        self.below: dict[str, _Wanted] = {}


def edit_tree(root: str, edits: Iterable[Edit], *, read: ReadTree, write: WriteTree) -> str:
    """Return the id of the tree that is `root` with the edits.

    An edit puts an entry (a file, or a whole tree) where whatever was there before goes, or takes it away.
    Edits below another edit's path apply to what that one put, in whatever order they come; of two for the
    same path the later counts. The path "" is the whole tree. Folders that become empty go; only trees that
    change are written. Raises GitFailed for a path that no repository may have (`..`, `.git`, an empty segment).
    """
    wanted = _Wanted()
    for edit in edits:
        node = wanted
        for segment in split_path(edit.path):
            node = node.below.setdefault(segment, _Wanted())
        node.edit = edit
    top = _apply(TreeEntry(path="", mode=MODE_TREE, oid=root), wanted, read, write)
    if top is None:
        return write(())
    if not top.is_tree:
        raise GitFailed("a repository's root cannot be a file")
    return top.oid


def split_path(path: str) -> list[str]:
    """Split a path from the root into its segments; raise GitFailed for one that must not be written."""
    segments = path.split("/") if path else []
    bad = next((s for s in segments if s in {"", ".", ".."} or s.lower() == ".git" or "\0" in s), None)
    if bad is not None or len(segments) > MAX_DEPTH:
        raise GitFailed(f"{shown_path(path)} is not a path that a repository may have")
    return segments


def _apply(here: TreeEntry | None, wanted: _Wanted, read: ReadTree, write: WriteTree) -> TreeEntry | None:
    if wanted.edit is not None:
        oid = wanted.edit.oid
        here = None if oid is None else TreeEntry(path="", mode=wanted.edit.mode, oid=oid)
    if not wanted.below:
        return here
    is_tree = here is not None and here.is_tree
    before = read(here.oid).by_name if here is not None and is_tree else {}
    after = dict(before)
    for name, below in wanted.below.items():
        result = _apply(before.get(name), below, read, write)
        if result is None or (result.is_tree and result.oid == EMPTY_TREE):
            after.pop(name, None)
        else:
            after[name] = TreeEntry(path=name, mode=result.mode, oid=result.oid)
    if after == before:
        return here
    if not after:
        return None
    entries = sorted(after.values(), key=git_order)
    return TreeEntry(path="", mode=MODE_TREE, oid=write(entries))


def version_id(root: str, scope: Scope, read: ReadTree) -> tuple[str | None, str | None]:
    """Return (version, path tree) of a scope in a root tree; (None, None) where its folder is not there.

    The version is the id of the tree with exactly the scope's inputs: the folder alone without what is left out
    or, with other inputs, all of them at their paths from the root. The path tree is the folder's own id; at the
    root it is without what is lastgood's own. Neither tree need exist in the repository.
    """
    folder = find(root, scope.path, read)
    if folder is None or not folder.is_tree:
        return None, None
    if not scope.path:
        path_tree = without(root, OURS, read)
        if path_tree == EMPTY_TREE:
            return None, None
    else:
        path_tree = folder.oid
    others = outside_inputs(scope)
    if others:
        return select(root, (scope.path, *others), scope.left_out, read), path_tree
    inside = [left[len(scope.path) :].lstrip("/") for left in scope.left_out if is_below(left, scope.path)]
    return without(folder.oid, inside, read), path_tree


class TreeChange(NamedTuple):
    """A path at which two trees differ: the file, symlink or submodule on either side, None for nothing."""

    path: str
    old: TreeEntry | None
    new: TreeEntry | None

    def as_file_change(self, added: int | None, removed: int | None) -> FileChange:
        """Return it as a FileChange with these line counts."""
        return FileChange(
            path=self.path,
            change="added" if self.old is None else "removed" if self.new is None else "modified",
            added=added,
            removed=removed,
            old=self.old.oid if self.old is not None else None,
            new=self.new.oid if self.new is not None else None,
        )


def diff_trees(old: str, new: str, *, read: ReadTree) -> list[TreeChange]:
    """Compare two trees, by path in bytewise order; folders that are the same are not read."""
    found: list[TreeChange] = []
    todo: list[tuple[str, str, str]] = [("", old, new)]
    while todo:
        prefix, before, after = todo.pop()
        left, right = (read(oid).by_name for oid in (before, after))
        for name in left.keys() | right.keys():
            a, b = left.get(name), right.get(name)
            if a is not None and b is not None and (a.mode, a.oid) == (b.mode, b.oid):
                continue
            folders = [e.oid if e is not None and e.is_tree else EMPTY_TREE for e in (a, b)]
            if folders != [EMPTY_TREE, EMPTY_TREE]:
                todo.append((f"{prefix}{name}/", folders[0], folders[1]))
            files = [None if e is None or e.is_tree else e for e in (a, b)]
            if files != [None, None]:
                found.append(TreeChange(prefix + name, files[0], files[1]))
    return sorted(found, key=lambda change: name_bytes(change.path))


def outside_inputs(scope: Scope) -> tuple[str, ...]:
    """Return the other inputs of a scope that do not already lie inside its folder."""
    return tuple(other for other in scope.others if not is_below(other, scope.path))


def is_below(path: str, folder: str) -> bool:
    """Say whether a path is that folder or lies in it; everything lies in ""."""
    return not folder or path == folder or path.startswith(folder + "/")


def without(root: str, left_out: Iterable[str], read: ReadTree) -> str:
    """Return the id of a tree without the named paths; nothing is stored."""
    made: dict[str, Tree] = {}

    def write(entries: Sequence[TreeEntry]) -> str:
        oid = tree_id(entries)
        made[oid] = Tree(entries)
        return oid

    edits = [Edit(path=path) for path in left_out]
    return edit_tree(root, edits, read=lambda oid: made[oid] if oid in made else read(oid), write=write)


def select(root: str, inputs: Iterable[str], left_out: Iterable[str], read: ReadTree) -> str:
    """Return the id of a tree with only the named paths (files or folders), less what is left out; nothing is stored.

    Inputs that are not there are passed over.
    """
    made = {EMPTY_TREE: Tree()}

    def write(entries: Sequence[TreeEntry]) -> str:
        oid = tree_id(entries)
        made[oid] = Tree(entries)
        return oid

    def known(oid: str) -> Tree:
        return made[oid] if oid in made else read(oid)

    found = ((path, find(root, path, read)) for path in inputs)
    edits = [Edit(path=path, mode=entry.mode, oid=entry.oid) for path, entry in found if entry is not None]
    selected = edit_tree(EMPTY_TREE, edits, read=known, write=write)
    return edit_tree(selected, [Edit(path=path) for path in left_out], read=known, write=write)
