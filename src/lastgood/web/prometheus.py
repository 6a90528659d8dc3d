"""What Prometheus scrapes at `/metrics`: the state of applications, their deployments and the figures of delivery.

Counts are of records, so they go on where they were after a restart. The figures are of the 13 weeks until now: as
counts, because shares of several applications can be added up only from these.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.application import ApplicationView
from lastgood.core.discovery import Problem
from lastgood.core.figures import DEFINITIONS, FiguresPart, FiguresQuery
from lastgood.core.ports import Clock, Lastgood
from lastgood.core.record import DeploymentCount
from lastgood.core.value import Value
from lastgood.web.records import Records
from lastgood.web.routes import Routes

# They are counted anew from all records of the period: seldom enough for any interval of scraping.
FIGURES_FRESH = dt.timedelta(minutes=1)
_OF = ("application", "environment", "group")
_LATELY = "in the 13 weeks until now"


class Known(Value, frozen=True, kw_only=True):
    """All that one answer tells."""

    version: str
    apps: tuple[ApplicationView, ...]
    problems: tuple[Problem, ...]
    totals: tuple[DeploymentCount, ...]
    parts: tuple[FiguresPart, ...]


class Scrape:
    """Puts together what is known now; figures that are a minute old are taken as they are."""

    def __init__(self, lastgood: Lastgood, records: Records, *, clock: Clock, version: str) -> None:
        self._lastgood = lastgood
        self._records = records
        self._clock = clock
        self._version = version
        self._parts: tuple[FiguresPart, ...] = ()
        self._counted_at: dt.datetime | None = None
        self._counting = asyncio.Lock()

    async def look(self) -> Known:
        """Ask for everything."""
        return Known(
            version=self._version,
            apps=tuple(await self._lastgood.apps()),
            problems=tuple(await self._lastgood.problems()),
            totals=tuple(await self._records.deployment_totals()),
            parts=await self._figures(),
        )

    async def _figures(self) -> tuple[FiguresPart, ...]:
        # Of two that scrape at once, the second takes what the first has counted.
        async with self._counting:
            now = self._clock.now()
            if self._counted_at is None or not dt.timedelta() <= now - self._counted_at < FIGURES_FRESH:
                self._parts = (await self._lastgood.figures(FiguresQuery(by="application"))).parts
                self._counted_at = now
            return self._parts


def prometheus_routes(scrape: Scrape) -> Routes:
    """Serve `/metrics`, in the form that is asked for: Prometheus's text, or OpenMetrics."""
    routes = Routes()

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        known = await scrape.look()
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, _Registry(known)), headers={"content-type": kind})

    return routes


class _Registry:
    """What the library asks for the series."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def collect(self) -> Iterator[Metric]:
        known = self._known
        of = {app.name: (app.name, app.environment or "", app.group) for app in known.apps}
        build = GaugeMetricFamily("lastgood_build_info", "The lastgood that answers, always 1", labels=["version"])
        build.add_metric([known.version], 1)
        yield build
        yield from _applications(known.apps)
        yield _problems(known.problems)
        yield _deployments(known.totals, of)
        yield from _figures(known.parts, of)


def _applications(apps: Sequence[ApplicationView]) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "lastgood_application_info",
        "What an application is and how it is, always 1",
        labels=[*_OF, "destination", "state", "health", "sync"],
    )
    holds = GaugeMetricFamily("lastgood_application_holds", "Versions of an application that are held", labels=_OF)
    paused = GaugeMetricFamily("lastgood_application_paused", "1 while deployments are stopped by a pause", labels=_OF)
    for app in apps:
        of = [app.name, app.environment or "", app.group]
        info.add_metric([*of, app.destination, app.state, app.health or "Unknown", app.sync or "Unknown"], 1)
        holds.add_metric(of, app.held)
        # Git alone tells of no pause: then nothing is said.
        if app.paused is not None:
            paused.add_metric(of, int(app.paused))
    yield from (info, holds, paused)


def _problems(problems: Sequence[Problem]) -> Metric:
    found = GaugeMetricFamily("lastgood_problems", "What is wrong in a config repo now", labels=["repo"])
    for repo, count in sorted(Counter(problem.repo or "" for problem in problems).items()):
        found.add_metric([repo], count)
    return found


def _deployments(totals: Sequence[DeploymentCount], of: dict[str, tuple[str, str, str]]) -> Metric:
    ended = CounterMetricFamily(
        "lastgood_deployments", "Attempts on record that ended", labels=[*_OF, "trigger", "outcome"]
    )
    for one in totals:
        ended.add_metric([*of.get(one.app, (one.app, "", "")), one.trigger, one.outcome], one.count)
    return ended


def _figures(parts: Sequence[FiguresPart], of: dict[str, tuple[str, str, str]]) -> Iterator[Metric]:
    counts = {
        name: GaugeMetricFamily(f"lastgood_figures_{name}", f"{words} {_LATELY}", labels=_OF)
        for name, words in (
            ("deployments", f"Deployments ({DEFINITIONS['deployments']})"),
            ("failed_deployments", f"Failed ones ({_counted('change_fail_rate')})"),
            ("rework_deployments", f"Rework ({_counted('rework_rate')})"),
            ("open_failures", "Failed deployments that nothing has ended yet,"),
            ("lead_time_left_out", "Deployments whose source commits are not known"),
            ("recovery_time_left_out", "Failures that are over and of which nobody knows since when,"),
        )
    }
    spreads = {
        name: GaugeMetricFamily(f"lastgood_figures_{name}_seconds", f"{words} {_LATELY}", labels=[*_OF, "quantile"])
        for name, words in (
            ("lead_time", f"Lead time ({DEFINITIONS['lead_time']})"),
            ("recovery_time", f"Recovery time ({DEFINITIONS['recovery_time']})"),
        )
    }
    for part in parts:
        labels: list[Any] = list(of.get(part.name, (part.name, "", "")))
        found = part.figures
        counts["deployments"].add_metric(labels, found.deployments)
        counts["failed_deployments"].add_metric(labels, found.change_fail_rate.count)
        counts["rework_deployments"].add_metric(labels, found.rework_rate.count)
        counts["open_failures"].add_metric(labels, found.open)
        counts["lead_time_left_out"].add_metric(labels, found.lead_time.left_out)
        counts["recovery_time_left_out"].add_metric(labels, found.recovery_time.left_out)
        for name, spread in (("lead_time", found.lead_time), ("recovery_time", found.recovery_time)):
            for quantile, seconds in (("0.5", spread.median_s), ("0.9", spread.p90_s)):
                if seconds is not None:
                    spreads[name].add_metric([*labels, quantile], seconds)
    yield from (*counts.values(), *spreads.values())


def _counted(rate: str) -> str:
    """Return what a rate counts, without that it is one."""
    return DEFINITIONS[rate].removesuffix(", among all")
