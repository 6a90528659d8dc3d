"""What should happen next to one application: deploy, wait, or leave it as it is. Pure rules, asked again and again.

They look at what is true now and never at what led to it, so that a restart at any point comes to the same answer.
"""

from typing import Any, Literal

from lastgood.core.deployment import Deployment
from lastgood.core.observation import Observation
from lastgood.core.record import ApplicationRecord, Pause
from lastgood.core.value import Value
from lastgood.core.words import Trigger

StepKind = Literal["rest", "deploy", "resume", "retry", "heal"]


class Step(Value, frozen=True, kw_only=True):
    """What to do. trigger: None for commit, rollback or undo, which the commit itself tells.

    resume: the record of `last` goes on. retry: again after a failure of the world. heal: after drift.
    """

    kind: StepKind
    trigger: Trigger | None = None


REST = Step(kind="rest")


def next_step(  # noqa: PLR0911 - a table of rules in their order
    record: ApplicationRecord,
    *,
    definition: dict[str, Any],
    last: Deployment | None,
    observation: Observation | None,
    self_heal: bool,
    pressed: bool,
) -> Step:
    """Say what to do now.

    definition: of the application as it would be deployed. last: its newest deployment that reached the target; one
    that was overtaken on the way there may have left anything.
    observation: as seen last. pressed: somebody asked to try again what failed.
    """
    drifted = self_heal and observation is not None and has_drifted(observation)
    if record.desired is None or record.state == "removed":
        return REST
    if last is not None and last.outcome == "in-progress":
        # Also where something else is desired by now: its record has to end before another attempt begins.
        return Step(kind="resume", trigger=last.trigger)
    if last is None or last.version != record.desired.version:
        return Step(kind="deploy", trigger="retry" if pressed else None) if record.state == "followed" else REST
    if record.state == "followed":
        if last.definition != definition:
            return Step(kind="deploy", trigger="definition")
        if pressed and last.outcome == "succeeded" and observation is not None and has_drifted(observation):
            # Only what is not as it was is mended, also where that does not go by itself: no hook runs anew.
            return Step(kind="heal", trigger="drift")
        if pressed or last.outcome == "superseded":
            return Step(kind="deploy", trigger="retry" if pressed else None)
        if last.outcome != "succeeded" and observation is not None and _may_go_on(last, observation):
            return Step(kind="retry", trigger="retry")
    # A version that failed for its own reasons fails again: only a press, another version, or the end of what was in
    # its way goes on.
    # What succeeded is kept as it was, also while a newer head is refused, stopped or broken.
    as_it_was = last.outcome == "succeeded" and last.definition == definition
    return Step(kind="heal", trigger="drift") if drifted and as_it_was else REST


def _may_go_on(last: Deployment, observation: Observation) -> bool:
    """Say whether what failed may come to something now. The target knows best what it refused, and whether still."""
    refused = observation.may_go_on is not None and any(phase.name == "apply" for phase in last.phases)
    return bool(observation.may_go_on) if refused else not last.own_fault


def has_drifted(observation: Observation) -> bool:
    """Say whether what runs is no longer what was applied. What is only on its way out needs nobody's help."""
    on_its_way = bool(observation.leaving) and not observation.drift
    return (observation.sync == "OutOfSync" and not on_its_way) or observation.health == "Missing"


def pause_over(record: ApplicationRecord, pauses: list[Pause]) -> Pause | None:
    """Return a pause that stops the application's deployments, None where there is none."""
    names = {
        "application": record.name,
        "environment": record.environment,
        "repo": record.repo,
        "everything": None,
    }
    return next((p for p in pauses if p.scope == "everything" or p.name == names[p.scope]), None)
