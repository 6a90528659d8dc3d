"""The parts of pages that a batch of events changes, rendered once for all readers.

The same partials as in the pages, with nothing in them that belongs to one reader. Asks as little as it can: all
applications once for a batch, and two questions for each application that changed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from lastgood.core.application import ApplicationView
from lastgood.core.errors import LastgoodError, Unknown
from lastgood.core.ports import Lastgood
from lastgood.core.record import Event
from lastgood.core.timeline import TimelineQuery
from lastgood.core.value import Value
from lastgood.web.applications import GroupRow, application_rows, shown_columns
from lastgood.web.names import stream_name
from lastgood.web.pages import Pages
from lastgood.web.progress import END_STEPS, Progress, progress_of
from lastgood.web.rail import RecordView, record_view
from lastgood.web.verdict import AppHeader, Verdict, app_header, verdict_of

APPS_MOST = 20
RECENT = 3
WATCHED_MOST = 100


class Frame(Value, frozen=True, kw_only=True):
    """One server-sent event: its name, which a page swaps in, and its HTML."""

    name: str
    data: str


@dataclass(frozen=True, kw_only=True)
class RowFragment:
    """The context of partials/application-row.html."""

    row: GroupRow
    columns: tuple[str, ...]
    now: dt.datetime


@dataclass(frozen=True, kw_only=True)
class HeaderFragment:
    """The context of partials/app-facts.html and partials/verdict.html."""

    header: AppHeader
    verdict: Verdict
    now: dt.datetime


@dataclass(frozen=True, kw_only=True)
class RecordFragment:
    """The context of partials/record.html and partials/new-records.html."""

    record: RecordView
    now: dt.datetime
    several: bool
    app: str


@dataclass(frozen=True, kw_only=True)
class StaleFragment:
    """The context of partials/plan-stale.html: what the branch asks for now."""

    app: str
    version: str | None
    short: str | None


@dataclass(frozen=True, kw_only=True)
class ProgressFragment:
    """The context of partials/progress.html."""

    progress: Progress
    now: dt.datetime


class Fragments:
    """Makes frames out of events."""

    def __init__(self, lastgood: Lastgood, pages: Pages) -> None:
        self._lastgood = lastgood
        self._pages = pages
        self._watched: dict[str, tuple[str, ...]] = {}
        self._troubled: set[str] = set()

    def watch(self, operation: str) -> None:
        """Render the progress of an operation with every batch that touches it, until it has ended."""
        if operation not in self._watched:
            while len(self._watched) >= WATCHED_MOST:
                self._watched.pop(next(iter(self._watched)))
            self._watched[operation] = ()

    async def of(self, events: Sequence[Event]) -> list[Frame]:
        """Return the frames of a batch; `reload` in place of applications where too much changed at once."""
        changed = {event.app for event in events if event.app}
        moves_all = [event for event in events if self._moves_all_pages(event)]
        frames = []
        if len(changed) > APPS_MOST or moves_all:
            frames.append(Frame(name="reload", data=""))
        elif changed:
            apps = await self._lastgood.apps()
            frames += self._rows(apps, changed)
            for name in sorted(changed & {app.name for app in apps}):
                frames += await self._application(name)
        for operation in list(self._watched) if changed else ():
            frames += await self._operation(operation)
        return frames

    def _moves_all_pages(self, event: Event) -> bool:
        # A head or a repo that was looked at, and an agent that started, change no page by themselves: what they lead
        # to comes as events of applications. A repo that is lost or found again is said on every page.
        if event.app is not None or event.kind in {"head", "agent"}:
            return False
        if event.kind != "repo":
            return True
        repo = str(event.payload.get("repo"))
        before = repo in self._troubled
        if event.payload.get("state") == "ok":
            self._troubled.discard(repo)
        else:
            self._troubled.add(repo)
        return before != (repo in self._troubled)

    def _rows(self, apps: list[ApplicationView], changed: set[str]) -> list[Frame]:
        groups = {app.group for app in apps if app.name in changed}
        columns = shown_columns(apps)
        now = self._pages.now()
        return [
            Frame(
                name=stream_name("app", row.group),
                data=self._pages.render(
                    "partials/application-row.html", RowFragment(row=row, columns=columns, now=now)
                ),
            )
            for row in application_rows([app for app in apps if app.group in groups])
        ]

    async def _application(self, name: str) -> list[Frame]:
        now = self._pages.now()
        try:
            status = await self._lastgood.status(name)
            entries = await self._lastgood.timeline(TimelineQuery(app=name, limit=RECENT))
        except Unknown:
            return []
        top = HeaderFragment(header=app_header(status), verdict=verdict_of(status, now=now), now=now)
        frames = [
            Frame(name=stream_name("facts", name), data=self._pages.render("partials/app-facts.html", top)),
            Frame(name=stream_name("verdict", name), data=self._pages.render("partials/verdict.html", top)),
        ]
        for number, entry in enumerate(entries):
            record = record_view(entry, tip=number == 0)
            context = RecordFragment(record=record, now=now, several=False, app=name)
            data = self._pages.render("partials/record.html", context)
            frames.append(Frame(name=stream_name("record", record.anchor), data=data))
            if number == 0:
                data = self._pages.render("partials/new-records.html", context)
                frames.append(Frame(name=stream_name("new", name), data=data))
        desired = status.application.desired
        stale = StaleFragment(
            app=name, version=desired.version if desired else None, short=desired.short if desired else None
        )
        frames.append(
            Frame(name=stream_name("stale", name), data=self._pages.render("partials/plan-stale.html", stale))
        )
        return frames

    async def _operation(self, identity: str) -> list[Frame]:
        try:
            progress = await progress_of(self._lastgood, identity, now=self._pages.now())
        except LastgoodError:
            self._watched.pop(identity, None)
            return []
        if progress.state in END_STEPS:
            self._watched.pop(identity, None)
        context = ProgressFragment(progress=progress, now=self._pages.now())
        return [
            Frame(name=stream_name("title", identity), data=escape(progress.title)),
            Frame(name=stream_name("progress", identity), data=self._pages.render("partials/progress.html", context)),
        ]
