"""Judge a Namespace. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def namespace_health(live: Live) -> HealthVerdict:
    """Say whether objects can be made in it."""
    if live.text("status", "phase") != "Terminating":
        return healthy("Active", "it is active")
    stuck = next((one for one in live.conditions().values() if one.true), None)
    return progressing("Terminating", stuck.said() if stuck else "it is being deleted")
