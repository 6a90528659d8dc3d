"""The figures of delivery (DORA) from deployment records. Pure; what each means is said beside it, and in the docs.

A *deployment* is an attempt that ended: healed drift, a superseded attempt and one in progress are none, and what was
tried again and failed again is the deployment that it repeats. It *failed*
when it ended failed or partial, or when the next one of its application was a rollback that left its version. A failure
is over with the next deployment that succeeds: a rollback closes the failure that it answers. What degraded and came
back by itself needed no deployment, and is no failure of one.
"""

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import Literal

import msgspec

from lastgood.core.value import Value
from lastgood.core.words import Outcome, Trigger

# Fewer than so many say more of chance than of a team.
LEAST = 5
MOST_FAILURES = 100
WEEK = dt.timedelta(days=7)
# "4 weeks ago" is said some milliseconds before the period ends: that is four weeks, and not a fifth one.
_NO_WEEK = dt.timedelta(hours=1)
_DAY_S = 86_400.0
_BACK = ("rollback", "undo")
Division = Literal["application", "environment", "group"]
# Each in one sentence, as it stands beside its number in text, in JSON, on pages and for Prometheus.
DEFINITIONS = {
    "deployments": "attempts that ended; healed drift, superseded ones and those in progress are none",
    "lead_time": "from a source commit to the end of the first deployment with it that succeeded",
    "recovery_time": "from when a deployment went bad to the end of the application's next one that succeeded",
    "change_fail_rate": "deployments that ended failed or partial, or that the next one rolled back, among all",
    "rework_rate": "deployments that followed a failed one of their application, among all",
}


class Attempt(Value, frozen=True, kw_only=True):
    """What the figures need of a record.

    environment: the application's when the attempt began. committed: when the source commits of what entered were made;
    None: that is not known. more: there may be others that are not known. left: whether anything left. whole: its
    version came to the target, whether or not it was good there: so the next one is compared with it.
    """

    app: str
    number: int
    version: str
    trigger: Trigger
    outcome: Outcome
    started_at: dt.datetime
    finished_at: dt.datetime | None
    degraded_at: dt.datetime | None
    environment: str | None = None
    committed: tuple[dt.datetime, ...] | None = None
    more: bool = False
    left: bool = False
    whole: bool = True


class Spread(Value, frozen=True, kw_only=True):
    """Seconds that something took. median_s, p90_s: None for fewer than LEAST. left_out: what was not known of."""

    count: int
    median_s: float | None = None
    p90_s: float | None = None
    left_out: int = 0


class Share(Value, frozen=True, kw_only=True):
    """A part of a whole. share: None where there are fewer than LEAST in all."""

    count: int
    of: int
    share: float | None = None


class Week(Value, frozen=True, kw_only=True):
    """One step of the trend: seven days (of the oldest up to an hour more), or what the period has of them."""

    start: dt.datetime
    end: dt.datetime
    deployments: int
    failed: int
    lead_time: Spread
    recovery_time: Spread


class FailedDeployment(Value, frozen=True, kw_only=True):
    """A deployment that failed, and the one that ended it (None while it is open).

    at: when its attempt ended. recovery_s: None while it is open, or where nobody knows since when it was bad.
    """

    app: str
    number: int
    outcome: Outcome
    at: dt.datetime
    recovery_s: float | None = None
    ended_by: int | None = None
    ended_by_trigger: Trigger | None = None


class Figures(Value, frozen=True, kw_only=True):
    """The five figures of a period, and their trend by weeks, oldest first.

    lead_time: from a source commit to the end of the first deployment with it that succeeded; left_out: deployments
    whose commits are not known, or not all. deployments_per_day: of all days of the period. recovery_time: from when a
    deployment went bad to the end of the next one that succeeded; left_out: failures that only a person saw, whose
    begin nobody knows. open: failures without an end yet. change_fail_rate: failed among all. rework_rate: deployments
    that followed a failed one of their application, among all. failures: the newest first, at most MOST_FAILURES.
    """

    since: dt.datetime
    until: dt.datetime
    deployments: int
    deployments_per_day: float
    lead_time: Spread
    recovery_time: Spread
    open: int
    change_fail_rate: Share
    rework_rate: Share
    weeks: tuple[Week, ...] = ()
    failures: tuple[FailedDeployment, ...] = ()


class FiguresQuery(Value, frozen=True, kw_only=True):
    """Of what to count. None: of everything; since, until None: the 13 weeks until now. by: each of them apart, too."""

    app: str | None = None
    environment: str | None = None
    group: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    by: Division | None = None


class FiguresPart(Value, frozen=True, kw_only=True):
    """The figures of one application, environment or group, without weeks and failures. name: "" for none."""

    name: str
    figures: Figures


class FiguresView(Value, frozen=True, kw_only=True):
    """The figures of what was asked for. parts: by name; empty unless they were asked for.

    definitions: what each of the five figures counts.
    """

    app: str | None
    environment: str | None
    group: str | None
    figures: Figures
    parts: tuple[FiguresPart, ...] = ()
    definitions: dict[str, str] = msgspec.field(default_factory=DEFINITIONS.copy)


class Judged(Value, frozen=True, kw_only=True):
    """A deployment with what is said of it. at: when its attempt ended.

    recovery_s: None while it is open, or where its begin is not known. brought: when the commits were made that came to
    people with it. unsure: whether there may be others that are not known.
    """

    attempt: Attempt
    at: dt.datetime
    failed: bool = False
    rework: bool = False
    recovery_s: float | None = None
    ended_by: Attempt | None = None
    brought: tuple[dt.datetime, ...] = ()
    unsure: bool = False

    @property
    def open(self) -> bool:
        """Say whether it failed, and nothing has ended that yet."""
        return self.failed and self.ended_by is None


def judge(attempts: Iterable[Attempt], *, since: dt.datetime, until: dt.datetime) -> list[Judged]:
    """Return the deployments of one application that ended in [since, until), judged, oldest first.

    attempts: all of them, of any order: what was before the period says what was new in it and what repeats a failure,
    and what came after it ends its failures.
    """
    of_app = sorted(attempts, key=lambda one: one.number)
    brought, unsure = _brought(of_app)
    judged = _judged(_without_tries([one for one in of_app if _counts(one)]), _first_tried(of_app))
    return [
        msgspec.structs.replace(one, brought=brought.get(one.attempt.number, ()), unsure=one.attempt.number in unsure)
        for one in judged
        if since <= one.at < until
    ]


def figures(judged: Sequence[Judged], *, since: dt.datetime, until: dt.datetime) -> Figures:
    """Count what was judged of [since, until), of any number of applications."""
    failed = sorted((one for one in judged if one.failed), key=lambda one: one.at, reverse=True)
    return msgspec.structs.replace(
        _count(judged, since, until),
        weeks=tuple(_week(judged, *edges) for edges in pairwise(_edges(since, until))),
        failures=tuple(_failure(one) for one in failed[:MOST_FAILURES]),
    )


def figures_by(
    judged: Iterable[Judged], name_of: Callable[[Attempt], str], *, since: dt.datetime, until: dt.datetime
) -> tuple[FiguresPart, ...]:
    """Count the same for each name by itself. name_of: from an attempt to the name that it counts for."""
    by_name: dict[str, list[Judged]] = {}
    for one in judged:
        by_name.setdefault(name_of(one.attempt), []).append(one)
    return tuple(FiguresPart(name=name, figures=_count(some, since, until)) for name, some in sorted(by_name.items()))


def _brought(attempts: Sequence[Attempt]) -> tuple[dict[int, tuple[dt.datetime, ...]], set[int]]:
    """Return when the commits were made that came to people with each success, by its number; and which brought more.

    attempts: of one application, oldest first. What failed or was overtaken brought its commits to nobody: they come
    with the next success, which is compared with it or with what was before it. Where anything was taken back meanwhile
    nobody knows which of them are still there, and none is counted; an undo may bring them again, and tells which. What
    people had before something was taken back is not new when it comes again.
    """
    found: dict[int, tuple[dt.datetime, ...]] = {}
    unsure: set[int] = set()
    more_waits = False
    waiting: Counter[dt.datetime] = Counter()
    lost: Counter[dt.datetime] = Counter()
    # What came to people, up to the last time that anything was taken back, and since then.
    had: Counter[dt.datetime] = Counter()
    came: Counter[dt.datetime] = Counter()
    for one in attempts:
        if one.trigger == "drift":
            continue
        back = one.trigger in _BACK
        if one.left or back:
            lost |= waiting
            had += came
            came.clear()
            waiting.clear()
            more_waits = False
        # Going back brings no new change but what failed before: where nothing is known of it, nothing is missing.
        more_waits |= not back and one.whole and (one.committed is None or one.more)
        # The records have a begin: what going back brings, and was not seen to fail in them, people had before.
        committed = Counter(one.committed or ())
        waiting |= (committed & lost if back else committed) - had
        if one.outcome == "succeeded":
            found[one.number] = tuple(waiting.elements())
            came += waiting
            waiting.clear()
            if more_waits:
                unsure.add(one.number)
            more_waits = False
    return found, unsure


def _count(judged: Sequence[Judged], since: dt.datetime, until: dt.datetime) -> Figures:
    days = max((until - since).total_seconds() / _DAY_S, 1.0)
    return Figures(
        since=since,
        until=until,
        deployments=len(judged),
        deployments_per_day=len(judged) / days,
        lead_time=_lead_time(judged),
        recovery_time=_recovery_time(judged),
        open=sum(one.open for one in judged),
        change_fail_rate=_share(sum(one.failed for one in judged), len(judged)),
        rework_rate=_share(sum(one.rework for one in judged), len(judged)),
    )


def _failure(one: Judged) -> FailedDeployment:
    return FailedDeployment(
        app=one.attempt.app,
        number=one.attempt.number,
        outcome=one.attempt.outcome,
        at=one.at,
        recovery_s=one.recovery_s,
        ended_by=one.ended_by.number if one.ended_by else None,
        ended_by_trigger=one.ended_by.trigger if one.ended_by else None,
    )


def _counts(attempt: Attempt) -> bool:
    return (
        attempt.finished_at is not None
        and attempt.trigger != "drift"
        and attempt.outcome in ("succeeded", "failed", "partial")
    )


def _without_tries(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Leave out what was tried again of a deployment that failed, and failed again: it is that deployment still.

    A target that is away for a night would count for a hundred of them.
    """
    found: list[Attempt] = []
    for attempt in attempts:
        again = attempt.trigger == "retry" and attempt.outcome != "succeeded"
        if not (again and found and found[-1].outcome != "succeeded"):
            found.append(attempt)
    return found


def _first_tried(attempts: Sequence[Attempt]) -> dict[str, int]:
    """Return with which number each version was tried first."""
    found: dict[str, int] = {}
    for one in attempts:
        found.setdefault(one.version, one.number)
    return found


def _taken_back(attempt: Attempt, following: Attempt | None, first_tried: Mapping[str, int]) -> bool:
    """Say whether the next deployment is a rollback that left this one's version for an earlier one.

    One that left an attempt that it overtook brings the same version again. One that goes forward from a rollback, to
    a newer version that was tried before it, finds nothing bad in what that one had brought back.
    """
    if following is None or following.trigger != "rollback" or following.version == attempt.version:
        return False
    newer = first_tried[attempt.version] < first_tried[following.version] < attempt.number
    return not (attempt.trigger == "rollback" and newer)


def _judged(attempts: Sequence[Attempt], first_tried: Mapping[str, int]) -> list[Judged]:
    """Judge the deployments of one application, oldest first."""
    found: list[Judged] = []
    following: Attempt | None = None
    mended_by: Attempt | None = None
    for attempt in reversed(attempts):
        at = _ended_at(attempt)
        ended_well = attempt.outcome == "succeeded"
        failed = not ended_well or _taken_back(attempt, following, first_tried)
        # Of what a person found bad nobody knows since when, unless it was seen to degrade.
        begun = attempt.degraded_at if ended_well else at
        recovery_s = None
        if failed and mended_by and begun:
            # A clock that was set back must not make it less than nothing.
            recovery_s = max((_ended_at(mended_by) - begun).total_seconds(), 0.0)
        ended_by = mended_by if failed else None
        found.append(Judged(attempt=attempt, at=at, failed=failed, recovery_s=recovery_s, ended_by=ended_by))
        following = attempt
        if ended_well:
            mended_by = attempt
    found.reverse()
    return [
        msgspec.structs.replace(one, rework=before is not None and before.failed)
        for before, one in zip((None, *found), found, strict=False)
    ]


def _ended_at(attempt: Attempt) -> dt.datetime:
    return attempt.finished_at or attempt.started_at


def _lead_time(judged: Sequence[Judged]) -> Spread:
    took = [(one.at - when).total_seconds() for one in judged for when in one.brought]
    return _spread([max(one, 0.0) for one in took], left_out=sum(one.unsure for one in judged))


def _recovery_time(judged: Sequence[Judged]) -> Spread:
    over = [one for one in judged if one.failed and not one.open]
    took = [one.recovery_s for one in over if one.recovery_s is not None]
    return _spread(took, left_out=len(over) - len(took))


def _spread(took: Sequence[float], *, left_out: int) -> Spread:
    if len(took) < LEAST:
        return Spread(count=len(took), left_out=left_out)
    ordered = sorted(took)
    p90_s = ordered[ceil(len(ordered) * 0.9) - 1]
    return Spread(count=len(took), median_s=statistics.median(ordered), p90_s=p90_s, left_out=left_out)


def _share(count: int, of: int) -> Share:
    return Share(count=count, of=of, share=count / of if of >= LEAST else None)


def _edges(since: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """Return the weeks' edges, counted back from the end, so that the last one is whole.

    Less than an hour at the begin belongs to the week that follows.
    """
    edges = [until]
    while edges[-1] - since > WEEK + _NO_WEEK:
        edges.append(edges[-1] - WEEK)
    return [since, *edges[::-1]]


def _week(judged: Sequence[Judged], start: dt.datetime, end: dt.datetime) -> Week:
    inside = [one for one in judged if start <= one.at < end]
    return Week(
        start=start,
        end=end,
        deployments=len(inside),
        failed=sum(one.failed for one in inside),
        lead_time=_lead_time(inside),
        recovery_time=_recovery_time(inside),
    )
