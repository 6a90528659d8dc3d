"""What a target says of what it runs, as values. Knows no target."""

import datetime as dt
from typing import Literal

from lastgood.core.health_words import badness
from lastgood.core.value import Value
from lastgood.core.words import Change, Health, Sync

Fault = Literal["version", "way", "target"]
"""Why something was not done. version: as it is, it will be refused again. way: something else has to change first.
target: it may pass by itself."""


# The outcome of what left Git and may not be deleted.
LEFT = "left"
STAYS = "left Git and stays"
# The outcome of what left Git and is on its way out of the cluster: it waits for its finalizers, or for its pods.
DELETING = "deleting"
DONE = frozenset({"applied", "removed", DELETING})
"""The outcomes of what was changed."""
PRUNE_IS_OFF = "prune is off; `prune: true` in the application's policy and the server's limits allows it"


class ResourceHealth(Value, frozen=True, kw_only=True):
    """One resource as observed. last_words: the end of a failing process's log, bounded and redacted."""

    kind: str
    name: str
    health: Health
    reason: str = ""
    message: str = ""
    last_words: str = ""
    ready: int = 0
    wanted: int = 1

    @property
    def counts(self) -> bool:
        """Say whether there is a number of it to tell: a Service or a ConfigMap has none."""
        return bool(self.ready or self.wanted)


NOT_AS_ASKED = "not as asked for: "
"""How the message of what is well begins where it is not as asked for."""


class Observation(Value, frozen=True, kw_only=True):
    """An application as observed at one moment. A target that cannot look says Unknown and why.

    digest: the rendered digest of what is installed, None if nothing is. sync compares it with what was asked last.
    drift: what is not as asked for and, where that is known, who changed it.
    may_go_on: of an apply that was refused: whether it would not be refused now; None: none was, or nobody can say.
    left: what left Git, was not deleted and is still there, as `Kind name`.
    leaving: what left Git and is being deleted, with what it waits for, in words; sync is OutOfSync until it has gone,
    and nothing is there to be mended.
    """

    app: str
    observed_at: dt.datetime
    health: Health
    sync: Sync
    message: str = ""
    drift: str = ""
    digest: str | None = None
    may_go_on: bool | None = None
    resources: tuple[ResourceHealth, ...] = ()
    left: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


NODE_LOST = "NodeLost"
"""The reason of what ran well on a node that no longer answers."""


def only_leaves(seen: Observation) -> bool:
    """Say whether all is well, and only what left Git has not gone yet."""
    return seen.health == "Healthy" and seen.sync == "OutOfSync" and bool(seen.leaving) and not seen.drift


def degraded_by_itself(seen: Observation) -> bool:
    """Say whether what is Degraded may be so because of its version: that a node was lost says nothing of it."""
    degraded = [one for one in seen.resources if one.health == "Degraded"]
    return seen.health == "Degraded" and (not degraded or any(one.reason != NODE_LOST for one in degraded))


class ResourceResult(Value, frozen=True, kw_only=True):
    """What applying did to one resource.

    outcome: applied, unchanged, removed, failed; left: out of Git, and stays; deleting: out of Git, and not gone yet.
    """

    kind: str
    name: str
    change: Change | None
    outcome: str
    message: str = ""


def left_in_place(kind: str, name: str, why: str) -> ResourceResult:
    """Return the result of what left Git and was not deleted."""
    return ResourceResult(kind=kind, name=name, change=None, outcome=LEFT, message=f"{STAYS}: {why}")


class ApplyResult(Value, frozen=True, kw_only=True):
    """What applying did. complete: every resource was done; else the message says what was and was not, fault why.

    last_words: what the containers of the hook or the wave that failed printed last, bounded and redacted.
    """

    complete: bool
    resources: tuple[ResourceResult, ...]
    message: str = ""
    fault: Fault = "target"
    last_words: str = ""


def with_earlier(now: tuple[ResourceResult, ...], before: tuple[ResourceResult, ...]) -> tuple[ResourceResult, ...]:
    """Return what several tries at one version came to: what an earlier one did, the next one leaves as it is."""
    done: dict[tuple[str, str], list[ResourceResult]] = {}
    for one in before:
        if one.outcome in DONE:
            done.setdefault((one.kind, one.name), []).append(one)
    results = []
    for one in now:
        earlier = done.get((one.kind, one.name))
        was = earlier.pop(0) if earlier else None
        results.append(was if was is not None and one.outcome == "unchanged" else one)
    return (*results, *(one for left in done.values() for one in left))


def worst(healths: list[Health]) -> Health:
    """Return the word that needs a person most; Healthy for none at all."""
    return min(healths, key=badness, default="Healthy")
