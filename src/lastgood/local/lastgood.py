"""The port Lastgood, served from flows and queries: in a clone (Git alone) and inside a server.

Only hands over; every rule is in a flow, a query or `core/`. Knows no adapter.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import msgspec

from lastgood.core.application import ApplicationView
from lastgood.core.commit import Person
from lastgood.core.discovery import Problem
from lastgood.core.errors import (
    CommandLineWrong,
    LastgoodError,
    NeedsServer,
    UnknownApplication,
    UnknownOperation,
    UnknownVersion,
)
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.figures import FiguresQuery, FiguresView
from lastgood.core.observation import Observation
from lastgood.core.operation import Operation
from lastgood.core.plan import Plan
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Agent, Clock, Renderer, Sources, Store
from lastgood.core.record import DeploymentQuery, Pause
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
from lastgood.core.status import StatusView, WaitResult, not_done, waiting_requests
from lastgood.core.timeline import TimelineEntry, TimelineQuery, with_waiting
from lastgood.core.version_text import Number, read_version_text
from lastgood.flows.branch import FollowedBranch
from lastgood.local.waiting import wait_healthy
from lastgood.queries.applications import Applications
from lastgood.queries.destination import FindTarget
from lastgood.queries.diff import Diffs
from lastgood.queries.features import Features
from lastgood.queries.figures import delivery_figures
from lastgood.queries.followed import Followed, not_there, places
from lastgood.queries.pod import pod_events, pod_log
from lastgood.queries.problems import problems
from lastgood.queries.render import render
from lastgood.queries.services import services
from lastgood.queries.show import Shows
from lastgood.queries.timeline import Timelines
from lastgood.queries.tree import tree

# So long the answer to a rollback waits for the agent's look at it.
LOOK_S = 10.0
# Among so many newest operations of an application those are looked for that wait for a pull request.
RECENT = 20


class LocalLastgood:
    """Answers from the branches followed here.

    branches: one for each (repo, branch). store, agent: None in a clone. observed: the newest observation of an
    application, from memory. trouble: what keeps the agent from its work now, None where nothing does. reads: by
    repo, what queries read instead of the branch (`HEAD` in a clone). targets: None where the agent is not in this
    process, so that nobody here watches what is alive. sources: None where no source repo is read.
    """

    def __init__(
        self,
        branches: Sequence[FollowedBranch],
        *,
        renderer: Renderer,
        clock: Clock,
        store: Store | None = None,
        agent: Agent | None = None,
        observed: Callable[[str], Observation | None] | None = None,
        reads: Mapping[str, str] | None = None,
        trouble: Callable[[], Problem | None] | None = None,
        targets: FindTarget | None = None,
        sources: Sources | None = None,
    ) -> None:
        self._branches = tuple(branches)
        self._renderer = renderer
        self._clock = clock
        self._store = store
        self._agent = agent
        self._observed = observed
        self._trouble = trouble
        self._looks: set[asyncio.Task[list[str]]] = set()
        self._targets = targets
        self._sources = sources
        reads = reads or {}
        self.followed = tuple(
            Followed(one.repo, one.name, discovery=one.discovery, reads=reads.get(one.repo.name)) for one in branches
        )

    # looking

    async def apps(self) -> list[ApplicationView]:
        """See Lastgood.apps."""
        return await self._applications().apps()

    async def status(self, app: str) -> StatusView:
        """See Lastgood.status."""
        view = await self._applications().status(app)
        operations = [
            one for branch in self._branches[:1] for one in await branch.journal.operations(app, limit=RECENT)
        ]
        ended = not_done(operations, now=self._clock.now())
        warnings = (*view.warnings, ended) if ended is not None else view.warnings
        return msgspec.structs.replace(view, waiting=waiting_requests(operations), warnings=warnings)

    def _applications(self) -> Applications:
        return Applications(
            self.followed, renderer=self._renderer, clock=self._clock, store=self._store, observed=self._observed
        )

    async def timeline(self, query: TimelineQuery) -> list[TimelineEntry]:
        """See Lastgood.timeline."""
        timelines = Timelines(self.followed, renderer=self._renderer, clock=self._clock, store=self._store)
        entries = await timelines.timeline(query)
        return entries if query.before is not None else with_waiting(entries, await self._waiting())

    async def _waiting(self) -> list[Operation]:
        """Return what has not ended, newest first. All branches share one journal: with a store, that is the store."""
        return [one for branch in self._branches[:1] for one in reversed(await branch.journal.pending())]

    async def show(self, app: str, version: str) -> TimelineEntry:
        """See Lastgood.show."""
        shows = Shows(self.followed, renderer=self._renderer, clock=self._clock, store=self._store)
        return await shows.show(app, version)

    async def diff(self, app: str, from_: str, to: str | None) -> DiffView:
        """See Lastgood.diff."""
        diffs = Diffs(self.followed, renderer=self._renderer, clock=self._clock, store=self._store)
        return await diffs.diff(app, from_, to)

    async def render(self, app: str, version: str | None) -> Rendered:
        """See Lastgood.render."""
        return await render(
            app, version, followed=self.followed, renderer=self._renderer, clock=self._clock, store=self._store
        )

    async def features(self, app: str, from_: str | None = None, to: str | None = None) -> FeaturesView:
        """See Lastgood.features."""
        return await self._features().between(app, from_, to)

    async def figures(self, query: FiguresQuery) -> FiguresView:
        """See Lastgood.figures."""
        return await delivery_figures(query, store=self._store, clock=self._clock)

    async def compare(self, environment: str, other: str) -> CompareView:
        """See Lastgood.compare."""
        return await self._features().compare(environment, other)

    async def where(self, feature: str) -> list[WhereEntry]:
        """See Lastgood.where."""
        return await self._features().where(feature)

    def _features(self) -> Features:
        return Features(
            self.followed, renderer=self._renderer, clock=self._clock, store=self._store, sources=self._sources
        )

    async def problems(self, app: str | None = None) -> list[Problem]:
        """See Lastgood.problems; hold files count, too."""
        trouble = self._trouble() if self._trouble is not None else None
        return await problems(app, followed=self.followed, store=self._store, trouble=trouble)

    async def tree(self, app: str) -> ResourceTree:
        """See Lastgood.tree."""
        return await tree(app, store=self._store, targets=self._targets)

    async def services(self, app: str) -> Services:
        """See Lastgood.services."""
        return await services(app, store=self._store, targets=self._targets)

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> list[PodEvent]:
        """See Lastgood.pod_events."""
        return await pod_events(app, pod, namespace, store=self._store, targets=self._targets)

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """See Lastgood.pod_log."""
        return await pod_log(request, store=self._store, targets=self._targets)

    async def operation(self, operation: str) -> Operation:
        """See Lastgood.operation."""
        found = await self._store.operation(operation) if self._store is not None else None
        if found is None:
            raise UnknownOperation(operation=operation)
        return found

    async def wait_healthy(self, plan: Plan, *, timeout_s: float) -> WaitResult:
        """See Lastgood.wait_healthy."""
        if self._store is None:
            raise NeedsServer(command="--wait")
        return await wait_healthy(plan, store=self._store, clock=self._clock, timeout_s=timeout_s)

    # going back: flows are imported where they are used, so that looking at a clone does not pay for them

    async def plan(self, request: RollbackRequest) -> Plan:
        """See Lastgood.plan."""
        from lastgood.flows.rollback import Rollbacks  # noqa: PLC0415 - see above

        branch = await self._branch_of_all(request)
        try:
            plan = await Rollbacks(branch).plan(await self._checked(request))
        except UnknownApplication as unknown:
            raise await self._explained(unknown) from unknown
        await self._look(branch, unless=not plan.result.pushed)  # merged since the last look
        return plan

    async def rollback(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.rollback."""
        from lastgood.flows.rollback import Rollbacks  # noqa: PLC0415 - see above

        branch = await self._branch_of_all(request)
        try:
            plan = await Rollbacks(branch).do(await self._checked(request), planned=planned)
        except UnknownApplication as unknown:
            raise await self._explained(unknown) from unknown
        await self._look(branch)
        return plan

    async def plan_undo(self, request: UndoRequest) -> Plan:
        """See Lastgood.plan_undo."""
        from lastgood.flows.undo import Undos  # noqa: PLC0415 - see above

        branch = await self._branch_of(request.app)
        plan = await Undos(branch).plan(request)
        await self._look(branch, unless=not plan.result.pushed)  # as above
        return plan

    async def undo(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.undo."""
        from lastgood.flows.undo import Undos  # noqa: PLC0415 - see above

        branch = await self._branch_of(request.app)
        plan = await Undos(branch).do(request, planned=planned)
        await self._look(branch)
        return plan

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.hold."""
        from lastgood.flows.hold import Holds  # noqa: PLC0415 - see above

        branch = await self._branch_of(request.app)
        result = await Holds(branch).hold(request, dry_run=dry_run)
        await self._look(branch, unless=dry_run)
        return result

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.unhold."""
        from lastgood.flows.hold import Holds  # noqa: PLC0415 - see above

        branch = await self._branch_of(request.app)
        result = await Holds(branch).unhold(request, dry_run=dry_run)
        await self._look(branch, unless=dry_run)
        return result

    async def _branch_of_all(self, request: RollbackRequest) -> FollowedBranch:
        if not request.apps:
            raise CommandLineWrong("no application is named", hint="name at least one; see `lastgood apps`")
        return await self._branch_of(request.apps[0])

    async def _checked(self, request: RollbackRequest) -> RollbackRequest:
        """Make sure that all applications of a request are on one branch, since one commit is to move them.

        A deployment's number of an application that is gone from Git becomes its commit, which tells what it was.
        """
        if self._store is not None and len(request.apps) > 1:
            branches = {id(await self._branch_of(app)) for app in request.apps}
            if len(branches) > 1:
                raise CommandLineWrong(
                    "these applications are on different branches, and one commit cannot move them all",
                    hint="roll them back one by one",
                )
        if self._store is not None and request.to is not None and len(request.apps) == 1:
            (app,) = request.apps
            wanted = read_version_text(request.to, now=self._clock.now())
            if isinstance(wanted, Number) and app not in await places(self.followed):
                run = await self._store.deployment(app, wanted.number)
                if run is None:
                    raise UnknownVersion(app=app, version=request.to)
                return msgspec.structs.replace(request, to=run.commit.oid)
        return request

    async def _explained(self, unknown: UnknownApplication) -> UnknownApplication:
        """Say of an application that is gone from Git that it was there, and how one of its versions comes back."""
        if self._store is None or unknown.app is None:
            return unknown
        return await not_there(unknown.app, self._store)

    async def _branch_of(self, app: str) -> FollowedBranch:
        """Return the branch that an application is on. In a clone there is one, and its flows fetch it first."""
        if self._store is None:
            return self._branches[0]
        record = await self._store.application(app)
        if record is None:
            forgotten = await self._branch_that_had(app, self._store)
            if forgotten is None:
                raise await not_there(app, self._store)
            return forgotten
        for branch in self._branches:
            if (branch.repo.name, branch.name) == (record.repo, record.branch):
                return branch
        raise UnknownApplication(
            f"{app} is on the branch {record.branch} of {record.repo}, which is not followed any more",
            app=app,
            name=app,
            nearest=[],
        )

    async def _branch_that_had(self, app: str, store: Store) -> FollowedBranch | None:
        """Return the branch from which an application that was forgotten was deployed last."""
        for run in await store.deployments(DeploymentQuery(app=app, limit=1)):
            for branch in self._branches:
                with contextlib.suppress(LastgoodError):
                    await branch.repo.commit(run.commit.oid)
                    return branch
        return None

    async def _look(self, branch: FollowedBranch, *, unless: bool = False) -> None:
        """Let the agent follow what was pushed at once; if it cannot look now, it looks at its next poll.

        Whoever pushed is not kept waiting by that: the push has happened.
        """
        if self._agent is None or unless:
            return
        look = asyncio.create_task(self._agent.look(branch.repo.name))
        self._looks.add(look)
        look.add_done_callback(self._looked)
        await asyncio.wait({look}, timeout=LOOK_S)

    def _looked(self, look: "asyncio.Task[list[str]]") -> None:
        self._looks.discard(look)
        wrong = None if look.cancelled() else look.exception()
        if wrong is not None and not isinstance(wrong, LastgoodError):
            raise wrong

    # what the agent and the store keep

    async def pause(self, request: PauseRequest) -> list[Pause]:
        """See Lastgood.pause."""
        return await self._pausing("pause", request)

    async def resume(self, request: PauseRequest) -> list[Pause]:
        """See Lastgood.resume."""
        return await self._pausing("resume", request)

    async def _pausing(self, command: str, request: PauseRequest) -> list[Pause]:
        if self._store is None:
            raise NeedsServer(command=f"`lastgood {command}`")
        from lastgood.flows.pause import PauseDeployments  # noqa: PLC0415 - see above

        flow = PauseDeployments(self._store, self._clock)
        pauses = await (flow.pause(request) if command == "pause" else flow.resume(request))
        if self._agent is not None:
            await self._agent.changed(request.name if request.scope == "application" else None)
        return pauses

    async def retry(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """See Lastgood.retry."""
        return await self._the_agent("retry").press(request, dry_run=dry_run)

    async def sync(self, app: str | None) -> list[str]:
        """See Lastgood.sync."""
        agent = self._the_agent("sync")
        return await agent.look((await self._branch_of(app)).repo.name if app is not None else None)

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """See Lastgood.forget."""
        return await self._the_agent("forget").forget(app, prune=prune, dry_run=dry_run, by=by)

    def _the_agent(self, command: str) -> Agent:
        if self._agent is None:
            raise NeedsServer(command=f"`lastgood {command}`")
        return self._agent
