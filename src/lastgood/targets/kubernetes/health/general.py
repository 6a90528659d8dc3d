"""What holds for objects of every kind. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, progressing


def being_deleted(live: Live) -> HealthVerdict | None:
    """Return Progressing for an object that somebody asked to go; finalizers may keep it for long."""
    if live.get("metadata", "deletionTimestamp") is None:
        return None
    since = live.time("metadata", "deletionTimestamp")
    return progressing("Terminating", "it is being deleted", since=since)


def not_yet_observed(live: Live) -> HealthVerdict | None:
    """Return Progressing where the status tells of an older generation than the object's own.

    Kinds that write another thing than a number there are not judged by it.
    """
    generation, observed = live.get("metadata", "generation"), live.get("status")
    observed = observed.get("observedGeneration") if isinstance(observed, dict) else None
    if not _is_number(generation) or not _is_number(observed) or observed >= generation:
        return None
    return progressing("NotObserved", f"its controller has seen generation {observed}, and not yet {generation}")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
