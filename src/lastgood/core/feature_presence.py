"""Does a revision contain a feature: a pull request, an issue, a commit, or what words name? Pure, over an index.

A pull request is contained when all that it brought is, not contained when nothing of it is; a part of it is neither,
and said. One that was merged more than once (a backport without `-x`) is contained when any of them is. An issue is
contained when any commit that names it is, other than as a revert.
"""

import re
from collections.abc import Sequence

from lastgood.core.asked_feature import ISSUE, MAX_TEXT, PULL, asked_feature
from lastgood.core.chain import ChainImage
from lastgood.core.commit_facts import read_facts
from lastgood.core.containment import Change, Replay
from lastgood.core.errors import UnknownFeature
from lastgood.core.feature_range import SHORT, Book, SourceView
from lastgood.core.value import Value

MAX_FOUND = 20
TOO_MANY = f"more than {MAX_FOUND} titles have these words, and the newest of them are not in it: say more of them"
_REMEMBERED = 32
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,19}-[1-9]\d{0,8}")
_HEX = re.compile(r"[0-9a-f]{7,40}")


class Presence(Value, frozen=True, kw_only=True):
    """Whether a revision has a feature. via: the commit that brought it, or that took it out. reason: a sentence.

    beside: the feature changes nothing that this service is made of, so that it cannot have it. images: those of the
    version that the answer is about. asked: one of them is the very image that was asked for. out: the commit that took
    it out again at the head of the source repo, where it was not merged into the revision. many: more features are
    meant than are looked for, so that it is not known whether one of the others is there. newer: the revision has the
    commit that is asked for in its history, whatever became of what that did. elsewhere: no repo that the version is
    built from knows the feature, and each was asked.
    """

    contains: bool | None
    via: str | None = None
    reason: str = ""
    beside: bool = False
    images: tuple[ChainImage, ...] = ()
    asked: bool = False
    out: str | None = None
    many: bool = False
    newer: bool = False
    elsewhere: bool = False

    @property
    def may_be_on_record(self) -> bool:
        """Whether no source repo tells it, and deployment records may."""
        return self.contains is None and self.via is None and not self.many


class WantedFeature(Value, frozen=True, kw_only=True):
    """What a text names. groups: commits by position, one group for each merge, squash or mention.

    heads: those merges, squashes and mentions, as the groups. issue: whether the id is an issue's. many: whether it
    names more than MAX_FOUND, of which these are the newest.
    """

    id: str
    title: str
    groups: tuple[tuple[int, ...], ...]
    heads: tuple[int, ...]
    issue: bool
    many: bool = False


class FeaturePresence:
    """Answers for one service."""

    def __init__(self, book: Book, replay: Replay, view: SourceView) -> None:
        self._book, self._replay, self._view = book, replay, view
        self._out: dict[tuple[tuple[int, ...], ...], str | None] = {}
        self._above: dict[int, bytearray] = {}

    def find(self, text: str) -> WantedFeature:
        """Find what `PR-481`, `ABC-12`, `#12`, a commit, words or a page on the web name. Raises UnknownFeature."""
        asked = asked_feature(text)
        text = text[:MAX_TEXT].strip()
        found = None
        if text and asked.is_in(self._view.web):
            found = self._of_page(asked.text) if asked.kind == "issue" else self._find(asked.text)
        if found is None:
            raise UnknownFeature(feature=text, repo=self._view.repo)
        return found

    def _of_page(self, issue: str) -> WantedFeature | None:
        """Find what the page of issue `#12` is of: where both have one row of numbers, it may be a pull request's."""
        web = self._view.web
        found = self._issue(issue) or self._issue(f"{web.path}{issue}")
        return found or (self._find(issue) if web.forge in {None, "github", "gitea"} else None)

    def _find(self, text: str) -> WantedFeature | None:
        if pull := PULL.fullmatch(text):
            positions = self._book.pulls(int(pull[1]))
            if positions:
                return self._wanted(f"PR-{pull[1]}", positions)
            return self._issue(f"#{pull[1]}") if text.startswith("#") else None
        if _KEY.fullmatch(text) and self._view.selection.is_key(text.upper()):
            return self._issue(text.upper())
        if issue := ISSUE.fullmatch(text):
            own = f"#{issue['number']}" if self._view.web.is_meant_by(issue["repo"]) else ""
            return self._issue(text) or (self._find(own) if own else None)
        if _HEX.fullmatch(text.lower()) and (at := self._book.find(text.lower())) is not None:
            return self._wanted(self._book.commit(at).oid[:SHORT], [at])
        return self._subject(text) or self._words(text)

    def _subject(self, text: str) -> WantedFeature | None:
        """Find a pull request by its subject as a log has it: with the number, which is no word of its title."""
        subject = read_facts(text)
        pulls = self._book.pulls(subject.pull) if subject.pull is not None else []
        positions = [at for at in pulls if subject.title in {text, self._book.commit(at).facts.title}]
        return self._wanted(f"PR-{subject.pull}", positions) if positions else None

    def _words(self, text: str) -> WantedFeature | None:
        newest = self._book.titled(text.split()[:10], most=MAX_FOUND + 1)
        positions = sorted(newest[:MAX_FOUND])
        positions = [at for at in positions if at not in self._replay.reverts] or positions
        return self._wanted(text, positions, many=len(newest) > MAX_FOUND) if positions else None

    def _issue(self, name: str) -> WantedFeature | None:
        positions = [at for at in self._book.naming(name) if at not in self._replay.reverts]
        return self._wanted(name, positions, issue=True) if positions else None

    def _wanted(self, name: str, positions: Sequence[int], *, issue: bool = False, many: bool = False) -> WantedFeature:
        groups = tuple(map(self._brought, positions))
        title = self._book.commit(positions[0]).facts.title
        return WantedFeature(id=name, title=title, groups=groups, heads=tuple(positions), issue=issue, many=many)

    def _brought(self, at: int) -> tuple[int, ...]:
        """Return the commits that a feature stands for: what a merge brought and was still there after it."""
        if at not in self._book.graph.more:
            return (at,)
        brought = [one for one in self._book.graph.brought(at) if one not in self._book.graph.more]
        unsure = [one for one in brought if not self._replay.is_plain(one)]
        kept = self._replay.contained({c for one in unsure for c in self._replay.changes_of(one)}, (at,))
        gone = {one for one in unsure if not all(kept[c][0] for c in self._replay.changes_of(one))}
        return tuple(one for one in brought if one not in gone) or (at,)

    def concerning(self, wanted: WantedFeature) -> dict[int, tuple[int, ...]]:
        """Return the groups of a feature by their heads, without the commits that are not of this service."""
        selection = self._view.selection
        groups = {}
        for head, group in zip(wanted.heads, wanted.groups, strict=True):
            counted = group
            if selection.paths:
                commits = self._book.commits(group)
                counted = tuple(at for at, one in zip(group, commits, strict=True) if selection.concerns(one))
            if counted:
                groups[head] = counted
        return groups

    def holds_whole(self, group: Sequence[int], revision: int) -> bool:
        """Say whether a revision contains all that some commits brought."""
        changes = {change for at in group for change in self._replay.changes_of(at)}
        return all(states[0] for states in self._replay.contained(changes, (revision,)).values())

    def reaches(self, revision: int, at: int) -> bool:
        """Say whether a commit is a revision or one of its ancestors. Many revisions are asked about few commits."""
        if at not in self._above:
            if len(self._above) >= _REMEMBERED:
                self._above.clear()
            self._above[at] = self._book.graph.descendants(at)
        return at <= revision and self._above[at][revision - at] == 1

    def through(self, at: int, revision: int) -> int:
        """Return the commit by which a revision has a commit's change: itself, or where it is elsewhere, its pick."""
        if self._replay.is_plain(at) or self.reaches(revision, at):
            return at
        brought = [
            one
            for change in self._replay.changes_of(at)
            for one, here in self._replay.acts(change).items()
            if here and one <= revision
        ]
        marks = self._book.graph.ancestors((revision,), floor=min(brought, default=revision))
        return max((one for one in brought if marks[one]), default=at)

    def presence(self, wanted: WantedFeature, revisions: Sequence[int]) -> list[Presence]:
        """Say for each revision whether it contains the feature, through what, and why not."""
        found = self._presences(wanted, revisions)
        if not wanted.many:
            return found
        unsure = Presence(contains=None, reason=TOO_MANY, many=True)
        return [unsure if one.contains is False else one for one in found]

    def _presences(self, wanted: WantedFeature, revisions: Sequence[int]) -> list[Presence]:
        groups = list(self.concerning(wanted).values())
        if not groups:
            reason = f"{wanted.id} changes nothing that this is made of"
            return [Presence(contains=False, reason=reason, beside=True)] * len(revisions)
        changes: dict[int, tuple[Change, ...]] = {at: self._replay.changes_of(at) for g in groups for at in g}
        states = self._replay.contained({c for some in changes.values() for c in some}, revisions)
        known: dict[tuple[object, ...], Presence] = {}
        found = []
        for n, revision in enumerate(revisions):
            has = {at: all(states[c][n] for c in some) for at, some in changes.items()}
            key = tuple(has.values()) if all(self._replay.is_plain(at) for at in changes) else (revision,)
            if key not in known:
                known[key] = self._presence(wanted, groups, has, revision)
            found.append(known[key])
        return found

    def _presence(
        self, wanted: WantedFeature, groups: Sequence[tuple[int, ...]], has: dict[int, bool], revision: int
    ) -> Presence:
        whole = [group for group in groups if all(has[at] for at in group)]
        if whole:
            # Of several ways into the repo (a backport) the one into this revision.
            ways = [(group[-1], self.through(group[-1], revision)) for group in whole]
            own = [came for at, came in ways if came == at and (len(ways) == 1 or self.reaches(revision, at))]
            return Presence(contains=True, via=self._oid(own[-1] if own else ways[-1][1]))
        newer = any(self.reaches(revision, head) for head in wanted.heads)
        some = [(group, [at for at in group if has[at]]) for group in groups]
        best = max(some, key=lambda pair: len(pair[1]))
        if best[1]:
            away = next(at for at in best[0] if not has[at])
            why = self._reverted(away, revision)
            reason = f"{len(best[1])} of the {len(best[0])} commits of {wanted.id} are in it"
            via = self._oid(self.through(best[1][-1], revision))
            more = f"; {self._oid(away)[:SHORT]} was taken out by {why[:SHORT]}" if why else ""
            return Presence(contains=None, via=via, reason=reason + more, newer=newer)
        if why := self._taken_out(groups, revision):
            return Presence(contains=False, via=why, reason=f"{wanted.id} was taken out by {why[:SHORT]}", newer=newer)
        reason = f"{wanted.id} was not merged into it"
        if out := self._out_at_head(groups):
            return Presence(contains=False, reason=f"{reason}, and {out[:SHORT]} took it out since", out=out)
        return Presence(contains=False, reason=reason)

    def _taken_out(self, groups: Sequence[Sequence[int]], revision: int) -> str | None:
        return next((why for group in groups for at in group if (why := self._reverted(at, revision))), None)

    def _out_at_head(self, groups: Sequence[tuple[int, ...]]) -> str | None:
        """Return the commit that took everything of a feature out at the head of the repo, if one did."""
        head = self._view.head
        key = tuple(groups)
        if key not in self._out:
            changes = {change for group in groups for at in group for change in self._replay.changes_of(at)}
            gone = head is not None and not any(s[0] for s in self._replay.contained(changes, (head,)).values())
            self._out[key] = self._taken_out(groups, head) if head is not None and gone else None
        return self._out[key]

    def _reverted(self, at: int, revision: int) -> str | None:
        """Return the id of the newest revert, before a revision, of a commit's change."""
        if self._replay.is_plain(at):
            return None
        for change in self._replay.changes_of(at):
            out = [one for one, brought in self._replay.acts(change).items() if not brought and one <= revision]
            marks = self._book.graph.ancestors((revision,), floor=min(out, default=revision))
            out = [one for one in out if marks[one]]
            if out:
                return self._oid(max(out))
        return None

    def _oid(self, at: int) -> str:
        return self._book.commit(at).oid
