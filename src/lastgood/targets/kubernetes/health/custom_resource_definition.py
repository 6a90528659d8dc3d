"""Judge a CustomResourceDefinition. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing


def custom_resource_definition_health(live: Live) -> HealthVerdict:
    """Say whether its kind can be used: names accepted, established, the schema structural."""
    conditions = live.conditions()
    if (terminating := conditions.get("Terminating")) and terminating.true:
        return progressing("Terminating", terminating.said("it is being deleted"), since=terminating.since)
    names, established = conditions.get("NamesAccepted"), conditions.get("Established")
    if names and names.false:
        return degraded(names.reason or "NamesNotAccepted", names.said("its names are not accepted"), since=names.since)
    if established and established.false and established.reason != "Installing":
        said = established.said("it is not established")
        return degraded(established.reason or "NotEstablished", said, since=established.since)
    schema = conditions.get("NonStructuralSchema")
    if schema and schema.true:
        return degraded(schema.reason or "NonStructuralSchema", schema.said("its schema is wrong"), since=schema.since)
    if established and established.true:
        return healthy("Established", "it is established", since=established.since)
    return progressing("Installing", "it is not established yet")
