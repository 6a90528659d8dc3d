"""In what a process is not as it was asked for: in words that name parts, and never what they hold."""

import pytest

from lastgood.targets.process.differs import differs, parts_of
from lastgood.targets.process.identity import ProcessId
from lastgood.targets.process.launch import Launcher, LaunchFailed
from lastgood.targets.process.state import AppliedProcess, ProcessState
from twins.processes import application, render, until_health

RUN = "exec sleep 1000"
SPEC = {"argv": ["/bin/sh", "-c", RUN], "environment": {}, "disabled": False, "shutdown": {"timeout_s": 1}}


def parts(*, account=None, release="a1", environment=None, **spec):
    return parts_of({**SPEC, **spec}, {"release": release, "environment": environment or {}}, account)


def asked(digest="d", *, disabled=False, **words):
    return AppliedProcess(digest=digest, disabled=disabled, parts=parts(**words))


def state(phase="ready", digest="d", *, was=None):
    return ProcessState(
        format=1,
        app="web",
        process="web",
        digest=digest,
        release=None,
        depends_on={},
        probed=False,
        stop_timeout_s=1.0,
        boot_id="b",
        supervisor=ProcessId(pid=1, start="1"),
        child=None,
        phase=phase,
        since=0.0,
        ready_since=None,
        restarts=0,
        failures=0,
        exit_code=None,
        message="",
        parts=parts() if was is None else was,
    )


@pytest.mark.parametrize(
    ("wanted", "there", "said"),
    [
        (None, state(), "web is there and nobody asks for it"),
        (asked(disabled=True), None, ""),
        (asked(disabled=True), state(), "web is there and disabled in Git"),
        (asked(), None, "web was never started"),
        (asked(), state("stopped"), "web was stopped"),
        (asked(), state("stopping"), "web is being stopped"),
        (asked(), state("completed"), ""),
        (asked(), state("failed"), ""),
        (asked(), state(), ""),
        (asked("e", argv=["other"]), state(), "web differs: command"),
        (asked("e", release="b2", account="shop"), state("completed"), "web differs: account, artifact"),
        (asked("e", shutdown={"timeout_s": 2}, readiness_probe={}), state(), "web differs: readiness_probe, shutdown"),
        (asked("e", environment={"TOKEN": "hush"}), state(), "web differs: environment TOKEN"),
        (
            asked("e", environment=dict.fromkeys("ABCDEF", "")),
            state(),
            f"web differs: {', '.join(f'environment {name}' for name in 'ABCDE')}, and more",
        ),
        (asked("e", environment={str(n): "" for n in range(1_000)}), state(), "web differs: environment"),
        (asked("e"), state(was={}), "web differs"),
    ],
)
def test_it_is_said_in_what_a_process_differs(wanted, there, said):
    """What was done to it, else the parts by name."""
    assert differs("web", wanted, there, supervised=True) == said


def test_a_process_without_its_supervisor_says_so():
    """Nobody looks after it any more; what has ended needs nobody."""
    assert differs("web", asked(), state(), supervised=False) == "web has lost its supervisor"
    assert differs("web", asked(), state("completed"), supervised=False) == ""


async def test_a_process_that_runs_on_as_it_was_is_told_with_what_differs(room, monkeypatch):
    """It cannot be stopped, so the new one was not started; neither value of the variable is told anywhere."""
    target = room.target()
    await target.apply(application(), render({"web": {"command": RUN, "environment": ["TOKEN=hush"]}, "old": RUN}))
    await until_health(target, "Healthy")

    def sticks(*_):
        raise LaunchFailed("it does not end")

    monkeypatch.setattr(Launcher, "stop", sticks)
    changed = {"command": f"{RUN}0", "environment": ["TOKEN=other"]}
    assert not (await target.apply(application(), render({"web": changed}))).complete
    seen = await target.observe("web")
    monkeypatch.undo()
    told = "old is there and nobody asks for it; web differs: command, environment TOKEN"
    assert (seen.sync, seen.message, seen.drift) == ("OutOfSync", f"not as asked for: {told}", told)
    for file in (*room.root.glob("state/*"), *room.root.glob("applied/*")):
        assert "hush" not in file.read_text()
        assert "other" not in file.read_text()
