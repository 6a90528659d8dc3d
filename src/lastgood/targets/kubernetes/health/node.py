"""Judge a Node. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing, suspended

_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def node_health(live: Live) -> HealthVerdict:
    """Say whether pods can run on it. One that takes no new pods by somebody's wish is Suspended."""
    conditions = live.conditions()
    ready = conditions.get("Ready")
    if ready is None:
        return progressing("NotObserved", "its kubelet has said nothing yet")
    if not ready.true:
        return degraded(ready.reason or "NotReady", ready.said("it is not ready"), since=ready.since)
    for name in _PRESSURES:
        if (found := conditions.get(name)) and found.true:
            return degraded(found.reason or name, found.said(f"it says {name}"), since=found.since)
    if live.flag("spec", "unschedulable"):
        return suspended("Unschedulable", "it takes no new pods")
    return healthy(ready.reason or "Ready", ready.said("it is ready"), since=ready.since)
