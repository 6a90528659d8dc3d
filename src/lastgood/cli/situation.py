"""Which lastgood a command talks to: a server, the clone it stands in, or the store beside `lastgood.toml`.

`--server` wins, then the clone named by -C, LASTGOOD_SERVER, the clone stood in, the store of `lastgood.toml`: through
the server that runs there, which knows what is going on now, or else from the records themselves.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import tomllib
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lastgood.cli.call import Call
from lastgood.cli.text import plural
from lastgood.core.dates import relative
from lastgood.core.errors import CommandLineWrong, LastgoodError, NeedsServer, SettingsWrong, UnknownApplication
from lastgood.core.ports import Lastgood

if TYPE_CHECKING:
    from lastgood.app.clone import CloneLastgood
    from lastgood.core.discovery import Problem

T = TypeVar("T")

SETTINGS = "lastgood.toml"
MAX_SERVER_FILE = 64 * 1024


class Situation:
    """The lastgood that this call talks to.

    clone: set where it is a clone, with Git alone. deploys: whether an agent stands behind it, so that what is pushed
    gets deployed and can be watched.
    """

    def __init__(self, lastgood: Lastgood, *, clone: "CloneLastgood | None" = None, deploys: bool = True) -> None:
        self.lastgood = lastgood
        self.clone = clone
        self.deploys = deploys


def work(
    call: Call,
    job: Callable[[Situation], Coroutine[Any, Any, T]],
    *,
    server: str | None = None,
    records: bool = False,
) -> T:
    """Open the situation, run a coroutine in it, close it.

    server: the command's name, if it works against a server alone. records: it is nothing for the server that runs
    beside lastgood.toml: the records there are read.
    Raises NeedsServer, SettingsWrong, CommandLineWrong, GitFailed, and what the job raises.
    """

    async def run() -> T:
        situation = _open(call, server, records=records)
        try:
            return await job(situation)
        except UnknownApplication as unknown:
            removed = await _removed(situation, unknown)
            if removed is None:
                raise
            raise removed from unknown
        finally:
            close = getattr(situation.lastgood, "aclose", None)
            if close is not None:
                await close()
            if situation.clone is not None:
                situation.clone.repo.close()

    return asyncio.run(run())


async def _removed(situation: Situation, unknown: UnknownApplication) -> UnknownApplication | None:
    """Say of an application that Git had until lately which commit took it away, and how it comes back."""
    app = unknown.facts.get("name")
    if situation.clone is None or not isinstance(app, str):
        return None
    found = await situation.clone.removal(app)
    if found is None:
        return None
    commit, before = found
    when = relative(commit.committed_at, dt.datetime.now(dt.UTC))
    return UnknownApplication(
        f"there is no application {app} any more: {commit.oid[:7]} removed it ({when})",
        hint=f"`lastgood plan {app} --to {before[:7]}` shows how it comes back",
        app=app,
        **unknown.facts,
    )


def _open(call: Call, server_only: str | None, *, records: bool) -> Situation:
    if call.server:
        return _server(call.server, os.environ.get("LASTGOOD_TOKEN"))
    if call.directory is not None and not call.directory.is_dir():
        raise CommandLineWrong(f"-C {call.directory}: there is no such folder")
    where = call.directory or Path.cwd()
    named = os.environ.get("LASTGOOD_SERVER")
    if named and (call.directory is None or server_only):
        return _server(named, os.environ.get("LASTGOOD_TOKEN"))
    beside = where / SETTINGS
    if server_only is not None:
        if beside.is_file():
            return _running(beside)
        raise NeedsServer(command=f"`lastgood {server_only}`")
    # An operator's folder may lie inside some repository (a checkout of lastgood, say): then the settings speak.
    if call.directory is None and beside.is_file() and not (where / "lastgood.yaml").exists():
        return _beside(beside, records=records)
    if call.directory is not None or in_repository(where):
        return _clone(where)
    if beside.is_file():
        return _beside(beside, records=records)
    raise CommandLineWrong(
        "there is neither a clone of a config repo here nor a lastgood.toml",
        hint="stand in a clone, name one with `-C DIR`, or name a server with `--server URL`",
    )


def _server(url: str, token: str | None) -> Situation:
    if not url.startswith(("http://", "https://")):
        # It is not repeated: a password may be in it.
        raise CommandLineWrong(
            "the server's address is no URL",
            hint="such as https://lastgood.example.com; see `--server`, LASTGOOD_SERVER",
        )
    from lastgood.app.server import open_server  # noqa: PLC0415 - the HTTP library costs 0.1 s

    return Situation(open_server(url, token))


def _clone(where: Path) -> Situation:
    from lastgood.app.clone import open_clone  # noqa: PLC0415 - only where a clone is read

    clone = open_clone(where)
    return Situation(clone, clone=clone, deploys=False)


def in_repository(where: Path) -> bool:
    """Say whether a folder lies in a Git repository; a bare one counts, too."""
    if os.environ.get("GIT_DIR"):
        return True
    bare = (where / "HEAD").is_file() and (where / "objects").is_dir()
    return bare or any((folder / ".git").exists() for folder in (where, *where.parents))


def left_server(settings: Path) -> dict[str, Any] | None:
    """Read the address and token that a running `serve` left beside its store; None where there is none.

    settings: the path of lastgood.toml. Raises SettingsWrong for a file that is no TOML.
    """
    data = "data"
    try:
        with settings.open("rb") as file:
            data = str(tomllib.load(file).get("data", data))
    except (OSError, ValueError) as wrong:
        raise SettingsWrong(setting=SETTINGS, reason="it cannot be read") from wrong
    left = settings.parent / os.environ.get("LASTGOOD_DATA", data) / "server.json"
    with contextlib.suppress(OSError, ValueError):
        if left.stat().st_size <= MAX_SERVER_FILE:
            told = json.loads(left.read_text())
            if isinstance(told, dict) and isinstance(told.get("url"), str) and _alive(told.get("pid")):
                return told
    return None


def _alive(pid: Any) -> bool:
    """Say whether the process that left its address still runs; without a pid it may."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _beside(settings: Path, *, records: bool) -> Situation:
    if not records and left_server(settings) is not None:
        return _running(settings)
    from lastgood.app.records import open_records  # noqa: PLC0415 - the store's parts cost half a second

    lastgood = open_records(settings)
    return Situation(lastgood, deploys=lastgood.agent_runs)


def _running(settings: Path) -> Situation:
    left = left_server(settings)
    if left is None:
        raise NeedsServer(
            f"no lastgood server runs beside {settings}",
            hint="start `lastgood serve` there, or name a server with `--server URL`",
            command="this",
        )
    return _server(left["url"], os.environ.get("LASTGOOD_TOKEN") or left.get("token"))


async def remarks(call: Call, situation: Situation, app: str | None = None) -> int:
    """Say on stderr what reading passes over: an upstream that is ahead, and what is wrong in the repos.

    Returns the exit code: 1 where lastgood.yaml, or what concerns the application, is wrong; else 0.
    """
    clone = situation.clone
    behind = await clone.behind() if clone is not None else None
    if behind:
        call.note(f"the last fetched upstream is {plural(behind, 'commit')} ahead; this shows HEAD as it is here")
    if clone is None and not situation.deploys:
        call.note("no server runs here; this is what the last one recorded")
    return show_problems(call, await situation.lastgood.problems(app))


def show_problems(call: Call, problems: "Iterable[Problem]") -> int:
    """Say on stderr what is wrong in the repos; return the exit code, see `remarks`."""
    code = 0
    for problem in problems:
        if not problem.file:
            # The state of a repo, and no mistake in it: what is shown is right, as far as it goes.
            call.note(problem.reason)
            if problem.hint:
                call.suggest(problem.hint)
            continue
        line = f":{problem.line}" if problem.line else ""
        where = f"{problem.repo}: {problem.file}{line}" if problem.repo else f"{problem.file}{line}"
        call.complain(LastgoodError(f"{where}: {problem.reason}", hint=problem.hint, app=problem.app))
        code = 1
    return code
