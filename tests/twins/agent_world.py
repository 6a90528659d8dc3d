"""An agent among twins: a config repo in memory, a target in memory, SQLite in memory, a clock that the test moves."""

import asyncio
import contextlib
import inspect
from collections.abc import Mapping

from lastgood.agent.agent import Followed, FollowingAgent
from lastgood.core.deployment import Deployment
from lastgood.core.discovery import Discovery
from lastgood.core.limits import Limits
from lastgood.core.ports import PullRequests, Renderer, Target
from lastgood.core.record import ApplicationRecord, DeploymentQuery
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.journal import StoreJournal
from lastgood.render.renderers import Renderers
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.config_repo import MemoryConfigRepo, MemoryRemote
from twins.target import MemoryTarget

CONFIG = """\
version: 1
applications:
  - name: "{service}-{environment}"
    path: "apps/{service}/{environment}"
    environment: "{environment}"
    destination: "twin"
    policy: {bake: 60s}
"""


def compose(revision: str) -> str:
    return (
        f'x-lastgood: {{artifacts: {{web: "{revision}"}}}}\nprocesses: {{web: {{command: "run", working_dir: "."}}}}\n'
    )


def app_file(app: str, revision: str) -> dict[str, str]:
    service, environment = app.rsplit("-", 1)
    return {f"apps/{service}/{environment}/process-compose.yaml": compose(revision)}


class Counted:
    """A store that knows how many of its calls are under way; nothing else differs."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._under_way = 0

    def busy(self) -> bool:
        return self._under_way > 0

    def __getattr__(self, name: str):
        found = getattr(self._store, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def counted(*args, **kwargs):
            self._under_way += 1
            try:
                return await found(*args, **kwargs)
            finally:
                self._under_way -= 1

        return counted


class World:
    """Everything that an agent needs, and the agent while it runs."""

    def __init__(
        self, *, limits: Limits | None = None, store: SqlStore | None = None, renderer: Renderer | None = None
    ) -> None:
        self.store = Counted(store or SqlStore.in_memory())
        self.clock = ManualClock(busy=self.store.busy)
        self.remote = MemoryRemote()
        self.repo = MemoryConfigRepo(self.remote)
        self.target = MemoryTarget(self.clock, name="twin")
        self.renderer = renderer or Renderers()
        self.limits = limits or Limits()
        self.other_targets: dict[str, Target] = {}
        self.rollouts = None
        self.refuses = {}
        self.pulls: PullRequests | None = None
        self.agent: FollowingAgent | None = None
        self._running: asyncio.Task | None = None

    async def release(self, files: Mapping[str, str | None], message: str = "Release", **words) -> str:
        return await self.remote.commit_files("main", files, message=message, **words)

    def branch(self) -> FollowedBranch:
        """Return the branch as one more who follows it sees it."""
        return FollowedBranch(
            repo=self.repo,
            name="main",
            discovery=Discovery(),
            renderer=self.renderer,
            store=self.store,
            journal=StoreJournal(self.store),
            clock=self.clock,
            rollouts=self.rollouts,
            pulls=self.pulls,
        )

    async def start(self) -> None:
        self.agent = FollowingAgent(
            [Followed(self.branch(), self.remote.url)],
            targets={"twin": self.target, **self.other_targets},
            store=self.store,
            renderer=self.renderer,
            clock=self.clock,
            limits=self.limits,
            may_run=lambda app: self.refuses.get(app.name),
        )
        self._running = asyncio.create_task(self.agent.run())
        await self.agent.look(None)

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    async def look(self) -> None:
        """Look, and let time pass where a rewritten branch is read twice."""
        looking = asyncio.ensure_future(self.agent.look(None))
        while not looking.done():
            await asyncio.sleep(0.001)
            await self.clock.move(1)
        await looking

    async def record(self, app: str) -> ApplicationRecord:
        found = await self.store.application(app)
        assert found is not None, app
        return found

    async def runs(self, app: str) -> list[Deployment]:
        return await self.store.deployments(DeploymentQuery(app=app))

    async def until(self, true, what: str = "", *, passing: float = 0, looks: int = 2000) -> None:
        """Wait, in real time and bounded, until an awaitable condition is true.

        passing: seconds that go by on the clock at each look. What sleeps only after its record can be read is woken
        all the same; a single move of the clock could come too early for it.
        """
        for _ in range(looks):
            if await true():
                return
            await asyncio.sleep(0.005)
            if passing:
                await self.clock.move(passing)
        raise AssertionError(f"did not come true: {what}")

    async def run_until(
        self, app: str, outcome: str, count: int = 1, *, passing: float = 0, looks: int = 2000
    ) -> Deployment:
        """Wait until an application has so many deployments, the newest with that outcome; see `until`."""

        async def there() -> bool:
            runs = await self.runs(app)
            return len(runs) == count and runs[0].outcome == outcome

        try:
            await self.until(there, passing=passing, looks=looks)
        except AssertionError as wrong:
            shown = [(r.number, r.outcome, r.trigger, r.message) for r in await self.runs(app)]
            raise AssertionError(f"{app}: {shown}, {await self.record(app)}") from wrong
        return (await self.runs(app))[0]
