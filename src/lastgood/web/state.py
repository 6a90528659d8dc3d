"""The page of an application's current state: its resource tree, and one object of it with its events and log."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.errors import LastgoodError, NeedsServer, SettingsWrong
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Lastgood
from lastgood.core.resource_tree import ResourceTree, TreeNode
from lastgood.core.value import Value
from lastgood.web.applications import EnvironmentCell
from lastgood.web.badge import HEALTH, Badge, health_badge
from lastgood.web.pages import Page, Pages, segment, wants_part
from lastgood.web.routes import Routes
from lastgood.web.services import Image, not_here, split_image
from lastgood.web.timeline import siblings_of
from lastgood.web.tree import Asked, Layout, Relation, lay_out, read_asked, relations
from lastgood.web.verdict import AppHeader, app_header

# What is shown beside a tree: enough to see why something fails.
LOG_LINES = 20
EVENTS_MOST = 10
_TALKING = ("Pod", "Process")


class LogChoice(Value, frozen=True, kw_only=True):
    """A log of a pod that can be chosen. url: None for the one that is shown."""

    word: str
    url: str | None


class Panel(Value, frozen=True, kw_only=True):
    """The chosen object. log, events: None where its kind has none; wrong: why they cannot be had, "" if they can.

    left: why it stays though it left Git, "" where it did not.
    logs: of a pod, each container's, and the run before the present one of the container that is shown.
    """

    node: TreeNode
    badge: Badge
    images: tuple[Image, ...]
    relations: tuple[Relation, ...]
    left: str
    log: PodLog | None = None
    log_wrong: str = ""
    logs: tuple[LogChoice, ...] = ()
    events: tuple[PodEvent, ...] | None = None
    events_wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class StatePage(Page):
    """The context of state.html and of partials/state-view.html. missing: what was chosen is not in the tree."""

    header: AppHeader
    siblings: tuple[EnvironmentCell, ...]
    tab: str
    now: dt.datetime
    asked: Asked
    healths: tuple[str, ...]
    layout: Layout
    panel: Panel | None
    missing: bool
    trouble: str
    left_out: int


def state_routes(lastgood: Lastgood, pages: Pages) -> Routes:
    """Serve the page; for htmx the tree and the panel alone."""
    routes = Routes()

    @routes.get("/apps/{name}/state")
    async def state(request: Request, name: str) -> Response:
        frame = pages.frame(request, section="applications")
        asked = read_asked(f"/apps/{segment(name)}/state", request.query_params)
        status = await lastgood.status(name)
        trouble = ""
        try:
            tree = await lastgood.tree(name)
        except (NeedsServer, SettingsWrong) as elsewhere:
            tree, trouble = ResourceTree(app=name, observed_at=frame.now, nodes=()), not_here(elsewhere)
        left = {f"{one.kind} {one.name}": one.message for one in status.left}
        panel = await _panel(lastgood, tree, asked, left)
        page = StatePage(
            frame=frame,
            title=f"Current state of {name}",
            header=app_header(status),
            siblings=siblings_of(status.application, await lastgood.apps()),
            tab="state",
            now=frame.now,
            asked=asked,
            healths=tuple(HEALTH),
            layout=lay_out(tree, asked, left),
            panel=panel,
            missing=bool(asked.chosen) and panel is None,
            trouble=trouble or tree.trouble,
            left_out=tree.left_out,
        )
        return pages.answer("partials/state-view.html" if wants_part(request) else "state.html", page)

    return routes


async def _panel(lastgood: Lastgood, tree: ResourceTree, asked: Asked, left: Mapping[str, str]) -> Panel | None:
    node = next((one for one in tree.nodes if one.id == asked.chosen), None)
    if node is None:
        return None
    panel = Panel(
        node=node,
        left="" if node.asked else left.get(f"{node.kind} {node.name}", ""),
        badge=health_badge(node.health),
        images=tuple(map(split_image, node.images)),
        relations=relations(tree, asked),
    )
    talks = node.kind in _TALKING and not node.group and not tree.trouble
    return await _with_words(lastgood, tree.app, panel, asked) if talks else panel


def _logs(node: TreeNode, asked: Asked) -> tuple[LogChoice, ...]:
    shown = asked.container or next(iter(node.containers), "")
    found = []
    for name in node.containers:
        is_shown = name == shown
        found.append(LogChoice(word=name, url=None if is_shown and not asked.previous else asked.url(container=name)))
        if is_shown:
            before = None if asked.previous else asked.url(container=name, previous="1")
            found.append(LogChoice(word=f"{name}, the run before", url=before))
    return tuple(found)


async def _with_words(lastgood: Lastgood, app: str, panel: Panel, asked: Asked) -> Panel:
    """Add what is told of a pod and what it wrote. What cannot be had now says so in its place; the rest stays."""
    node = panel.node
    try:
        events = await lastgood.pod_events(app, node.name, namespace=node.namespace)
        panel = msgspec.structs.replace(panel, events=tuple(events[:EVENTS_MOST]))
    except LastgoodError as wrong:
        panel = msgspec.structs.replace(panel, events_wrong=wrong.message)
    try:
        panel = msgspec.structs.replace(panel, logs=_logs(node, asked))
        request = PodLogRequest(
            app=app,
            pod=node.name,
            namespace=node.namespace,
            container=asked.container or None,
            tail_lines=LOG_LINES,
            previous=asked.previous,
        )
        return msgspec.structs.replace(panel, log=await lastgood.pod_log(request))
    except LastgoodError as wrong:
        return msgspec.structs.replace(panel, log_wrong=wrong.message)
