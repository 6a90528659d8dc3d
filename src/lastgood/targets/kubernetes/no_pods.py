"""Workloads whose pods the cluster refuses to make: a quota, a policy, a missing account. Only its events say so.

Deployments have a condition for it; Jobs, StatefulSets and DaemonSets have none.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.finished import JOB
from lastgood.targets.kubernetes.health.verdict import HealthVerdict
from lastgood.targets.kubernetes.kinds import POD, GroupKind
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.pod_reader import read_events
from lastgood.targets.kubernetes.reading import at, whole
from lastgood.targets.kubernetes.trouble import ClusterTrouble, InTheWay

STATEFUL_SET: GroupKind = ("apps", "StatefulSet")
DAEMON_SET: GroupKind = ("apps", "DaemonSet")
EVENT: GroupKind = ("", "Event")
REFUSED, MADE = "FailedCreate", "SuccessfulCreate"
# Its controller tries again after one second and after two more: what is made a moment later is there by then.
PATIENCE_S = 4.0
ASK_AGAIN_S = 3.0
ANSWER_S = 2.0
MAX_KEPT = 10_000
# The cluster makes this account in each new namespace by itself, as a rule in a moment; so long it may take.
ACCOUNT_S = 30.0
_ACCOUNT_LACKS = 'serviceaccount "default" not found'


class PodsRefused(InTheWay):
    """The cluster makes no pods for a Job. The Job is there, and goes on by itself once they are allowed."""


@dataclass
class _Lack:
    """A workload that lacks pods. ask_at: when to ask next, on the loop's clock; why: as the cluster said last."""

    ask_at: float
    why: str = ""


def is_too_early(said: HealthVerdict, now: dt.datetime) -> bool:
    """Say whether a workload only came before the account that the cluster makes in its new namespace."""
    if said.reason != REFUSED or said.since is None or _ACCOUNT_LACKS not in said.message:
        return False
    return (now - said.since).total_seconds() < ACCOUNT_S


class NoPods:
    """Remembers which workloads lack pods, and what the cluster said of it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lacking: dict[str, _Lack] = {}

    async def look(self, keys: Sequence[Key]) -> dict[Key, str]:
        """Return which of these have lacked pods for some time, and why, where the cluster says it."""
        there = [one for key in keys if (one := self._cluster.live.get(key)) is not None]
        lacking = [one for one in there if self._lacks_pods(one)]
        for uid in {one.uid for one in there} - {one.uid for one in lacking}:
            self._lacking.pop(uid, None)
        if len(self._lacking) > MAX_KEPT:
            self._lacking.clear()
        await asyncio.gather(*map(self._ask, lacking))
        return {one.key: why for one in lacking if (why := self._lacking[one.uid].why)}

    def _lacks_pods(self, one: LiveObject) -> bool:
        if one.key[0] not in (JOB, STATEFUL_SET, DAEMON_SET):
            return False
        manifest = one.manifest
        pods = sum(child.key[0] == POD for child in self._cluster.live.children(one.uid))
        if one.key[0] == JOB:
            return not pods and not any(at(manifest, "status", name) for name in ("active", "succeeded", "failed"))
        if one.key[0] == DAEMON_SET:
            return pods < (whole(manifest, "status", "desiredNumberScheduled") or 0)
        replicas = whole(manifest, "spec", "replicas")
        return pods < (1 if replicas is None else replicas)

    async def _ask(self, one: LiveObject) -> None:
        now = asyncio.get_running_loop().time()
        lack = self._lacking.setdefault(one.uid, _Lack(ask_at=now + PATIENCE_S))
        if now < lack.ask_at:
            return
        lack.ask_at = now + ASK_AGAIN_S
        kind = await self._cluster.kinds.find(*EVENT)
        try:
            async with asyncio.timeout(ANSWER_S):
                events = await read_events(self._cluster.connection, kind, one) if kind is not None else ()
        except (ClusterTrouble, TimeoutError):
            # Who may not read events, or gets no answer, waits as long as for any other workload.
            return
        newest = next((event for event in events if event.reason in (REFUSED, MADE)), None)
        lack.why = newest.message if newest is not None and newest.reason == REFUSED else ""
