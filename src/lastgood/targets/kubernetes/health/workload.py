"""Judge a workload together with its own pods: bad news comes from them long before its deadline. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from lastgood.core.errors import MalformedResource
from lastgood.core.value import Value
from lastgood.core.words import Health
from lastgood.targets.kubernetes.health.container import containers_of, worst_container
from lastgood.targets.kubernetes.health.judge import OwnRules, judge
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, verdict

# What a Deployment says, and a Rollout: that it is late, and not why.
LATE = "ProgressDeadlineExceeded"
_WORST: tuple[Health, ...] = ("Degraded", "Unknown", "Progressing", "Suspended", "Healthy", "Missing")


class WorkloadHealth(Value, frozen=True, kw_only=True):
    """A workload and the pod that is worst.

    verdict: of both together. own: what the workload says of itself. pod, container: names, "" where no pod or
    container is to blame. restarts: of the containers of all pods. ready, wanted: pods, as far as known.
    """

    verdict: HealthVerdict
    own: HealthVerdict
    pod: str = ""
    container: str = ""
    restarts: int = 0
    ready: int = 0
    wanted: int = 0


def workload_health(
    live: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], *, now: dt.datetime, own: OwnRules | None = None
) -> WorkloadHealth:
    """Say how a workload is, by itself and by its pods.

    pods: those that belong to its newest version, as the API server sent them: a pod of an old version that crashes
    while it is replaced is no news; of a CronJob, those of runs that are under way. now: aware UTC time.
    A Degraded pod makes its workload Degraded, unless that is suspended or going away; one of a Job that failed does
    not, since the Job may try again. A deadline that passes does not silence what the pod says: it says why.
    A pod that cannot be judged is left out.
    Raises MalformedResource where the workload itself cannot be judged.
    """
    owner = Live(live)
    said = judge(owner, now=now, own=own)
    worst: tuple[int, Live, HealthVerdict] | None = None
    restarts = ready = count = 0
    for manifest in pods:
        try:
            pod = Live(manifest)
            found = judge(pod, now=now)
            restarts += sum(one.restarts for one in containers_of(pod))
        except MalformedResource:
            continue
        count += 1
        condition = pod.condition("Ready")
        ready += bool(condition and condition.true)
        if owner.kind in {"Job", "CronJob"} and pod.text("status", "phase") == "Failed":
            # Whether it tries again, its controller knows.
            continue
        rank = _WORST.index(found.health)
        if worst is None or rank < worst[0]:
            worst = (rank, pod, found)
    wanted = _wanted(owner, count)
    alone = WorkloadHealth(verdict=said, own=said, restarts=restarts, ready=ready, wanted=wanted)
    if worst is None or worst[2].health != "Degraded" or said.health == "Suspended" or _leaves(owner):
        return alone
    if said.health == "Degraded" and said.reason != LATE:
        return alone
    if _settled(owner, said):
        return alone
    _, pod, found = worst
    culprit = worst_container(containers_of(pod)) or next((one for one in containers_of(pod) if not one.ready), None)
    return WorkloadHealth(
        verdict=verdict(found.health, found.reason, f"pod {pod.name}: {found.message}", since=found.since),
        own=said,
        pod=pod.name,
        container=culprit.name if culprit else "",
        restarts=restarts,
        ready=ready,
        wanted=wanted,
    )


def _leaves(owner: Live) -> bool:
    return owner.get("metadata", "deletionTimestamp") is not None


def _settled(owner: Live, said: HealthVerdict) -> bool:
    """Whether its pods no longer count: a Job tries again by itself, and has succeeded."""
    return owner.kind == "Job" and said.health == "Healthy"


def _wanted(owner: Live, pods: int) -> int:
    for path in (("spec", "replicas"), ("status", "desiredNumberScheduled")):
        found = owner.get(*path)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
    return 1 if owner.kind in {"Deployment", "StatefulSet", "ReplicaSet"} else pods
