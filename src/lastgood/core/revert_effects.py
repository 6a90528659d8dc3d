"""What a revert takes back, and what the revert of a revert brings back, by the ids of features. Pure.

A title such as `Revert "Revert "Gift message""` says it badly; what was replayed says it. Only what happened is told:
a revert that found nothing to do takes nothing back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lastgood.core.containment import Change, Replay
from lastgood.core.source_commit import SourceCommit

# Of one feature so many ids are named, so many reverts followed, and so many commits of a merge looked at.
MOST_NAMED = 20
_MOST_FOLLOWED = 200
_MOST_BROUGHT = 100
_SHORT = 7


class Effects(NamedTuple):
    """Ids of features of the same repo, in the order in which the messages name them."""

    takes_back: tuple[str, ...] = ()
    brings_back: tuple[str, ...] = ()


class RevertEffects:
    """Tells what commits did to features.

    commit: reads one by its position. owners: says of commits which pull request's merge brought them, as
    `feature_range.owners` does; asked once for all, because that is a walk over the history.
    """

    def __init__(
        self,
        replay: Replay,
        *,
        commit: Callable[[int], SourceCommit],
        owners: Callable[[Sequence[int]], Mapping[int, int]],
    ) -> None:
        self._replay = replay
        self._commit = commit
        self._owners = owners

    def of(self, features: Mapping[int, Iterable[int]]) -> dict[int, Effects]:
        """Say of each feature what its commits did; features that did nothing are left out."""
        found = {
            key: list(dict.fromkeys(pair for at in commits for pair in self._did(at)))[:MOST_NAMED]
            for key, commits in features.items()
        }
        targets = {target for pairs in found.values() for target, _ in pairs}
        loose = [one for one in targets if isinstance(one, int) and self._commit(one).facts.pull is None]
        owner = self._owners(sorted(loose)) if loose else {}
        names = {target: self._name(target, owner) for target in targets}
        return {
            key: _effects([(names[target], brings) for target, brings in pairs])
            for key, pairs in found.items()
            if pairs
        }

    def _did(self, at: int) -> list[tuple[Change, bool]]:
        """Return what a commit really took out (False) or brought back (True): neither picks nor reverts themselves."""
        did: list[tuple[Change, bool]] = []
        seen: set[tuple[Change, bool]] = set()
        todo = [(target, False) for target in reversed(self._replay.reverts.get(at, ()))]
        while todo and len(seen) < _MOST_FOLLOWED:
            target, brings = todo.pop()
            if (target, brings) in seen:
                continue
            seen.add((target, brings))
            changes, reverts = self._meant(target)
            if reverts:
                further = [one for revert in reverts for one in self._replay.reverts[revert]]
                todo += [(one, not brings) for one in reversed(further[:_MOST_FOLLOWED])]
            elif any(self._replay.acts(change).get(at) is brings for change in changes):
                did.append((target, brings))
        return did

    def _meant(self, target: Change) -> tuple[Sequence[Change], Sequence[int]]:
        """Return the changes that a reverted commit stands for, and where it is nothing but reverts these."""
        if not isinstance(target, int):
            return (target,), ()
        if target not in self._replay.graph.more:
            return self._replay.changes_of(target), (target,) if target in self._replay.reverts else ()
        brought = self._brought(target)
        changes = [change for one in brought for change in self._replay.changes_of(one)]
        return changes, brought if brought and all(one in self._replay.reverts for one in brought) else ()

    def _brought(self, merge: int) -> list[int]:
        """Return the commits that a merge brought, without merges."""
        graph = self._replay.graph
        return [one for one in graph.brought(merge) if one not in graph.more][:_MOST_BROUGHT]

    def _name(self, target: Change, owner: Mapping[int, int]) -> str:
        """Return a pull request's id where the whole of it is meant, else the commit's."""
        if not isinstance(target, int):
            return target[:_SHORT]
        commit = self._commit(target)
        if commit.facts.pull is None and target in owner and self._brought(owner[target]) == [target]:
            commit = self._commit(owner[target])
        return f"PR-{commit.facts.pull}" if commit.facts.pull is not None else commit.oid[:_SHORT]


def _effects(named: Iterable[tuple[str, bool]]) -> Effects:
    once = list(dict.fromkeys(named))
    return Effects(
        takes_back=tuple(name for name, brings in once if not brings),
        brings_back=tuple(name for name, brings in once if brings),
    )
