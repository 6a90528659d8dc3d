"""The words, icons and tones of states, in one place: a status is an icon and a coloured word. Pure tables."""

from lastgood.core.deployment import DeploymentView
from lastgood.core.plan import Check
from lastgood.core.timeline import TimelineEntry
from lastgood.core.value import Value


class Badge(Value, frozen=True, kw_only=True):
    """A state as shown. tone: a class of the stylesheet; icon: a symbol of partials/icons.html."""

    word: str
    tone: str
    icon: str
    spins: bool = False


UNKNOWN = Badge(word="Unknown", tone="t-off", icon="ask")
NOT_KNOWN_RAN = Badge(word="Not known whether it ran", tone="t-off", icon="ask")
NOT_DEPLOYED = Badge(word="Not deployed", tone="t-off", icon="skip")
REFUSED = Badge(word="Refused", tone="t-bad", icon="hold")
OVERRIDDEN = Badge(word="Overridden", tone="t-part", icon="block")

HEALTH = {
    "Healthy": Badge(word="Healthy", tone="t-ok", icon="check"),
    "Progressing": Badge(word="Progressing", tone="t-run", icon="run", spins=True),
    "Degraded": Badge(word="Degraded", tone="t-bad", icon="pulse"),
    "Suspended": Badge(word="Suspended", tone="t-off", icon="block"),
    "Missing": Badge(word="Missing", tone="t-bad", icon="minus"),
    "Unknown": UNKNOWN,
}
SYNC = {
    "Synced": Badge(word="Synced", tone="t-ok", icon="sync"),
    "OutOfSync": Badge(word="OutOfSync", tone="t-part", icon="drift"),
    "Unknown": UNKNOWN,
}
OUTCOME = {
    "succeeded": Badge(word="Succeeded", tone="t-ok", icon="check"),
    "failed": Badge(word="Failed", tone="t-bad", icon="x"),
    "partial": Badge(word="Partial", tone="t-part", icon="half"),
    "superseded": Badge(word="Superseded", tone="t-off", icon="skip"),
    "in-progress": Badge(word="In progress", tone="t-run", icon="run", spins=True),
}
# A trigger stands in the place of the outcome when the outcome is succeeded.
TRIGGER = {
    "rollback": Badge(word="Rolled back", tone="t-ok", icon="back"),
    "undo": Badge(word="Undone", tone="t-ok", icon="fwd"),
    "drift": Badge(word="Drift healed", tone="t-heal", icon="heal"),
}
CHECK = {
    "block": Badge(word="Blocks", tone="t-bad", icon="block"),
    "warn": Badge(word="Warning", tone="t-part", icon="warn"),
    "unknown": Badge(word="Not checked", tone="t-off", icon="ask"),
    "pass": Badge(word="Pass", tone="t-ok", icon="check"),
}
APPLICATION_STATE = {
    "removed": Badge(word="Removed from Git", tone="t-part", icon="minus"),
    "broken": Badge(word="Cannot be read", tone="t-bad", icon="warn"),
    "stopped": Badge(word="Stopped, asks first", tone="t-part", icon="stop"),
}


def health_badge(health: str | None) -> Badge:
    """Return the badge of a health word; what nobody looked at is Unknown."""
    return HEALTH.get(health or "Unknown", UNKNOWN)


def sync_badge(sync: str | None) -> Badge:
    """Return the badge of a sync word."""
    return SYNC.get(sync or "Unknown", UNKNOWN)


def deployment_badge(deployment: DeploymentView) -> Badge:
    """Return how a deployment ended, or what set it off where that says more."""
    if deployment.outcome == "succeeded":
        return TRIGGER.get(deployment.trigger, OUTCOME["succeeded"])
    return OUTCOME.get(deployment.outcome, UNKNOWN)


def entry_badge(entry: TimelineEntry) -> Badge:
    """Return the state of a record of the timeline."""
    if entry.refused_by is not None:
        return REFUSED
    if entry.deployment is not None:
        return deployment_badge(entry.deployment)
    return NOT_DEPLOYED if entry.ran is False else NOT_KNOWN_RAN


def check_badge(check: Check) -> Badge:
    """Return the state of a check."""
    return OVERRIDDEN if check.overridden else CHECK[check.outcome]
