"""Count the replicas of a workload, one question after another. Pure."""

from lastgood.targets.kubernetes.health.verdict import HealthVerdict, progressing


def too_few(reason: str, have: int, wanted: int, what: str) -> HealthVerdict | None:
    """Return Progressing where there are fewer than wanted. what: as in "2 of 3 replicas are ready"."""
    if have >= wanted:
        return None
    noun = "replica is" if wanted == 1 else "replicas are"
    return progressing(reason, f"{have} of {wanted} {noun} {what}")


def too_many(have: int, wanted: int) -> HealthVerdict | None:
    """Return Progressing where there are more than wanted."""
    if have <= wanted:
        return None
    extra = have - wanted
    return progressing("ExtraPods", f"{extra} old {'replica has' if extra == 1 else 'replicas have'} to go")
