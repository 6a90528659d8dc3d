"""Judge a PersistentVolumeClaim. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing


def persistent_volume_claim_health(live: Live) -> HealthVerdict:
    """Say whether a claim has its volume. One that waits for its first consumer is still Progressing."""
    phase = live.text("status", "phase")
    if phase == "Lost":
        return degraded("Lost", "the volume that it was bound to is gone")
    if phase == "Bound":
        return healthy("Bound", "it is bound")
    return progressing("NotBound", f"it is {phase or 'not seen yet'}, and not bound to a volume")
