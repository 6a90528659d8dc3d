"""Judge a ReplicaSet or a ReplicationController. Pure. Source: the controllers' own rules; vectors in tests."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.replicas import too_few, too_many
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing


def replica_set_health(live: Live) -> HealthVerdict:
    """Say how many of its pods there are. Where pods cannot be made (quota, admission), it is Degraded."""
    failure = live.condition("ReplicaFailure")
    if failure and failure.true:
        return degraded(failure.reason or "ReplicaFailure", failure.said("pods cannot be made"), since=failure.since)
    wanted = live.count("spec", "replicas", default=1)
    have, available = live.count("status", "replicas"), live.count("status", "availableReplicas")
    waiting = (
        too_few("LessReplicas", have, wanted, "there")
        or too_few("LessAvailable", available, wanted, "available")
        or too_few("LessReady", live.count("status", "readyReplicas"), wanted, "ready")
        or too_many(have, wanted)
    )
    if waiting:
        return waiting
    if not live.mapping("status"):
        return progressing("NotObserved", "its controller has not seen it yet")
    return healthy("Available", f"{available} of {wanted} available")
