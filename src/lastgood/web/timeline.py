"""The timeline pages: of one application, of everything, and one record of it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lastgood.core.application import ApplicationView
from lastgood.core.errors import StoreFailed, UnknownApplication
from lastgood.core.ports import Lastgood
from lastgood.core.status import WaitingRequest
from lastgood.core.timeline import TimelineEntry
from lastgood.core.value import Value
from lastgood.web.applications import EnvironmentCell, application_rows, environments_of
from lastgood.web.chart import Chart, begins_lately, draw, edges_of
from lastgood.web.clockface import day_heading
from lastgood.web.pages import Frame, Page, Pages, address, segment, wants_part
from lastgood.web.period import OUTCOMES, TRIGGERS, Chip, Filters, PeriodLink, read_filters
from lastgood.web.query import LIMIT
from lastgood.web.rail import Day, RecordView, days, record_view
from lastgood.web.records import Records
from lastgood.web.routes import Routes
from lastgood.web.verdict import AppHeader, Verdict, app_header, verdict_of


class Toolbar(Value, frozen=True, kw_only=True):
    """The filter form's present values and choices."""

    path: str
    given: dict[str, str]
    periods: tuple[PeriodLink, ...]
    chips: tuple[Chip, ...]
    clear_url: str
    outcomes: dict[str, str]
    triggers: dict[str, str]
    environments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class History:
    """What partials/history.html needs: days of records, and what stands around them.

    total: all deployments, filters aside; None where it could not be counted. why_none: why the period
    can have no record, "" where it can.
    """

    days: tuple[Day, ...]
    count: int
    total: int | None
    older_url: str | None
    truncated: bool
    filtered: bool
    clear_url: str
    first_page: bool
    app: str | None
    path: str
    why_none: str


@dataclass(frozen=True, kw_only=True)
class EverythingPage(Page):
    """The context of everything.html: the timeline of all applications. waiting: for which, what waits to be merged."""

    toolbar: Toolbar
    chart: Chart | None
    history: History
    several: bool
    now: dt.datetime
    waiting: tuple[tuple[str, WaitingRequest], ...]


@dataclass(frozen=True, kw_only=True)
class TimelinePage(EverythingPage):
    """The context of timeline.html: the timeline of one application."""

    header: AppHeader
    siblings: tuple[EnvironmentCell, ...]
    verdict: Verdict
    tab: str


@dataclass(frozen=True, kw_only=True)
class ForgottenPage(EverythingPage):
    """The context of forgotten.html: the records of an application that is followed no more. said: why, in words."""

    app: str
    said: str
    hint: str | None


@dataclass(frozen=True, kw_only=True)
class RecordPage(Page):
    """The context of record.html and of partials/record-detail.html."""

    record: RecordView
    now: dt.datetime
    several: bool
    app: str
    day: str


def history_of(
    entries: Sequence[TimelineEntry], *, filters: Filters, app: str | None, total: int | None, frame: Frame
) -> History:
    """Lay a page of records out; entries may be one more than a page shows."""
    shown = entries[:LIMIT]
    more = len(entries) > LIMIT and bool(shown[-1].cursor)
    return History(
        days=days(
            shown, today=frame.now.date(), first_page=filters.before is None and not filters.given, ends=not more
        ),
        count=len(shown),
        total=total,
        older_url=filters.older(shown[-1].cursor) if more else None,
        truncated=bool(shown) and shown[-1].truncated and not more,
        filtered=bool(filters.given),
        clear_url=filters.path,
        first_page=filters.before is None,
        app=app,
        path=filters.path,
        why_none=filters.why_none(frame.now),
    )


async def chart_of(
    records: Records, *, filters: Filters, app: str | None, frame: Frame
) -> tuple[Chart | None, int | None]:
    """Count and draw; return (None, None) where the records cannot be counted: the list stays."""
    if filters.why_none(frame.now):
        return None, None
    unit, edges = edges_of(*filters.chart_period(frame.now))
    try:
        buckets = await records.deployment_buckets(filters.counted(app, edges[0], edges[-1]), edges)
        if filters.since is None and filters.until is None and begins_lately(buckets):
            # A month of which nothing but the end is filled says less than the hours of that end.
            unit, edges = edges_of(buckets[-2].start, edges[-1])
            buckets = await records.deployment_buckets(filters.counted(app, edges[0], edges[-1]), edges)
        total = await records.count_deployments(Filters.counted(read_filters("", {}), app, edges[0], edges[-1]))
    except StoreFailed:
        return None, None
    one_day = unit == "hour"
    return draw(
        buckets,
        unit=unit,
        now=frame.now,
        url=lambda bucket: filters.url(
            from_=f"{bucket.start:%Y-%m-%d}", to_=f"{bucket.start if one_day else _last_day(bucket.end):%Y-%m-%d}"
        ),
    ), total


def _last_day(end: dt.datetime) -> dt.datetime:
    return end - dt.timedelta(seconds=1)


def toolbar_of(filters: Filters, frame: Frame, environments: tuple[str, ...]) -> Toolbar:
    """Put the filter form together."""
    return Toolbar(
        path=filters.path,
        given=filters.given,
        periods=filters.periods(frame.now),
        chips=filters.chips(),
        clear_url=filters.path,
        outcomes=OUTCOMES,
        triggers=TRIGGERS,
        environments=environments,
    )


def siblings_of(app: ApplicationView, apps: list[ApplicationView]) -> tuple[EnvironmentCell, ...]:
    """Return the cells of an application's group, itself included."""
    rows = application_rows([other for other in apps if other.group == app.group])
    return rows[0].cells if rows else ()


def timeline_routes(lastgood: Lastgood, records: Records, pages: Pages) -> Routes:
    """Serve the pages; for htmx the list of records alone."""
    routes = Routes()

    @routes.get("/timeline")
    async def everything(request: Request) -> Response:
        frame = pages.frame(request, section="timeline")
        filters = read_filters("/timeline", request.query_params)
        entries = await lastgood.timeline(filters.query(None))
        if wants_part(request) and filters.before:
            history = history_of(entries, filters=filters, app=None, total=None, frame=frame)
            return pages.answer("partials/records.html", _Records(history=history, now=frame.now, several=True))
        chart, total = await chart_of(records, filters=filters, app=None, frame=frame)
        page = EverythingPage(
            frame=frame,
            title="Timeline",
            toolbar=toolbar_of(filters, frame, environments_of(await lastgood.apps())),
            chart=chart,
            history=history_of(entries, filters=filters, app=None, total=total, frame=frame),
            several=True,
            now=frame.now,
            waiting=tuple((entry.app, one) for entry in entries for one in entry.waiting),
        )
        return pages.answer("partials/history.html" if wants_part(request) else "everything.html", page)

    @routes.get("/apps/{name}")
    async def application(_: Request, name: str) -> Response:
        return RedirectResponse(f"/apps/{segment(name)}/timeline", status_code=303)

    @routes.get("/apps/{name}/timeline")
    async def timeline(request: Request, name: str) -> Response:
        frame = pages.frame(request, section="applications")
        filters = read_filters(f"/apps/{segment(name)}/timeline", request.query_params)
        entries = await lastgood.timeline(filters.query(name))
        if wants_part(request) and filters.before:
            history = history_of(entries, filters=filters, app=name, total=None, frame=frame)
            return pages.answer("partials/records.html", _Records(history=history, now=frame.now, several=False))
        try:
            status = await lastgood.status(name)
        except UnknownApplication as gone:
            return await forgotten(request, frame, name, filters, entries, gone)
        chart, total = await chart_of(records, filters=filters, app=name, frame=frame)
        page = TimelinePage(
            frame=frame,
            title=f"Timeline of {name}",
            toolbar=toolbar_of(filters, frame, ()),
            chart=chart,
            history=history_of(entries, filters=filters, app=name, total=total, frame=frame),
            several=False,
            now=frame.now,
            waiting=(),
            header=app_header(status),
            siblings=siblings_of(status.application, await lastgood.apps()),
            verdict=verdict_of(status, now=frame.now),
            tab="timeline",
        )
        return pages.answer("partials/history.html" if wants_part(request) else "timeline.html", page)

    async def forgotten(
        request: Request,
        frame: Frame,
        name: str,
        filters: Filters,
        entries: list[TimelineEntry],
        gone: UnknownApplication,
    ) -> Response:
        """Show the records alone: an application that was forgotten has no state."""
        chart, total = await chart_of(records, filters=filters, app=name, frame=frame)
        page = ForgottenPage(
            frame=frame,
            title=f"Timeline of {name}",
            toolbar=toolbar_of(filters, frame, ()),
            chart=chart,
            history=history_of(entries, filters=filters, app=None, total=total, frame=frame),
            several=False,
            now=frame.now,
            waiting=(),
            app=name,
            said=gone.message,
            hint=gone.hint,
        )
        return pages.answer("partials/history.html" if wants_part(request) else "forgotten.html", page)

    @routes.get("/apps/{name}/records/{key}")
    async def record(request: Request, name: str, key: str) -> Response:
        frame = pages.frame(request, section="applications")
        view = record_view(await lastgood.show(name, key), tip=True, tail=True)
        page = RecordPage(
            frame=frame,
            title=f"{name} {view.entry.short}",
            record=view,
            now=frame.now,
            several=False,
            app=name,
            day=day_heading(view.at.date(), frame.now.date()),
        )
        return pages.answer("partials/record-detail.html" if wants_part(request) else "record.html", page)

    return routes


@dataclass(frozen=True, kw_only=True)
class _Records:
    """The context of partials/records.html."""

    history: History
    now: dt.datetime
    several: bool


def timeline_url(app: str) -> str:
    """Return the address of an application's timeline."""
    return address(f"/apps/{segment(app)}/timeline", {})
