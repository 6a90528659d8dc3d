"""Lay out things with their health for people: the worst first, and what is wrong with them in full. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lastgood.cli.text import Column, Style, clean, cut, plural, table
from lastgood.core.health_words import badness
from lastgood.core.words import Health

# As much of one message as is read at once; JSON has all of it.
MAX_MESSAGE = 600
_LONG = 40


class Judged(NamedTuple):
    """One thing. names: a cell for each of the columns that name it. message: why, from elsewhere."""

    health: Health
    names: tuple[str, ...]
    message: str


def judged_table(titles: Sequence[str], things: Sequence[Judged], style: Style) -> str:
    """Lay out things, the worst first and else in the order given. titles: HEALTH, those of the names, and of why."""
    things = sorted(things, key=lambda one: badness(one.health))
    rows = [[style.health(one.health), *map(clean, one.names), cut(clean(one.message), MAX_MESSAGE)] for one in things]
    names = [
        # Why it is so can stand below; a name that is cut cannot be asked for.
        Column(title, least=min(max((len(row[at]) for row in rows), default=0), _LONG))
        for at, title in enumerate(titles[1:-1], start=1)
    ]
    columns = [Column(titles[0]), *names, Column(titles[-1], least=len(titles[-1]))]
    return table(columns, rows, style, whole={at for at, one in enumerate(things) if one.health != "Healthy"})


def counted(healths: Sequence[Health], style: Style) -> str:
    """Count in words, the worst first: `1 Degraded, 399 Healthy`."""
    counts = Counter(healths)
    return ", ".join(f"{counts[word]} {style.health(word)}" for word in sorted(counts, key=badness))


def objects_counted(healths: Sequence[Health], style: Style) -> str:
    """Say how many there are and how they are: `400 objects: 1 Degraded, 399 Healthy`."""
    return f"{plural(len(healths), 'object')}: {counted(healths, style)}"
