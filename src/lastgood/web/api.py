"""The REST API: the port Lastgood over HTTP, with the field names that scripts rely on.

The OpenAPI document is made from the same table, ROUTES, as the routes themselves. Bodies are the
values of `core/`, as JSON; an unknown field in a request is refused. Errors are
`{"error": {code, message, app, hint, facts}}`.

    method path (under /api/v1)                 asks with              answers with
    GET    /version                             -                      Running {version}
    GET    /apps                                -                      list[ApplicationView]
    GET    /apps/{name}                         -                      StatusView
    GET    /timeline                            TimelineAsked (query)  list[TimelineEntry]
    GET    /apps/{name}/timeline                TimelineAsked (query)  list[TimelineEntry]
    GET    /apps/{name}/versions/{version}      -                      TimelineEntry
    GET    /apps/{name}/diff?from=V[&to=V]      -                      DiffView
    GET    /apps/{name}/features[?from=V&to=V]  -                      FeaturesView
    GET    /apps/{name}/changelog[?from=V&to=V] -                      Changelog
    GET    /metrics[?...]                       FiguresAsked (query)   FiguresView
    GET    /compare?environment=E&other=E       -                      CompareView
    GET    /where?feature=F                     -                      list[WhereEntry]
    GET    /apps/{name}/tree                    -                      ResourceTree
    GET    /apps/{name}/services                -                      Services
    GET    /apps/{name}/pods/{pod}/events       PodEventsAsked (query) list[PodEvent]
    GET    /apps/{name}/pods/{pod}/log          PodLogAsked (query)    PodLog
    POST   /plans                               RollbackRequest        Plan
    POST   /rollbacks                           RollbackOrder          Plan
    POST   /undo/plans                          UndoRequest            Plan
    POST   /undo                                UndoOrder              Plan
    POST   /holds[?dry_run=true]                HoldRequest            HoldResult
    POST   /unholds[?dry_run=true]              HoldRequest            HoldResult
    POST   /pauses                              PauseRequest           list[Pause]
    POST   /resumes                             PauseRequest           list[Pause]
    POST   /retries[?dry_run=true]              PressRequest           PressResult
    POST   /sync                                SyncOrder {app|null}   Looked {repos}
    POST   /repos/{name}/refresh                -                      Looked {repos}
    POST   /forgets[?dry_run=true]              ForgetOrder            ForgetResult
    GET    /operations/{id}                     -                      Operation
    GET    /problems[?app=NAME]                 -                      list[Problem]
    POST   /waits                               WaitOrder              WaitResult
    GET    /checks                              -                      list[CheckDefinition]
    GET    /events[?after=ID]                   Last-Event-ID          text/event-stream, data: Event
    GET    /openapi.json                        -                      this API, OpenAPI 3.1

Orders: RollbackOrder {request: RollbackRequest, planned: Plan|null}; UndoOrder {request: UndoRequest, planned:
Plan|null}; ForgetOrder {app, prune, by}; WaitOrder {plan: Plan, timeout_s}: the server waits 60 s at most, so ask
again until your own time is over; an outcome that is null or in-progress is not an end.

What a query string may hold is declared in `query.py`; a field that is not is refused.

`{version}` is any VERSION of the command line, percent-encoded; it may hold slashes.

Who asks: `Authorization: Bearer TOKEN`. A named person is always the author; `by` of a request counts only
with the server's own token, whose holder runs the server.

HTTP status by error: exit code 2 -> 422 (a body or query that cannot be read: 400; too large: 413), 3 -> 409, 4 -> 409,
5 -> 404, 6 -> 504, 7 -> 502 (the push may have arrived: ask again), not-allowed -> 403, not signed in -> 401,
store-unavailable, store-full, remote-unreachable, target-failed -> 503, all others -> 500.

Tree and services come from memory. A pod's log and events are asked of its destination at that moment.

Not offered: `render`, which shows Secrets as they are.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.application import ApplicationView
from lastgood.core.changelog import Changelog, changelog
from lastgood.core.checks import CHECKS, CheckDefinition
from lastgood.core.commit import Person
from lastgood.core.discovery import Problem
from lastgood.core.errors import (
    BranchMoved,
    CommandLineWrong,
    LastgoodError,
    NotAllowed,
    NotHealthyInTime,
    PushUnknown,
    Refused,
    RemoteUnreachable,
    StoreFull,
    StoreUnavailable,
    TargetFailed,
    Unknown,
)
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.figures import FiguresQuery, FiguresView
from lastgood.core.operation import Operation
from lastgood.core.plan import Plan
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Lastgood
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
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.core.status import StatusView, WaitResult
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.value import Value, to_json
from lastgood.web.access import SignedIn
from lastgood.web.asked import Unreadable, read_body
from lastgood.web.query import (
    CompareAsked,
    DiffAsked,
    DryRun,
    FeaturesAsked,
    FiguresAsked,
    NoQuery,
    PodEventsAsked,
    PodLogAsked,
    ProblemsAsked,
    QueryWrong,
    TimelineAsked,
    WhereAsked,
    read_query,
)
from lastgood.web.routes import Routes

WAIT_MOST_S = 60.0


class Running(Value, frozen=True, kw_only=True):
    """Which lastgood answers."""

    version: str


class RollbackOrder(Value, frozen=True, kw_only=True):
    """A rollback to do; planned: the plan that the person saw."""

    request: RollbackRequest
    planned: Plan | None = None


class UndoOrder(Value, frozen=True, kw_only=True):
    """An undo to do; planned: the plan that the person saw."""

    request: UndoRequest
    planned: Plan | None = None


class SyncOrder(Value, frozen=True, kw_only=True):
    """Look now at the repo of an application; None: at every repo."""

    app: str | None = None


class Looked(Value, frozen=True, kw_only=True):
    """Names of the repos that were looked at."""

    repos: tuple[str, ...]


class ForgetOrder(Value, frozen=True, kw_only=True):
    """Stop following an application that was removed from Git; prune: delete what it ran."""

    app: str
    prune: bool = False
    by: Person | None = None


class WaitOrder(Value, frozen=True, kw_only=True):
    """Wait for what a rollback pushed. timeout_s: the server waits 60 s at most."""

    plan: Plan
    timeout_s: float = WAIT_MOST_S


class Asked(Value, frozen=True, kw_only=True):
    """One request, parsed: path as text, query and body as their values."""

    path: Mapping[str, str]
    query: Any
    body: Any
    who: SignedIn

    def signed(self, request: Any) -> Any:
        """Put the author into a request: a named person always, `by` as given only for the server's own token."""
        by = request.by if self.who.operator and request.by is not None else self.who.person
        return msgspec.structs.replace(request, by=by)


_V = TypeVar("_V", bound=Value)
Handler = Callable[[Lastgood, Asked], Awaitable[Any]]


class Route(Value, frozen=True, kw_only=True):
    """One line of the table: what the server and the OpenAPI document are made from."""

    method: str
    path: str
    summary: str
    handler: Handler
    answer: Any
    body: Any = None
    query: type[Value] = NoQuery


async def _apps(lastgood: Lastgood, asked: Asked) -> list[ApplicationView]:  # noqa: ARG001 - every handler has one shape
    return await lastgood.apps()


async def _status(lastgood: Lastgood, asked: Asked) -> StatusView:
    return await lastgood.status(asked.path["name"])


async def _timeline(lastgood: Lastgood, asked: Asked) -> list[TimelineEntry]:
    return await lastgood.timeline(_with_fields(TimelineQuery, asked.query, app=asked.path.get("name")))


async def _show(lastgood: Lastgood, asked: Asked) -> TimelineEntry:
    return await lastgood.show(asked.path["name"], asked.path["version"])


async def _diff(lastgood: Lastgood, asked: Asked) -> DiffView:
    return await lastgood.diff(asked.path["name"], asked.query.from_, asked.query.to)


async def _features(lastgood: Lastgood, asked: Asked) -> FeaturesView:
    return await lastgood.features(asked.path["name"], asked.query.from_, asked.query.to)


async def _figures(lastgood: Lastgood, asked: Asked) -> FiguresView:
    return await lastgood.figures(_with_fields(FiguresQuery, asked.query))


async def _changelog(lastgood: Lastgood, asked: Asked) -> Changelog:
    return Changelog(markdown=changelog(await _features(lastgood, asked)))


async def _compare(lastgood: Lastgood, asked: Asked) -> CompareView:
    return await lastgood.compare(asked.query.environment, asked.query.other)


async def _where(lastgood: Lastgood, asked: Asked) -> list[WhereEntry]:
    return await lastgood.where(asked.query.feature)


async def _tree(lastgood: Lastgood, asked: Asked) -> ResourceTree:
    return await lastgood.tree(asked.path["name"])


async def _services(lastgood: Lastgood, asked: Asked) -> Services:
    return await lastgood.services(asked.path["name"])


async def _pod_events(lastgood: Lastgood, asked: Asked) -> list[PodEvent]:
    return await lastgood.pod_events(asked.path["name"], asked.path["pod"], namespace=asked.query.namespace)


async def _pod_log(lastgood: Lastgood, asked: Asked) -> PodLog:
    return await lastgood.pod_log(
        _with_fields(PodLogRequest, asked.query, app=asked.path["name"], pod=asked.path["pod"])
    )


async def _plan(lastgood: Lastgood, asked: Asked) -> Plan:
    return await lastgood.plan(asked.signed(asked.body))


async def _rollback(lastgood: Lastgood, asked: Asked) -> Plan:
    return await lastgood.rollback(asked.signed(asked.body.request), planned=asked.body.planned)


async def _plan_undo(lastgood: Lastgood, asked: Asked) -> Plan:
    return await lastgood.plan_undo(asked.signed(asked.body))


async def _undo(lastgood: Lastgood, asked: Asked) -> Plan:
    return await lastgood.undo(asked.signed(asked.body.request), planned=asked.body.planned)


async def _hold(lastgood: Lastgood, asked: Asked) -> HoldResult:
    return await lastgood.hold(asked.signed(asked.body), dry_run=asked.query.dry_run)


async def _unhold(lastgood: Lastgood, asked: Asked) -> HoldResult:
    return await lastgood.unhold(asked.signed(asked.body), dry_run=asked.query.dry_run)


async def _pause(lastgood: Lastgood, asked: Asked) -> list[Pause]:
    return await lastgood.pause(asked.signed(asked.body))


async def _resume(lastgood: Lastgood, asked: Asked) -> list[Pause]:
    return await lastgood.resume(asked.signed(asked.body))


async def _retry(lastgood: Lastgood, asked: Asked) -> PressResult:
    return await lastgood.retry(asked.signed(asked.body), dry_run=asked.query.dry_run)


async def _sync(lastgood: Lastgood, asked: Asked) -> Looked:
    return Looked(repos=tuple(await lastgood.sync(asked.body.app)))


async def _refresh(lastgood: Lastgood, asked: Asked) -> Looked:
    name = asked.path["name"]
    app = next((app.name for app in await lastgood.apps() if app.repo == name), None)
    repos = await lastgood.sync(app)
    if name not in repos:
        raise Unknown(f"there is no repo {name[:100]}", hint="the repos are named in lastgood.toml", name=name)
    return Looked(repos=tuple(repos))


async def _forget(lastgood: Lastgood, asked: Asked) -> ForgetResult:
    order = asked.signed(asked.body)
    return await lastgood.forget(order.app, prune=order.prune, dry_run=asked.query.dry_run, by=order.by)


async def _operation(lastgood: Lastgood, asked: Asked) -> Operation:
    return await lastgood.operation(asked.path["id"])


async def _problems(lastgood: Lastgood, asked: Asked) -> list[Problem]:
    return await lastgood.problems(asked.query.app)


async def _wait(lastgood: Lastgood, asked: Asked) -> WaitResult:
    timeout_s = min(max(asked.body.timeout_s, 0.0), WAIT_MOST_S)
    return await lastgood.wait_healthy(asked.body.plan, timeout_s=timeout_s)


async def _checks(lastgood: Lastgood, asked: Asked) -> tuple[CheckDefinition, ...]:  # noqa: ARG001 - every handler has one shape
    return CHECKS


def _with_fields(kind: type[_V], asked: Value, **words: Any) -> _V:
    """Make what lastgood is asked of what the query string said, and what the path did."""
    return kind(**msgspec.structs.asdict(asked), **words)


def _route(
    method: str,
    path: str,
    handler: Handler,
    answer: Any,
    summary: str,
    body: Any = None,
    query: type[Value] = NoQuery,
) -> Route:
    return Route(method=method, path=path, summary=summary, handler=handler, answer=answer, body=body, query=query)


ROUTES: tuple[Route, ...] = (
    _route("GET", "/apps", _apps, list[ApplicationView], "The applications, by name"),
    _route("GET", "/apps/{name}", _status, StatusView, "One application in full"),
    _route(
        "GET", "/timeline", _timeline, list[TimelineEntry], "History of everything, newest first", query=TimelineAsked
    ),
    _route(
        "GET",
        "/apps/{name}/timeline",
        _timeline,
        list[TimelineEntry],
        "History of one application, newest first",
        query=TimelineAsked,
    ),
    _route("GET", "/apps/{name}/versions/{version}", _show, TimelineEntry, "One record"),
    _route("GET", "/apps/{name}/diff", _diff, DiffView, "What differs between two versions", query=DiffAsked),
    _route(
        "GET",
        "/apps/{name}/features",
        _features,
        FeaturesView,
        "What entered and left between two versions",
        query=FeaturesAsked,
    ),
    _route(
        "GET", "/apps/{name}/changelog", _changelog, Changelog, "The same as Markdown, for people", query=FeaturesAsked
    ),
    _route("GET", "/metrics", _figures, FiguresView, "The figures of delivery (DORA)", query=FiguresAsked),
    _route(
        "GET", "/compare", _compare, CompareView, "What one environment has that another has not", query=CompareAsked
    ),
    _route("GET", "/where", _where, list[WhereEntry], "Which applications contain a feature", query=WhereAsked),
    _route("GET", "/apps/{name}/tree", _tree, ResourceTree, "What it consists of where it runs, from memory"),
    _route("GET", "/apps/{name}/services", _services, Services, "What it runs, from memory"),
    _route(
        "GET",
        "/apps/{name}/pods/{pod}/events",
        _pod_events,
        list[PodEvent],
        "What is told of a pod",
        query=PodEventsAsked,
    ),
    _route("GET", "/apps/{name}/pods/{pod}/log", _pod_log, PodLog, "The end of a pod's log", query=PodLogAsked),
    _route("POST", "/plans", _plan, Plan, "What a rollback would do", RollbackRequest),
    _route("POST", "/rollbacks", _rollback, Plan, "Roll back, by a Git commit", RollbackOrder),
    _route("POST", "/undo/plans", _plan_undo, Plan, "What an undo would do", UndoRequest),
    _route("POST", "/undo", _undo, Plan, "Take the last operation back, by a Git commit", UndoOrder),
    _route("POST", "/holds", _hold, HoldResult, "Put a version on hold", HoldRequest, query=DryRun),
    _route("POST", "/unholds", _unhold, HoldResult, "Let a held version go", HoldRequest, query=DryRun),
    _route("POST", "/pauses", _pause, list[Pause], "Stop deployments", PauseRequest),
    _route("POST", "/resumes", _resume, list[Pause], "Let deployments go on", PauseRequest),
    _route("POST", "/retries", _retry, PressResult, "Try a stopped deployment again", PressRequest, query=DryRun),
    _route("POST", "/sync", _sync, Looked, "Look at the repos now", SyncOrder),
    _route("POST", "/repos/{name}/refresh", _refresh, Looked, "Look at one repo now"),
    _route(
        "POST", "/forgets", _forget, ForgetResult, "Stop following a removed application", ForgetOrder, query=DryRun
    ),
    _route("GET", "/operations/{id}", _operation, Operation, "One operation"),
    _route("GET", "/problems", _problems, list[Problem], "What is wrong in the config repos", query=ProblemsAsked),
    _route("POST", "/waits", _wait, WaitResult, "Wait until what was pushed is healthy", WaitOrder),
    _route("GET", "/checks", _checks, list[CheckDefinition], "Every check, and what it asks"),
)


def api_routes(lastgood: Lastgood, *, version: str) -> Routes:
    """Make the routes of the table, and `/version`; the stream and the document are added by the composition."""
    routes = Routes()

    def add(route: Route) -> None:
        async def endpoint(request: Request, **path: str) -> Response:
            body = await request.body()
            asked = Asked(
                path=path,
                query=read_query(request.query_params.multi_items(), route.query),
                body=None if route.body is None else read_body(body, route.body),
                who=request.scope["signed_in"],
            )
            return json_answer(await route.handler(lastgood, asked))

        path = route.path.replace("{version}", "{version:path}")
        routes.add(route.method, f"/api/v1{path}", endpoint)

    for route in ROUTES:
        add(route)

    @routes.get("/api/v1/version")
    async def running(request: Request) -> Response:
        read_query(request.query_params.multi_items(), NoQuery)
        return json_answer(Running(version=version))

    return routes


def json_answer(value: Any) -> Response:
    """Send a value as its JSON."""
    return Response(to_json(value), media_type="application/json")


def json_error(error: LastgoodError, status: int | None = None) -> Response:
    """Send an error in the one JSON shape; status None: the one of its class."""
    return Response(to_json(error.as_json()), status_code=status or http_status(error), media_type="application/json")


def http_status(error: LastgoodError) -> int:
    """Return the HTTP status of an error, as the table at the top of this file has it."""
    for kinds, status in _STATUS:
        if isinstance(error, kinds):
            return status
    return 500


_STATUS: tuple[tuple[tuple[type[LastgoodError], ...], int], ...] = (
    ((Unreadable, QueryWrong), 400),
    ((CommandLineWrong,), 422),
    ((Unknown,), 404),
    ((Refused, BranchMoved), 409),
    ((NotHealthyInTime,), 504),
    ((PushUnknown,), 502),
    ((NotAllowed,), 403),
    ((StoreUnavailable, StoreFull, RemoteUnreachable, TargetFailed), 503),
)
