"""The twin of a target: keeps in memory what was applied, and is as healthy as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import msgspec

from lastgood.core.application import Application
from lastgood.core.errors import TargetFailed, TargetRefused, UnknownPod
from lastgood.core.leaving import Going, Leaving
from lastgood.core.observation import (
    LEFT,
    ApplyResult,
    Fault,
    Observation,
    ResourceHealth,
    ResourceResult,
    worst,
)
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Clock
from lastgood.core.resource import Rendered, Resource
from lastgood.core.resource_tree import ResourceTree, TreeNode, node_id
from lastgood.core.service import Services, ServiceView
from lastgood.core.words import Health, Occasion


class MemoryTarget:
    """The port Target. What is applied is at once as healthy as `set_health` said, else Healthy.

    applied: (application, digest) of every apply that did something, in order: what a flow really asked for.
    logs, events: what is told of a resource, by (application, resource).
    """

    def __init__(self, clock: Clock, *, name: str = "memory") -> None:
        self.name = name
        self.clock = clock
        self.applied: list[tuple[str, str]] = []
        self.occasions: list[Occasion] = []
        self.let_go_of: list[str] = []
        self.leaving: dict[str, Leaving | None] = {}
        self.logs: dict[tuple[str, str], str] = {}
        self.events: dict[tuple[str, str], tuple[PodEvent, ...]] = {}
        self.told_followed: frozenset[str] = frozenset()
        self._running: dict[str, Rendered] = {}
        self._wanted: dict[str, str] = {}
        self._health: dict[str, tuple[Health, str, str]] = {}
        self._reasons: dict[str, str] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._failures: dict[str, list[TargetFailed]] = {}
        self._partial: dict[str, list[tuple[str, Fault, str]]] = {}
        self._may_go_on: dict[str, bool | None] = {}
        self._left: dict[str, dict[str, Resource]] = {}
        self._drifted: dict[str, list[str]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._watchers: list[asyncio.Queue[str]] = []

    # what a test turns
    def set_health(
        self, app: str, health: Health, message: str = "", *, last_words: str = "", reason: str = ""
    ) -> None:
        """Let everything of an application be in that health from now on, and say so to who watches."""
        self._health[app] = (health, message, last_words)
        self._reasons[app] = reason
        self._tell(app)

    def set_counts(self, app: str, ready: int, wanted: int) -> None:
        """Let so much of each resource be ready from now on, and say so to who watches."""
        self._counts[app] = (ready, wanted)
        self._tell(app)

    def fail_apply(self, app: str, reason: str = "the target is away", *, refuse: bool = False) -> None:
        """Let the next apply raise TargetFailed, having done nothing; refuse: TargetRefused."""
        failed = TargetRefused if refuse else TargetFailed
        self._failures.setdefault(app, []).append(failed(app=app, destination=self.name, reason=reason))

    def half_apply(self, app: str, resource: str, *, fault: Fault = "target", last_words: str = "") -> None:
        """Let the next apply do everything but that resource; unless it is the target's fault, it is refused again."""
        self._partial.setdefault(app, []).append((resource, fault, last_words))

    def clear_the_way(self, app: str) -> None:
        """Let what the last apply was refused be taken from now on, and say so to who watches."""
        self._may_go_on[app] = True
        self._tell(app)

    def block_apply(self, app: str) -> asyncio.Event:
        """Let applies wait until the event that is returned is set."""
        return self._gates.setdefault(app, asyncio.Event())

    def drift(self, app: str, resource: str) -> None:
        """Let somebody remove one resource behind lastgood's back."""
        running = self._running[app]
        left = tuple(r for r in running.resources if r.name != resource)
        self._running[app] = msgspec.structs.replace(running, resources=left, digest=f"{running.digest}-drifted")
        self._drifted.setdefault(app, []).append(f"{resource} was taken away, last by somebody")
        self._tell(app)

    # the port
    async def apply(
        self,
        app: Application,
        rendered: Rendered,
        *,
        occasion: Occasion = "upgrade",
        attempt: int | None = None,
        before_deleting: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyResult:
        self.occasions.append(occasion)
        if app.name in self._gates:
            await self._gates[app.name].wait()
        if self._failures.get(app.name):
            raise self._failures[app.name].pop(0)
        if not rendered.resources:
            reason = "the version renders to nothing, and an empty version never deletes what runs"
            raise TargetRefused(app=app.name, destination=self.name, reason=reason)
        failing = self._partial.get(app.name)
        skipped, fault, last_words = failing.pop(0) if failing else (None, "target", "")
        self._may_go_on[app.name] = None if skipped is None or fault == "target" else False
        before = {r.name: r for r in self._running[app.name].resources} if app.name in self._running else {}
        after = {r.name: r for r in rendered.resources}
        if before_deleting is not None and app.policy.prune and before.keys() - after.keys():
            await before_deleting()
        results = [_result(r, before.get(r.name), skipped=skipped) for r in rendered.resources]
        results += [
            ResourceResult(kind=r.kind, name=r.name, change="removed", outcome="removed")
            for name, r in sorted(before.items())
            if name not in after and app.policy.prune
        ]
        stay = {**self._left.get(app.name, {}), **before} if not app.policy.prune else {}
        self._left[app.name] = {name: r for name, r in sorted(stay.items()) if name not in after}
        left, why = self._left[app.name].values(), "left Git and stays: prune is off"
        results += [ResourceResult(kind=r.kind, name=r.name, change=None, outcome=LEFT, message=why) for r in left]
        done = tuple(r for r in rendered.resources if r.name != skipped)
        digest = rendered.digest if skipped is None else f"{rendered.digest}-partial"
        self._running[app.name] = msgspec.structs.replace(rendered, resources=done, digest=digest)
        self._wanted[app.name] = rendered.digest
        self._drifted.pop(app.name, None)
        self.applied.append((app.name, rendered.digest))
        self._tell(app.name)
        message = "" if skipped is None else f"not done: {skipped}"
        return ApplyResult(
            complete=skipped is None,
            resources=tuple(results),
            message=message,
            fault=fault,
            last_words=last_words,
        )

    async def observe(self, app: str) -> Observation:
        now = self.clock.now()
        rendered = self._running.get(app)
        if rendered is None:
            return Observation(
                app=app, observed_at=now, health="Missing", sync="Unknown", message="nothing is installed"
            )
        health, message, last_words = self._health.get(app, ("Healthy", "", ""))
        ready, wanted = self._counts.get(app, (int(health == "Healthy"), 1))
        resources = tuple(
            ResourceHealth(
                kind=r.kind,
                name=r.name,
                health=health,
                reason=self._reasons.get(app, ""),
                message=message,
                last_words=last_words,
                ready=ready,
                wanted=wanted,
            )
            for r in rendered.resources
        )
        return Observation(
            app=app,
            observed_at=now,
            health=worst([r.health for r in resources]),
            sync="Synced" if rendered.digest == self._wanted[app] else "OutOfSync",
            message=message,
            drift="; ".join(self._drifted.get(app, ())),
            digest=self._wanted[app] if app in self._drifted else rendered.digest,
            may_go_on=self._may_go_on.get(app),
            resources=resources,
            left=tuple(f"{r.kind} {r.name}" for r in self._left.get(app, {}).values()),
        )

    async def tree(self, app: str) -> ResourceTree:
        seen = await self.observe(app)
        nodes = tuple(
            TreeNode(
                id=node_id("", one.kind, None, one.name),
                group="",
                kind=one.kind,
                namespace=None,
                name=one.name,
                asked=True,
                health=one.health,
                message=one.message,
            )
            for one in seen.resources
        )
        return ResourceTree(app=app, observed_at=seen.observed_at, nodes=nodes)

    async def services(self, app: str) -> Services:
        seen = await self.observe(app)
        services = tuple(
            ServiceView(
                group="",
                kind=one.kind,
                namespace=None,
                name=one.name,
                health=one.health,
                message=one.message,
                ready=one.ready,
                pods=(one.name,),
            )
            for one in seen.resources
        )
        return Services(app=app, observed_at=seen.observed_at, services=services)

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> tuple[PodEvent, ...]:
        self._pod(app, pod, namespace)
        return self.events.get((app, pod), ())

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        self._pod(request.app, request.pod, request.namespace)
        lines = self.logs.get((request.app, request.pod), "").splitlines(keepends=True)
        text = "".join(lines[-request.tail_lines :])
        return PodLog(
            app=request.app,
            pod=request.pod,
            namespace=None,
            container=None,
            previous=request.previous,
            text=text[-request.limit_bytes :],
            cut=len(text) > request.limit_bytes,
        )

    def _pod(self, app: str, pod: str, namespace: str | None) -> None:
        running = self._running.get(app)
        if namespace is not None or running is None or pod not in {r.name for r in running.resources}:
            raise UnknownPod(app=app, pod=pod)

    async def prune(self, app: str, *, leaving: Leaving | None = None) -> list[str]:
        self.leaving[app] = leaving
        rendered = self._running.pop(app, None)
        self._wanted.pop(app, None)
        if rendered is None:
            return []
        self._tell(app)
        return [f"{r.kind} {r.name}" for r in sorted(rendered.resources, key=lambda r: r.name)]

    async def let_go(self, app: str) -> None:
        self.let_go_of.append(app)

    async def going(self, app: str) -> Going:
        return Going(goes=tuple(f"{one.kind} {one.name}" for one in (await self.observe(app)).resources))

    def followed(self, apps: Collection[str]) -> None:
        self.told_followed = frozenset(apps)

    async def changes(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._watchers.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.remove(queue)

    def _tell(self, app: str) -> None:
        for queue in self._watchers:
            queue.put_nowait(app)


def _result(after: Resource, before: Resource | None, *, skipped: str | None) -> ResourceResult:
    if after.name == skipped:
        return ResourceResult(kind=after.kind, name=after.name, change=None, outcome="failed", message="refused")
    if before is None:
        return ResourceResult(kind=after.kind, name=after.name, change="added", outcome="applied")
    if before.manifest == after.manifest:
        return ResourceResult(kind=after.kind, name=after.name, change=None, outcome="unchanged")
    return ResourceResult(kind=after.kind, name=after.name, change="modified", outcome="applied")
