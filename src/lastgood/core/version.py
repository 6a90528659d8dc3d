"""A version: the content of an application, by the Git tree that holds its inputs, with a commit that has it."""

import datetime as dt

from lastgood.core.commit import Commit, Person
from lastgood.core.value import Value


class Version(Value, frozen=True, kw_only=True):
    """A version as people and scripts see it.

    version: id of the tree of the application's inputs; path_tree: of its path alone. None: the path is not there.
    commit: None only where no commit has this version (the result of a revert or undo).
    ran: None where nobody recorded it.
    """

    version: str | None
    path_tree: str | None
    commit: str | None
    short: str | None
    subject: str | None
    author: Person | None
    committed_at: dt.datetime | None
    ran: bool | None


def version_at(commit: Commit, *, version: str | None, path_tree: str | None, ran: bool | None) -> Version:
    """Describe the version that a commit has."""
    return Version(
        version=version,
        path_tree=path_tree,
        commit=commit.oid,
        short=commit.short,
        subject=commit.subject,
        author=commit.author,
        committed_at=commit.committed_at,
        ran=ran,
    )
