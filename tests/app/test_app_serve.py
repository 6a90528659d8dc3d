"""A whole server with real parts: a bare repo, real processes, SQLite, HTTP. Killed and started again."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from lastgood.app.clock import SystemClock
from lastgood.app.instance import RECORDS
from lastgood.core.errors import NeedsServer
from lastgood.core.record import DeploymentQuery
from lastgood.core.request import RollbackRequest
from lastgood.remote.lastgood import RemoteLastgood
from lastgood.store.sql_store import SqlStore
from lastgood.targets.process import ProcessTarget

PROGRAM = Path(__file__).parent / "serve_program.py"
WAIT_S = 60
T = TypeVar("T")
SERVER = """\
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"VERSION")
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def wait(true, what: str):
    """Ask until the answer is true, bounded."""
    until = time.monotonic() + WAIT_S
    while not (found := true()):
        assert time.monotonic() < until, what
        time.sleep(0.05)  # between two questions to another process, which cannot tell us
    return found


class Place:
    """A folder with a source repo, a config repo, settings, and servers started from it."""

    def __init__(self, folder: Path, *, run_as: str = "run_as_agent = true") -> None:
        self.folder = folder
        self.port = free_port()
        self.servers: list[subprocess.Popen] = []
        self.source, self.work = folder / "source", folder / "work"
        for repo in (self.source, self.work):
            git(folder, "init", "-q", "-b", "main", str(repo))
        git(folder, "init", "-q", "--bare", "-b", "main", str(folder / "config.git"))
        (folder / "lastgood.toml").write_text(
            textwrap.dedent(f"""\
            data = "data"
            [[repos]]
            name = "config"
            url = "{folder / "config.git"}"
            [destinations.here]
            type = "process"
            {run_as}
            [[sources]]
            url = "{self.source}"
            [web]
            port = 0
            [log]
            level = "info"
            """)
        )
        (self.work / "lastgood.yaml").write_text(
            textwrap.dedent(f"""\
            version: 1
            applications:
              - {{name: web, path: apps/web, destination: here, policy: {{bake: 1s}}}}
            sources:
              - {{image: web, repo: "{self.source}"}}
            """)
        )

    def make_source(self, version: str) -> str:
        (self.source / "server.py").write_text(SERVER.replace("VERSION", version))
        git(self.source, "add", ".")
        git(self.source, "commit", "-q", "-m", version)
        return git(self.source, "rev-parse", "HEAD")

    def release(self, revision: str, *, command: str = "") -> str:
        """Push a release. command: what runs instead of the server, without a probe."""
        probe = f"{{http_get: {{host: 127.0.0.1, port: {self.port}, path: /}}, period_seconds: 1}}"
        path = self.work / "apps" / "web" / "process-compose.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            textwrap.dedent(f"""\
            x-lastgood: {{artifacts: {{web: "{revision}"}}}}
            processes:
              web:
                command: "{command or f"exec {sys.executable} server.py {self.port}"}"
                {"" if command else f"readiness_probe: {probe}"}
            """)
        )
        git(self.work, "add", ".")
        git(self.work, "commit", "-q", "-m", f"Release {revision[:7]}")
        git(self.work, "push", "-q", str(self.folder / "config.git"), "main")
        return git(self.work, "rev-parse", "HEAD")

    def start(self) -> subprocess.Popen:
        server = self.start_part()
        wait(lambda: self.address(server) is not None, f"the server should start: {self.log()}")
        return server

    def start_part(self, *parts: str) -> subprocess.Popen:
        """Start a server of the parts that are named; of all, if none is. It may not be up yet."""
        with (self.folder / "serve.log").open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, PROGRAM, self.folder / "lastgood.toml", *parts],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self.servers.append(server)
        return server

    def ask(self, question: Callable[[RemoteLastgood], Awaitable[T]]) -> T:
        """Ask the server that left its address."""

        async def ask() -> T:
            left = json.loads((self.folder / "data" / "server.json").read_text())
            async with RemoteLastgood(left["url"], left["token"]) as there:
                return await question(there)

        return asyncio.run(ask())

    def address(self, server: subprocess.Popen) -> dict | None:
        with contextlib.suppress(OSError, ValueError):
            left = json.loads((self.folder / "data" / "server.json").read_text())
            return left if left["pid"] == server.pid else None
        assert server.poll() is None, self.log()
        return None

    def log(self) -> str:
        return (self.folder / "serve.log").read_text()

    def runs(self) -> list:
        async def read():
            store = SqlStore.open(self.folder / "data" / RECORDS)
            try:
                return await store.deployments(DeploymentQuery(app="web"))
            finally:
                store.close()

        return asyncio.run(read())

    def states(self) -> str:
        return "; ".join(f"n{run.number} {run.outcome} {run.message}" for run in self.runs()) + self.log()[-3000:]

    def service_pid(self) -> set[int]:
        """Return who listens on the service's port, by its command line."""
        found = set()
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if words[1:3] == [b"server.py", str(self.port).encode()]:
                    found.add(int(process.name))
        return found

    def end(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                server.kill()
            server.wait()

        async def prune():
            target = ProcessTarget(
                self.folder / "data" / "processes" / "here",
                name="here",
                find_source=None,
                clock=SystemClock(),
                run_as_agent=True,
            )
            await target.prune("web")

        asyncio.run(prune())


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.end()
    assert made.service_pid() == set()


def test_a_push_is_deployed_and_survives_the_end_of_the_server(place):
    """A pushed commit runs as a real process, which goes on when the server is stopped, and is adopted when killed."""
    first = place.make_source("one")
    place.release(first)
    server = place.start()
    wait(lambda: place.runs() and place.runs()[0].outcome == "succeeded", place.states())
    pids = place.service_pid()
    assert len(pids) == 1

    # Stopped in order: the service runs on, and the address is taken away.
    assert stat.S_IMODE((place.folder / "data" / "server.json").stat().st_mode) == 0o600
    server.send_signal(signal.SIGTERM)
    assert server.wait(WAIT_S) == 0, place.log()
    assert not (place.folder / "data" / "server.json").exists()
    assert place.service_pid() == pids

    # Killed while it works on the next release: the next server goes on with the same record, and with one process.
    place.release(place.make_source("two"))
    killed = place.start()
    wait(lambda: len(place.runs()) == 2, place.states())
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    place.start()
    wait(lambda: place.runs()[0].outcome == "succeeded", place.states())

    newest, older = place.runs()
    assert (newest.number, older.number, older.outcome) == (2, 1, "succeeded")
    assert len(place.service_pid()) == 1
    assert listens(place.port)
    # A push while it runs is seen at once, long before the next poll.
    place.release(first)
    wait(lambda: len(place.runs()) == 3 and place.runs()[0].outcome == "succeeded", place.states())


@pytest.fixture
def open_place():
    """A place that another account can pass through, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    made = Place(folder, run_as='run_as = "nobody"')
    yield made
    made.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes as another account")
def test_commands_run_as_the_account_that_the_settings_name(open_place):
    """The account reaches its release and its own folder through the server's data folder, and nothing else there."""
    data = open_place.folder / "data"
    asked = "id -un; (cat records.db secret server.json; ls . mirrors sources) 2>/dev/null"
    open_place.release(open_place.make_source("one"), command=f"(cd {data} && {asked}) > $HOME/seen; exec sleep 1000")
    open_place.start()

    wait(lambda: open_place.runs() and open_place.runs()[0].outcome != "in-progress", open_place.states())

    assert open_place.runs()[0].outcome == "succeeded", open_place.states()
    (seen,) = data.glob("processes/here/work/*/seen")
    assert (seen.read_text(), seen.owner()) == ("nobody\n", "nobody")


def test_agent_and_dashboard_apart(place):
    """The dashboard asks the agent, says when there is none, and goes back through Git all the same, without waiting.

    The next agent deploys what was pushed meanwhile.
    """
    web = place.start_part("web")
    wait(lambda: place.address(web) is not None, f"the dashboard should start: {place.log()}")
    agent = place.start_part("agent")
    # The repo is empty still: once an agent has looked, that is the banner, and no longer that none runs.
    wait(
        lambda: any("is empty" in problem.reason for problem in place.ask(lambda there: there.problems())),
        "the agent should be noticed",
    )
    first = place.release(place.make_source("one"))
    assert place.ask(lambda there: there.sync(None)) == ["config"]
    wait(lambda: place.runs() and place.runs()[0].outcome == "succeeded", place.states())
    place.release(place.make_source("two"))
    wait(lambda: len(place.runs()) == 2 and place.runs()[0].outcome == "succeeded", place.states())

    agent.send_signal(signal.SIGKILL)
    agent.wait()
    (problem,) = place.ask(lambda there: there.problems())
    assert problem.reason.startswith("no agent runs on this data folder")
    with pytest.raises(NeedsServer, match="no agent runs on this data folder"):
        place.ask(lambda there: there.sync(None))
    plan = place.ask(lambda there: there.rollback(RollbackRequest(apps=("web",), to=first, reason="two is bad")))
    assert plan.result is not None
    assert git(place.folder / "config.git", "rev-parse", "main") == plan.result.commit
    assert len(place.runs()) == 2

    place.start_part("agent")
    wait(lambda: len(place.runs()) == 3 and place.runs()[0].outcome == "succeeded", place.states())
    assert place.runs()[0].commit.oid == plan.result.commit
    assert place.ask(lambda there: there.problems()) == []

    # Two servers never work on one data folder; the second one says who has it.
    second = subprocess.run(
        [sys.executable, PROGRAM, place.folder / "lastgood.toml"], capture_output=True, text=True, check=False
    )
    assert second.returncode != 0
    assert f"another lastgood agent (process {place.servers[-1].pid}) works on" in second.stderr
    assert place.address(web) is not None
