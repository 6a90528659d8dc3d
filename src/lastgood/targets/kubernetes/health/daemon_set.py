"""Judge a DaemonSet. Pure. Source: the DaemonSet controller's own rules; vectors in tests."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.replicas import too_few
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def daemon_set_health(live: Live) -> HealthVerdict:
    """Say on how many of its nodes a DaemonSet runs. How many there should be, only its controller knows."""
    if live.get("status", "observedGeneration") is None or live.get("status", "desiredNumberScheduled") is None:
        return progressing("NotObserved", "its controller has not seen it yet")
    wanted = live.count("status", "desiredNumberScheduled")
    on_delete = live.text("spec", "updateStrategy", "type") == "OnDelete"
    return (
        too_few("LessCurrent", live.count("status", "currentNumberScheduled"), wanted, "placed on a node")
        or (
            None
            if on_delete
            else too_few("LessUpdated", live.count("status", "updatedNumberScheduled"), wanted, "of the new version")
        )
        or too_few("LessAvailable", live.count("status", "numberAvailable"), wanted, "available")
        or too_few("LessReady", live.count("status", "numberReady"), wanted, "ready")
        or healthy("Available", f"{wanted} of {wanted} available")
    )
