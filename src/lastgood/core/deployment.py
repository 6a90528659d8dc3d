"""A deployment: one attempt to make a target run a version, with every phase and time. Pure values."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Literal

from lastgood.core.commit import Commit
from lastgood.core.observation import ResourceResult
from lastgood.core.origins import Origins
from lastgood.core.resource import ImageChange
from lastgood.core.value import Value
from lastgood.core.words import Outcome, Trigger


class Phase(Value, frozen=True, kw_only=True):
    """A step of a deployment: drift (what is healed), render, apply, watch or bake. message: what it came to."""

    name: str
    started_at: dt.datetime
    finished_at: dt.datetime | None = None
    message: str = ""


class Deployment(Value, frozen=True, kw_only=True):
    """The record of one attempt; kept for ever.

    number: counts up from 1 in its application, never reused. operation: the id of what asked for it.
    baked_at: when it had stayed Healthy for its bake time; degraded_at: since when it was seen to be Degraded by itself
    after it had succeeded, for more than a moment; None again once it baked after all.
    origins: before and after, of the images and bases that changed; None: recorded before that was kept.
    own_fault: a failure for reasons of the version itself (not of the target or of lastgood).
    """

    id: int
    app: str
    number: int
    version: str
    path_tree: str | None
    commit: Commit
    trigger: Trigger
    outcome: Outcome
    started_at: dt.datetime
    finished_at: dt.datetime | None = None
    baked_at: dt.datetime | None = None
    degraded_at: dt.datetime | None = None
    own_fault: bool = False
    message: str = ""
    operation: str | None = None
    definition: dict[str, Any] = {}
    digest: str | None = None
    images: tuple[ImageChange, ...] = ()
    origins: tuple[Origins, Origins] | None = None
    resources: tuple[ResourceResult, ...] = ()
    phases: tuple[Phase, ...] = ()
    superseded_by: str | None = None
    last_words: str = ""


class Judged(Value, frozen=True, kw_only=True):
    """What of a record says whether its version may be called good: years of them are read at each deployment."""

    id: int
    number: int
    version: str
    path_tree: str | None
    commit: Commit
    outcome: Outcome
    baked_at: dt.datetime | None = None
    degraded_at: dt.datetime | None = None
    own_fault: bool = False


def may_carry(images: tuple[ImageChange, ...], origins: tuple[Origins, Origins] | None) -> bool:
    """Say whether a record may carry features, by what it keeps: an image changed, or a base by Git ref."""
    return bool(images) or any(one.bases for one in origins or ())


def was_applied(run: Deployment) -> bool:
    """Say whether an attempt came as far as touching the target."""
    return run.outcome != "superseded" or any(phase.name == "apply" for phase in run.phases)


def was_applied_whole(run: Deployment) -> bool:
    """Say whether an attempt got as far as being watched: everything that it asked for was taken."""
    return any(phase.name == "watch" for phase in run.phases)


def has_run(runs: Iterable[Deployment]) -> bool:
    """Say whether a version has been through its hooks: an attempt brought all of it. Healing runs none.

    runs: the attempts at that version. One that did not stay healthy, or not for long enough to be called good, has
    migrated what it migrates all the same; one that ended in a hook has not.
    """
    return any(run.trigger != "drift" and reach(run) == "whole" for run in runs)


def waits(run: Deployment) -> bool:
    """Say whether an attempt waits for its destination, which did not do all of it yet; its message says why."""
    return run.outcome == "in-progress" and bool(run.message)


def reach(run: Deployment) -> Literal["whole", "part", "none"]:
    """Say how much of a version an attempt brought to its target. part: some of it, or nobody knows whether any.

    What was overtaken while it was applied may have changed something; a target that failed before its result did not.
    """
    if run.outcome == "succeeded" or was_applied_whole(run):
        return "whole"
    if not was_applied(run):
        return "none"
    # Records from elsewhere may have no phases: then the outcome alone tells.
    if run.outcome == "partial" or (run.phases and run.outcome != "failed"):
        return "part"
    return "none" if run.phases else "whole"


class DeploymentView(Value, frozen=True, kw_only=True):
    """The `deployment` field of a timeline entry."""

    id: int
    outcome: Outcome
    trigger: Trigger
    started_at: dt.datetime
    finished_at: dt.datetime | None
    baked_at: dt.datetime | None
    message: str
    degraded_at: dt.datetime | None = None
    phases: tuple[Phase, ...] = ()
    resources: tuple[ResourceResult, ...] = ()
    last_words: str = ""
