"""The verdict on a process, as a table: what its supervisor says, and what that means."""

import pytest

from lastgood.targets.process.health import judge
from lastgood.targets.process.identity import ProcessId
from lastgood.targets.process.state import ProcessState

HERE = {"disabled": False, "supervised": True, "stalled": False, "applying": False}
GONE = {**HERE, "supervised": False}
BUSY = {**GONE, "applying": True}


def state(phase, **words):
    values = {
        "format": 1,
        "app": "web",
        "process": "web",
        "digest": "d",
        "release": None,
        "depends_on": {},
        "probed": False,
        "stop_timeout_s": 1.0,
        "boot_id": "b",
        "supervisor": ProcessId(pid=1, start="1"),
        "child": None,
        "phase": phase,
        "since": 0.0,
        "ready_since": None,
        "restarts": 0,
        "failures": 0,
        "exit_code": None,
        "message": "as said",
    }
    return ProcessState(**{**values, **words})


@pytest.mark.parametrize(
    ("said", "around", "health", "reason"),
    [
        (None, HERE | {"disabled": True}, "Suspended", "Disabled"),
        (None, GONE, "Missing", "NotRunning"),
        (None, BUSY, "Progressing", "Waiting"),
        (state("stopped"), GONE, "Missing", "NotRunning"),
        (state("stopped"), BUSY, "Progressing", "Waiting"),
        (state("ready"), GONE, "Missing", "SupervisorGone"),
        (state("ready"), BUSY, "Progressing", "Waiting"),
        (state("ready"), HERE | {"stalled": True}, "Unknown", "SupervisorStopped"),
        (state("starting"), HERE, "Progressing", "Starting"),
        (state("starting", failures=2), HERE, "Degraded", "CrashLoop"),
        (state("ready"), HERE, "Healthy", "Ready"),
        (state("ready", failures=1), HERE, "Progressing", "Restarted"),
        (state("unready"), HERE, "Degraded", "NotReady"),
        (state("unready", failures=1), HERE, "Degraded", "NotReady"),
        (state("backoff", failures=1), HERE, "Degraded", "CrashLoop"),
        (state("stopping"), HERE, "Progressing", "Stopping"),
        (state("completed"), GONE, "Healthy", "Completed"),
        (state("completed", probed=True), GONE, "Degraded", "Ended"),
        (state("failed"), GONE, "Degraded", "Failed"),
        (state("failed", failures=3), GONE, "Degraded", "Failed"),
    ],
)
def test_each_state_has_its_verdict(said, around, health, reason):
    """One state in, one verdict out; only a ready process counts as ready."""
    verdict = judge("web", said, **around)
    assert (verdict.health, verdict.reason) == (health, reason)
    assert verdict.ready == int(reason in ("Ready", "Restarted"))
    assert verdict.message or health == "Healthy"
