"""Does a revision contain a change? What reverts and picks did, replayed over the graph. Knows no Git and no message.

**A change** is a commit; a commit that says it is a cherry-pick (`-x`) is the same change as its source. The pick of
a merge (`-m`) is a change of its own, and does what the merge did to its first parent.
**A commit acts** on changes: it brings its own; if it reverts a commit, it does the opposite of each act of that
commit, too; if it reverts a merge, the opposite of what the merge did to its first parent (with `-m 2` to its second):
to every change that was contained after it and not before, or before and not after. So a revert of a revert brings a
change back, and the revert of a merge takes out all the commits that it brought and brings back what these had taken
out. Of a target that is not among the reverting commit's own ancestors (a revert that was picked), only the change that
it carries counts, or those that the merge brought. Where one commit reverts several, a later named one has the last
word. A revert that finds a change as it would leave it does nothing to it, and so its own revert does not, either. (Of
a change that more than 500 commits act on, the first 500 count.)
**A revision contains a change** as follows. Walk from the oldest commit to the revision, parents before children:

- before any commit that acts on it, the change is not contained;
- a commit that acts on it sets it: brought, or taken out;
- any other commit has it as its parent does;
- a merge whose parents agree has it as they do. Where they disagree, it has the *opposite of what the history that
  both share* had: the side that changed something wins, as in a three-way merge. If that shared history ends in
  several heads (a criss-cross merge) which disagree, it has the opposite of what these share;
- a merge of more than two parents is one of the first two, then of that with the third, and so on.

Dates play no part, and the order of commits is that of the graph alone. Claims are believed: a revert that its author
edited counts as whole (of a service's part of the repo see `reverts.of_service`).
"""

import bisect
import heapq
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence

from lastgood.core.commit_graph import CommitGraph

# A commit has a position; a pick of a commit that is not in this repo has the text of its id.
Change = int | str
MAX_ACTS = 500
_MOST_MEETINGS = 64
_FEW = 4
_REMEMBERED = 1000


class Replay:
    """Replays what commits did to single changes.

    reverts: who reverts what, by position, as their claims were resolved; a merge there stands for what it brought.
    carries: commits whose change is that of others (picks), each with these; every other commit carries itself.
    repeats: picks of merges, each with these. mainlines: (who reverts a merge, the merge): the parent that it is held
    against, where that is not the first.
    """

    def __init__(
        self,
        graph: CommitGraph,
        *,
        reverts: Mapping[int, Sequence[Change]],
        carries: Mapping[int, Sequence[Change]],
        repeats: Mapping[int, Sequence[Change]] | None = None,
        mainlines: Mapping[tuple[int, int], int] | None = None,
    ) -> None:
        self.graph = graph
        self.reverts = reverts
        self.carries = carries
        self._repeats = repeats or {}
        self._mainlines = mainlines or {}
        self._carriers: dict[Change, list[int]] = {}
        for at, changes in carries.items():
            for change in changes:
                self._carriers.setdefault(change, []).append(at)
        self._reverted_by: dict[Change, list[int]] = {}
        # By merge and parent: what the merge brought to that parent.
        self._brought: dict[tuple[int, int], array[int]] = {}
        self._acts: dict[Change, dict[int, bool]] = {}
        for at, targets in reverts.items():
            for target in targets:
                self._reverted_by.setdefault(target, []).append(at)
        deals = [
            (at, int(one)) for some in (reverts, self._repeats) for at in some for one in some[at] if one in graph.more
        ]
        for at, merge in deals:
            side = self._side(at, merge)
            if side not in self._brought:
                parents = (graph.first[merge], *graph.more[merge])
                others = [one for one in parents if one != side[1]]
                self._brought[side] = array("i", graph.only(others, (side[1],)))
        self._touched: set[Change] = {*self._carriers, *carries, *self._reverted_by}
        for brought in self._brought.values():
            self._touched.update(brought)
        self._of_merges = sorted({at for at, _ in deals})
        self._late: dict[int, int] = {}
        self._late = self._late_turns()

    def without(self, reverts: Collection[int]) -> "Replay":
        """Return the same without what some commits, by position, revert."""
        kept = {at: targets for at, targets in self.reverts.items() if at not in reverts}
        return Replay(self.graph, reverts=kept, carries=self.carries, repeats=self._repeats, mainlines=self._mainlines)

    def _side(self, at: int, merge: int) -> tuple[int, int]:
        """Return a merge and the parent that it is held against by who reverts or repeats it."""
        return merge, self._mainlines.get((at, merge), self.graph.first[merge])

    def changes_of(self, at: int) -> tuple[Change, ...]:
        """Return the changes that a commit carries: its own, or those that it is a pick of."""
        return tuple(self.carries.get(at, (at,)))

    def is_plain(self, at: int) -> bool:
        """Say whether nothing but the commit itself acts on its change, so that having it is containing it."""
        return at not in self._touched

    def reached_by(self, at: int, *, most: int) -> set[Change]:
        """Return the changes that a commit may have acted on by what it reverts or picks, no more than `most`."""
        found: set[Change] = set()
        todo: list[Change] = [at]
        while todo and len(found) < most:
            one = todo.pop()
            if one in found:
                continue
            found.add(one)
            if isinstance(one, int):
                others = [*self.reverts.get(one, ()), *self._repeats.get(one, ())]
                todo += [*others, *self.carries.get(one, ())]
                for merge in others:
                    if merge in self.graph.more:
                        todo += self._brought[self._side(one, int(merge))][:most]
        return found

    def acts(self, change: Change) -> Mapping[int, bool]:
        """Return who brought a change (True) or took it out (False), by position; 1,000 answers are remembered."""
        known = self._acts.get(change)
        if known is None:
            if len(self._acts) >= _REMEMBERED:
                self._acts.clear()
            known = self._acts[change] = self._acts_on(change)
        return known

    def _acts_on(self, change: Change) -> dict[int, bool]:
        carriers = set(self._carriers.get(change, ()))
        if isinstance(change, int) and change not in self.carries:
            carriers.add(change)
        acts = dict.fromkeys(carriers, True)
        direct = [at for one in (change, *carriers) for at in self._reverted_by.get(one, ())]
        todo = sorted((self._turn(at), at) for at in {*direct, *self._of_merges})
        done: set[int] = set()
        in_line = len(acts) == 1
        while todo and acts:
            _, at = heapq.heappop(todo)
            if at in done or at in carriers:
                continue
            done.add(at)
            value = self._act(at, change, acts, carriers)
            if value is None:
                continue
            # Where all acts so far form one line of descent, the newest of them is the state: no walk is needed.
            last = max(acts)
            follows = in_line and self._is_ancestor(last, at)
            if acts[last] != value if follows else self._does_something(at, acts, value):
                acts[at] = value
                in_line = follows
                if len(acts) > MAX_ACTS:
                    break
                for later in self._reverted_by.get(at, ()):
                    heapq.heappush(todo, (self._turn(later), later))
        return acts

    def _turn(self, at: int) -> int:
        """Return by which order commits act: after all that is below them, and below the merges that these repeat.

        A merge that is picked to another branch may have a later position than its pick, and than what follows that.
        """
        late = self._late
        if not late or at < min(late):
            return at
        reached = self.graph.ancestors((at,), floor=min(late))
        return max(at, *(turn for one, turn in late.items() if one <= at and reached[one]), 0)

    def _late_turns(self) -> dict[int, int]:
        """Return the turns of picks of merges that have a later position, of those that lie below others first."""
        waiting = {at: max(map(int, merges)) for at, merges in self._repeats.items() if max(map(int, merges)) > at}
        turns: dict[int, int] = {}
        for at, merge in sorted(waiting.items(), key=lambda pair: pair[1]):
            self._late = turns
            turns[at] = max(self._turn(at), self._turn(merge))
        return turns

    def _act(self, at: int, change: Change, acts: Mapping[int, bool], carriers: set[int]) -> bool | None:
        """Return what a revert does to a change: the opposite of what its targets did, the last one named last."""
        value = None
        for target in self.reverts.get(at, ()):
            if target == change or target in carriers:
                # Held against its second parent, a merge itself stays: what it had brought to the first one does.
                value = value if (at, target) in self._mainlines else False
            elif not isinstance(target, int):
                continue
            elif target in self.graph.more:
                known = self._opposite_of_merge(at, target, acts, carriers)
                value = value if known is None else known
            elif target in acts and self._is_ancestor(target, at):
                value = not acts[target]
        for merge in self._repeats.get(at, ()):
            did = self._did(self._side(at, int(merge)), acts)
            value = value if did is None else did
        return value

    def _does_something(self, at: int, acts: Mapping[int, bool], value: bool) -> bool:  # noqa: FBT001 - a state, not a switch
        """Say whether the change was in another state before a revert than after it."""
        parent = self.graph.first[at]
        if at in self.graph.more:
            return True  # what a merge is asked for is the state after it
        return value if parent < 0 else self.states(acts, (parent,))[0] != value

    def _opposite_of_merge(self, at: int, merge: int, acts: Mapping[int, bool], carriers: set[int]) -> bool | None:
        side = self._side(at, merge)
        if not self._is_ancestor(merge, at):
            return False if any(_holds(self._brought[side], one) for one in carriers) else None
        did = self._did(side, acts)
        return None if did is None else not did

    def _did(self, side: tuple[int, int], acts: Mapping[int, bool]) -> bool | None:
        """Return what a merge did to a change of one of its parents; None for nothing."""
        merge, parent = side
        if not any(_holds(self._brought[side], one) for one in acts) and merge not in acts:
            return None
        before, after = self.states(acts, (parent, merge))
        return None if before == after else after

    def _is_ancestor(self, ancestor: int, at: int) -> bool:
        return ancestor <= at and self.graph.ancestors((at,), floor=ancestor)[ancestor] == 1

    def contained(self, changes: Iterable[Change], revisions: Sequence[int]) -> dict[Change, tuple[bool, ...]]:
        """Say of each change whether each revision contains it."""
        found: dict[Change, tuple[bool, ...]] = {}
        plain: list[int] = []
        for change in dict.fromkeys(changes):
            if isinstance(change, int) and self.is_plain(change):
                plain.append(change)
            else:
                found[change] = self.states(self.acts(change), revisions)
        if not plain:
            return found
        if len(revisions) <= _FEW:
            reached = [self.graph.ancestors((at,), floor=min(plain)) for at in revisions]
            return found | {one: tuple(one < len(m) and m[one] == 1 for m in reached) for one in plain}
        bits = {at: 1 << n for n, at in enumerate(plain)}
        low, masks = self.graph.seen(bits, max((*revisions, *plain)))
        seen = [masks[at - low] if at >= low else 0 for at in revisions]
        return found | {one: tuple(bool(mask & bits[one]) for mask in seen) for one in plain}

    def states(self, acts: Mapping[int, bool], revisions: Sequence[int]) -> tuple[bool, ...]:
        """Say of each revision whether a change is contained that was acted on like this."""
        if not acts or not revisions:
            return (False,) * len(revisions)
        order = sorted(acts)
        bits = {at: 1 << n for n, at in enumerate(order)}
        low, masks = self.graph.seen(bits, max((*revisions, *order)))
        line = _Lines(order, [masks[at - low] for at in order], [acts[at] for at in order])
        known = [line.value(masks[at - low]) if at >= low else False for at in revisions]
        if None in known:
            values = self._walk(acts, low, masks, line)
            known = [at >= low and values[at - low] == 1 for at in revisions]
        return tuple(value is True for value in known)

    def _walk(self, acts: Mapping[int, bool], low: int, masks: Sequence[int], line: "_Lines") -> bytearray:
        """Return the state at every commit from `low` on, by the rules above, parents before children."""
        graph = self.graph
        first, more = graph.first, graph.more
        values = bytearray(len(masks))
        for at in range(low, low + len(masks)):
            if at in acts:
                values[at - low] = acts[at]
                continue
            parent = first[at]
            value = values[parent - low] if parent >= low else 0
            if at in more:
                merged = [parent]
                mask = masks[parent - low] if parent >= low else 0
                for other in more[at]:
                    its_mask, its_value = (masks[other - low], values[other - low]) if other >= low else (0, 0)
                    if its_value != value:
                        common = line.value(mask & its_mask)
                        if common is None:
                            common = self._shared((merged, [other]), low, values)
                        value = not common
                    merged.append(other)
                    mask |= its_mask
            values[at - low] = value
        return values

    def _shared(self, sides: Sequence[Sequence[int]], low: int, values: bytearray) -> bool:
        """Return the state of the history that several sides share, each given as the commits that it ends in."""
        opposite = False
        for _ in range(_MOST_MEETINGS):
            heads = self.graph.meeting(sides, floor=low)
            states = {values[at - low] for at in heads}
            if len(states) <= 1:
                return opposite ^ (1 in states)
            opposite = not opposite
            sides = [[at] for at in heads]
        return opposite


class _Lines:
    """The acts on one change. Where they form one line of descent, the newest decides, and no walk is needed."""

    def __init__(self, order: Sequence[int], masks: Sequence[int], brought: Sequence[bool]) -> None:
        self._masks, self._brought = masks, brought
        self._count = len(order)
        self._known: dict[int, bool | None] = {0: False}

    def value(self, mask: int) -> bool | None:
        """Return the state where just these acts have happened; None: some are beside each other."""
        if mask not in self._known:
            last = mask.bit_length() - 1
            beside = self._masks[last] & mask != mask or not self._is_line(mask)
            self._known[mask] = None if beside else self._brought[last]
        return self._known[mask]

    def _is_line(self, mask: int) -> bool:
        below = -1
        for n in range(self._count):
            if mask >> n & 1:
                if below >= 0 and not self._masks[n] >> below & 1:
                    return False
                below = n
        return True


def _holds(positions: Sequence[int], one: int) -> bool:
    at = bisect.bisect_left(positions, one)
    return at < len(positions) and positions[at] == one
