"""The agent: follows config repos and makes destinations match them, until it is cancelled.

Its story. First, in order: what the last agent left is read; operations whose push has no known end are finished;
the newest known head of each repo is taken up without the network. Then, side by side: one task for each repo looks
and polls; one lane for each application deploys, one thing at a time; two tasks for each destination observe; one
notices pauses that another process made, and one answers what another process asks. Tasks meet only in `Known`.
Cancelled, it leaves no half-written record: a deployment under way stays in progress, what it started keeps running,
and the next agent goes on with both.
"""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import structlog

from lastgood.agent.answering import Answering
from lastgood.agent.following import Following
from lastgood.agent.lane import Lane
from lastgood.agent.look_after import LookAfter
from lastgood.agent.watch import local_repo, watch_repo
from lastgood.core.commit import Person
from lastgood.core.discovery import Discovered
from lastgood.core.errors import LastgoodError, Unknown
from lastgood.core.limits import Limits
from lastgood.core.nearest import did_you_mean
from lastgood.core.observation import Observation
from lastgood.core.ports import Clock, Renderer, Store, Target
from lastgood.core.request import ForgetResult, PressRequest, PressResult
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.deploy import Deploy
from lastgood.flows.follow import MayRun
from lastgood.flows.forget import Forget
from lastgood.flows.known import Known
from lastgood.flows.leaving import FindLeaving
from lastgood.flows.observe_head import ObserveHead
from lastgood.flows.press import Press
from lastgood.flows.pull_request import settle_requests
from lastgood.flows.recover import recover

NOTICE_S = 2.0


class Followed(NamedTuple):
    """A branch that the agent follows, and where it comes from."""

    branch: FollowedBranch
    url: str


class FollowingAgent:
    """The port Agent, and the loop behind it. may_run: see `flows/follow.py`. targets: by the destination's name."""

    def __init__(
        self,
        followed: Sequence[Followed],
        *,
        targets: Mapping[str, Target],
        store: Store,
        renderer: Renderer,
        clock: Clock,
        limits: Limits,
        may_run: MayRun,
        poll_s: float = 30.0,
    ) -> None:
        self._followed = tuple(followed)
        self._targets = dict(targets)
        self._store = store
        self._clock = clock
        self._limits = limits
        self._known = Known(store, clock)
        self._deploys: dict[str, Deploy] = {}
        self._following: dict[str, Following] = {}
        for branch, url in self._followed:
            name = branch.repo.name
            self._deploys[name] = Deploy(
                repo=branch.repo, store=store, known=self._known, renderer=renderer, clock=clock
            )
            observe = ObserveHead(
                repo=branch.repo,
                url=url,
                branch=branch.name,
                store=store,
                known=self._known,
                renderer=renderer,
                clock=clock,
                limits=limits,
                may_run=may_run,
                discovery=branch.discovery,
                settle=partial(settle_requests, branch, ask=False),
            )
            self._following[name] = Following(
                observe, branch=branch, clock=clock, poll_s=poll_s, looked=self._open_lanes
            )
        repos = {branch.repo.name: branch.repo for branch, _ in self._followed}
        self._press = Press(store=store, known=self._known, clock=clock, repos=repos.get)
        leaving = FindLeaving({branch.repo.name: branch for branch, _ in self._followed}, self._known)
        self._forget = Forget(store=store, known=self._known, clock=clock, targets=self._targets.get, leaving=leaving)
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    def observed(self, app: str) -> Observation | None:
        """Return what was observed of an application last, from memory."""
        return self._known.observation(app)

    def under_way(self, *, since: dt.datetime) -> int:
        """Return how many deployments are in progress that began at `since` or later."""
        return self._known.under_way(since=since)

    def records_trouble(self) -> str | None:
        """Say why records cannot be written, None where the last look at every repo was recorded."""
        return next((one.records_trouble for one in self._following.values() if one.records_trouble), None)

    def discovered(self, repo: str) -> Discovered | None:
        """Return the applications of a repo at the newest head whose `lastgood.yaml` could be read."""
        following = self._following.get(repo)
        return following.observe.discovered if following is not None else None

    async def run(self) -> None:
        """Follow until cancelled. Raises StoreFailed where the records cannot even be read at the start."""
        await self._take_up()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._open_lanes()
                for following in self._following.values():
                    tasks.create_task(following.run())
                for (_, url), following in zip(self._followed, self._following.values(), strict=True):
                    local = local_repo(url)
                    if local is not None:
                        tasks.create_task(watch_repo(local, following.nudge, clock=self._clock))
                for name, target in self._targets.items():
                    tasks.create_task(LookAfter(name, target, known=self._known, clock=self._clock).run())
                tasks.create_task(self._notice_pauses())
                tasks.create_task(Answering(self, store=self._store, clock=self._clock).run())
        finally:
            self._tasks = None

    async def _take_up(self) -> None:
        await self._known.load()
        for branch, _ in self._followed:
            try:
                for operation in await recover(branch):
                    structlog.get_logger().info("operation finished", operation=operation.id, step=operation.step)
            except LastgoodError as trouble:
                structlog.get_logger().warning("operations are not finished yet", reason=trouble.message)
        for following in self._following.values():
            await following.observe.restore()
        await self._press.resume()

    def _open_lanes(self) -> None:
        """Give each application a lane; close those of applications that were forgotten."""
        if self._tasks is None:
            return
        for name in self._known.names():
            record = self._known.record(name)
            deploy = self._deploys.get(record.repo) if record is not None else None
            if name in self._lanes or deploy is None:
                continue
            lane = Lane(
                name,
                deploy=deploy,
                target=self._targets.get,
                store=self._store,
                known=self._known,
                clock=self._clock,
                limits=self._limits,
            )
            self._lanes[name] = self._tasks.create_task(lane.run())

    async def _notice_pauses(self) -> None:
        """Wake every lane when pauses change: a command in another process may have changed them."""
        before = None
        while True:
            try:
                now = await self._store.pauses()
                if now != before:
                    before = now
                    self._wake(None)
            except LastgoodError as trouble:
                structlog.get_logger().warning("pauses cannot be read", reason=trouble.message)
            await self._clock.sleep(NOTICE_S)

    def _wake(self, app: str | None) -> None:
        for name in [app] if app is not None else self._known.names():
            self._known.happened(name)

    # the port

    async def look(self, repo: str | None) -> list[str]:
        """See Agent.look. Raises Unknown for a name that is not followed."""
        if repo is not None and repo not in self._following:
            hint = did_you_mean(repo, self._following) or "see the repos in lastgood.toml"
            raise Unknown(f"no repo {repo} is followed", hint=hint, name=repo)
        chosen = [self._following[repo]] if repo is not None else list(self._following.values())
        await asyncio.gather(*(following.look() for following in chosen))
        return [following.name for following in chosen]

    async def press(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """See Agent.press."""
        return await self._press(request, dry_run=dry_run)

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """See Agent.forget."""
        shown = await self._forget(app, prune=prune, dry_run=True)
        if dry_run:
            return shown
        # What a lane has under way ends first: it must not start anew what is deleted here.
        lane = self._lanes.pop(app, None)
        if lane is not None:
            lane.cancel()
            await asyncio.wait([lane])
        try:
            return await self._forget(app, prune=prune, by=by)
        finally:
            self._open_lanes()

    async def changed(self, app: str | None) -> None:
        """See Agent.changed."""
        self._wake(app)
