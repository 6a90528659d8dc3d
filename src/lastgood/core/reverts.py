"""Which commit a revert or a pick means: claims of messages, and contents that say it without words, resolved.

Values in, positions out; asks an index of commits through a small protocol. Knows no Git process.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from lastgood.core.commit_graph import CommitGraph
from lastgood.core.containment import Change, Replay
from lastgood.core.forge import WebAddress
from lastgood.core.source_commit import Selection, SourceCommit

_FULL = 40
_CANDIDATES = 16
_DEEP = 50


class Claim(NamedTuple):
    """What one commit claims to undo or to repeat; `undoes`: its files changed exactly the other way round, too.

    mainlines: merges that it undoes, each with the parent that it was held against.
    """

    at: int
    reverts: Sequence[str] = ()
    reverts_pulls: Sequence[str] = ()
    picks: Sequence[str] = ()
    undoes: bool = False
    mainlines: Sequence[tuple[str, str]] = ()


class Lookup(Protocol):
    """Finds commits by what a claim says of them."""

    def find(self, oid: str) -> int | None:
        """Return the commit with that id, or the only one that begins with it."""
        ...

    def pulls(self, number: int) -> list[int]:
        """Return the commits that claim to be a pull request, as its merge or its squash."""
        ...

    def inverses(self, at: int) -> list[int]:
        """Return earlier commits that changed files exactly the other way round, the newest by position first."""
        ...

    def age(self, at: int) -> tuple[int, str]:
        """Return a commit's date and id: what decides between commits that are beside each other."""
        ...


def replay(graph: CommitGraph, claims: Iterable[Claim], lookup: Lookup, web: WebAddress) -> Replay:
    """Resolve all claims. claims: by position, only of commits that claim anything or undo something."""
    reverts: dict[int, tuple[Change, ...]] = {}
    picks: dict[int, tuple[Change, ...]] = {}
    mainlines: dict[tuple[int, int], int] = {}
    for claim in claims:
        targets = _targets(graph, claim, lookup, web)
        if targets:
            reverts[claim.at] = targets
        for merge, parent in claim.mainlines:
            at, against = lookup.find(merge), lookup.find(parent)
            if at is not None and against is not None and against in graph.more.get(at, ()):
                mainlines[claim.at, at] = against
        picked = tuple(dict.fromkeys(_named(claim.picks, lookup)))
        if picked and claim.at not in picked:
            picks[claim.at] = picked
    roots = {at: _roots(at, picks) for at in picks}
    repeats = {at: merges for at, some in roots.items() if (merges := [one for one in some if one in graph.more])}
    carries = {at: own for at, some in roots.items() if (own := tuple(one for one in some if one not in graph.more))}
    carries = {at: own for at, own in carries.items() if own != (at,)}
    return Replay(graph, reverts=reverts, carries=carries, repeats=repeats, mainlines=mainlines)


def of_service(
    replayed: Replay, commits: Callable[[Sequence[int]], Sequence[SourceCommit]], selection: Selection
) -> Replay:
    """Leave out reverts that change nothing of a service, of commits that did: they took back another one's part.

    commits: reads some by their positions.
    """
    if not selection.paths:
        return replayed
    reverting = list(replayed.reverts)
    elsewhere = [at for at, one in zip(reverting, commits(reverting), strict=True) if not selection.concerns(one)]
    reverted = list({one for at in elsewhere for one in replayed.reverts[at] if isinstance(one, int)})
    ours = {at for at, one in zip(reverted, commits(reverted), strict=True) if selection.concerns(one)}
    # Most reverts are whole: then the one replay of the repo serves all services.
    in_part = [at for at in elsewhere if not ours.isdisjoint(replayed.reverts[at])]
    return replayed.without(frozenset(in_part)) if in_part else replayed


def _targets(graph: CommitGraph, claim: Claim, lookup: Lookup, web: WebAddress) -> tuple[Change, ...]:
    """Return what a commit reverts: what its words name; where they name nothing known, what its content undoes."""
    named: list[Change] = [one for one in _named(claim.reverts, lookup) if one != claim.at]
    for text in claim.reverts_pulls:
        path, _, number = text.rpartition("#")
        if web.is_meant_by(path):
            named += _newest(graph, claim.at, lookup.pulls(int(number)), lookup)
    if any(isinstance(one, int) for one in named):
        return tuple(dict.fromkeys(named))
    if claim.undoes:
        named += _newest(graph, claim.at, lookup.inverses(claim.at), lookup)
    return tuple(dict.fromkeys(named))


def _newest(graph: CommitGraph, at: int, candidates: Sequence[int], lookup: Lookup) -> list[int]:
    """Return the newest ancestor of a commit among candidates: no other descends from it; then by date and id."""
    below = sorted(one for one in candidates if one < at)[-_CANDIDATES:]
    if not below:
        return []
    marks = graph.ancestors((at,), floor=below[0])
    heads = graph.heads([one for one in below if marks[one]])
    return [max(heads, key=lookup.age)] if heads else []


def _named(oids: Sequence[str], lookup: Lookup) -> Iterable[Change]:
    for oid in oids:
        found = lookup.find(oid)
        if found is not None:
            yield found
        elif len(oid) == _FULL:
            yield oid


def _roots(at: int, picks: dict[int, tuple[Change, ...]]) -> tuple[Change, ...]:
    """Follow picks of picks to the commits that are none; short ids could be forged into a circle."""
    found: dict[Change, None] = {}
    todo: list[Change] = [at]
    seen: set[Change] = set()
    while todo and len(seen) < _DEEP:
        one = todo.pop(0)
        if one in seen:
            continue
        seen.add(one)
        further = picks.get(one, ()) if isinstance(one, int) else ()
        if further:
            todo += further
        else:
            found[one] = None
    return tuple(found) or (at,)
