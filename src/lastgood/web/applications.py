"""The page of all applications: a row for each group, its environments side by side, what needs a person first."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.application import ApplicationView
from lastgood.core.discovery import Problem
from lastgood.core.errors import CommandLineWrong
from lastgood.core.observation import worst
from lastgood.core.ports import Lastgood
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.web.asked import text
from lastgood.web.badge import APPLICATION_STATE, Badge, health_badge, sync_badge
from lastgood.web.pages import Frame, Page, Pages, address, wants_part
from lastgood.web.routes import Routes

GROUPS_PER_PAGE = 50
COLUMNS_MOST = 4
TROUBLES_MOST = 10
ELSEWHERE = "Elsewhere"


class EnvironmentCell(Value, frozen=True, kw_only=True):
    """An application in its group's row. notes: what is out of the ordinary, in a few words each."""

    name: str
    environment: str | None
    running: Version | None
    badge: Badge
    notes: tuple[str, ...]
    updated_at: dt.datetime | None


class GroupRow(Value, frozen=True, kw_only=True):
    """A group: health and sync of the environment that needs a person most, and every environment's cell."""

    group: str
    app: str
    where: str
    health: Badge
    health_of: str
    sync: Badge
    sync_of: str
    held: int
    attention: bool
    cells: tuple[EnvironmentCell, ...]
    last: Version | None
    last_at: dt.datetime | None

    def cells_in(self, column: str) -> tuple[EnvironmentCell, ...]:
        """Return the cells of a column: those of an environment, or of applications without one."""
        return tuple(cell for cell in self.cells if (cell.environment or ELSEWHERE) == column)


class Shown(Value, frozen=True, kw_only=True):
    """One choice of the filter: its word in the address, its label and icon, how many applications it shows."""

    key: str
    label: str
    icon: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class ApplicationTable:
    """What partials/application-table.html needs."""

    now: dt.datetime
    rows: tuple[GroupRow, ...]
    columns: tuple[str, ...]
    first: int
    total: int
    total_unfiltered: int
    previous_url: str | None
    next_url: str | None
    clear_url: str


@dataclass(frozen=True, kw_only=True)
class ApplicationsPage(Page):
    """The context of applications.html. troubles: what is wrong with whole repos, or with the records."""

    troubles: tuple[str, ...]
    more_troubles: int
    shown: tuple[Shown, ...]
    show: str
    query: str
    environment: str
    destination: str
    environments: tuple[str, ...]
    destinations: tuple[str, ...]
    table: ApplicationTable


def needs_attention(app: ApplicationView) -> bool:
    """Say whether a person should look: not well, not in step, held, stopped, refused or paused."""
    return bool(
        app.health in {"Degraded", "Missing", "Unknown"}
        or app.sync == "OutOfSync"
        or app.state != "followed"
        or app.refused
        or app.held
        or app.paused
    )


_SHOW: tuple[tuple[str, str, str, Callable[[ApplicationView], bool]], ...] = (
    ("", "All", "", lambda _: True),
    ("attention", "Needs attention", "warn", needs_attention),
    ("progress", "In progress", "run", lambda app: app.health == "Progressing"),
    ("drift", "OutOfSync", "drift", lambda app: app.sync == "OutOfSync"),
    ("held", "Held", "hold", lambda app: bool(app.held)),
    ("paused", "Paused", "pause", lambda app: bool(app.paused)),
)


_URGENCY = {"Missing": 0, "Degraded": 0, "Unknown": 1}


def application_rows(apps: list[ApplicationView]) -> tuple[GroupRow, ...]:
    """Put applications together by group: those that need attention first, then by name."""
    groups: dict[str, list[ApplicationView]] = {}
    for app in apps:
        groups.setdefault(app.group, []).append(app)
    rows = (_row(group, members) for group, members in groups.items())
    return tuple(sorted(rows, key=lambda row: (not row.attention, _URGENCY.get(row.health.word, 9), row.group)))


def environments_of(apps: list[ApplicationView]) -> tuple[str, ...]:
    """Return the environments by name, production at the end: that is the way that a change goes."""
    names = {app.environment for app in apps if app.environment}
    return tuple(sorted(names, key=lambda name: (name in {"production", "prod", "live"}, name)))


def shown_columns(apps: list[ApplicationView]) -> tuple[str, ...]:
    """Return the environments with a column of their own, and one for what is in none; () where they are too many."""
    columns = environments_of(apps)
    if columns and any(not app.environment for app in apps):
        columns = (*columns, ELSEWHERE)
    return columns if len(columns) <= COLUMNS_MOST else ()


def notes_of(app: ApplicationView) -> tuple[str, ...]:
    """Say in a few words what is out of the ordinary in an application."""
    notes = []
    if app.state in APPLICATION_STATE:
        word = APPLICATION_STATE[app.state].word
        notes.append(word[0].lower() + word[1:])
    if app.paused:
        notes.append("paused")
    if app.refused:
        notes.append(f"{app.refused.commit[:7]} refused by a hold")
    elif app.desired and (app.running is None or app.desired.version != app.running.version) and app.paused is not None:
        notes.append(f"{app.desired.short} wanted")
    return tuple(notes)


def _row(group: str, members: list[ApplicationView]) -> GroupRow:
    order = environments_of(members)
    members = sorted(members, key=lambda app: (order.index(app.environment) if app.environment else -1, app.name))
    health = worst([app.health or "Unknown" for app in members])
    unwell = next(app for app in reversed(members) if (app.health or "Unknown") == health)
    unsynced = next((app for app in reversed(members) if app.sync == "OutOfSync"), None)
    unsynced = unsynced or next((app for app in members if app.sync != "Synced"), members[-1])
    newest = max(members, key=lambda app: app.updated_at or dt.datetime.min.replace(tzinfo=dt.UTC))
    several = len(members) > 1
    return GroupRow(
        group=group,
        app=(unwell if health not in {"Healthy", "Progressing"} else members[-1]).name,
        where=", ".join(sorted({f"{app.repo or 'here'}, {_shared_path(members)}" for app in members})),
        health=health_badge(health),
        health_of=_said(unwell, several=several) if health != "Healthy" else "",
        sync=sync_badge(unsynced.sync),
        sync_of=(unsynced.environment or unsynced.name) if several and unsynced.sync != "Synced" else "",
        held=sum(app.held for app in members),
        attention=any(needs_attention(app) for app in members),
        cells=tuple(_cell(app) for app in members),
        last=newest.running,
        last_at=newest.updated_at,
    )


def _said(app: ApplicationView, *, several: bool) -> str:
    return ": ".join(part for part in ((app.environment or app.name) if several else "", app.message or "") if part)


def _shared_path(members: list[ApplicationView]) -> str:
    if len(members) == 1:
        return members[0].path or "the repo's root"
    split = [app.path.split("/") for app in members]
    shared = []
    for segments in zip(*split, strict=False):
        if len(set(segments)) > 1:
            break
        shared.append(segments[0])
    return "/".join(shared) or "the repo's root"


def _cell(app: ApplicationView) -> EnvironmentCell:
    return EnvironmentCell(
        name=app.name,
        environment=app.environment,
        running=app.running,
        badge=health_badge(app.health),
        notes=notes_of(app),
        updated_at=app.updated_at,
    )


def _matches(app: ApplicationView, words: list[str]) -> bool:
    versions = [version for version in (app.running, app.desired, app.last_good) if version]
    searched = [app.name, app.group, app.path, app.repo or "", *(version.commit or "" for version in versions)]
    text_of = " ".join([*searched, *(version.subject or "" for version in versions)]).casefold()
    return all(word in text_of for word in words)


def applications_page(
    frame: Frame, query: Mapping[str, str], apps: list[ApplicationView], problems: list[Problem]
) -> ApplicationsPage:
    """Fill the page from all applications and what the address asks for. Raises CommandLineWrong."""
    # What concerns one application is said in its row.
    troubles = [problem.said for problem in problems if problem.app is None]
    show, search = query.get("show", ""), text(query.get("q", ""))
    environment, destination = text(query.get("environment", "")), text(query.get("destination", ""))
    if show not in {key for key, *_ in _SHOW}:
        raise CommandLineWrong(f"there is no filter {show[:40]}")
    page = query.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1  # noqa: PLR2004 - 9999 pages are enough
    kept = [
        app
        for app in apps
        if (not environment or app.environment == environment)
        and (not destination or app.destination == destination)
        and _matches(app, search.casefold().split())
    ]

    def url(**changed: str) -> str:
        asked = {"show": show, "q": search, "environment": environment, "destination": destination}
        return address("/applications", {**asked, **changed})

    # A group is shown whole: its other environments are what one compares with.
    chosen = next(rule for key, _, _, rule in _SHOW if key == show)
    groups = {app.group for app in kept if chosen(app)}
    rows = application_rows([app for app in apps if app.group in groups])
    start = GROUPS_PER_PAGE * (max(number, 1) - 1)
    return ApplicationsPage(
        frame=frame,
        title="Applications",
        troubles=tuple(troubles[:TROUBLES_MOST]),
        more_troubles=max(len(troubles) - TROUBLES_MOST, 0),
        shown=tuple(
            Shown(key=key, label=label, icon=icon, count=sum(map(rule, kept)), url=url(show=key), current=key == show)
            for key, label, icon, rule in _SHOW
        ),
        show=show,
        query=search,
        environment=environment,
        destination=destination,
        environments=environments_of(apps),
        destinations=_destinations(apps),
        table=ApplicationTable(
            now=frame.now,
            rows=rows[start : start + GROUPS_PER_PAGE],
            # Of all applications, not of those shown: the stream's rows are the same for every reader.
            columns=shown_columns(apps),
            first=start + 1,
            total=len(rows),
            total_unfiltered=len({app.group for app in apps}),
            previous_url=url(page=str(number - 1)) if start else None,
            next_url=url(page=str(number + 1)) if start + GROUPS_PER_PAGE < len(rows) else None,
            clear_url="/applications",
        ),
    )


def _destinations(apps: list[ApplicationView]) -> tuple[str, ...]:
    # Where every destination is its environment's, a second filter would only repeat the first.
    if all(app.destination == app.environment for app in apps):
        return ()
    return tuple(sorted({app.destination for app in apps}))


def applications_routes(lastgood: Lastgood, pages: Pages) -> Routes:
    """Serve the page, and for htmx its table alone."""
    routes = Routes()

    @routes.get("/applications")
    async def applications(request: Request) -> Response:
        frame = pages.frame(request, section="applications")
        apps, problems = await lastgood.apps(), await lastgood.problems()
        page = applications_page(frame, request.query_params, apps, problems)
        return pages.answer("partials/application-list.html" if wants_part(request) else "applications.html", page)

    return routes
