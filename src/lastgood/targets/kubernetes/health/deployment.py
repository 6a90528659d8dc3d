"""Judge a Deployment. Pure; its pods are judged elsewhere (`workload.py`).

Source: the deployment controller's own rules for its conditions; vectors in tests.
"""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.replicas import too_few, too_many
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing, suspended

# What the API server takes for "never": the controller then writes no Progressing condition.
_NO_DEADLINE = 2**31 - 1


def deployment_health(live: Live) -> HealthVerdict:
    """Say how far a Deployment has come. A paused one is Suspended, whatever else it says."""
    if live.flag("spec", "paused"):
        return suspended("Paused", "it is paused")
    conditions = live.conditions()
    failure, moving, available = (conditions.get(one) for one in ("ReplicaFailure", "Progressing", "Available"))
    if failure and failure.true:
        return degraded(failure.reason or "ReplicaFailure", failure.said("pods cannot be made"), since=failure.since)
    if moving and moving.reason == "ProgressDeadlineExceeded":
        return degraded(moving.reason, moving.said("it did not progress in time"), since=moving.since)
    wanted = live.count("spec", "replicas", default=1)
    updated = live.count("status", "updatedReplicas")
    waiting = (
        too_few("LessReplicas", live.count("status", "replicas"), wanted, "there")
        or too_few("LessUpdated", updated, wanted, "of the new version")
        or too_many(live.count("status", "replicas"), wanted)
        or too_few("LessAvailable", live.count("status", "availableReplicas"), updated, "available")
        or too_few("LessReady", live.count("status", "readyReplicas"), wanted, "ready")
    )
    if waiting:
        return waiting
    if not live.mapping("status"):
        return progressing("NotObserved", "its controller has not seen it yet")
    deadline = live.count("spec", "progressDeadlineSeconds", default=_NO_DEADLINE)
    if deadline != _NO_DEADLINE and moving and not (moving.true and moving.reason == "NewReplicaSetAvailable"):
        return progressing(moving.reason or "Progressing", moving.said("it is being rolled out"), since=moving.since)
    if available and not available.true:
        return progressing(available.reason or "NotAvailable", available.said("it is not available"))
    return healthy("Available", f"{wanted} of {wanted} available", since=available.since if available else None)
