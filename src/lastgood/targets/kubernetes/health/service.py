"""Judge a Service. Pure. What stands behind it, its endpoints tell and not the Service."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def service_health(live: Live) -> HealthVerdict:
    """Say whether a Service of type LoadBalancer has its address; any other is Healthy once it exists."""
    if live.text("spec", "type") != "LoadBalancer":
        return healthy("", "no load balancer is asked for")
    if live.items("status", "loadBalancer", "ingress") or live.items("spec", "externalIPs"):
        return healthy("AddressAssigned", "its load balancer has an address")
    return progressing("NoAddress", "its load balancer has no address yet")
