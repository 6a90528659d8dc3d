"""Judge a Job. Pure. Source: the Job controller's conditions; vectors in tests."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing, suspended


def job_health(live: Live) -> HealthVerdict:
    """Say how far a Job has come: Healthy is one that completed; one that runs is Progressing."""
    conditions = live.conditions()
    for name in ("Failed", "FailureTarget"):
        if (found := conditions.get(name)) and found.true:
            return degraded(found.reason or "JobFailed", found.said("it failed"), since=found.since)
    # What comes before it, SuccessCriteriaMet, says how it will end: its pods may run still, and are not counted yet.
    if (complete := conditions.get("Complete")) and complete.true:
        return healthy("Complete", complete.said("it completed"), since=complete.since)
    paused = conditions.get("Suspended")
    if live.flag("spec", "suspend") or (paused and paused.true):
        said = paused.said("it is suspended") if paused else "it is suspended"
        return suspended("Suspended", said, since=paused.since if paused else None)
    if live.get("status", "startTime") is None:
        return progressing("NotStarted", "it has not started yet")
    done, failed = live.count("status", "succeeded"), live.count("status", "failed")
    wanted = live.count("spec", "completions", default=1)
    tried = f", {failed} failed so far" if failed else ""
    return progressing("Running", f"{done} of {wanted} completed{tried}", since=live.time("status", "startTime"))
