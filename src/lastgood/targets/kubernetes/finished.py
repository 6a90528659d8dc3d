"""Jobs that ended well and went by their own `ttlSecondsAfterFinished`: done, and neither missing nor run again.

A Job that nobody saw end is missing where it is not there. Writes nothing.
"""

from typing import Any

from lastgood.core.errors import MalformedResource
from lastgood.core.words import Health
from lastgood.targets.kubernetes.health.job import job_health
from lastgood.targets.kubernetes.health.live import Live as LiveManifest
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.memory import Asked
from lastgood.targets.kubernetes.reading import whole

JOB: GroupKind = ("batch", "Job")
ENDED = "Complete"
SAID = "it completed, and went as its ttlSecondsAfterFinished asks for"


def may_go(one: LiveObject) -> bool:
    """Say whether an object is a Job that ended well and goes by itself."""
    if one.key[0] != JOB:
        return False
    manifest = one.manifest
    return whole(manifest, "spec", "ttlSecondsAfterFinished") is not None and ended_well(manifest)


def ended_well(job: dict[str, Any]) -> bool:
    """Say whether a Job has done its work: the last word on that is spoken before its controller has counted it."""
    return _health(job) == "Healthy"


def has_failed(job: dict[str, Any]) -> bool:
    """Say whether a Job has come to grief, or cannot be judged."""
    return _health(job) not in ("Healthy", "Progressing")


def _health(job: dict[str, Any]) -> Health:
    try:
        return job_health(LiveManifest(job)).health
    except MalformedResource:
        return "Unknown"


def note_end(asked: Asked, live: Live) -> bool:
    """Write down what is seen of a Job; say whether anything was new.

    Only the very Job that was found as asked for counts: one that somebody made anew has to end anew.
    """
    if asked.key[0] != JOB or asked.equal is None:
        return False
    before = (asked.job, asked.ended)
    there = live.get(asked.key)
    if there is None:
        asked.ended = asked.ended or (bool(asked.job) and live.went.get(asked.key) == asked.job)
    elif there.uid != asked.job:
        asked.job = there.uid if there.digest == asked.equal else ""
        asked.ended = bool(asked.job) and may_go(there)
    else:
        asked.ended = asked.ended or may_go(there)
    return before != (asked.job, asked.ended)


def is_done(asked: Asked | None, key: Key, live: Live) -> bool:
    """Say whether an object is not there because it has done what it is for."""
    return asked is not None and asked.ended and live.get(key) is None
