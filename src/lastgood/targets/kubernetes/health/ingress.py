"""Judge an Ingress. Pure. Controllers that never write an address leave it Progressing: see the docs."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def ingress_health(live: Live) -> HealthVerdict:
    """Say whether an Ingress has an address."""
    if live.items("status", "loadBalancer", "ingress"):
        return healthy("AddressAssigned", "it has an address")
    return progressing("NoAddress", "its controller has given it no address yet")
