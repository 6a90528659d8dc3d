"""Judge a PersistentVolume. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing


def persistent_volume_health(live: Live) -> HealthVerdict:
    """Say whether a volume can be used, or is."""
    phase, said = live.text("status", "phase"), live.text("status", "message")
    if phase == "Failed":
        return degraded(live.text("status", "reason") or "Failed", said or "it could not be reclaimed or deleted")
    if phase in {"Available", "Bound"}:
        return healthy(phase, said or f"it is {phase}")
    if phase == "Released":
        return healthy(phase, said or "its claim is gone, and it waits to be reclaimed")
    return progressing("Pending", said or "it is not available yet")
