"""Jobs whose pods the cluster refuses to make: a quota, a policy, a missing account. Only its events say so."""

import asyncio
from collections.abc import Sequence

from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.finished import JOB
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import Key
from lastgood.targets.kubernetes.pod_reader import read_events
from lastgood.targets.kubernetes.pods import POD
from lastgood.targets.kubernetes.reading import at
from lastgood.targets.kubernetes.trouble import ClusterTrouble, InTheWay

EVENT: GroupKind = ("", "Event")
REFUSED = "FailedCreate"
# The controller tries again after one second and after two more: what is made a moment later is there by then.
PATIENCE_S = 4.0
ASK_AGAIN_S = 3.0


class PodsRefused(InTheWay):
    """The cluster makes no pods for a Job. The Job is there, and goes on by itself once they are allowed."""


class NoPods:
    """Watches over Jobs that are waited for, one for each wait."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ask_at: dict[Key, float] = {}

    async def look(self, keys: Sequence[Key]) -> None:
        """Raise PodsRefused where one of these has had no pods for some time, and the cluster says why."""
        now = asyncio.get_running_loop().time()
        for key in keys:
            if key[0] != JOB or self._has_pods(key):
                self._ask_at.pop(key, None)
            elif now >= self._ask_at.setdefault(key, now + PATIENCE_S):
                self._ask_at[key] = now + ASK_AGAIN_S
                why = await self._why(key)
                if why:
                    raise PodsRefused(f"Job {key[2]} gets no pods: {why}")

    def _has_pods(self, key: Key) -> bool:
        there = self._cluster.live.get(key)
        if there is None:
            return True
        counted = (at(there.manifest, "status", one) for one in ("active", "succeeded", "failed"))
        made = any(one.key[0] == POD for one in self._cluster.live.children(there.uid))
        return made or any(counted)

    async def _why(self, key: Key) -> str:
        there, kind = self._cluster.live.get(key), await self._cluster.kinds.find(*EVENT)
        if there is None or kind is None:
            return ""
        try:
            events = await read_events(self._cluster.connection, kind, there)
        except ClusterTrouble:
            # Who may not read events waits as long as for any other Job.
            return ""
        return next((one.message for one in events if one.reason == REFUSED), "")
