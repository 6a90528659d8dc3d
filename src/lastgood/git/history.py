"""Turn the commits that touched a scope into its history. Knows neither how they were found nor how trees are read."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lastgood.core.application import Scope


class State(NamedTuple):
    """What a scope was at a commit: see HistoryEntry."""

    commit: str
    version: str | None
    path_tree: str | None


def changes_of(states: Iterable[State], *, before: str | None, limit: int | None) -> list[State]:
    """Return the states that differ from the one before, newest first, at most `limit`.

    states: those at which anything of the scope may have changed, newest first: between two of them it stayed
    the same. before: the version below the last.
    """
    found: list[State] = []
    newer: State | None = None
    for state in states:
        if newer is not None and newer.version != state.version:
            found.append(newer)
            if limit is not None and len(found) >= limit:
                return found
        newer = state
    if newer is not None and newer.version != before:
        found.append(newer)
    return found


def declared_hits(
    head: str,
    *,
    inputs_at: Callable[[str], Scope],
    hits: Callable[[str, Scope], Iterable[str]],
    parent: Callable[[str], str | None],
    end: str | None = None,
) -> Iterator[tuple[str, Scope]]:
    """Yield the first-parent commits at which the inputs changed, with what the inputs were there, newest first.

    Which files are inputs can change only at a commit that touches one of them, for the declarations are inputs, too.
    So the line is walked piece by piece: below such a commit the declarations are read anew.
    inputs_at: the inputs at a commit. hits: the commits of a head that touched a scope, newest first, down to `end`
    (left out).
    """
    here: str | None = head
    while here is not None:
        scope, start = inputs_at(here), here
        here = None
        for commit in hits(start, scope):
            yield commit, scope
            below = parent(commit)
            if below is None or below == end:
                return
            if inputs_at(below) != scope:
                here = below
                break
