"""Judge an APIService. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def api_service_health(live: Live) -> HealthVerdict:
    """Say whether the API behind it answers."""
    found = live.condition("Available")
    if found is None:
        return progressing("NotObserved", "its availability is not known yet")
    if found.true:
        return healthy(found.reason or "Available", found.said("it is available"), since=found.since)
    return progressing(found.reason or "NotAvailable", found.said("it is not available"), since=found.since)
