"""The five figures as tiles: a number with its unit, how it moved since the period before, and its weeks. Pure."""

from collections.abc import Callable, Sequence

from lastgood.core.figures import DEFINITIONS, LEAST, Figures, Share, Spread, Week
from lastgood.core.value import Value
from lastgood.web.badge import Badge
from lastgood.web.clockface import lasting
from lastgood.web.pages import many

SPARK_PX = 26.0
_SAME = 0.02


class Spark(Value, frozen=True, kw_only=True):
    """One week's bar. x, width: percent; y, height: pixels. now: the newest one."""

    x: float
    y: float
    width: float
    height: float
    now: bool


class Tile(Value, frozen=True, kw_only=True):
    """One figure. big: "Not known" where it is left out. change: against the period before; None: nothing to say.

    about: what is counted.
    """

    title: str
    big: str = "Not known"
    unit: str = ""
    change: Badge | None = None
    details: tuple[str, ...]
    about: str
    spark: tuple[Spark, ...] = ()


def tiles(found: Figures, before: Figures) -> tuple[Tile, ...]:
    """Put the five together. before: the figures of the period of the same length that ended where this one begins."""
    return (
        _frequency(found, before),
        _spread_tile(
            "Lead time for changes",
            found.lead_time,
            before.lead_time,
            details=(f"of {many(found.lead_time.count, 'commit')}",),
            about=DEFINITIONS["lead_time"],
            left_out=f"{many(found.lead_time.left_out, 'deployment')} without known commits",
            spark=_sparks(found.weeks, lambda week: week.lead_time.median_s),
        ),
        _share_tile(
            "Change fail rate",
            found.change_fail_rate,
            before.change_fail_rate,
            about=DEFINITIONS["change_fail_rate"],
            spark=_sparks(found.weeks, lambda week: week.failed / week.deployments if week.deployments else None),
        ),
        _spread_tile(
            "Failed deployment recovery time",
            found.recovery_time,
            before.recovery_time,
            details=(f"of {many(found.recovery_time.count, 'failure')}", *_open(found)),
            about=DEFINITIONS["recovery_time"],
            left_out=f"{many(found.recovery_time.left_out, 'failure')} without a known begin",
            spark=_sparks(found.weeks, lambda week: week.recovery_time.median_s),
        ),
        _share_tile(
            "Deployment rework rate",
            found.rework_rate,
            before.rework_rate,
            about=DEFINITIONS["rework_rate"],
            spark=(),
        ),
    )


def _frequency(found: Figures, before: Figures) -> Tile:
    enough = found.deployments >= LEAST
    number, unit = _often(found.deployments_per_day) if enough else ("Not known", "")
    change = None
    if enough and before.deployments >= LEAST:
        was, of = _often(before.deployments_per_day)
        change = _change(found.deployments_per_day, before.deployments_per_day, f"{was} {of}", good_up=True)
    return Tile(
        title="Deployment frequency",
        big=number,
        unit=unit,
        change=change,
        details=(f"{many(found.deployments, 'deployment')}{'' if enough else f', fewer than {LEAST}'}",),
        about=DEFINITIONS["deployments"],
        spark=_sparks(found.weeks, lambda week: float(week.deployments)),
    )


def _open(found: Figures) -> tuple[str, ...]:
    return (f"{many(found.open, 'failure')} still open",) if found.open else ()


def _often(per_day: float) -> tuple[str, str]:
    for times, unit in ((1.0, "a day"), (7.0, "a week"), (30.0, "in 30 days")):
        if per_day * times >= 1:
            return f"{per_day * times:.1f}", unit
    return f"{per_day * 365:.1f}", "a year"


def _spread_tile(
    title: str,
    found: Spread,
    before: Spread,
    *,
    details: tuple[str, ...],
    left_out: str,
    about: str,
    spark: tuple[Spark, ...],
) -> Tile:
    rest = (f"left out: {left_out}" if found.left_out else "left out: none",)
    if found.median_s is None or found.p90_s is None:
        few = (f"{details[0].removeprefix('of ')}, fewer than {LEAST}", *details[1:], *rest)
        return Tile(title=title, details=few, about=about)
    change = None
    if before.median_s is not None:
        change = _change(found.median_s, before.median_s, lasting(before.median_s), good_up=False)
    more = (f"slowest tenth {lasting(found.p90_s)} or more", *details, *rest)
    big = lasting(found.median_s)
    return Tile(title=title, big=big, unit="median", change=change, details=more, about=about, spark=spark)


def _share_tile(title: str, found: Share, before: Share, *, about: str, spark: tuple[Spark, ...]) -> Tile:
    if found.share is None:
        few = (f"{found.count} of {many(found.of, 'deployment')}, fewer than {LEAST}",)
        return Tile(title=title, details=few, about=about)
    change = None
    if before.share is not None:
        change = _change(found.share, before.share, f"{before.share:.1%}", good_up=False)
    unit = f"{found.count} of {found.of}"
    return Tile(title=title, big=f"{found.share:.1%}", unit=unit, change=change, details=(), about=about, spark=spark)


def _change(value: float, before: float, words: str, *, good_up: bool) -> Badge:
    if abs(value - before) <= _SAME * max(abs(before), 1e-9):
        return Badge(word=f"as before: {words}", tone="t-off", icon="eq")
    up = value > before
    return Badge(
        word=f"{'up' if up else 'down'} from {words}",
        tone="t-ok" if up is good_up else "t-part",
        icon="up" if up else "down",
    )


def _sparks(weeks: Sequence[Week], value: Callable[[Week], float | None]) -> tuple[Spark, ...]:
    values = [value(week) for week in weeks]
    most = max((one for one in values if one), default=0.0)
    if not most:
        return ()
    step = 100 / len(weeks)
    return tuple(
        Spark(
            x=round(number * step + step * 0.12, 2),
            y=round(SPARK_PX * (1 - (one or 0.0) / most), 2),
            width=round(step * 0.76, 2),
            height=round(SPARK_PX * (one or 0.0) / most, 2),
            now=number == len(weeks) - 1,
        )
        for number, one in enumerate(values)
    )
