"""Lay out things with their health for people, and what is wrong with them in full. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lastgood.cli.text import Column, Style, clean, cut, table, width_of
from lastgood.core.health_words import badness
from lastgood.core.words import Health

# As much of one message as is read at once; JSON has all of it.
MAX_MESSAGE = 600
# With so many lines, what is worst has left the screen when the last is printed.
MANY = 20
# What the names before the last one may be cut down to; and the columns of the longest health word.
_LEAST = 10
_HEALTH = 11


class Judged(NamedTuple):
    """One thing. names: a cell for each of the columns that name it. message: why, from elsewhere."""

    health: Health
    names: tuple[str, ...]
    message: str


def judged_table(titles: Sequence[str], things: Sequence[Judged], style: Style) -> str:
    """Lay out things in the order given. titles: HEALTH, those of the names, and of why."""
    rows = [[style.health(one.health), *map(clean, one.names), cut(clean(one.message), MAX_MESSAGE)] for one in things]
    first, *others, named, why = titles
    # Why it is so can stand below; a name that is cut cannot be asked for.
    room = style.width - _HEALTH - len(why) - _LEAST * len(others) - 2 * (len(titles) - 1)
    longest = max((width_of(row[-2]) for row in rows), default=0)
    columns = [
        Column(first),
        *(Column(title, least=_LEAST, inside=True) for title in others),
        Column(named, least=max(min(longest, room), _LEAST), inside=True),
        Column(why, least=len(why)),
    ]
    return table(columns, rows, style, whole={at for at, one in enumerate(things) if one.health != "Healthy"})


def counted(healths: Sequence[Health], style: Style) -> str:
    """Count in words, the worst first: `1 Degraded, 399 Healthy`."""
    counts = Counter(healths)
    return ", ".join(f"{counts[word]} {style.health(word)}" for word in sorted(counts, key=badness))
