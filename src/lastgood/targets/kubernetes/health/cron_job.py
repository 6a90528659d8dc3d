"""Judge a CronJob by its last run, as far as its status tells. Pure."""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, suspended


def cron_job_health(live: Live) -> HealthVerdict:
    """Say how the last run went.

    A run that never succeeded may be the first one, still under way or waiting: that is not known to be bad.
    """
    if live.flag("spec", "suspend"):
        return suspended("Suspended", "it is suspended")
    scheduled, succeeded = live.time("status", "lastScheduleTime"), live.time("status", "lastSuccessfulTime")
    if scheduled is None:
        return healthy("NotScheduledYet", "it has not been due yet")
    if live.items("status", "active"):
        return healthy("Running", "a run is under way", since=scheduled)
    if succeeded is None:
        return healthy("NeverSucceeded", "no run has succeeded so far", since=scheduled)
    if succeeded < scheduled:
        return degraded("LastRunFailed", "its last run did not succeed", since=scheduled)
    return healthy("LastRunSucceeded", "its last run succeeded", since=succeeded)
