"""A feature: a pull request, an issue or a commit of a source repo. Pure value."""

import datetime as dt
import functools
from collections.abc import Sequence
from typing import Literal

import msgspec

from lastgood.core.asked_feature import ISSUE, PULL, AskedFeature, asked_feature
from lastgood.core.commit import Person
from lastgood.core.commit_facts import Facts, read_facts
from lastgood.core.forge import names_repo
from lastgood.core.value import Value

_ID_DIGITS = 7
_NAMED = 5


class Feature(Value, frozen=True, kw_only=True):
    """One feature as `features` and the timeline show it. at: when the newest of its commits was made.

    type, scope, breaking: as a conventional commit says them, of a merge's title or of all its commits alike.
    labels: those that a forge or a tracker has on it, where the operator has one asked. takes_back, brings_back: ids of
    features of the same repo that it reverts, and whose revert it reverts: in what lies between two versions.
    merge: the commit that merged a pull request, where that is none of its commits. git_title: the title that Git has,
    where a forge or a tracker has another one.
    """

    id: str
    repo: str
    kind: Literal["pull_request", "issue", "commit"]
    title: str
    url: str | None
    authors: tuple[Person, ...]
    commits: tuple[str, ...]
    type: str | None
    breaking: bool
    at: dt.datetime | None = None
    labels: tuple[str, ...] = ()
    takes_back: tuple[str, ...] = ()
    brings_back: tuple[str, ...] = ()
    merge: str | None = None
    git_title: str | None = None
    scope: str | None = None

    def remarks(self, *, left: bool = False) -> tuple[str, ...]:
        """Say what people must see of it beside its title: that it breaks something, and what it reverts.

        left: it is among what leaves, so that it did that until now: what it took back comes again.
        """
        takes, brings = ("took back", "brought") if left else ("takes back", "brings")
        words = ["breaking"] if self.breaking else []
        words += [f"{takes} {listed(self.takes_back)}"] if self.takes_back else []
        words += [f"{brings} {listed(self.brings_back)} back"] if self.brings_back else []
        return tuple(words)


def listed(ids: Sequence[str]) -> str:
    """Name the first few, and say how many more there are."""
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def called(feature: Feature, title: str) -> Feature:
    """Return a feature under the title that a forge or a tracker has; people may know it by that of Git still."""
    in_git = feature.git_title or feature.title
    return msgspec.structs.replace(feature, title=title, git_title=in_git if in_git != title else None)


def commits_of(feature: Feature) -> tuple[str, ...]:
    """Return the commits that name a feature, the one that merged it first."""
    return (feature.merge, *feature.commits) if feature.merge is not None else feature.commits


def is_meant(feature: Feature, text: str) -> bool:
    """Say whether `PR-481`, `#481`, `o/shop#481`, `!481`, `ABC-12`, a commit, a page or words mean a feature.

    See `asked_feature` for pages: one of an issue means no pull request of that number, and the other way round.
    """
    if is_named(feature, text):
        return True
    asked = asked_feature(text)
    if not asked.text or PULL.fullmatch(asked.text) or ISSUE.fullmatch(asked.text) or not _may_be(feature, asked):
        return False
    titles = [one.casefold() for one in (feature.title, feature.git_title) if one]
    return any(all(word in title for word in asked.text.casefold().split()) for title in titles)


def is_named(feature: Feature, text: str) -> bool:
    """Say whether a text names a feature, by its id or a commit, and not by words of its title."""
    asked = asked_feature(text)
    if not _may_be(feature, asked):
        return False
    subject = _subject(asked.text)
    if subject.pull is not None:
        named = subject.title in {asked.text, feature.title, feature.git_title}
        return named and feature.id == f"PR-{subject.pull}"
    wanted = asked.text.casefold()
    number = wanted[1:] if wanted[:1] in {"#", "!"} else wanted
    path, mark, of_repo = wanted.rpartition("#")
    if mark and path and names_repo(path, feature.repo):
        number = of_repo
    ids = {feature.id.casefold(), feature.id.casefold().rpartition("#")[2]}
    if wanted in ids or (number != wanted and {number, f"pr-{number}"} & ids):
        return True
    return len(wanted) >= _ID_DIGITS and any(commit.startswith(wanted) for commit in commits_of(feature))


@functools.lru_cache(maxsize=16)
def _subject(text: str) -> Facts:
    # One text is held against the features of thousands of records.
    return read_facts(text)


def _may_be(feature: Feature, asked: AskedFeature) -> bool:
    """Say whether a page, if one was asked for, is of this feature's repo and kind."""
    # The page of an issue's key is the tracker's.
    page = feature.url if feature.kind != "issue" or "#" in feature.id else None
    return asked.is_called(feature.repo) and asked.is_served_at(page) and asked.kind in {None, "commit", feature.kind}
