"""What a rule says of a live object. Knows no rule."""

import datetime as dt

from lastgood.core.value import Value
from lastgood.core.words import Health

MAX_MESSAGE = 1000


class HealthVerdict(Value, frozen=True, kw_only=True):
    """How one object is.

    reason: CamelCase, "" where there is none. message: a sentence, often the cluster's own words, bounded.
    since: when that began, as far as the object says.
    """

    health: Health
    reason: str = ""
    message: str = ""
    since: dt.datetime | None = None


def healthy(reason: str = "", message: str = "", *, since: dt.datetime | None = None) -> HealthVerdict:
    """Return Healthy."""
    return verdict("Healthy", reason, message, since=since)


def progressing(reason: str = "", message: str = "", *, since: dt.datetime | None = None) -> HealthVerdict:
    """Return Progressing: not there yet, and it may still get there."""
    return verdict("Progressing", reason, message, since=since)


def degraded(reason: str = "", message: str = "", *, since: dt.datetime | None = None) -> HealthVerdict:
    """Return Degraded: it has failed, or will not get there by itself."""
    return verdict("Degraded", reason, message, since=since)


def suspended(reason: str = "", message: str = "", *, since: dt.datetime | None = None) -> HealthVerdict:
    """Return Suspended: somebody asked it to wait."""
    return verdict("Suspended", reason, message, since=since)


def verdict(health: Health, reason: str, message: str, *, since: dt.datetime | None = None) -> HealthVerdict:
    """Return a verdict with its message bounded."""
    if len(message) > MAX_MESSAGE:
        message = message[: MAX_MESSAGE - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return HealthVerdict(health=health, reason=reason[:MAX_MESSAGE], message=message, since=since)
