"""The charts of the figures as geometry: lead time by weeks as lines, each recovery as a mark. Pure.

Both have a logarithmic scale of time: a minute and a week stand on one chart. Widths are percentages, heights pixels.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from math import log

from lastgood.core.figures import FailedDeployment, Figures, Week
from lastgood.core.value import Value
from lastgood.web.clockface import absolute, lasting, span

TOP_Y, LINE_Y = 10.0, 140.0
LEFT, RIGHT = 12.0, 98.0
LABELS_MOST = 4
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    1, 10, 30, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR,
    _DAY, 3 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY,
)  # fmt: skip


class Tick(Value, frozen=True, kw_only=True):
    """A label beside the scale (at: y in pixels) or below it (at: x in percent)."""

    at: float
    text: str


class Mark(Value, frozen=True, kw_only=True):
    """One recovery. x: percent; y: pixels. back: by a rollback, else by going on."""

    x: float
    y: float
    back: bool
    words: str
    app: str
    number: int


class Lines(Value, frozen=True, kw_only=True):
    """Lead time by weeks. median, slowest: `points` of polylines, one for each run of weeks that have a figure.

    A week alone is one point, drawn as a dot.
    """

    words: str
    scale: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    median: tuple[str, ...]
    slowest: tuple[str, ...]


class Marks(Value, frozen=True, kw_only=True):
    """Recoveries, and how many were by a rollback and how many by going on."""

    words: str
    scale: tuple[Tick, ...]
    dates: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    back: int
    forward: int


def lead_lines(found: Figures) -> Lines | None:
    """Draw the lead time; None where no week has a figure."""
    values = [value for week in found.weeks for value in (week.lead_time.median_s, week.lead_time.p90_s) if value]
    if not values:
        return None
    height, scale = _scale(values)
    return Lines(
        words=f"Lead time by weeks, {_dates_of(found)}: median and slowest tenth",
        scale=scale,
        dates=_dates(found),
        median=_runs(found.weeks, found, height, lambda week: week.lead_time.median_s),
        slowest=_runs(found.weeks, found, height, lambda week: week.lead_time.p90_s),
    )


def recovery_marks(found: Figures) -> Marks | None:
    """Draw each recovery whose length is known; None where there is none."""
    over = [one for one in found.failures if one.recovery_s is not None]
    if not over:
        return None
    height, scale = _scale([one.recovery_s or 0.0 for one in over])
    marks = tuple(
        Mark(
            x=_across(one.at, found),
            y=height(one.recovery_s or 0.0),
            back=_is_back(one),
            words=f"{one.app}: {'rolled back' if _is_back(one) else 'fixed forward'} "
            f"after {lasting(one.recovery_s or 0.0)}, failed {absolute(one.at)}",
            app=one.app,
            number=one.number,
        )
        for one in over
    )
    back = sum(mark.back for mark in marks)
    return Marks(
        words=f"How long each failure lasted, {_dates_of(found)}: {back} ended by a rollback, "
        f"{len(marks) - back} by going on",
        scale=scale,
        dates=_dates(found),
        marks=marks,
        back=back,
        forward=len(marks) - back,
    )


def _is_back(failure: FailedDeployment) -> bool:
    return failure.ended_by_trigger in ("rollback", "undo")


def _scale(values: Sequence[float]) -> tuple[Callable[[float], float], tuple[Tick, ...]]:
    """Return the height of a length of time, and the steps to write beside it."""
    least, most = max(min(values), 1.0), max(*values, 2.0)
    low = max((step for step in _STEPS if step <= least), default=_STEPS[0])
    high = min((step for step in _STEPS if step >= most and step > low), default=max(most, 2.0 * low))

    def height(seconds: float) -> float:
        share = log(max(seconds, low) / low) / log(high / low)
        return round(LINE_Y - share * (LINE_Y - TOP_Y), 1)

    steps = [step for step in _STEPS if low <= step <= high]
    every = -(-len(steps) // (LABELS_MOST + 1))
    return height, tuple(Tick(at=height(step), text=span(step)) for step in steps[::every])


def _across(at: dt.datetime, found: Figures) -> float:
    share = (at - found.since) / (found.until - found.since)
    return round(LEFT + share * (RIGHT - LEFT), 2)


def _dates(found: Figures) -> tuple[Tick, ...]:
    weeks = found.weeks
    every = max(-(-len(weeks) // LABELS_MOST), 1)
    return tuple(
        Tick(at=_across(_middle(week), found), text=f"{week.start.day} {week.start:%b}") for week in weeks[::every]
    )


def _dates_of(found: Figures) -> str:
    return f"{found.since.day} {found.since:%B %Y} to {found.until.day} {found.until:%B %Y}"


def _middle(week: Week) -> dt.datetime:
    return week.start + (week.end - week.start) / 2


def _runs(
    weeks: Sequence[Week], found: Figures, height: Callable[[float], float], value: Callable[[Week], float | None]
) -> tuple[str, ...]:
    """Return the points of each run of weeks that have a value; x from 0 to 100 over the whole chart."""
    runs: list[list[str]] = [[]]
    for week in weeks:
        seconds = value(week)
        if seconds is None:
            runs.append([])
            continue
        runs[-1].append(f"{_across(_middle(week), found)},{height(seconds)}")
    return tuple(" ".join(run) for run in runs if run)
