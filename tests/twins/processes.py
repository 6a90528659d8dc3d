"""A room for real processes in tests: whatever is started in it is ended with it, also when the test fails."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from signal import SIGKILL
from typing import Any

import msgspec

from lastgood.core.application import Application, Policy, Scope
from lastgood.core.commit import MODE_FILE, TreeEntry
from lastgood.core.errors import UnknownVersion
from lastgood.core.observation import Observation
from lastgood.core.resource import Rendered
from lastgood.render.process_compose import render_process_compose
from lastgood.targets.process import ProcessTarget
from lastgood.targets.process.folder import Folder
from lastgood.targets.process.identity import ProcessId, boot_id, end_session, send_signal, session_members, wait_end
from lastgood.targets.process.state import ProcessState, read_state

# What is waited for comes within a second or two; machines that are busy with other work take their time.
PATIENCE_S = 60.0


class RealClock:
    """The port Clock on this machine's time: real processes know no other."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class MemorySource:
    """The port SourceRepo on files given by commit; counts what it is asked."""

    def __init__(self, commits: Mapping[str, list[tuple[str, int, bytes]]], names: Mapping[str, str] = {}) -> None:
        self.commits = dict(commits)
        self.names = dict(names)
        self.asked = 0
        self.read = 0

    async def resolve(self, revision: str) -> str:
        self.asked += 1
        commit = self.names.get(revision, revision)
        if commit not in self.commits:
            raise UnknownVersion(app="source", version=revision)
        return commit

    async def files(self, commit: str) -> AsyncIterator[tuple[TreeEntry, bytes]]:
        self.read += 1
        for path, mode, content in self.commits[commit]:
            yield TreeEntry(path=path, mode=mode, oid="0" * 40), content


def file(path: str, text: str, mode: int = MODE_FILE) -> tuple[str, int, bytes]:
    """Say what a file of a MemorySource is."""
    return path, mode, text.encode()


def application(name: str = "web", **words: Any) -> Application:
    """Return an application for a process target."""
    values: dict[str, Any] = {
        "name": name,
        "repo": "config",
        "branch": "main",
        "path": f"apps/{name}",
        "group": name,
        "environment": None,
        "destination": "here",
        "namespace": None,
        "render": "auto",
        "scope": Scope(path=f"apps/{name}"),
        "policy": Policy(),
        "definition": {"name": name},
    }
    return Application(**{**values, **words})


def render(processes: Mapping[str, Any], *, artifacts: Mapping[str, str] = {}, app: str = "web") -> Rendered:
    """Render processes as a file that holds them would be; a text is a command."""
    bodies = {name: {"command": body} if isinstance(body, str) else body for name, body in processes.items()}
    project: dict[str, Any] = {"processes": bodies, "disable_env_expansion": True}
    if artifacts:
        project["x-lastgood"] = {"artifacts": dict(artifacts)}
    return render_process_compose(msgspec.json.encode(project), app=app, file="process-compose.yaml")


class Room:
    """A root folder, the targets on it, and the end of everything in it."""

    def __init__(self, root: Path, source: MemorySource | None = None) -> None:
        self.root = root
        self.source = source or MemorySource({})

    def target(self, **words: Any) -> ProcessTarget:
        """Return a target on the room; each call is another agent."""

        async def find_source(_app: Application, _artifact: str, revision: str) -> tuple[MemorySource, str]:
            return self.source, revision

        given = {"run_as_agent": True, "settle_s": 0.05, "stable_s": 0.3, "start_timeout_s": 5.0, **words}
        return ProcessTarget(self.root, name="here", find_source=find_source, clock=RealClock(), **given)

    def state(self, process: str, app: str = "web") -> ProcessState:
        """Return what a supervisor says."""
        state = read_state(self.root / "state" / f"{app}@{process}.json")
        assert state is not None
        return state

    def log(self, process: str, app: str = "web") -> str:
        """Return what a process printed, as far as the log that is being written goes."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root / "logs" / f"{app}@{process}.log").read_text()
        return ""

    def left(self, leader: ProcessId, process: str = "web", app: str = "web") -> list[ProcessId]:
        """Return what is left of the session that a process led."""
        return session_members(leader, marker=Folder(self.root).marker(app, process))

    def work(self, process: str, app: str = "web") -> Path:
        """Return the folder of a process's own."""
        return self.root / "work" / f"{app}@{process}"

    def end(self) -> None:
        """End everything that was ever started in the room."""
        boot = boot_id()
        for place in (self.root / "state").glob("*.json"):
            state = read_state(place)
            if state is None or state.boot_id != boot:
                continue
            with contextlib.suppress(ProcessLookupError):
                send_signal(state.supervisor, SIGKILL)
            wait_end(state.supervisor, timeout_s=5)
            state = read_state(place) or state
            if state.child is not None:
                end_session(state.child, marker=Folder(self.root).marker(state.app, state.process), grace_s=0)


async def eventually(look: Callable[[], Any], *, what: str = "", within_s: float = PATIENCE_S) -> Any:
    """Return the first true answer of `look` (which may be a coroutine function); fail after a bounded time.

    The one place where tests wait for real processes: these tell nobody in the test what they do, so they are asked
    again, often, until the bound.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        answer = look()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert loop.time() < until, f"did not happen within {within_s:g} s: {what or look}"
        await asyncio.sleep(0.02)


async def until_health(
    target: Any, health: str, app: str = "web", *, reason: str = "", within_s: float = PATIENCE_S
) -> Observation:
    """Observe until an application has that health (and one of its resources that reason)."""

    async def look() -> Observation | None:
        seen.append(await target.observe(app))
        fits = seen[-1].health == health and (not reason or any(r.reason == reason for r in seen[-1].resources))
        return seen[-1] if fits else None

    seen: list[Observation] = []
    try:
        return await eventually(look, what=f"{app} {health} {reason}", within_s=within_s)
    except AssertionError as late:
        raise AssertionError(f"{late}; last seen: {seen[-1]}") from late
