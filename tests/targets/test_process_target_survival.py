"""What happens when the agent, a supervisor, or lastgood's own files go away at the worst moment."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM

import pytest
from msgspec import structs

import lastgood
from lastgood.core.value import to_json
from lastgood.targets.process import launch
from lastgood.targets.process.identity import ProcessId, is_alive, send_signal, wait_end
from lastgood.targets.process.supervisor import start_time
from lastgood.targets.process.target import ProcessTarget
from twins.processes import MemorySource, Room, application, eventually, file, render, until_health

RUN = "exec sleep 1000"

AGENT = """
import asyncio, pathlib, sys
sys.path.insert(0, sys.argv[2])
from twins.processes import Room, application, render
async def main():
    target = Room(pathlib.Path(sys.argv[1])).target()
    await target.apply(application(), render({"a": "exec sleep 1000", "b": "exec sleep 1000"}))
    print("applied", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def start_agent(room):
    """Start another program that applies two processes and then stays."""
    tests = Path(__file__).parent.parent
    source = Path(lastgood.__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", AGENT, str(room.root), str(tests)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(source), "PATH": "/usr/bin:/bin"},
        start_new_session=True,
    )


async def test_processes_survive_the_agent_and_the_next_one_adopts_them(room):
    """After kill -9 of the agent everything runs on, and the next agent starts no second copy."""
    agent = await asyncio.to_thread(start_agent, room)
    try:
        assert await asyncio.to_thread(agent.stdout.readline) == b"applied\n"
    finally:
        agent.kill()
        agent.wait()
        agent.stdout.close()
    target = room.target()
    seen = await until_health(target, "Healthy")
    assert seen.sync == "Synced"
    before = {name: room.state(name).child for name in ("a", "b")}
    result = await target.apply(application(), render({"a": RUN, "b": RUN}))
    assert [r.outcome for r in result.resources] == ["unchanged", "unchanged"]
    assert {name: room.state(name).child for name in ("a", "b")} == before
    assert all(is_alive(child) for child in before.values())


async def test_the_stop_stays_graceful_without_an_agent(room):
    """A supervisor that is asked to end stops its process as the file says, on its own."""
    target = room.target()
    command = "trap 'touch ended; exit' TERM; touch up; while :; do sleep 0.02; done"
    await target.apply(application(), render({"web": command}))
    await eventually((room.work("web") / "up").exists)
    state = room.state("web")
    send_signal(state.supervisor, SIGTERM)
    await eventually(lambda: room.state("web").phase == "stopped")
    assert (room.work("web") / "ended").exists()
    assert not is_alive(state.child)


async def test_what_a_killed_supervisor_left_is_ended_before_a_new_start(room):
    """After kill -9 of a supervisor: Missing and OutOfSync at once; the next apply ends the orphans, then starts."""
    target = room.target()
    rendered = render({"web": "sleep 1000 & sleep 1000 & touch up; wait"})
    await target.apply(application(), rendered)
    await eventually((room.work("web") / "up").exists)
    former = room.state("web")
    send_signal(former.supervisor, SIGKILL)
    seen = await until_health(target, "Missing", reason="SupervisorGone")
    assert (seen.sync, seen.drift) == ("OutOfSync", "web has lost its supervisor")
    assert is_alive(former.child)
    await target.apply(application(), rendered)
    assert room.left(former.child) == []
    seen = await until_health(target, "Healthy")
    assert seen.sync == "Synced"


async def test_children_of_a_dead_leader_are_found_too(room):
    """Where supervisor and leader are both gone, the rest of the session is still ended."""
    target = room.target()
    rendered = render({"web": "sleep 1000 & touch up; wait"})
    await target.apply(application(), rendered)
    await eventually((room.work("web") / "up").exists)
    former = room.state("web")
    send_signal(former.supervisor, SIGKILL)
    await eventually(lambda: not is_alive(former.supervisor))
    send_signal(former.child, SIGKILL)
    await eventually(lambda: not is_alive(former.child))
    assert len(room.left(former.child)) == 1
    assert await target.prune("web") == ["Process web"]
    assert room.left(former.child) == []


async def test_a_leader_without_its_mark_is_known_by_its_start(room):
    """A process that cleared its environment is still ended when its supervisor was killed."""
    target = room.target()
    await target.apply(application(), render({"web": "exec env -i /bin/sleep 1000"}))
    await until_health(target, "Healthy")
    former = room.state("web")
    send_signal(former.supervisor, SIGKILL)
    await eventually(lambda: not is_alive(former.supervisor))
    await target.prune("web")
    assert not is_alive(former.child)


async def test_neither_supervisor_nor_process_is_in_the_agent_s_session(room):
    """What a terminal sends to the agent's session reaches none of them."""
    await room.target().apply(application(), render({"web": RUN}))
    state = await eventually(lambda: room.state("web").child and room.state("web"))
    assert len({os.getsid(0), os.getsid(state.supervisor.pid), os.getsid(state.child.pid)}) == 3


async def test_a_stranger_with_the_same_number_is_never_touched(room):
    """A pid that belongs to another process now is left alone: start time, boot id and mark tell."""
    target = room.target()
    await target.apply(application(), render({"web": "exit 1"}))
    await until_health(target, "Degraded", reason="Failed")
    state_file = room.root / "state" / "web@web.json"
    state = room.state("web")
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "1000", start_new_session=True)
    try:
        before = ProcessId(pid=stranger.pid, start="1")
        reused = structs.replace(state, phase="ready", supervisor=before, child=before)
        same = ProcessId(pid=stranger.pid, start=start_time(stranger.pid))
        before_boot = structs.replace(reused, boot_id="another-boot", supervisor=same, child=same)
        for stale in (reused, before_boot):
            state_file.write_bytes(to_json(stale))
            seen = await target.observe("web")
            assert seen.resources[0].reason == "SupervisorGone"
            await target.prune("web")
            assert stranger.returncode is None
            await target.apply(application(), render({"web": "exit 1"}))
            await until_health(target, "Degraded", reason="Failed")
    finally:
        stranger.kill()
        assert await stranger.wait() == -SIGKILL


async def test_a_second_supervisor_of_the_same_process_does_not_start(room):
    """The lock is held by the first, whatever the state file says."""
    target = room.target()
    await target.apply(application(), render({"web": RUN}))
    await until_health(target, "Healthy")
    first = room.state("web")
    state_file = room.root / "state" / "web@web.json"
    true = state_file.read_text()
    state_file.unlink()
    result = await target.apply(application(), render({"web": RUN}))
    state_file.write_text(true)
    assert not result.complete
    assert "a supervisor of this process runs already" in result.message
    assert is_alive(first.supervisor)


async def test_a_supervisor_outlives_its_own_file(room, tmp_path, monkeypatch):
    """After an upgrade or a removal of lastgood a supervisor still restarts, probes and stops its process."""
    own_copy = tmp_path / "supervisor.py"
    shutil.copy(launch.SUPERVISOR, own_copy)
    monkeypatch.setattr(launch, "SUPERVISOR", own_copy)
    target = room.target()
    body = {
        "command": f"test -e crashed && {RUN}; while ! test -e crash; do sleep 0.02; done; touch crashed; exit 1",
        "availability": {"restart": "always", "backoff_seconds": 0.01},
        "readiness_probe": {"exec": {"command": "test -e crashed"}, "period_seconds": 0.05, "failure_threshold": 1},
    }
    await target.apply(application(), render({"web": body}))
    own_copy.unlink()
    await until_health(target, "Degraded", reason="NotReady")
    (room.work("web") / "crash").touch()
    # Between its last word and its end the first run passes its probe, too.
    await eventually(lambda: room.state("web").restarts == 1)
    await until_health(target, "Healthy")
    await target.prune("web")


async def test_a_stopped_supervisor_is_unknown_and_can_be_replaced(room):
    """A supervisor that somebody froze is Unknown, not Healthy; frozen for ever, it is killed when it must go."""
    target = room.target()
    await target.apply(application(), render({"web": RUN}))
    await until_health(target, "Healthy")
    state = room.state("web")
    send_signal(state.supervisor, SIGSTOP)
    await until_health(target, "Unknown", reason="SupervisorStopped")
    send_signal(state.supervisor, SIGKILL)
    await asyncio.to_thread(wait_end, state.supervisor, timeout_s=5)
    await target.prune("web")
    assert not is_alive(state.child)


async def test_a_killed_supervisor_is_noticed_without_a_file_changing(room):
    """Who watches hears of it within moments although nothing was written."""
    target = room.target()
    await target.apply(application(), render({"web": RUN}))
    await until_health(target, "Healthy")
    heard: list[str] = []

    async def listen():
        async for name in target.changes():
            heard.append(name)  # noqa: PERF401  # the list is read while it grows

    listening = asyncio.create_task(listen())
    try:
        # Only the second look can tell a difference: let the first have been.
        await asyncio.wait({listening}, timeout=0.3)
        send_signal(room.state("web").supervisor, SIGKILL)
        await eventually(lambda: heard == ["web"])
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


class Killed(BaseException):
    """The agent ends here."""


STEPS = (
    ("stage", lambda target: (target._releases, "stage")),
    ("write_json", lambda target: (target._folder, "write_json")),
    ("start", lambda _: (launch.Launcher, "start")),
    ("stop", lambda _: (launch.Launcher, "stop")),
    ("remove_process", lambda target: (target._folder, "remove_process")),
)


def kill_behind(target: ProcessTarget, monkeypatch, step: int) -> None:
    """Let the agent die behind its step of that number, which is before the one that follows; 0: before the first."""
    made: list[str] = []

    def dying(name, real, *, is_async):
        def arrive():
            if step == 0:
                raise Killed
            made.append(name)
            return len(made) == step

        def call(*args, **words):
            mine = arrive()
            answer = real(*args, **words)
            if mine:
                raise Killed
            return answer

        async def call_async(*args, **words):
            mine = arrive()
            answer = await real(*args, **words)
            if mine:
                raise Killed
            return answer

        return call_async if is_async else call

    for name, where in STEPS:
        owner, attribute = where(target)
        real = getattr(owner, attribute)
        monkeypatch.setattr(owner, attribute, dying(name, real, is_async=asyncio.iscoroutinefunction(real)))


async def test_an_apply_that_is_killed_at_any_step_is_finished_by_the_next(tmp_path, monkeypatch):
    """Whichever step the agent dies behind, the next apply comes to the same end, with one copy of everything."""
    source = MemorySource({"1" * 40: [file("hello", "1")], "2" * 40: [file("hello", "2")]})

    def version(revision):
        return {
            "db": RUN,
            "web": {"command": f"cat hello; {RUN}", "depends_on": {"db": {}}},
            **({"gone": RUN} if revision == "1" * 40 else {"new": RUN}),
        }, {"code": revision}

    steps = 0
    alive = False
    while not alive:
        room = Room(tmp_path / f"room-{steps}", source)
        try:
            alive = not await killed_and_finished(room, monkeypatch, steps, version=version)
        finally:
            room.end()
        steps += 1
    assert steps > 9


async def killed_and_finished(room, monkeypatch, step, *, version):
    """Apply one version, die while applying the next, apply it again; say whether there was such a step to die at."""
    (old, old_artifacts), (new, new_artifacts) = version("1" * 40), version("2" * 40)
    await room.target().apply(application(), render(old, artifacts=old_artifacts))
    dying = room.target()
    died = False
    with monkeypatch.context() as patched:
        kill_behind(dying, patched, step)
        try:
            await dying.apply(application(), render(new, artifacts=new_artifacts))
        except (Killed, BaseExceptionGroup) as death:
            # Alone or in a group: steps side by side die together.
            died = isinstance(death, Killed) or death.split(Killed)[1] is None
            assert died
    target = room.target()
    assert (await target.observe("web")).health != "Unknown"
    result = await target.apply(application(), render(new, artifacts=new_artifacts))
    assert result.complete, result
    seen = await until_health(target, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", render(new, artifacts=new_artifacts).digest)
    assert sorted(r.name for r in seen.resources) == ["db", "new", "web"]
    states = sorted(place.name for place in (room.root / "state").iterdir())
    assert states == ["web@db.json", "web@new.json", "web@web.json"]
    await eventually(lambda: room.log("web") == "2")
    return died


async def test_a_cancelled_apply_leaves_no_half_step(room):
    """Cancelling the caller lets the step under way finish; the next apply does the rest."""
    target = room.target()
    rendered = render({"a": RUN, "b": {"command": RUN, "depends_on": {"a": {"condition": "process_completed"}}}})
    applying = asyncio.create_task(target.apply(application(), rendered))
    await eventually((room.root / "state" / "web@a.json").exists)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    seen = await target.observe("web")
    assert {r.name: r.health for r in seen.resources}["b"] == "Missing"
    result = await target.apply(application(), render({"a": RUN, "b": RUN}))
    assert {r.name: r.outcome for r in result.resources} == {"a": "unchanged", "b": "applied"}
