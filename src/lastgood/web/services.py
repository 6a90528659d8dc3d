"""The page of what an application runs: a row for each service, as the target's memory has it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.errors import CommandLineWrong, LastgoodError, NeedsServer, SettingsWrong
from lastgood.core.ports import Lastgood
from lastgood.core.resource_tree import node_id
from lastgood.core.service import LastChange, Services, ServiceView
from lastgood.core.value import Value
from lastgood.web.applications import EnvironmentCell
from lastgood.web.asked import has_words, read_health, text
from lastgood.web.badge import HEALTH, Badge, health_badge
from lastgood.web.pages import Frame, Page, Pages, address, segment, wants_part
from lastgood.web.routes import Routes
from lastgood.web.timeline import siblings_of
from lastgood.web.verdict import AppHeader, app_header

ROWS = 50
PIPS_MOST = 12
LABELS_MOST = 8
# The mark of a set of objects is on every one of them and tells nobody apart.
_SET = "applyset.kubernetes.io/part-of"
# No order of health is said in the six words; on a page what needs a person stands first.
URGENCY = {"Missing": 0, "Degraded": 0, "Unknown": 1, "Progressing": 2, "Suspended": 3, "Healthy": 4}


class Image(Value, frozen=True, kw_only=True):
    """An image reference in two parts, of which the second tells versions apart; "" where there is none."""

    name: str
    version: str


class ServiceRow(Value, frozen=True, kw_only=True):
    """One service as shown. pips: of each pod that is shown as a mark, whether it is ready; () where there are many."""

    service: ServiceView
    badge: Badge
    url: str
    pips: tuple[bool, ...]
    images: tuple[Image, ...]
    labels: tuple[str, ...]
    more_labels: int
    change: LastChange | None
    change_url: str


@dataclass(frozen=True, kw_only=True)
class ServiceTable:
    """What partials/service-table.html needs.

    total_unfiltered: how many there are without the filter. trouble: why the services cannot be seen, "" if they can.
    """

    app: str
    now: dt.datetime
    rows: tuple[ServiceRow, ...]
    first: int
    total: int
    total_unfiltered: int
    left_out: int
    trouble: str
    previous_url: str | None
    next_url: str | None
    clear_url: str


@dataclass(frozen=True, kw_only=True)
class ServicesPage(Page):
    """The context of services.html."""

    header: AppHeader
    siblings: tuple[EnvironmentCell, ...]
    tab: str
    now: dt.datetime
    path: str
    query: str
    health: str
    kind: str
    healths: tuple[str, ...]
    kinds: tuple[str, ...]
    table: ServiceTable


class Asked(Value, frozen=True, kw_only=True):
    """What the filter asks for; "" is anything."""

    query: str
    health: str
    kind: str
    page: int


def read_asked(query: Mapping[str, str]) -> Asked:
    """Read the filter. Raises CommandLineWrong."""
    health = read_health(query)
    page = query.get("page", "1")
    if not (page.isascii() and page.isdecimal() and len(page) <= 6):  # noqa: PLR2004 - digits of a page's number
        raise CommandLineWrong("a page is a number from 1")
    return Asked(
        query=text(query.get("q", "")), health=health, kind=text(query.get("kind", "")), page=max(1, int(page))
    )


def split_image(reference: str) -> Image:
    """Part an image into its name and what tells its versions apart: the tag, else the digest."""
    name, at, digest = reference.partition("@")
    rest, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return Image(name=f"{rest}:", version=tag)
    return Image(name=f"{name}@", version=digest) if at else Image(name=reference, version="")


def service_table(found: Services, asked: Asked, *, path: str, frame: Frame, trouble: str = "") -> ServiceTable:
    """Choose the services that are asked for, those that need a person first, and lay a page of them out."""
    kept = sorted(
        (one for one in found.services if _matches(one, asked)),
        key=lambda one: (URGENCY.get(one.health, 1), one.name, one.kind),
    )
    last_page = max(1, -(-len(kept) // ROWS))
    page = min(asked.page, last_page)
    first = (page - 1) * ROWS

    def url(number: int) -> str | None:
        given = {"q": asked.query, "health": asked.health, "kind": asked.kind}
        return address(path, {**given, "page": str(number)}) if 1 <= number <= last_page else None

    return ServiceTable(
        app=found.app,
        now=frame.now,
        rows=tuple(_row(one, found.app) for one in kept[first : first + ROWS]),
        first=first + 1,
        total=len(kept),
        total_unfiltered=len(found.services),
        left_out=found.left_out,
        trouble=trouble or found.trouble,
        previous_url=url(page - 1),
        next_url=url(page + 1),
        clear_url=path,
    )


def _matches(one: ServiceView, asked: Asked) -> bool:
    if (asked.health and one.health != asked.health) or (asked.kind and one.kind != asked.kind):
        return False
    texts = [one.name, one.kind, *one.images, *(end.address for end in one.endpoints)]
    texts += [f"{key}={value}" for key, value in one.labels.items()]
    return has_words(asked.query, texts)


def _row(one: ServiceView, app: str) -> ServiceRow:
    labels = tuple(f"{key}={value}" for key, value in sorted(one.labels.items()) if key != _SET)
    marks = max(one.wanted, one.ready)
    change = one.last_change
    base = f"/apps/{segment(app)}"
    return ServiceRow(
        service=one,
        badge=health_badge(one.health),
        url=address(f"{base}/state", {"r": node_id(one.group, one.kind, one.namespace, one.name)}),
        pips=tuple(number < one.ready for number in range(marks)) if marks <= PIPS_MOST else (),
        images=tuple(map(split_image, one.images)),
        labels=labels[:LABELS_MOST],
        more_labels=max(0, len(labels) - LABELS_MOST),
        change=change,
        change_url=f"{base}/records/n{change.number}" if change is not None else "",
    )


def not_here(trouble: LastgoodError) -> str:
    """Say in words for a page why this process cannot see what runs."""
    return f"{trouble.message}. {trouble.hint}" if trouble.hint else trouble.message


def services_routes(lastgood: Lastgood, pages: Pages) -> Routes:
    """Serve the page; for htmx the table alone."""
    routes = Routes()

    @routes.get("/apps/{name}/services")
    async def services(request: Request, name: str) -> Response:
        frame = pages.frame(request, section="applications")
        asked = read_asked(request.query_params)
        path = f"/apps/{segment(name)}/services"
        status = await lastgood.status(name)
        trouble = ""
        try:
            found = await lastgood.services(name)
        except (NeedsServer, SettingsWrong) as elsewhere:
            found, trouble = Services(app=name, observed_at=frame.now, services=()), not_here(elsewhere)
        table = service_table(found, asked, path=path, frame=frame, trouble=trouble)
        page = ServicesPage(
            frame=frame,
            title=f"Services of {name}",
            header=app_header(status),
            siblings=siblings_of(status.application, await lastgood.apps()),
            tab="services",
            now=frame.now,
            path=path,
            query=asked.query,
            health=asked.health,
            kind=asked.kind,
            healths=tuple(HEALTH),
            kinds=tuple(sorted({one.kind for one in found.services} | ({asked.kind} if asked.kind else set()))),
            table=table,
        )
        return pages.answer("partials/service-table.html" if wants_part(request) else "services.html", page)

    return routes
