"""The shape of a source history: commits as positions, parents before children, 4 bytes each. Knows no messages.

A walk is one pass over the positions from high to low (to ancestors) or from low to high (to descendants).
"""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import and_


class CommitGraph:
    """A graph that only grows. first: the first parent's position, -1 for a root; more: a merge's other parents."""

    def __init__(self) -> None:
        self.first: array[int] = array("i")
        self.more: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.first)

    def add(self, parents: Sequence[int]) -> int:
        """Append a commit whose parents are here; return its position."""
        at = len(self.first)
        self.first.append(parents[0] if parents else -1)
        if len(parents) > 1:
            self.more[at] = tuple(parents[1:])
        return at

    def parents(self, at: int) -> tuple[int, ...]:
        """Return a commit's parents in order."""
        first = self.first[at]
        return () if first < 0 else (first, *self.more.get(at, ()))

    def ancestors(self, heads: Iterable[int], *, floor: int = 0) -> bytearray:
        """Mark all that the heads reach, themselves too, down to the position `floor`: one byte for each position."""
        first, more = self.first, self.more
        starts = list(heads)
        top = max(starts, default=-1)
        marks = bytearray(max(top + 1, 0))
        for start in starts:
            marks[start] = 1
        for at in range(top, floor - 1, -1):
            if marks[at]:
                parent = first[at]
                if parent >= 0:
                    marks[parent] = 1
                    if at in more:
                        for other in more[at]:
                            marks[other] = 1
        return marks

    def descendants(self, of: int) -> bytearray:
        """Mark all that reach a commit, itself too: one byte for each position from its own to the newest."""
        first, more = self.first, self.more
        marks = bytearray(len(first) - of)
        marks[0] = 1
        for at in range(of + 1, len(first)):
            parent = first[at]
            if (parent >= of and marks[parent - of]) or (
                at in more and any(other >= of and marks[other - of] for other in more[at])
            ):
                marks[at - of] = 1
        return marks

    def only(self, include: Iterable[int], exclude: Iterable[int]) -> list[int]:
        """Return what `include` reaches and `exclude` does not, ascending; walks no further than where they meet."""
        first, more = self.first, self.more
        paint: dict[int, int] = {}
        for at in include:
            paint[at] = paint.get(at, 0) | 1
        for at in exclude:
            paint[at] = paint.get(at, 0) | 2
        waiting = sum(1 for colour in paint.values() if colour == 1)
        found = []
        at = max(paint, default=-1)
        while waiting:
            colour = paint.pop(at, 0)
            if colour:
                if colour == 1:
                    waiting -= 1
                    found.append(at)
                parent = first[at]
                for to in () if parent < 0 else (parent, *more[at]) if at in more else (parent,):
                    known = paint.get(to, 0)
                    if known | colour != known:
                        paint[to] = known | colour
                        waiting += (known | colour == 1) - (known == 1)
            at -= 1
        found.reverse()
        return found

    def brought(self, merge: int) -> list[int]:
        """Return what a merge brought to its first parent, ascending, without the merge itself."""
        return self.only(self.more.get(merge, ()), (self.first[merge],)) if merge in self.more else []

    def seen(self, bits: Mapping[int, int], upto: int) -> tuple[int, list[int]]:
        """Say which marked commits each commit has among its ancestors, itself included.

        bits: position to bit. Returns (the lowest marked position, a mask for each position from there to `upto`).
        """
        low = min(bits)
        first, more = self.first, self.more
        masks = [0] * (upto + 1 - low)
        for at in range(low, upto + 1):
            parent = first[at]
            mask = masks[parent - low] if parent >= low else 0
            if at in more:
                for other in more[at]:
                    if other >= low:
                        mask |= masks[other - low]
            if at in bits:
                mask |= bits[at]
            masks[at - low] = mask
        return low, masks

    def heads(self, positions: Collection[int]) -> list[int]:
        """Return those of some positions that none of the others reaches, ascending."""
        if len(positions) <= 1:
            return list(positions)
        marks = self.ancestors({parent for at in positions for parent in self.parents(at)}, floor=min(positions))
        return sorted(at for at in positions if at >= len(marks) or not marks[at])

    def meeting(self, sides: Sequence[Sequence[int]], *, floor: int) -> list[int]:
        """Return the best commits that every side reaches, as far down as `floor`. A side: the commits it ends in."""
        common: bytearray | None = None
        for side in sides:
            marks = self.ancestors(side, floor=floor)
            common = marks if common is None else bytearray(map(and_, common, marks))
        if common is None:
            return []
        shared = [at for at in range(floor, len(common)) if common[at]]
        covered = {parent for at in shared for parent in self.parents(at)}
        return [at for at in shared if at not in covered]
