"""A commit of a source repo as a value, and which of its commits and issues concern one service. Pure."""

from collections.abc import Sequence

from lastgood.core.commit import Person
from lastgood.core.commit_facts import Facts
from lastgood.core.value import Value


class SourceCommit(Value, frozen=True, kw_only=True):
    """One commit. oid: 40 hex digits. time: the committer's, seconds since 1970. author: before any mailmap.

    paths: what it changed, a merge: against its first parent, so what it brought. None: too many to keep.
    """

    oid: str
    time: int
    author: Person
    facts: Facts
    paths: tuple[str, ...] | None


class Selection(Value, frozen=True, kw_only=True):
    """What counts for one service. paths: its files and folders, shared ones among them; empty: the whole repo.

    projects: whose keys are issues (`ABC` for ABC-12). trackers: (jira or linear, web address) pairs.
    """

    paths: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    trackers: tuple[tuple[str, str], ...] = ()

    def concerns(self, commit: SourceCommit) -> bool:
        """Say whether a commit changed anything that counts; one that changed too much to tell does."""
        if not self.paths or commit.paths is None:
            return True
        return any(_inside(path, self.paths) for path in commit.paths)

    def issues(self, commit: SourceCommit) -> tuple[str, ...]:
        """Return the issues that a commit names: `#12`, and keys of the configured projects."""
        keys = (key for key in commit.facts.keys if self.is_key(key))
        return (*commit.facts.issues, *keys)

    def is_key(self, key: str) -> bool:
        """Say whether a word is an issue's key here."""
        return key.rpartition("-")[0] in self.projects

    def tracker_page(self, key: str) -> str | None:
        """Return the page of a key, where a tracker is configured."""
        pages = {"jira": "browse", "linear": "issue"}
        found = (f"{address.rstrip('/')}/{pages[name]}/{key}" for name, address in self.trackers if name in pages)
        return next(found, None)


def _inside(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
