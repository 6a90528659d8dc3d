"""The conditions that many kinds share: what a controller that follows the conventions says of its object. Pure."""

from lastgood.targets.kubernetes.health.live import Condition, Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing

# In this order: what has failed does not become fine by what else is said.
_FAILED = ("Stalled", "Failed")
_BUSY = ("Reconciling",)
_FINE = ("Ready", "Available")


def by_conditions(live: Live) -> HealthVerdict | None:
    """Judge by Stalled, Failed, Reconciling, Ready and Available; None where there is none of them.

    A condition that was written for an older generation says nothing of this one.
    """
    conditions = live.conditions()
    for name in _FAILED:
        if (found := conditions.get(name)) and found.true:
            return degraded(found.reason or name, found.said(f"it says {name}"), since=found.since)
    for name in _BUSY:
        if (found := conditions.get(name)) and found.true:
            return progressing(found.reason or name, found.said(f"it says {name}"), since=found.since)
    for name in _FINE:
        if found := conditions.get(name):
            return _fine(found, live)
    return None


def _fine(found: Condition, live: Live) -> HealthVerdict:
    generation = live.get("metadata", "generation")
    if found.generation is not None and isinstance(generation, int) and found.generation < generation:
        return progressing("NotObserved", f"{found.type} was written for generation {found.generation}")
    if found.true:
        return healthy(found.reason or found.type, found.said(f"it is {found.type}"), since=found.since)
    # Not yet: whether it will ever be, such a condition does not say.
    return progressing(found.reason or f"Not{found.type}", found.said(f"it is not {found.type}"), since=found.since)
