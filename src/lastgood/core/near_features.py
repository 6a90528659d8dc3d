"""Suggest features of a source repo that look like one that nobody knows. Pure, over an index."""

import difflib
import re
from collections.abc import Iterable

from lastgood.core.asked_feature import asked_feature
from lastgood.core.feature_range import SHORT, Book, SourceView
from lastgood.core.nearest import nearest

# The newest commits: what is asked for is mostly new, and a suggestion must not cost much.
MOST_COMMITS = 1_000
_TITLE = 80
_MOST = 3
_ALIKE = 0.75
# What Git takes for the beginning of an id; shorter than what is looked for, as it may be a word as well.
_BEGINNING = re.compile(r"[0-9a-f]{4,6}")


def near_features(feature: str, book: Book, view: SourceView) -> tuple[str, ...]:
    """Return up to three names like a feature's, best first: `PR-481`, `ABC-12`, or `PR-481 (its title)`.

    Of the beginning of an id, too short to be one: the commits that begin so, `6e37588 (its title)`.
    """
    asked = asked_feature(feature)
    if not asked.is_in(view.web):
        return ()
    text = f"PR-{asked.text[1:]}" if asked.text[:1] in {"#", "!"} else asked.text
    begins = asked.text.lower() if _BEGINNING.fullmatch(asked.text.lower()) else None
    named: dict[str, str] = {}
    begun: list[str] = []
    size = len(book.graph)
    for commit in reversed(book.commits(range(max(0, size - MOST_COMMITS), size))):
        pull = commit.facts.pull
        ids = [f"PR-{pull}"] if pull is not None else []
        for one in (*ids, *view.selection.issues(commit)):
            named.setdefault(one, one)
        name = ids[0] if ids else commit.oid[:SHORT]
        named.setdefault(commit.facts.title, f"{name} ({commit.facts.title[:_TITLE]})")
        if begins is not None and commit.oid.startswith(begins):
            begun.append(f"{commit.oid[:SHORT]} ({commit.facts.title[:_TITLE]})")
    if begun:
        return tuple(begun[:_MOST])
    found = nearest(text, named) or _with_words_like(text, named)
    return tuple(dict.fromkeys(named[one] for one in found))


def _with_words_like(text: str, names: Iterable[str]) -> list[str]:
    """Return the first titles in which every word that was asked for has one that is spelled much the same."""
    words = {name: set(name.casefold().split()) for name in names}
    known = sorted({word for some in words.values() for word in some})
    wanted = [set(difflib.get_close_matches(word, known, n=_MOST, cutoff=_ALIKE)) for word in text.casefold().split()]
    return [name for name in words if wanted and all(one & words[name] for one in wanted[:_MOST])][:_MOST]
