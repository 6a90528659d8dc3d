"""How real processes start, become ready, fail, are restarted and stop, as their own file says."""

import os
import socket
import sys
from pathlib import Path

import pytest

from lastgood.targets.process.identity import is_alive
from twins.processes import application, eventually, render, until_health

RUN = "exec sleep 1000"
FAST = {"period_seconds": 0.05, "timeout_seconds": 1}
SERVER = """
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists(sys.argv[2]) else 503)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def port():
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


def server(port, switch, **probe):
    """Describe a server that answers 200 while the file `switch` is there, else 503."""
    return {
        "entrypoint": [sys.executable, "-c", SERVER, str(port), str(switch)],
        "readiness_probe": {"http_get": {"port": port, "path": "/ready"}, **FAST, **probe},
    }


async def test_a_server_is_healthy_when_it_answers_and_degraded_when_it_stops_to(room, port, tmp_path):
    """Readiness is asked by HTTP: 503 is Degraded with the probe's finding, 200 is Healthy, and back."""
    target, switch = room.target(), tmp_path / "switch"
    await target.apply(application(), render({"web": server(port, switch, failure_threshold=2)}))
    seen = await until_health(target, "Degraded", reason="NotReady")
    await eventually(lambda: room.state("web").message.endswith("answers 503"))
    switch.touch()
    seen = await until_health(target, "Healthy")
    assert (seen.resources[0].reason, seen.resources[0].ready) == ("Ready", 1)
    switch.unlink()
    seen = await until_health(target, "Degraded", reason="NotReady")
    assert seen.message == f"web: GET http://127.0.0.1:{port}/ready answers 503"
    assert seen.sync == "Synced"


async def test_a_server_that_never_listens_is_degraded(room, port):
    """A process that runs and never answers is Degraded after its failure threshold, not Progressing for ever."""
    target = room.target()
    probe = {"http_get": {"port": port}, **FAST, "failure_threshold": 3}
    await target.apply(application(), render({"web": {"command": RUN, "readiness_probe": probe}}))
    seen = await until_health(target, "Degraded", reason="NotReady")
    assert seen.message == f"web: GET http://127.0.0.1:{port}/: Connection refused"


async def test_a_probe_that_hangs_is_ended(room):
    """A probe without an answer in time is a bad answer, and nothing of it is left."""
    target = room.target()
    probe = {"exec": {"command": "sleep 1000"}, "period_seconds": 0.05, "timeout_seconds": 0.1, "failure_threshold": 1}
    await target.apply(application(), render({"web": {"command": RUN, "readiness_probe": probe}}))
    seen = await until_health(target, "Degraded", reason="NotReady")
    assert seen.message == "web: the probe's command: no answer within 0.1 s"


async def test_a_probe_by_command_runs_where_the_process_runs(room):
    """An exec probe has the process's folder and environment."""
    target = room.target()
    body = {
        "command": f"touch up; {RUN}",
        "environment": {"FILE": "up"},
        "readiness_probe": {"exec": {"command": 'test -e "$FILE"'}, **FAST},
    }
    await target.apply(application(), render({"web": body}))
    await until_health(target, "Healthy")


async def test_a_process_that_ends_well_is_healthy_and_is_not_run_again(room):
    """A process without restart that ended with 0 is Healthy (Completed), and applying again leaves it."""
    target, rendered = room.target(), render({"job": "echo once >> ran"})
    await target.apply(application(), rendered)
    await until_health(target, "Healthy", reason="Completed")
    result = await target.apply(application(), rendered)
    assert [r.outcome for r in result.resources] == ["unchanged"]
    assert (room.work("job") / "ran").read_text() == "once\n"


async def test_a_server_that_ends_is_degraded_even_with_0(room):
    """Whoever has a readiness probe is meant to stay."""
    target = room.target()
    probe = {"exec": {"command": "true"}, **FAST, "initial_delay_seconds": 5}
    await target.apply(application(), render({"web": {"command": "true", "readiness_probe": probe}}))
    await until_health(target, "Degraded", reason="Ended")


async def test_a_failure_keeps_exit_code_and_redacted_last_words(room):
    """What failed shows how, with the end of its output, bounded and without secrets."""
    target = room.target()
    command = "yes x | head -c 9000; echo password=hunter2horse; echo could not open the database >&2; exit 3"
    await target.apply(application(), render({"web": command}))
    seen = await until_health(target, "Degraded", reason="Failed")
    failed = seen.resources[0]
    assert failed.message == "exited with 3"
    assert room.state("web").exit_code == 3
    assert failed.last_words.endswith("could not open the database\n")
    assert "hunter2horse" not in failed.last_words
    assert len(failed.last_words) <= 2048 + len("[redacted]")


async def test_applying_again_tries_what_failed_again(room):
    """A process that failed for good is started anew by the next apply of the same version."""
    target, rendered = room.target(), render({"web": f"test -e there && {RUN}; exit 1"})
    await target.apply(application(), rendered)
    await until_health(target, "Degraded", reason="Failed")
    (room.work("web") / "there").touch()
    result = await target.apply(application(), rendered)
    assert [(r.change, r.outcome) for r in result.resources] == [("modified", "applied")]
    await until_health(target, "Healthy")


async def test_a_program_that_is_not_there_says_so(room):
    """A command that cannot be started is a failure with the system's reason."""
    target = room.target()
    await target.apply(application(), render({"web": {"entrypoint": ["/no/such/program"]}}))
    seen = await until_health(target, "Degraded", reason="Failed")
    assert seen.message == "web: /no/such/program cannot be started: No such file or directory"


async def test_a_crash_loop_is_degraded_with_growing_pauses(room):
    """A process that ends again and again is Degraded, also while it happens to run."""
    target = room.target()
    body = {"command": "echo again; exit 1", "availability": {"restart": "on_failure", "backoff_seconds": 0.02}}
    await target.apply(application(), render({"web": body}))
    await eventually(lambda: room.state("web").restarts >= 3)
    seen = await until_health(target, "Degraded", reason="CrashLoop")
    assert "exited with 1; restart" in seen.message or "in a row" in seen.message
    await eventually(lambda: room.log("web").count("again") >= 4)


async def test_restarts_end_where_the_file_says(room):
    """After max_restarts in a row a process is left alone, and that is said."""
    target = room.target()
    availability = {"restart": "always", "backoff_seconds": 0.01, "max_restarts": 2}
    await target.apply(application(), render({"web": {"command": "exit 4", "availability": availability}}))
    seen = await until_health(target, "Degraded", reason="Failed")
    assert seen.message == "web: exited with 4; left alone after 2 restarts"


async def test_a_restarted_process_is_healthy_only_after_it_stayed_ready(room):
    """Ready again after a crash is Progressing until it has stayed so, then Healthy."""
    target = room.target(stable_s=0.6)
    body = {
        "command": f"test -e crashed && {RUN}; touch crashed; exit 1",
        "availability": {"restart": "on_failure", "backoff_seconds": 0.01},
    }
    await target.apply(application(), render({"web": body}))
    await until_health(target, "Progressing", reason="Restarted")
    seen = await until_health(target, "Healthy")
    assert room.state("web").restarts == 1
    assert seen.resources[0].reason == "Ready"


async def test_dependencies_start_first_and_stop_last(room):
    """A process starts when its conditions are met, and stops before what it depends on."""
    target = room.target()
    said = f"trap 'echo $NAME stops >> {room.root}/order; exit' TERM; echo $NAME starts >> {room.root}/order; "
    stay = said + "while :; do sleep 0.02; done"

    def named(name, command, **more):
        return {"command": command, "environment": {"NAME": name}, **more}

    processes = {
        "web": named("web", stay, depends_on={"db": {"condition": "process_healthy"}, "seed": {}}),
        "seed": named("seed", stay, depends_on={"job": {"condition": "process_completed_successfully"}}),
        "job": named("job", f"echo job ends >> {room.root}/order"),
        "db": named("db", stay, readiness_probe={"exec": {"command": "sleep 0.1"}, **FAST}),
    }
    result = await target.apply(application(), render(processes))
    assert result.complete
    order = room.root / "order"
    await eventually(lambda: "web starts" in order.read_text())
    started = order.read_text().splitlines()
    assert started.index("db starts") < started.index("web starts")
    assert started.index("job ends") < started.index("seed starts")
    await until_health(target, "Healthy")
    order.write_text("")
    await target.prune("web")
    stopped = order.read_text().splitlines()
    assert stopped.index("web stops") < stopped.index("db stops")
    assert stopped.index("web stops") < stopped.index("seed stops")


async def test_what_waits_for_a_failure_is_not_started_and_the_rest_is(room):
    """An apply that can do only a part says what was done and what was not, and why."""
    target = room.target()
    processes = {
        "job": "exit 1",
        "web": {"command": RUN, "depends_on": {"job": {"condition": "process_completed_successfully"}}},
        "side": {"command": RUN, "depends_on": {"web": {}}},
        "cart": RUN,
    }
    result = await target.apply(application(), render(processes))
    assert not result.complete
    assert {r.name: r.outcome for r in result.resources} == {
        "cart": "applied",
        "job": "applied",
        "web": "failed",
        "side": "failed",
    }
    assert result.message == (
        "not done: web (it waits for job to be completed successfully, and that one exited with 1); "
        "side (it waits for web to be started, which was not started). done: cart, job"
    )
    seen = await target.observe("web")
    assert (seen.health, seen.sync, seen.digest) == ("Missing", "OutOfSync", None)


async def test_waiting_for_a_condition_ends(room):
    """A dependency that never becomes healthy does not make an apply hang."""
    target = room.target(start_timeout_s=0.3)
    processes = {
        "db": {"command": RUN, "readiness_probe": {"exec": {"command": "exit 7"}, **FAST}},
        "web": {"command": RUN, "depends_on": {"db": {"condition": "process_healthy"}}},
    }
    result = await target.apply(application(), render(processes))
    assert not result.complete
    assert "which did not happen within 0.3 s" in result.message


async def test_a_disabled_process_is_suspended_and_enabling_starts_it(room):
    """Disabled is a state of its own: stopped, Synced, and started when it is enabled."""
    target = room.target()
    await target.apply(application(), render({"web": RUN}))
    await until_health(target, "Healthy")
    was = room.state("web").supervisor
    await target.apply(application(), render({"web": {"command": RUN, "disabled": True}}))
    seen = await target.observe("web")
    assert (seen.health, seen.sync) == ("Healthy", "Synced")
    assert (seen.resources[0].health, seen.resources[0].reason) == ("Suspended", "Disabled")
    assert not is_alive(was)
    await target.apply(application(), render({"web": RUN}))
    await until_health(target, "Healthy")


async def test_the_stop_is_graceful_and_lets_children_finish(room):
    """The signal of the file goes to the whole group, and who is finishing is waited for."""
    target = room.target()
    child = f'{sys.executable} -c "{CHILD}" &'
    body = {"command": f"{child} wait", "shutdown": {"signal": "INT", "timeout_seconds": 10}}
    await target.apply(application(), render({"web": body}))
    await eventually((room.work("web") / "up").exists)
    work = room.work("web")
    keep = room.root / "kept"
    work.joinpath("where").symlink_to(keep)
    await target.prune("web")
    assert keep.read_text() == "finished"


CHILD = (
    "import signal,time,pathlib\n"
    "def finish(*_):\n"
    "    time.sleep(0.2)\n"
    "    pathlib.Path('where').write_text('finished')\n"
    "    raise SystemExit\n"
    "signal.signal(signal.SIGINT, finish)\n"
    "pathlib.Path('up').touch()\n"
    "while True: time.sleep(1)\n"
)


async def test_who_does_not_stop_is_killed_with_its_children(room):
    """After the time of the file SIGKILL goes to the whole group."""
    target = room.target()
    body = {
        "command": "trap '' TERM; sleep 1000 & touch up; while :; do sleep 1000; done",
        "shutdown": {"timeout_seconds": 0.2},
    }
    await target.apply(application(), render({"web": body}))
    await eventually((room.work("web") / "up").exists)
    leader = room.state("web").child
    assert len(room.left(leader)) >= 2
    await target.prune("web")
    assert room.left(leader) == []


async def test_a_shutdown_command_takes_the_place_of_the_signal(room):
    """`shutdown.command` runs with the process's folder and environment; no signal is sent."""
    target = room.target()
    body = {
        "command": "trap 'touch signalled' TERM; while ! test -e please-end; do sleep 0.02; done; touch ended",
        "shutdown": {"command": "touch please-end"},
    }
    await target.apply(application(), render({"web": body}))
    await until_health(target, "Healthy")
    await target.apply(application(), render({"web": {"command": "ls", "environment": {"NEW": "1"}}}))
    await until_health(target, "Healthy", reason="Completed")
    assert room.log("web").split() == ["ended", "please-end"]


async def test_a_crash_leaves_no_child_behind(room):
    """What a process that died left in its group is ended before it is started again."""
    target = room.target()
    body = {
        "command": "test -e second && exec sleep 1000; touch second; sleep 1000 & exit 1",
        "availability": {"restart": "always", "backoff_seconds": 0.05},
    }
    await target.apply(application(), render({"web": body}))
    await eventually(lambda: room.state("web").restarts == 1 and room.state("web").child is not None)
    await until_health(target, "Healthy")
    assert len(processes_of(room)) == 1


def processes_of(room):
    """Return every process of this machine that has a HOME in the room."""
    home = f"HOME={room.root}/".encode()
    return [place for place in Path("/proc").iterdir() if place.name.isdigit() and home in environment_of(place)]


def environment_of(place):
    try:
        return (place / "environ").read_bytes()
    except OSError:
        return b""


async def test_the_environment_is_clean_and_nothing_is_inherited(room, monkeypatch):
    """A process gets PATH, LANG, HOME, its mark and what its file declares; no variable and no file of the agent's."""
    monkeypatch.setenv("AGENT_SECRET", "of the agent")
    held, _ = os.pipe()
    os.set_inheritable(held, True)
    target = room.target()
    body = {"command": "env; ls /proc/self/fd | tr '\\n' ' '; umask", "environment": {"MINE": "1"}}
    await target.apply(application(), render({"web": body}))
    await until_health(target, "Healthy", reason="Completed")
    os.close(held)
    lines = room.log("web").splitlines()
    names = {line.partition("=")[0] for line in lines[:-1]}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "LANG", "HOME", "MINE", "LASTGOOD_WORK"}
    # 3 is ls reading the folder.
    assert lines[-1] == "0 1 2 3 0022"
    assert f"HOME={room.work('web')}" in lines


async def test_the_log_is_bounded(room):
    """A process that prints without end fills two files of a megabyte, and is not slowed to a stop."""
    target = room.target()
    await target.apply(application(), render({"web": "yes x | head -c 5000000; echo the end; " + RUN}))
    log = room.root / "logs" / "web@web.log"
    await eventually(lambda: room.log("web").endswith("the end\n"))
    assert log.stat().st_size <= 1 << 20
    assert log.with_name("web@web.log.1").stat().st_size <= 1 << 20
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_new_version_starts_a_new_log(room):
    """Last words are those of the version that failed, not of the one before."""
    target = room.target()
    await target.apply(application(), render({"web": "echo old; exit 1"}))
    await until_health(target, "Degraded", reason="Failed")
    await target.apply(application(), render({"web": "echo new; exit 1"}))
    await eventually(lambda: "new" in room.log("web"))
    seen = await until_health(target, "Degraded", reason="Failed")
    assert seen.resources[0].last_words == "new\n"
