"""Take an application out of its cluster: hooks that come before, its objects in reverse order, hooks that come after.

A hook that fails ends it there: nothing more is deleted, and what was done is told. Called once more, it does the rest.
Knows no files and no other applications.
"""

from collections.abc import Callable, Collection, Sequence

from lastgood.core.hook import Hook, Moment, is_hook
from lastgood.core.observation import STAYS
from lastgood.targets.kubernetes.apply_set import Extent
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.delete import delete_as_judged
from lastgood.targets.kubernetes.health.general import deletion_in_words
from lastgood.targets.kubernetes.health.live import Live as LiveManifest
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.options import PRECIOUS, options_of
from lastgood.targets.kubernetes.order import deletion_order
from lastgood.targets.kubernetes.run_hooks import HookRuns
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.together import together
from lastgood.targets.kubernetes.trouble import ClusterTrouble
from lastgood.targets.kubernetes.wanted import Wanted

MAX_NAMED = 20


def going_and_staying(
    live: Live,
    set_id: str,
    extent: Extent,
    *,
    may_delete: Collection[str],
    rivals: Callable[[Key], Collection[str]],
) -> tuple[list[LiveObject], list[LiveObject]]:
    """Return what goes with an application, in the order of going, and what stays: by its options, or as precious.

    What a hook left is not the application's. may_delete: names of precious kinds that may go. rivals: who else asks
    for an object.
    """
    there = [one for one in live.members(set_id, extent) if not one.is_being_deleted and not is_hook(one.manifest)]
    may = {one.key: _may_go(one, may_delete=may_delete, rivals=rivals) for one in there}
    going = [one for one in there if may[one.key]]
    order = deletion_order([(options_of(one.manifest).wave, one.key[0], one.name) for one in going])
    return [going[i] for i in order], [one for one in there if not may[one.key]]


def _may_go(one: LiveObject, *, may_delete: Collection[str], rivals: Callable[[Key], Collection[str]]) -> bool:
    is_kept = one.key[0] in PRECIOUS and one.kind not in may_delete
    return options_of(one.manifest).delete and not is_kept and not rivals(one.key)


class TakeAway:
    """Takes one application away. runs: of its hooks.

    may_delete: names of precious kinds that may go; see `options.PRECIOUS`. rivals: who else asks for an object.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        sender: Sender,
        runs: HookRuns,
        may_delete: Collection[str],
        rivals: Callable[[Key], Collection[str]],
    ) -> None:
        self._rivals = rivals
        self._may_delete = may_delete
        self._cluster = cluster
        self._sender = sender
        self._runs = runs
        self._deleted: list[str] = []

    async def __call__(self, set_id: str, extent: Extent, hooks: Sequence[tuple[Hook, Wanted]] = ()) -> list[str]:
        """Do it; return what was deleted, as `Kind name`. Raises ClusterTrouble with what was and was not done."""
        await self._hooks("before deletion", hooks)
        going, _ = going_and_staying(
            self._cluster.live, set_id, extent, may_delete=self._may_delete, rivals=self._rivals
        )
        going = [one for one in going if await self._delete(one)]
        if any(hook.moment == "after deletion" for hook, _ in hooks):
            await together(self._gone(one) for one in going)
        await self._hooks("after deletion", hooks)
        return sorted(self._deleted)

    async def _hooks(self, moment: Moment, hooks: Sequence[tuple[Hook, Wanted]]) -> None:
        mine = [one for one in hooks if one[0].moment == moment]
        if not mine:
            return
        results = await self._runs(mine)
        failed = next((one for one in results if one.outcome == "failed"), None)
        if failed is not None:
            raise ClusterTrouble(f"the hook {failed.kind} {failed.name} failed ({failed.message}); {self._done()}")

    async def _delete(self, one: LiveObject) -> bool:
        """Delete an object; False where it stays, or its kind has gone."""
        try:
            kind = await self._cluster.kinds.find(*one.key[0])
            if kind is None:
                self._cluster.live.deleted(one.key, one.uid)
                return False
            deletion = await delete_as_judged(
                one, kind=kind, sender=self._sender, live=self._cluster.live, why_kept=self._why_kept
            )
        except ClusterTrouble as trouble:
            raise ClusterTrouble(f"{one.kind} {one.name} was not deleted ({trouble}); {self._done()}") from trouble
        if deletion.why_kept:
            return False
        # Found gone is deleted too: the first of two requests may have done it, and its answer was lost.
        self._deleted.append(f"{one.kind} {one.name}{_waits(deletion.leaving)}")
        return True

    def _why_kept(self, one: LiveObject) -> str:
        return "" if _may_go(one, may_delete=self._may_delete, rivals=self._rivals) else STAYS

    async def _gone(self, one: LiveObject) -> None:
        """Wait until an object is gone: a hook that comes after it counts on that."""
        try:
            kind = await self._cluster.kinds.find(*one.key[0])
            if kind is not None:
                await self._sender.delete_and_wait(kind.path(one.namespace, one.name), uid=one.uid)
        except ClusterTrouble as trouble:
            said = f"{one.kind} {one.name}: {trouble}; the hooks after the deletion were not begun; {self._done()}"
            raise ClusterTrouble(said) from trouble

    def _done(self) -> str:
        """Say what was deleted."""
        more = len(self._deleted) - MAX_NAMED
        named = ", ".join(self._deleted[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"deleted: {named}" if named else "nothing was deleted"


def _waits(leaving: LiveObject | None) -> str:
    """Say what an object waits for that was deleted and is not gone, "" where that is nothing."""
    manifest = LiveManifest(leaving.manifest if leaving is not None else {})
    return f" ({deletion_in_words(manifest)})" if manifest.get("metadata", "finalizers") else ""
