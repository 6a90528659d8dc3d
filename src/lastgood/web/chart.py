"""The bar chart of a timeline as geometry: success rises from the line, failure hangs below it. Pure.

Widths are percentages, heights pixels, so that text never stretches and the page needs no script to draw it.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from lastgood.core.record import Bucket
from lastgood.core.value import Value

LINE_Y = 56.0
UP_PX, DOWN_PX, GAP_PX = 50.0, 27.0, 3.0
BLOCKS_MOST = 6
BARS_MOST = 60
LABELS_MOST = 12
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

# Which counts stand above the line, in the order from the line outwards, and their class.
_UP = (("succeeded", "ok"), ("rollback", "ok"), ("undo", "ok"), ("drift", "mend"), ("superseded", "sup"))
_DOWN = (("failed", "bad"), ("partial", "part"))
_WORDS = {
    "succeeded": "succeeded",
    "rollback": "rolled back",
    "undo": "undone",
    "drift": "drift healed",
    "superseded": "superseded",
    "failed": "failed",
    "partial": "partial",
    "in-progress": "in progress",
}


class Block(Value, frozen=True, kw_only=True):
    """One rectangle. x, width: percent; y, height: pixels."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Bar(Value, frozen=True, kw_only=True):
    """One bucket. left, step, middle: percent. back: the y of the mark of a rollback, None for none."""

    left: float
    step: float
    middle: float
    label: str
    tick: str
    minor: bool
    now: bool
    url: str
    blocks: tuple[Block, ...]
    back: float | None


class Count(Value, frozen=True, kw_only=True):
    """One entry of the legend."""

    key: str
    word: str
    count: int


class Chart(Value, frozen=True, kw_only=True):
    """The chart of a period. total: of all records in it."""

    title: str
    unit: str
    total: int
    bars: tuple[Bar, ...]
    counts: tuple[Count, ...]


def edges_of(start: dt.datetime, end: dt.datetime) -> tuple[str, list[dt.datetime]]:
    """Divide a period into hours, days, weeks or months, 60 at most; return the unit and the edges between."""
    length = end - start
    if length <= 2 * DAY:
        return "hour", _steps(start, end, lambda at: at + HOUR)
    if length <= BARS_MOST * DAY:
        return "day", _steps(start, end, lambda at: at + DAY)
    if length <= 7 * BARS_MOST * DAY:
        return "week", _steps(start - start.weekday() * DAY, end, lambda at: at + 7 * DAY)
    first = start.replace(day=1)
    edges = _steps(first, end, _next_month)
    return "month", edges[-BARS_MOST - 1 :]


def begins_lately(buckets: Sequence[Bucket]) -> bool:
    """Say whether all that there is stands in the last two of many buckets."""
    filled = [bool(sum(bucket.counts.values())) for bucket in buckets]
    return any(filled[-2:]) and not any(filled[:-2])


def draw(buckets: Sequence[Bucket], *, unit: str, now: dt.datetime, url: Callable[[Bucket], str]) -> Chart:
    """Lay buckets out as bars.

    buckets: oldest first. url: where a bar's link leads.
    """
    counted = [_known(bucket.counts) for bucket in buckets]
    step = 100 / max(len(buckets), 1)
    most_up = max((sum(counts.get(key, 0) for key, _ in _UP) for counts in counted), default=0)
    most_down = max((sum(counts.get(key, 0) for key, _ in _DOWN) for counts in counted), default=0)
    every = -(-len(buckets) // LABELS_MOST)
    bars = []
    for number, (bucket, counts) in enumerate(zip(buckets, counted, strict=True)):
        left = number * step
        up = _pile(counts, _UP, most_up, UP_PX, left, step, sign=-1)
        down = _pile(counts, _DOWN, most_down, DOWN_PX, left, step, sign=1)
        top = min((block.y for block in up), default=LINE_Y)
        bars.append(
            Bar(
                left=round(left, 2),
                step=round(step, 2),
                middle=round(left + step / 2, 2),
                label=_label(bucket, counts, unit),
                tick=_tick(bucket.start, unit),
                minor=bool(number % every),
                now=bucket.start <= now < bucket.end,
                url=url(bucket),
                blocks=(*up, *down),
                back=round(top - 14, 1) if counts.get("rollback") and top >= 14 else None,  # noqa: PLR2004 - the mark's height
            )
        )
    totals = {key: sum(counts.get(key, 0) for counts in counted) for key in _WORDS}
    return Chart(
        title=f"Deployments per {unit}: succeeded above the line, failed and partial below it",
        unit=unit,
        total=sum(totals.values()),
        bars=tuple(bars),
        counts=tuple(Count(key=key, word=_WORDS[key], count=count) for key, count in totals.items() if count),
    )


def _known(counts: dict[str, int]) -> dict[str, int]:
    # Succeeded records come by trigger; only those that say more than "succeeded" are told apart.
    known: dict[str, int] = {}
    for key, count in counts.items():
        name = key if key in _WORDS else "succeeded"
        known[name] = known.get(name, 0) + count
    return known


def _pile(
    counts: dict[str, int],
    kinds: Sequence[tuple[str, str]],
    most: int,
    room: float,
    left: float,
    step: float,
    *,
    sign: int,
) -> tuple[Block, ...]:
    x, width = round(left + step * 0.24, 2), round(step * 0.52, 2)
    pile = [kind for key, kind in kinds for _ in range(counts.get(key, 0))]
    blocks = []
    if most <= BLOCKS_MOST:
        height = min(12.0, room / max(most, 1))
        for number, kind in enumerate(pile):
            y = LINE_Y + sign * (number * height + GAP_PX) - (height - GAP_PX if sign < 0 else 0)
            blocks.append(Block(kind=kind, x=x, y=round(y, 1), width=width, height=round(height - GAP_PX, 1)))
        return tuple(blocks)
    reached = 0.0
    for key, kind in kinds:
        height = room * counts.get(key, 0) / most
        if height:
            y = LINE_Y - 2 - reached - height if sign < 0 else LINE_Y + 2 + reached
            blocks.append(Block(kind=kind, x=x, y=round(y, 1), width=width, height=round(max(height, 1.5), 1)))
            reached += height
    return tuple(blocks)


def _label(bucket: Bucket, counts: dict[str, int], unit: str) -> str:
    said = ", ".join(f"{counts[key]} {word}" for key, word in _WORDS.items() if counts.get(key))
    start = bucket.start
    when = {
        "hour": f"{start:%a} {start.day} {start:%b %H:%M}",
        "day": f"{start:%a} {start.day} {start:%b}",
        "week": f"Week of {start.day} {start:%b %Y}",
        "month": f"{start:%B %Y}",
    }[unit]
    return f"{when}: {said or 'no records'}"


def _tick(start: dt.datetime, unit: str) -> str:
    if unit == "hour":
        return f"{start:%H}"
    if unit == "month":
        return f"{start:%b}" if start.month > 1 else f"{start.year}"
    return f"{start.day} {start:%b}" if start.day == 1 or unit == "week" else str(start.day)


def _steps(start: dt.datetime, end: dt.datetime, further: Callable[[dt.datetime], dt.datetime]) -> list[dt.datetime]:
    edges = [start]
    while edges[-1] < end:
        edges.append(further(edges[-1]))
    return edges


def _next_month(at: dt.datetime) -> dt.datetime:
    return (at.replace(day=1) + 32 * DAY).replace(day=1)
