"""Judge a PodDisruptionBudget. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing


def pod_disruption_budget_health(live: Live) -> HealthVerdict:
    """Say whether its controller can compute it. A budget that allows no disruption now does its work."""
    for found in live.conditions().values():
        if found.false and found.reason != "InsufficientPods":
            return degraded(found.reason, found.said("it cannot be computed"), since=found.since)
    if not live.mapping("status"):
        return progressing("NotObserved", "its controller has not seen it yet")
    allowed = live.count("status", "disruptionsAllowed")
    return healthy("Computed", f"{allowed} {'pod' if allowed == 1 else 'pods'} may be disrupted")
