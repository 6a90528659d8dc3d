"""What holds for objects of every kind. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, progressing

MAX_NAMED = 10


def being_deleted(live: Live) -> HealthVerdict | None:
    """Return Progressing for an object that somebody asked to go; finalizers may keep it for long."""
    if live.get("metadata", "deletionTimestamp") is None:
        return None
    since = live.time("metadata", "deletionTimestamp")
    return progressing("Terminating", deletion_in_words(live), since=since)


def deletion_in_words(live: Live) -> str:
    """Say of an object that is being deleted what it waits for."""
    listed = live.get("metadata", "finalizers")
    names = [str(one) for one in listed[:MAX_NAMED]] if isinstance(listed, list) else []
    if live.kind == "Namespace":
        # What is left in it, and the finalizers that keep that, are told by its conditions alone.
        keeps = "; ".join(one.said() for one in live.conditions().values() if one.true)
        return f"it is being deleted: {keeps}" if keeps else "it is being deleted"
    if not names:
        return "it is being deleted"
    return f"it is being deleted and waits for its finalizer{'s' if len(names) > 1 else ''} {', '.join(names)}"


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
