"""Which features entered and which left between two revisions of a source repo. Pure: asks an index of its commits.

What entered is contained in the new revision and not in the old one (see `core/containment.py`); what left, the other
way round: so going back, and between revisions beside each other, both can be there. Every commit is in one pull
request or stands alone. A pull request has the commits that its merge brought and that no pull request inside it had
before; a squash is its own. A merge without a pull request is no feature. An issue is a feature beside these: it has
the commits and merges that name it, and entered when nothing that names it was there before.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import msgspec

from lastgood.core.commit import Person
from lastgood.core.commit_graph import CommitGraph
from lastgood.core.containment import Change, Replay
from lastgood.core.feature import Feature
from lastgood.core.forge import WebAddress
from lastgood.core.mailmap import Mailmap, unique
from lastgood.core.revert_effects import Effects, RevertEffects
from lastgood.core.reverts import Lookup
from lastgood.core.source_commit import Selection, SourceCommit
from lastgood.core.value import Value, utc

MAX_REACHED = 20_000
LAST_SECOND = 253_402_300_799  # of the year 9999
SHORT = 7


class FeatureChanges(Value, frozen=True, kw_only=True):
    """What `features` shows. Newest first. committed: when the commits of what entered were made, s since 1970."""

    entered: tuple[Feature, ...] = ()
    left: tuple[Feature, ...] = ()
    committed: dict[str, int] = {}


class Book(Lookup, Protocol):
    """The commits of a source repo by position."""

    @property
    def graph(self) -> CommitGraph:
        """Their shape."""
        ...

    def commit(self, at: int) -> SourceCommit:
        """Read one."""
        ...

    def commits(self, positions: Sequence[int]) -> list[SourceCommit]:
        """Read several, in the order asked for."""
        ...

    def naming(self, issue: str) -> list[int]:
        """Return the commits that name an issue."""
        ...

    def titled(self, words: Sequence[str], *, most: int) -> list[int]:
        """Return the newest commits in whose titles all words occur."""
        ...


class SourceView(Value, frozen=True, kw_only=True):
    """How the features of a source repo are written. repo: the name by which they are told from another repo's.

    head: the commit that its default branch is at, None where that is not known.
    """

    repo: str
    web: WebAddress
    selection: Selection = Selection()
    head: int | None = None


class FeatureRange:
    """Compares revisions for one service."""

    def __init__(self, book: Book, replay: Replay, mailmap: Mailmap, view: SourceView) -> None:
        self._book, self._replay, self._mailmap, self._view = book, replay, mailmap, view
        self._graph = book.graph

    def between(self, old: int, new: int) -> FeatureChanges:
        """Return what entered and what left on the way from one revision to another."""
        if old == new:
            return FeatureChanges()
        added, gone = self._graph.only((new,), (old,)), self._graph.only((old,), (new,))
        entered, left = self._moved(added, gone, old, new)
        came = self._features(entered, added, was=old, now=new)
        # An issue is named by commits of what else is shown, or by the merge of those, which made nothing itself.
        shown = {commit for feature in came if feature.kind != "issue" for commit in feature.commits}
        return FeatureChanges(
            entered=came,
            left=self._features(left, gone, was=new, now=old),
            committed={one.oid: one.time for one in self._book.commits(entered) if one.oid in shown},
        )

    def _moved(self, added: list[int], gone: list[int], old: int, new: int) -> tuple[list[int], list[int]]:
        """Return the commits whose changes are in one revision only: (in the new one, in the old one)."""
        replay = self._replay
        entered = [at for at in added if replay.is_plain(at)]
        left = [at for at in gone if replay.is_plain(at)]
        unsure: set[Change] = set()
        for at in (*added, *gone):
            if not replay.is_plain(at):
                unsure.update(replay.changes_of(at))
            if at in replay.reverts or at in replay.carries:
                unsure |= {
                    change
                    for one in replay.reached_by(at, most=MAX_REACHED)
                    for change in (replay.changes_of(one) if isinstance(one, int) else (one,))
                }
        for change, (before, after) in replay.contained(unsure, (old, new)).items():
            # The change of a picked commit is shown by the commit that carries it where it moved.
            if before != after:
                shown = self._shown(change, added if after else gone)
                if shown is not None:
                    (entered if after else left).append(shown)
        return sorted(set(entered)), sorted(set(left))

    def _shown(self, change: Change, moved: Sequence[int]) -> int | None:
        carriers = [at for at, brought in self._replay.acts(change).items() if brought]
        here = set(moved)
        own = [at for at in carriers if change in self._replay.changes_of(at)]
        return max((at for at in own if at in here), default=max(own, default=None))

    def _features(self, moved: list[int], fresh: list[int], *, was: int, now: int) -> tuple[Feature, ...]:
        selection = self._view.selection
        owner = owners(self._book, moved, fresh, now)
        commits = dict(zip(moved, self._book.commits(moved), strict=True))
        pulls: dict[int, list[int]] = {}
        alone: list[int] = []
        for at in moved:
            merge = owner.get(at)
            if merge is None and (at not in self._graph.more):
                alone.append(at)
            elif merge is not None:
                pulls.setdefault(merge, [])
                if at not in self._graph.more and selection.concerns(commits[at]):
                    pulls[merge].append(at)
        heads = {at: self._book.commit(at) for at in pulls}
        found: list[tuple[int, Feature]] = []
        counted: dict[int, SourceCommit] = {}
        made_of: dict[int, list[int]] = {}
        for merge, inside in pulls.items():
            if inside or selection.concerns(heads[merge]):
                found.append((merge, self.pull(heads[merge], [commits[at] for at in inside] or [heads[merge]])))
                counted |= {at: commits[at] for at in inside} | {merge: heads[merge]}
                made_of[merge] = inside or [merge]
        for at in alone:
            if selection.concerns(commits[at]):
                found.append((at, self.alone(commits[at])))
                counted[at] = commits[at]
                made_of[at] = [at]
        effects = RevertEffects(
            self._replay, commit=self._book.commit, owners=lambda some: owners(self._book, some, fresh, now)
        ).of(made_of)
        found = [(at, self._with(feature, effects.get(at))) for at, feature in found]
        found += self._issues(counted | self._plain_merges(moved, fresh, counted, now), was)
        return tuple(feature for _, feature in sorted(found, key=lambda pair: -pair[0]))

    def _plain_merges(
        self, moved: list[int], fresh: list[int], counted: Collection[int], now: int
    ) -> dict[int, SourceCommit]:
        """Return the merges of no pull request that name issues and brought any of what counts."""
        old = set(moved) - set(fresh)
        merges = {at for at in fresh if at in self._graph.more}
        merges.update(merges_of(self._book, old, now, pulls=False) if old else ())
        heads = sorted(merges)
        return {
            at: head
            for at, head in zip(heads, self._book.commits(heads), strict=True)
            if head.facts.pull is None
            and self._view.selection.issues(head)
            and any(one in counted for one in self._graph.brought(at))
        }

    def _with(self, feature: Feature, effects: Effects | None) -> Feature:
        if effects is None:
            return feature
        return msgspec.structs.replace(feature, takes_back=effects.takes_back, brings_back=effects.brings_back)

    def person(self, one: Person) -> Person:
        """Return who is meant by an author, as the mailmap says."""
        return self._mailmap.person(one)

    def pull(self, head: SourceCommit, commits: Sequence[SourceCommit]) -> Feature:
        """Make the feature of a pull request from its merge or squash, and its commits, oldest first."""
        facts = head.facts
        types, scopes = {one.facts.type for one in commits}, {one.facts.scope for one in commits}
        return Feature(
            id=f"PR-{facts.pull}",
            repo=self._view.repo,
            kind="pull_request",
            title=facts.title,
            url=self._view.web.pull(facts.pull or 0, facts.forge),
            authors=self._authors(commits),
            commits=tuple(one.oid for one in reversed(commits)),
            type=facts.type or _only(types),
            breaking=facts.breaking or any(one.facts.breaking for one in commits),
            at=made(head),
            merge=head.oid if all(one.oid != head.oid for one in commits) else None,
            scope=facts.scope if facts.type else _only(scopes),
        )

    def alone(self, commit: SourceCommit) -> Feature:
        """Make the feature of a commit that no merge of a pull request brought; a squash is a pull request."""
        if commit.facts.pull is not None:
            return self.pull(commit, [commit])
        return Feature(
            id=commit.oid[:SHORT],
            repo=self._view.repo,
            kind="commit",
            title=commit.facts.title,
            url=self._view.web.commit(commit.oid, commit.facts.forge),
            authors=self._authors([commit]),
            commits=(commit.oid,),
            type=commit.facts.type,
            breaking=commit.facts.breaking,
            at=made(commit),
            scope=commit.facts.scope,
        )

    def _issues(self, counted: dict[int, SourceCommit], was: int) -> list[tuple[int, Feature]]:
        named: dict[str, list[int]] = {}
        for at, commit in counted.items():
            if at not in self._replay.reverts:
                for issue in self._view.selection.issues(commit):
                    named.setdefault(issue, []).append(at)
        if not named:
            return []
        before = {
            issue: {
                change
                for at in self._book.naming(issue)
                if at not in counted and at not in self._replay.reverts
                for change in self._did(at)
            }
            for issue in named
        }
        known = self._replay.contained(set().union(*before.values()), (was,))
        found = []
        for issue, where in named.items():
            if not any(known[change][0] for change in before[issue]):
                newest = sorted(where, reverse=True)
                found.append((newest[0], self.issue(issue, [counted[one] for one in newest])))
        return found

    def _did(self, at: int) -> tuple[Change, ...]:
        """Return what a commit that names an issue did; of a merge what it brought: one part stands for the others."""
        more = self._graph.more
        parts = [one for one in self._graph.brought(at) if one not in more] if at in more else [at]
        plain = [one for one in parts if self._replay.is_plain(one)]
        return tuple(change for one in plain[:1] or parts for change in self._replay.changes_of(one))

    def issue(self, issue: str, commits: Sequence[SourceCommit]) -> Feature:
        """Make the feature of an issue from the commits that name it, newest first."""
        forge = next((one.facts.forge for one in commits if one.facts.forge), None)
        page = self._view.web.issue(issue, forge) if "#" in issue else self._view.selection.tracker_page(issue)
        return Feature(
            id=issue,
            repo=self._view.repo,
            kind="issue",
            title=commits[0].facts.title,
            url=page,
            authors=self._authors(commits[::-1]),
            commits=tuple(one.oid for one in commits),
            type=commits[0].facts.type,
            breaking=any(one.facts.breaking for one in commits),
            at=made(max(commits, key=lambda one: one.time)),
            scope=commits[0].facts.scope,
        )

    def _authors(self, commits: Iterable[SourceCommit]) -> tuple[Person, ...]:
        people: list[Person] = []
        for one in commits:
            people += (one.author, *one.facts.co_authors)
        return unique([self._mailmap.person(person) for person in people])


def made(commit: SourceCommit) -> dt.datetime:
    """Return when a commit was made."""
    # A commit may claim any time; what no calendar has is the nearest that one has.
    return utc(min(max(commit.time, 0), LAST_SECOND))


def owners(book: Book, moved: Sequence[int], fresh: Sequence[int], revision: int) -> dict[int, int]:
    """Say which pull request each commit belongs to, by the position of its merge or squash.

    moved: the commits asked about. fresh: those that may lie in a merge of the range. The innermost merge counts;
    of merges beside each other the older one.
    """
    graph = book.graph
    owner: dict[int, int] = {}
    todo = set(moved)
    old = todo - set(fresh)
    commits = book.commits(sorted(todo | set(fresh)))
    facts = dict(zip(sorted(todo | set(fresh)), (one.facts for one in commits), strict=True))
    owner.update({at: at for at in todo if facts[at].pull is not None})
    merges = [at for at in fresh if at in graph.more and facts[at].pull is not None]
    if old:
        merges = sorted({*merges, *merges_of(book, old, revision)})
    for merge in merges:
        for at in graph.brought(merge):
            if at in todo:
                owner.setdefault(at, merge)
    return owner


def merges_of(book: Book, positions: set[int], revision: int | None, *, pulls: bool = True) -> list[int]:
    """Return the pull requests' merges that brought any of some commits, the innermost of each first.

    revision: only merges that it reaches; None: all that there are. pulls: False: the merges of no pull request.
    """
    graph = book.graph
    bits = {at: 1 << n for n, at in enumerate(sorted(positions))}
    top = len(graph) - 1 if revision is None else revision
    low, masks = graph.seen(bits, max(top, *positions))
    reached = graph.ancestors((revision,), floor=low) if revision is not None else None
    found = []
    for at, others in graph.more.items():
        if (
            low <= at <= top
            and (reached is None or reached[at])
            and any(masks[one - low] for one in others if one >= low)
        ):
            first = graph.first[at]
            here = masks[first - low] if first >= low else 0
            if masks[at - low] & ~here and (book.commit(at).facts.pull is not None) == pulls:
                found.append(at)
    return found


def _only(found: set[str | None]) -> str | None:
    """Return what all have in common, None where they differ."""
    return next(iter(found)) if len(found) == 1 else None
