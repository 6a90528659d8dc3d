"""Commits, trees and changes of files as values. Knows no Git process and no repository."""

import datetime as dt

from lastgood.core.value import Value
from lastgood.core.words import Change

MODE_TREE = 0o040000
MODE_FILE = 0o100644
MODE_EXECUTABLE = 0o100755
MODE_SYMLINK = 0o120000
MODE_SUBMODULE = 0o160000


class Person(Value, frozen=True, kw_only=True):
    """A name and an address as Git keeps them: untrusted text, control characters taken out."""

    name: str
    email: str


class Commit(Value, frozen=True, kw_only=True):
    """One commit. oid, tree, parents: 40 hex digits. Times: aware UTC."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    authored_at: dt.datetime
    committed_at: dt.datetime
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0].strip()

    @property
    def body(self) -> str:
        """Everything after the subject, trailers included, without the blank lines around it."""
        return self.message.partition("\n")[2].strip("\n")

    @property
    def short(self) -> str:
        """Seven characters of the id."""
        return self.oid[:7]


class TreeEntry(Value, frozen=True, kw_only=True):
    """One name in a tree. path: from where the listing began, `/` between segments; mode: one of MODE_*."""

    path: str
    mode: int
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.mode == MODE_TREE

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, executable or not."""
        return self.mode & 0o170000 == 0o100000  # noqa: PLR2004 - old repositories have 100664, too


class Edit(Value, frozen=True, kw_only=True):
    """Put `entry` at a path of a tree, or take away what is there (`oid` is None)."""

    path: str
    mode: int = MODE_FILE
    oid: str | None = None


class FileChange(Value, frozen=True, kw_only=True):
    """A file that differs between two trees. added, removed: lines; None for binary files and submodules.

    old, new: blob ids, None where the file is not there.
    """

    path: str
    change: Change
    added: int | None
    removed: int | None
    old: str | None = None
    new: str | None = None


class HistoryEntry(Value, frozen=True, kw_only=True):
    """A first-parent commit at which an application's content changed.

    path_tree: the tree at the application's path, None where the path is not there.
    version: the id of the application's inputs, None likewise.
    """

    commit: Commit
    version: str | None
    path_tree: str | None


class History(Value, frozen=True, kw_only=True):
    """Entries, newest first. truncated: the list ends at the edge of a shallow clone, not at the beginning."""

    entries: tuple[HistoryEntry, ...]
    truncated: bool = False
