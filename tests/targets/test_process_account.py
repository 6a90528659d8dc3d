"""As whom the commands of a repo run: only as the operator says."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from lastgood.core.errors import TargetFailed
from lastgood.targets.process import account
from lastgood.targets.process.account import AccountWrong, account_to_run_as
from twins.processes import Room, application, eventually, file, render, until_health

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as another account")


@pytest.mark.parametrize(
    ("run_as", "run_as_agent", "says"),
    [
        (None, False, "no account is named.*`run_as`.*`run_as_agent = true`"),
        ("nobody", True, "contradict"),
        ("no-such-account", False, "`run_as` names no-such-account, and there is no such account"),
    ],
)
async def test_what_the_operator_did_not_say_is_refused_by_the_setting_s_name(room, run_as, run_as_agent, says):
    """Without a clear word of the operator nothing is started, and the sentence names the setting."""
    target = room.target(run_as=run_as, run_as_agent=run_as_agent)
    with pytest.raises(TargetFailed, match=says):
        await target.apply(application(), render({"web": "touch ran"}))
    assert (await target.observe("web")).health == "Missing"


def test_only_root_becomes_another(monkeypatch):
    """An agent without root cannot take another account, and says so; its own it has already."""
    monkeypatch.setattr(account.os, "geteuid", lambda: 12345)
    with pytest.raises(AccountWrong, match="only root"):
        account_to_run_as("nobody", run_as_agent=False)
    monkeypatch.setattr(account.os, "geteuid", lambda: account.pwd.getpwnam("nobody").pw_uid)
    assert account_to_run_as("nobody", run_as_agent=False) is None


@pytest.fixture
def open_room():
    """A room that another account can reach, unlike those of pytest."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o711)
    made = Room(place / "root")
    yield made
    made.end()
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.root
@needs_root
async def test_the_account_runs_everything_and_owns_nothing_of_ours(open_room):
    """Process, probes and shutdown command run as the account; it cannot touch state, log or release."""
    open_room.source.commits["1" * 40] = [file("hello", "hello")]
    target = open_room.target(run_as="nobody", run_as_agent=False)
    body = {
        "command": (
            "id -un; id -G; cat hello; echo x > hello; touch $HOME/mine && echo own; "
            f"cat {open_room.root}/state/web@web.json; ls {open_room.root}/logs; exec sleep 1000"
        ),
        "readiness_probe": {"exec": {"command": "id -un > $HOME/probe"}, "period_seconds": 0.05},
        "shutdown": {
            "command": f"id -un > {open_room.root}/../stopped; id -un > $HOME/stop",
            "timeout_seconds": 0.5,
        },
    }
    own_groups = os.getgroups()
    os.setgroups([*own_groups, 1, 2])
    try:
        await target.apply(application(), render({"web": body}, artifacts={"code": "1" * 40}))
    finally:
        os.setgroups(own_groups)
    await until_health(target, "Healthy")
    await eventually(lambda: "logs" in open_room.log("web"))
    log = open_room.log("web")
    assert log.startswith("nobody\n")
    assert log.splitlines()[1].split() == [str(group) for group in os.getgrouplist("nobody", 65534)]
    assert "own\n" in log
    assert log.count("ermission denied") == 3
    assert (open_room.work("web") / "probe").read_text() == "nobody\n"
    assert open_room.work("web").owner() == "nobody"
    await target.apply(application(), render({"web": {**body, "disabled": True}}, artifacts={"code": "1" * 40}))
    assert (open_room.work("web") / "stop").read_text() == "nobody\n"
    assert not (open_room.root.parent / "stopped").exists()


@pytest.mark.root
@needs_root
async def test_another_account_is_another_process(open_room):
    """When the operator names another account, the next apply starts the processes as that one."""
    rendered = render({"web": "id -un; exec sleep 1000"})
    await open_room.target().apply(application(), rendered)
    await eventually(lambda: open_room.log("web") == "root\n")
    result = await open_room.target(run_as="nobody", run_as_agent=False).apply(application(), rendered)
    assert [r.outcome for r in result.resources] == ["applied"]
    await eventually(lambda: open_room.log("web") == "nobody\n")
