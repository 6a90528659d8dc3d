"""Run the hooks of a moment, one after the other, each to its end. Knows what a hook is; not when which runs.

What is to be deleted once it succeeded goes after all of them: a Job needs the account that was made for it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lastgood.core.hook import Hook
from lastgood.core.observation import Fault, ResourceResult
from lastgood.targets.kubernetes.cluster import SUPPORTING, Cluster
from lastgood.targets.kubernetes.finished import JOB, ended_well, has_failed
from lastgood.targets.kubernetes.kinds import GroupKind, Kind
from lastgood.targets.kubernetes.live_object import Key, LiveObject, live_object
from lastgood.targets.kubernetes.options import Options
from lastgood.targets.kubernetes.reading import text
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.trouble import ClusterTrouble, InTheWay
from lastgood.targets.kubernetes.wanted import Wanted

_RUN_TO_AN_END: tuple[GroupKind, ...] = (("", "Pod"), ("argoproj.io", "Workflow"))
_CAME_TO_GRIEF = ("Failed", "Error")


class HookRuns:
    """Runs hooks of one attempt.

    settled: waits until objects are healthy (a Job: complete); returns why not, "" when they are. done: names of hooks
    that an interrupted attempt at the same version has run already; they are not run twice. begun: by the name of a
    hook that such an attempt began, the uid of what was in its place before, "" for nothing: what is there instead now
    is that run, and it is waited for, not run anew. note: called with these two whenever they change. failed: what the
    cluster would not take of the last one that failed, None where it was taken and came to grief. words_of: asks what
    the containers of objects printed last; last_words: its answer for the one that failed.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        sender: Sender,
        settled: Callable[[list[Key]], Awaitable[str]],
        words_of: Callable[[list[Key]], Awaitable[str]],
        done: Sequence[str],
        begun: Mapping[str, str],
        note: Callable[[list[str], dict[str, str]], None],
    ) -> None:
        self._cluster = cluster
        self._sender = sender
        self._settled = settled
        self._words_of = words_of
        self._note = note
        self._done = list(done)
        self._begun = dict(begun)
        self._ended: dict[str, tuple[Hook, Wanted]] = {}
        self.failed: tuple[Wanted, ClusterTrouble] | None = None
        self.last_words = ""

    @property
    def fault(self) -> Fault:
        """Say whose fault the last failure is. Where nobody could look, the hook may have done its work."""
        if self.failed is not None:
            return self.failed[1].fault
        return "target" if self._cluster.trouble(SUPPORTING) is not None else "version"

    async def __call__(self, hooks: Sequence[tuple[Hook, Wanted]]) -> list[ResourceResult]:
        """Run all of a moment in order; the first that fails is the last that runs."""
        results = await self.run(hooks)
        return [*results, *await self.sweep()]

    async def run(self, hooks: Sequence[tuple[Hook, Wanted]]) -> list[ResourceResult]:
        """Run some of a moment; what is to go once it succeeded stays until `sweep`."""
        results: list[ResourceResult] = []
        for hook, wanted in hooks:
            name = f"{hook.moment} {hook.label}"
            if name not in self._done:
                results.append(await self._run(hook, wanted, name))
                if results[-1].outcome == "failed":
                    break
                self._done.append(name)
                self._forget_begun(name)
            self._ended[name] = (hook, wanted)
        return results

    async def sweep(self) -> list[ResourceResult]:
        """Delete what succeeded and is to go then; return what is to be told of it."""
        ended, self._ended = [*self._ended.values()], {}
        results = []
        for hook, wanted in reversed(ended):
            if "hook-succeeded" in hook.delete:
                results += await self._sweep(hook, wanted)
        return results

    async def _run(self, hook: Hook, wanted: Wanted, name: str) -> ResourceResult:
        try:
            kind = await self._kind(wanted)
            path = kind.path(wanted.key[1] or None, wanted.key[2])
            there = await self._sender.get(path) if hook.delete else None
            if there is not None and self._goes_on(name, wanted.key, there):
                live = live_object(there, wanted.key[0])
            else:
                live = await self._begin(hook, wanted, name, kind, there)
            if live is not None:
                self._cluster.live.put(live)
            why = await self._settled([wanted.key])
            if why:
                self.last_words = await self._words_of([wanted.key])
            if why and "hook-failed" in hook.delete:
                await self._remove(path, wanted.key)
        except ClusterTrouble as trouble:
            self.failed, why = (wanted, trouble), str(trouble)
        if why and self.fault != "target":
            # It came to grief: the next attempt runs it anew.
            self._forget_begun(name)
        return _result(hook, why)

    async def _begin(
        self, hook: Hook, wanted: Wanted, name: str, kind: Kind, there: dict[str, Any] | None
    ) -> LiveObject | None:
        """Run one anew. there: what is in its place, if that is to be taken away."""
        if hook.delete and _ends(wanted.key):
            self._begun[name] = _uid(there)
            self._note(self._done, self._begun)
        if there is not None and ("before-hook-creation" in hook.delete or is_in_the_way(wanted.key, there)):
            await self._remove(kind.path(wanted.key[1] or None, wanted.key[2]), wanted.key)
        # What is run and deleted again may be made anew, too: an earlier run must not be in the way of this one.
        sent = await self._sender.apply(kind, wanted.manifest, Options(force=bool(hook.delete)))
        return live_object(sent.live, wanted.key[0])

    def _goes_on(self, name: str, key: Key, there: dict[str, Any]) -> bool:
        """Say whether what is there is the run of an attempt that was interrupted, and did not come to grief."""
        before = self._begun.get(name)
        return before is not None and before != _uid(there) and not _came_to_grief(key, there)

    def _forget_begun(self, name: str) -> None:
        self._begun.pop(name, None)
        self._note(self._done, self._begun)

    async def _sweep(self, hook: Hook, wanted: Wanted) -> list[ResourceResult]:
        """Delete one that succeeded; return what is to be told, if it could not be."""
        try:
            kind = await self._kind(wanted)
            await self._remove(kind.path(wanted.key[1] or None, wanted.key[2]), wanted.key)
        except ClusterTrouble as trouble:
            self.failed = (wanted, trouble)
            return [_result(hook, f"it succeeded and could not be deleted: {trouble}")]
        return []

    async def _kind(self, wanted: Wanted) -> Kind:
        (group, name), _, _ = wanted.key
        kind = wanted.kind or await self._cluster.kinds.find(group, name)
        if kind is None:
            raise InTheWay(f"the cluster has no kind {name}")
        return kind

    async def _remove(self, path: str, key: Key) -> None:
        there = await self._sender.get(path)
        if there is not None:
            uid = there["metadata"].get("uid")
            await self._sender.delete_and_wait(path, uid=uid)
            self._cluster.live.deleted(key, uid)


def is_in_the_way(key: Key, there: dict[str, Any]) -> bool:
    """Say whether an earlier run did not end well: the same once more would change nothing of it.

    By the same words as health: what we went on after has ended well, whatever its controller still counts.
    """
    if key[0] == JOB:
        return not ended_well(there)
    return key[0] in _RUN_TO_AN_END and text(there, "status", "phase") != "Succeeded"


def _ends(key: Key) -> bool:
    return key[0] == JOB or key[0] in _RUN_TO_AN_END


def _came_to_grief(key: Key, there: dict[str, Any]) -> bool:
    if there["metadata"].get("deletionTimestamp") is not None:
        return True
    if key[0] == JOB:
        return has_failed(there)
    return text(there, "status", "phase") in _CAME_TO_GRIEF


def _uid(there: dict[str, Any] | None) -> str:
    return str(there["metadata"].get("uid", "")) if there is not None else ""


def _result(hook: Hook, why: str) -> ResourceResult:
    return ResourceResult(
        kind=hook.resource.kind,
        name=hook.resource.name,
        change="added",
        outcome="failed" if why else "applied",
        message=f"hook, {hook.moment}: {why}" if why else f"hook, {hook.moment}",
    )
