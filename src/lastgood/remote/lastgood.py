"""The port Lastgood asked of a server over its REST API: what the command line uses with `--server`.

Knows routes and shapes, and no rule; every error of the server comes out as the class that it was there.
"""

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from lastgood.core.application import ApplicationView
from lastgood.core.commit import Person
from lastgood.core.discovery import Problem
from lastgood.core.errors import NeedsServer
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.figures import FiguresQuery, FiguresView
from lastgood.core.operation import Operation
from lastgood.core.plan import Plan
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.record import Pause
from lastgood.core.request import (
    DiffView,
    ForgetResult,
    HoldRequest,
    HoldResult,
    PauseRequest,
    PressRequest,
    PressResult,
    RollbackRequest,
    UndoRequest,
)
from lastgood.core.resource import Rendered
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.core.status import StatusView, WaitResult
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.value import to_plain
from lastgood.remote.connection import Connection

PAGE = 1000
# The server waits this long at most for one question; a proxy between us may have less patience than a person.
WAIT_S = 50.0
# A dashboard that runs apart waits longer for its agent than for anything else.
AGENT_S = 120.0


class RemoteLastgood:
    """A server, asked. url: where it listens; token: None where none is needed.

    Use it as an asynchronous context manager, or call `aclose`.
    """

    def __init__(self, url: str, token: str | None = None, *, transport: Any = None) -> None:
        self._ask = Connection(url, token, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._ask.aclose()

    async def version(self) -> str:
        """Return the version of lastgood that the server runs."""
        return str((await self._ask.get("/version", dict[str, str])).get("version", "unknown"))

    # looking

    async def apps(self) -> list[ApplicationView]:
        """See Lastgood.apps."""
        return await self._ask.get("/apps", list[ApplicationView])

    async def status(self, app: str) -> StatusView:
        """See Lastgood.status."""
        return await self._ask.get(f"/apps/{_part(app)}", StatusView)

    async def timeline(self, query: TimelineQuery) -> list[TimelineEntry]:
        """See Lastgood.timeline; without a limit, page after page until the end."""
        path = "/timeline" if query.app is None else f"/apps/{_part(query.app)}/timeline"
        asked = {name: _text(value) for name, value in to_plain(query).items() if value is not None and name != "app"}
        left = query.limit
        found: list[TimelineEntry] = []
        while left is None or left > 0:
            asked["limit"] = str(min(PAGE, left) if left is not None else PAGE)
            page = await self._ask.get(path, list[TimelineEntry], query=asked)
            found += page
            if left is not None:
                left -= len(page)
            if len(page) < int(asked["limit"]) or not page[-1].cursor:
                break
            asked["before"] = page[-1].cursor
        return found

    async def show(self, app: str, version: str) -> TimelineEntry:
        """See Lastgood.show."""
        return await self._ask.get(f"/apps/{_part(app)}/versions/{_part(version)}", TimelineEntry)

    async def diff(self, app: str, from_: str, to: str | None) -> DiffView:
        """See Lastgood.diff."""
        asked = {"from": from_} if to is None else {"from": from_, "to": to}
        return await self._ask.get(f"/apps/{_part(app)}/diff", DiffView, query=asked)

    async def features(self, app: str, from_: str | None = None, to: str | None = None) -> FeaturesView:
        """See Lastgood.features."""
        asked = {name: text for name, text in (("from", from_), ("to", to)) if text is not None}
        return await self._ask.get(f"/apps/{_part(app)}/features", FeaturesView, query=asked)

    async def figures(self, query: FiguresQuery) -> FiguresView:
        """See Lastgood.figures."""
        asked = {name: _text(value) for name, value in to_plain(query).items() if value is not None}
        return await self._ask.get("/metrics", FiguresView, query=asked)

    async def compare(self, environment: str, other: str) -> CompareView:
        """See Lastgood.compare."""
        return await self._ask.get("/compare", CompareView, query={"environment": environment, "other": other})

    async def where(self, feature: str) -> list[WhereEntry]:
        """See Lastgood.where."""
        return await self._ask.get("/where", list[WhereEntry], query={"feature": feature})

    async def tree(self, app: str) -> ResourceTree:
        """See Lastgood.tree."""
        return await self._ask.get(f"/apps/{_part(app)}/tree", ResourceTree)

    async def services(self, app: str) -> Services:
        """See Lastgood.services."""
        return await self._ask.get(f"/apps/{_part(app)}/services", Services)

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> list[PodEvent]:
        """See Lastgood.pod_events."""
        asked = {} if namespace is None else {"namespace": namespace}
        return await self._ask.get(f"/apps/{_part(app)}/pods/{_part(pod)}/events", list[PodEvent], query=asked)

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """See Lastgood.pod_log."""
        path = f"/apps/{_part(request.app)}/pods/{_part(request.pod)}/log"
        plain = {name: value for name, value in to_plain(request).items() if name not in {"app", "pod"}}
        asked = {name: _text(value) for name, value in plain.items() if value is not None}
        return await self._ask.get(path, PodLog, query=asked)

    async def render(self, app: str, version: str | None) -> Rendered:
        """Refuse: a server does not show Secrets as they are. Raises NeedsServer's opposite, in words."""
        raise NeedsServer(
            f"{app}: `render` shows Secrets as they are, so that no server offers it",
            hint="run it in a clone of the config repo: `-C DIR`",
            app=app,
            version=version,
        )

    # rolling back

    async def plan(self, request: RollbackRequest) -> Plan:
        """See Lastgood.plan."""
        return await self._ask.post("/plans", Plan, request)

    async def rollback(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.rollback."""
        body = {"request": to_plain(request), "planned": to_plain(planned)}
        return await self._ask.post("/rollbacks", Plan, body, pushes=True)

    async def plan_undo(self, request: UndoRequest) -> Plan:
        """See Lastgood.plan_undo."""
        return await self._ask.post("/undo/plans", Plan, request)

    async def undo(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.undo."""
        body = {"request": to_plain(request), "planned": to_plain(planned)}
        return await self._ask.post("/undo", Plan, body, pushes=True)

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.hold."""
        return await self._ask.post("/holds", HoldResult, request, query=_dry(dry_run), pushes=not dry_run)

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.unhold."""
        return await self._ask.post("/unholds", HoldResult, request, query=_dry(dry_run), pushes=not dry_run)

    async def wait_healthy(self, plan: Plan, *, timeout_s: float) -> WaitResult:
        """See Lastgood.wait_healthy; asks again until its own time is over."""
        left = timeout_s
        while True:
            body = {"plan": to_plain(plan), "timeout_s": min(WAIT_S, left)}
            result = await self._ask.post("/waits", WaitResult, body, timeout_s=WAIT_S + 30)
            left -= WAIT_S
            ended = any(word not in {None, "in-progress"} for word in result.outcome.values())
            if result.healthy or ended or left <= 0:
                return result

    # the agent

    async def pause(self, request: PauseRequest) -> list[Pause]:
        """See Lastgood.pause."""
        return await self._ask.post("/pauses", list[Pause], request)

    async def resume(self, request: PauseRequest) -> list[Pause]:
        """See Lastgood.resume."""
        return await self._ask.post("/resumes", list[Pause], request)

    async def retry(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """See Lastgood.retry."""
        return await self._ask.post("/retries", PressResult, request, query=_dry(dry_run), timeout_s=AGENT_S)

    async def sync(self, app: str | None) -> list[str]:
        """See Lastgood.sync."""
        looked = await self._ask.post("/sync", dict[str, list[str]], {"app": app}, timeout_s=AGENT_S)
        return looked.get("repos", [])

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """See Lastgood.forget."""
        order = {"app": app, "prune": prune, "by": to_plain(by) if by is not None else None}
        return await self._ask.post(
            "/forgets", ForgetResult, order, query=_dry(dry_run), timeout_s=AGENT_S, changes=not dry_run
        )

    async def problems(self, app: str | None = None) -> list[Problem]:
        """See Lastgood.problems."""
        return await self._ask.get("/problems", list[Problem], query={} if app is None else {"app": app})

    async def operation(self, operation: str) -> Operation:
        """See Lastgood.operation."""
        return await self._ask.get(f"/operations/{_part(operation)}", Operation)


def _part(text: str) -> str:
    """Write a name as one segment of a path. A `.` or `..` would be folded away on its way."""
    return quote(text, safe="").replace("..", "%2E%2E") if text not in {".", ".."} else text.replace(".", "%2E")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dry(dry_run: bool) -> dict[str, str]:  # noqa: FBT001 - the port's own word
    return {"dry_run": "true"} if dry_run else {}
