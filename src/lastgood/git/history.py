"""Turn the commits that touched a scope into its history. Knows neither how they were found nor how trees are read."""

from collections.abc import Callable, Iterable
from typing import NamedTuple


class State(NamedTuple):
    """What a scope was at a commit: see HistoryEntry."""

    commit: str
    version: str | None
    path_tree: str | None


def changes_of(
    hits: Iterable[str], state_at: Callable[[str], State], *, before: str | None, limit: int | None
) -> list[State]:
    """Return the states that differ from the one before, newest first, at most `limit`.

    hits: the commits at which anything of the scope may have changed, newest first: between two of them it stayed
    the same. before: the version below the last hit.
    """
    found: list[State] = []
    newer: State | None = None
    for commit in hits:
        state = state_at(commit)
        if newer is not None and newer.version != state.version:
            found.append(newer)
            if limit is not None and len(found) >= limit:
                return found
        newer = state
    if newer is not None and newer.version != before:
        found.append(newer)
    return found
