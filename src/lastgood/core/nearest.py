"""Suggest the nearest names for one that nobody knows. Knows nothing of what the names stand for."""

import difflib
from collections.abc import Iterable

_LONGEST = 100
_MOST = 5_000


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Return up to `limit` known names that look like this one, best first; nothing where none is near.

    Both sides are bounded (100 characters, 5,000 names), so that a stranger's input costs little.
    """
    wanted = name[:_LONGEST].casefold()
    by_folded: dict[str, str] = {}
    for one in known:
        by_folded.setdefault(one[:_LONGEST].casefold(), one)
        if len(by_folded) >= _MOST:
            break
    inside = sorted((one for one in by_folded if wanted and wanted in one), key=len)
    close = difflib.get_close_matches(wanted, by_folded, n=limit, cutoff=0.6)
    return tuple(by_folded[one] for one in dict.fromkeys([*close, *inside]))[:limit]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean a, b?`, or nothing where no name is near."""
    names = nearest(name, known)
    return f"did you mean {', '.join(names)}?" if names else ""
