"""What happens next to an application, as a table."""

import datetime as dt

import msgspec
import pytest

from lastgood.core.deployment import Phase
from lastgood.core.desired import has_drifted, next_step, pause_over
from lastgood.core.observation import Observation, only_leaves
from lastgood.core.record import Pause
from lastgood.core.version import version_at
from twins.store import make_application, make_commit, make_deployment

NOW = dt.datetime(2026, 11, 19, 14, 0, tzinfo=dt.UTC)
COMMIT = make_commit()
V1 = version_at(COMMIT, version="1" * 40, path_tree="1" * 40, ran=None)
V2 = version_at(COMMIT, version="2" * 40, path_tree="2" * 40, ran=None)
ENTRY = {"name": "web-production"}


def run(outcome, version=V1, *, own_fault=False, definition=ENTRY, phase="apply"):
    return make_deployment(
        version=version.version,
        outcome=outcome,
        own_fault=own_fault,
        definition=definition,
        phases=(Phase(name=phase, started_at=NOW),),
    )


SEEN = Observation(app="web-production", observed_at=NOW, health="Healthy", sync="Synced")
DRIFTED = msgspec.structs.replace(SEEN, sync="OutOfSync")
REFUSED = msgspec.structs.replace(DRIFTED, may_go_on=False)
FREE = msgspec.structs.replace(DRIFTED, may_go_on=True)


@pytest.mark.parametrize(
    ("state", "desired", "last", "seen", "pressed", "expected"),
    [
        ("followed", None, None, None, False, "rest"),
        ("followed", V1, None, None, False, "deploy"),
        ("followed", V1, run("succeeded"), SEEN, False, "rest"),
        ("followed", V2, run("succeeded"), SEEN, False, "deploy"),
        ("followed", V1, run("succeeded", definition={}), SEEN, False, "deploy"),
        ("followed", V1, run("failed", own_fault=True), SEEN, False, "rest"),
        ("followed", V1, run("failed", own_fault=True), SEEN, True, "deploy"),
        ("followed", V1, run("failed", own_fault=True), DRIFTED, False, "rest"),
        ("followed", V1, run("failed"), SEEN, False, "retry"),
        ("followed", V1, run("failed"), None, False, "rest"),
        ("followed", V1, run("failed"), REFUSED, False, "rest"),
        ("followed", V1, run("failed"), REFUSED, True, "deploy"),
        ("followed", V2, run("failed"), REFUSED, False, "deploy"),
        ("followed", V1, run("failed", definition={}), REFUSED, False, "deploy"),
        ("followed", V1, run("failed"), FREE, False, "retry"),
        ("followed", V1, run("partial", own_fault=True), REFUSED, False, "rest"),
        ("followed", V1, run("partial", own_fault=True), FREE, False, "retry"),
        # What the target says is about an earlier version.
        ("followed", V1, run("failed", own_fault=True, phase="render"), FREE, False, "rest"),
        ("followed", V1, run("partial"), SEEN, False, "retry"),
        ("followed", V1, run("succeeded"), DRIFTED, False, "heal"),
        ("followed", V1, run("succeeded"), SEEN, True, "deploy"),
        ("followed", V1, run("succeeded"), DRIFTED, True, "heal"),
        ("followed", V1, run("succeeded", definition={}), DRIFTED, True, "deploy"),
        ("followed", V1, run("failed"), DRIFTED, True, "deploy"),
        ("followed", V1, run("in-progress"), SEEN, False, "resume"),
        ("followed", V2, run("in-progress"), SEEN, False, "resume"),
        ("followed", V1, run("superseded"), SEEN, False, "deploy"),
        ("stopped", V1, run("superseded"), SEEN, False, "rest"),
        ("stopped", V1, run("in-progress"), SEEN, False, "resume"),
        ("stopped", V2, run("succeeded"), SEEN, False, "rest"),
        ("stopped", V1, run("succeeded"), DRIFTED, False, "heal"),
        ("stopped", V1, run("succeeded", definition={}), SEEN, False, "rest"),
        ("broken", V1, None, None, False, "rest"),
        ("broken", V1, run("succeeded"), DRIFTED, False, "heal"),
        ("broken", V1, run("failed"), SEEN, False, "rest"),
        ("removed", V1, run("succeeded"), DRIFTED, False, "rest"),
        ("removed", V2, run("in-progress"), SEEN, True, "rest"),
    ],
)
def test_the_next_step(state, desired, last, seen, pressed, expected):
    """What is true now decides, whatever led to it."""
    record = make_application(state=state, desired=desired)
    step = next_step(record, definition=ENTRY, last=last, observation=seen, self_heal=True, pressed=pressed)
    assert step.kind == expected


def test_drift_is_left_where_nobody_wants_it_healed():
    """Without self_heal drift is shown and left."""
    record = make_application(desired=V1)
    step = next_step(
        record, definition=ENTRY, last=run("succeeded"), observation=DRIFTED, self_heal=False, pressed=False
    )
    assert step.kind == "rest"


@pytest.mark.parametrize(
    ("health", "sync", "drifted"),
    [
        ("Healthy", "OutOfSync", True),
        ("Missing", "Unknown", True),
        ("Degraded", "Synced", False),
        ("Unknown", "Unknown", False),
    ],
)
def test_what_counts_as_drift(health, sync, drifted):
    """Only what is not there, or not as applied: bad health is none, and a target that cannot look neither."""
    seen = Observation(app="web", observed_at=NOW, health=health, sync=sync)
    assert has_drifted(seen) is drifted


@pytest.mark.parametrize(
    ("words", "only"),
    [
        ({}, True),
        ({"drift": "ConfigMap b is missing"}, False),
        ({"sync": "Unknown"}, False),
        ({"health": "Degraded"}, False),
    ],
)
def test_what_only_leaves_is_well_otherwise(words, only):
    """Where something else is not as asked for, or nobody could look, a deployment does not end well for that."""
    leaves = Observation(app="web", observed_at=NOW, health="Healthy", sync="OutOfSync", leaving=("ConfigMap a",))
    assert only_leaves(msgspec.structs.replace(leaves, **words)) is only


def test_what_is_on_its_way_out_is_no_drift():
    """Applying anew would not hasten it; what else is not as applied is drift beside it."""
    leaves = Observation(app="web", observed_at=NOW, health="Healthy", sync="OutOfSync", leaving=("ConfigMap a",))
    assert not has_drifted(leaves)
    assert has_drifted(msgspec.structs.replace(leaves, drift="ConfigMap b is missing"))


@pytest.mark.parametrize(
    ("scope", "name", "stops"),
    [
        ("application", "web-production", True),
        ("application", "cart-production", False),
        ("environment", "production", True),
        ("environment", "staging", False),
        ("repo", "shop", True),
        ("repo", "other", False),
        ("everything", None, True),
    ],
)
def test_which_pause_stops_an_application(scope, name, stops):
    """A pause stops what it names and nothing else."""
    pause = Pause(scope=scope, name=name, reason="", by="Priya", since=NOW)
    assert (pause_over(make_application(), [pause]) is pause) is stops
