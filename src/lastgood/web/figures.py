"""The page of the figures of delivery (DORA), and their weeks as CSV."""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.deployment import Deployment
from lastgood.core.errors import CommandLineWrong
from lastgood.core.figures import Division, FailedDeployment, Figures, FiguresPart, FiguresQuery, Week
from lastgood.core.ports import Lastgood
from lastgood.core.record import Bucket
from lastgood.core.value import Value
from lastgood.web.applications import environments_of
from lastgood.web.asked import text
from lastgood.web.chart import Chart, draw
from lastgood.web.figure_charts import Lines, Marks, lead_lines, recovery_marks
from lastgood.web.figure_tiles import Tile, tiles
from lastgood.web.pages import Page, Pages, address, segment, wants_part
from lastgood.web.period import PeriodLink
from lastgood.web.records import Records
from lastgood.web.routes import Routes

WEEKS = (4, 13, 52)
USUAL_WEEKS = 13
FAILURES_SHOWN = 5
PARTS_SHOWN = 50
_DIVISIONS: tuple[str, ...] = get_args(Division)
_FIELDS = ("weeks", "app", "environment", "group", "by")


class Asked(Value, frozen=True, kw_only=True):
    """What the address asks for. given: field to text, empty ones left out."""

    given: dict[str, str]
    weeks: int
    by: Division

    def query(self, now: dt.datetime, *, periods_back: int = 0) -> FiguresQuery:
        """Return the question for this period, or for the one so many before it."""
        length = dt.timedelta(weeks=self.weeks)
        until = now - periods_back * length
        given = self.given
        return FiguresQuery(
            app=given.get("app"),
            environment=given.get("environment"),
            group=given.get("group"),
            since=until - length,
            until=until,
        )

    def url(self, changed: Mapping[str, str | None], path: str = "/figures") -> str:
        """Return an address that asks for the same, with some fields changed."""
        return address(path, {**self.given, **changed})


class FailureRow(Value, frozen=True, kw_only=True):
    """One of the newest failures, and its record, None where it is gone."""

    failure: FailedDeployment
    run: Deployment | None


class PartRow(Value, frozen=True, kw_only=True):
    """The figures of one part, and the address that shows them alone (None: of no name)."""

    part: FiguresPart
    url: str | None


class Choices(Value, frozen=True, kw_only=True):
    """What the form offers."""

    apps: tuple[str, ...]
    environments: tuple[str, ...]
    groups: tuple[str, ...]
    periods: tuple[PeriodLink, ...]
    divisions: tuple[str, ...] = _DIVISIONS


@dataclass(frozen=True, kw_only=True)
class FiguresPage(Page):
    """The context of figures.html and of partials/figures.html."""

    now: dt.datetime
    asked: Asked
    choices: Choices
    figures: Figures
    tiles: tuple[Tile, ...]
    chart: Chart
    lead: Lines | None
    recovery: Marks | None
    failures: tuple[FailureRow, ...]
    parts: tuple[PartRow, ...]
    parts_more: int
    timeline_url: str
    csv_url: str


def figures_routes(lastgood: Lastgood, records: Records, pages: Pages) -> Routes:
    """Serve the page (for htmx the figures alone) and the weeks as CSV."""
    routes = Routes()

    @routes.get("/figures")
    async def figures(request: Request) -> Response:
        frame = pages.frame(request, section="figures")
        asked = read_asked(request.query_params)
        query = msgspec.structs.replace(asked.query(frame.now), by=None if "app" in asked.given else asked.by)
        view = await lastgood.figures(query)
        before = await lastgood.figures(asked.query(frame.now, periods_back=1))
        apps = await lastgood.apps()
        found = view.figures
        parts = sorted(view.parts, key=lambda part: (-part.figures.deployments, part.name))
        page = FiguresPage(
            frame=frame,
            title="Delivery metrics",
            now=frame.now,
            asked=asked,
            choices=Choices(
                apps=tuple(sorted(app.name for app in apps)),
                environments=environments_of(apps),
                groups=tuple(sorted({app.group for app in apps})),
                periods=tuple(
                    PeriodLink(label=f"{n} weeks", url=asked.url({"weeks": str(n)}), current=n == asked.weeks)
                    for n in WEEKS
                ),
            ),
            figures=found,
            tiles=tiles(found, before.figures),
            chart=_chart(found, asked, frame.now),
            lead=lead_lines(found),
            recovery=recovery_marks(found),
            failures=tuple(
                [
                    FailureRow(failure=one, run=await records.deployment(one.app, one.number))
                    for one in found.failures[:FAILURES_SHOWN]
                ]
            ),
            parts=tuple(PartRow(part=part, url=_part_url(part, asked)) for part in parts[:PARTS_SHOWN]),
            parts_more=max(len(parts) - PARTS_SHOWN, 0),
            timeline_url=_timeline_url(asked, found.since, found.until),
            csv_url=asked.url({}, "/figures.csv"),
        )
        return pages.answer("partials/figures.html" if wants_part(request) else "figures.html", page)

    @routes.get("/figures.csv")
    async def weeks(request: Request) -> Response:
        asked = read_asked(request.query_params)
        view = await lastgood.figures(asked.query(pages.now()))
        headers = {"content-disposition": 'attachment; filename="figures.csv"'}
        return Response(_csv(view.figures.weeks), media_type="text/csv", headers=headers)

    return routes


def read_asked(query: Mapping[str, str]) -> Asked:
    """Read the page's address. Raises CommandLineWrong for a period or a division that is not offered."""
    given = {name: text(query[name]) for name in _FIELDS if query.get(name, "").strip()}
    weeks = given.get("weeks", str(USUAL_WEEKS))
    if weeks not in map(str, WEEKS):
        raise CommandLineWrong(f"there are no figures of {weeks[:40]} weeks", hint="choose 4, 13 or 52")
    by = given.get("by", _DIVISIONS[0])
    for division in get_args(Division):
        if by == division:
            return Asked(given=given, weeks=int(weeks), by=division)
    raise CommandLineWrong(f"there are no figures by {by[:40]}", hint=f"choose {', '.join(_DIVISIONS)}")


def _chart(found: Figures, asked: Asked, now: dt.datetime) -> Chart:
    buckets = [
        Bucket(
            start=week.start,
            end=week.end,
            counts={"succeeded": week.deployments - week.failed, "failed": week.failed},
        )
        for week in found.weeks
    ]
    return draw(buckets, unit="week", now=now, url=lambda bucket: _timeline_url(asked, bucket.start, bucket.end))


def _timeline_url(asked: Asked, start: dt.datetime, end: dt.datetime) -> str:
    given = asked.given
    path = f"/apps/{segment(given['app'])}/timeline" if "app" in given else "/timeline"
    last = end - dt.timedelta(seconds=1)
    return address(
        path, {"from": f"{start:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "environment": given.get("environment")}
    )


def _part_url(part: FiguresPart, asked: Asked) -> str | None:
    if not part.name:
        return None
    return asked.url({"app" if asked.by == "application" else asked.by: part.name, "by": None})


def _csv(weeks: Sequence[Week]) -> str:
    """Write one line for each week: times in UTC, lengths in seconds, empty where a figure is not known."""
    into = io.StringIO()
    writer = csv.writer(into, lineterminator="\r\n")
    writer.writerow(
        ("start", "end", "deployments", "failed", "lead_time_commits", "lead_time_median_s", "lead_time_p90_s",
         "lead_time_left_out", "recoveries", "recovery_time_median_s", "recovery_time_p90_s", "recovery_time_left_out")
    )  # fmt: skip
    for week in weeks:
        lead, recovery = week.lead_time, week.recovery_time
        writer.writerow(
            (week.start.isoformat(), week.end.isoformat(), week.deployments, week.failed,
             lead.count, lead.median_s, lead.p90_s, lead.left_out,
             recovery.count, recovery.median_s, recovery.p90_s, recovery.left_out)
        )  # fmt: skip
    return into.getvalue()
