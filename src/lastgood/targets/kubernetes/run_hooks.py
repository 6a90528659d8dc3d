"""Run the hooks of a moment, one after the other, each to its end. Knows what a hook is; not when which runs."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from lastgood.core.hook import Hook
from lastgood.core.observation import Fault, ResourceResult
from lastgood.targets.kubernetes.cluster import SUPPORTING, Cluster
from lastgood.targets.kubernetes.live_object import Key, live_object
from lastgood.targets.kubernetes.options import Options
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.trouble import ClusterTrouble, InTheWay
from lastgood.targets.kubernetes.wanted import Wanted


class HookRuns:
    """Runs hooks of one attempt.

    settled: waits until objects are healthy (a Job: complete); returns why not, "" when they are. done: names of hooks
    that an interrupted attempt at the same version has run already; they are not run twice. failed: what the cluster
    would not take of the last one that failed, None where it was taken and came to grief.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        sender: Sender,
        settled: Callable[[list[Key]], Awaitable[str]],
        done: Sequence[str],
    ) -> None:
        self._cluster = cluster
        self._sender = sender
        self._settled = settled
        self.done = list(done)
        self.failed: tuple[Wanted, ClusterTrouble] | None = None

    @property
    def fault(self) -> Fault:
        """Say whose fault the last failure is. Where nobody could look, the hook may have done its work."""
        if self.failed is not None:
            return self.failed[1].fault
        return "target" if self._cluster.trouble(SUPPORTING) is not None else "version"

    async def __call__(self, hooks: Sequence[tuple[Hook, Wanted]]) -> list[ResourceResult]:
        """Run them in order; the first that fails is the last that runs."""
        results = []
        for hook, wanted in hooks:
            name = f"{hook.moment} {hook.label}"
            if name in self.done:
                continue
            result = await self._run(hook, wanted)
            results.append(result)
            if result.outcome == "failed":
                break
            self.done.append(name)
        return results

    async def _run(self, hook: Hook, wanted: Wanted) -> ResourceResult:
        resource = hook.resource
        result = ResourceResult(
            kind=resource.kind, name=resource.name, change="added", outcome="applied", message=f"hook, {hook.moment}"
        )
        try:
            kind = wanted.kind or await self._cluster.kinds.find(resource.group, resource.kind)
            if kind is None:
                raise InTheWay(f"the cluster has no kind {resource.kind}")
            path = kind.path(wanted.key[1] or None, wanted.key[2])
            if "before-hook-creation" in hook.delete:
                await self._remove(path, wanted.key)
            sent = await self._sender.apply(kind, wanted.manifest, Options())
            live = live_object(sent.live, wanted.key[0])
            if live is not None:
                self._cluster.live.put(live)
            why = await self._settled([wanted.key])
            if ("hook-failed" if why else "hook-succeeded") in hook.delete:
                await self._remove(path, wanted.key)
        except ClusterTrouble as trouble:
            self.failed, why = (wanted, trouble), str(trouble)
        if not why:
            return result
        return msgspec.structs.replace(result, outcome="failed", message=f"hook, {hook.moment}: {why}")

    async def _remove(self, path: str, key: Key) -> None:
        there = await self._sender.get(path)
        if there is not None:
            await self._sender.delete_and_wait(path, uid=there["metadata"].get("uid"))
        self._cluster.live.remove(key)
