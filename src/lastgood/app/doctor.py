"""What is installed, reachable and allowed on this machine, as facts for `lastgood doctor`. Changes nothing."""

import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lastgood.core.errors import CommandLineWrong, LastgoodError
from lastgood.core.value import Value

if TYPE_CHECKING:
    from lastgood.app.settings import DestinationSettings, Settings

OLDEST_GIT = (2, 39)
OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 500 * 1024 * 1024


class Finding(Value, frozen=True, kw_only=True):
    """One fact of `lastgood doctor`.

    outcome: ok, warn or wrong; hint: what to do about it; rules: those that a cluster lacks, as YAML for
    `kubectl apply`, or empty.
    """

    name: str
    outcome: str
    detail: str
    hint: str = ""
    rules: str = ""


def examine_machine() -> list[Finding]:
    """Look at what every command needs: Python and git."""
    python = platform.python_version()
    findings = [
        Finding(
            name="python",
            outcome="ok" if sys.version_info >= OLDEST_PYTHON else "wrong",
            detail=python,
            hint="" if sys.version_info >= OLDEST_PYTHON else "Python 3.11 or newer is needed",
        )
    ]
    return [*findings, _git(), _account()]


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding(name="git", outcome="wrong", detail="it is not installed", hint="install git 2.39 or newer")
    from lastgood.git.program import Git  # noqa: PLC0415 - only where there is one

    try:
        words = Git(Path("/")).run("--version").text.split()
        found = tuple(int(number) for number in words[2].split(".")[:2])
    except (LastgoodError, IndexError, ValueError):
        return Finding(name="git", outcome="wrong", detail="it does not answer", hint="try `git --version`")
    new = found >= OLDEST_GIT
    hint = "" if new else "lastgood is tested with git 2.39 and newer"
    return Finding(name="git", outcome="ok" if new else "warn", detail=words[2], hint=hint)


def _account() -> Finding:
    if os.geteuid() == 0:
        return Finding(
            name="account",
            outcome="ok",
            detail="root: the agent can run a repo's commands as the account of each destination (`run_as`)",
        )
    return Finding(
        name="account",
        outcome="ok",
        detail=f"user id {os.geteuid()}: destinations need `run_as_agent = true`",
    )


def examine_clone(directory: Path) -> list[Finding]:
    """Look at a person's clone: can it be read, does Git know who acts, where does the branch come from?"""
    from lastgood.git.clone import CloneConfigRepo  # noqa: PLC0415 - only in a clone

    try:
        repo = CloneConfigRepo(directory)
    except LastgoodError as wrong:
        return [Finding(name="clone", outcome="wrong", detail=wrong.message, hint=wrong.hint)]
    try:
        findings = [Finding(name="clone", outcome="ok", detail=str(repo.folder))]
        branch = repo.branch()
        if branch is None:
            hint = "`git switch` to a branch; reading works without"
            findings.append(Finding(name="branch", outcome="warn", detail="HEAD is detached", hint=hint))
            return findings
        upstream = repo.upstream()
        if upstream is None:
            hint = "rollbacks are made here and cannot be pushed; `git remote add origin URL` adds a remote"
            findings.append(Finding(name="remote", outcome="warn", detail=f"{branch} has no remote", hint=hint))
        else:
            findings.append(_remote(repo, branch))
        return findings
    finally:
        repo.close()


def _remote(repo: object, branch: str) -> Finding:
    import asyncio  # noqa: PLC0415 - only where a remote is asked

    from lastgood.git.clone import CloneConfigRepo  # noqa: PLC0415 - only in a clone

    if not isinstance(repo, CloneConfigRepo):
        raise TypeError(type(repo).__name__)
    try:
        head = asyncio.run(repo.remote_head(branch))
    except LastgoodError as wrong:
        return Finding(name="remote", outcome="wrong", detail=wrong.message, hint=wrong.hint)
    if head is None:
        hint = "push the branch, or check its upstream"
        return Finding(name="remote", outcome="warn", detail=f"it has no branch {branch}", hint=hint)
    return Finding(name="remote", outcome="ok", detail=f"reachable; {branch} is at {head[:7]}")


def examine_server(settings_file: Path, running: Callable[[Path], dict[str, object] | None]) -> list[Finding]:
    """Look at what an operator set up: settings, data folder, repos, destinations, renderers; does `serve` run?

    running: reads the address that a running `serve` left beside its store.
    """
    from lastgood.app.doctor_forges import examine_forges  # noqa: PLC0415 - it takes the findings from here
    from lastgood.app.doctor_render import examine_renderers  # noqa: PLC0415 - it takes the findings from here
    from lastgood.app.doctor_sources import examine_sources  # noqa: PLC0415 - it takes the findings from here
    from lastgood.app.settings import read_settings  # noqa: PLC0415 - only beside a lastgood.toml

    try:
        settings = read_settings(settings_file)
    except LastgoodError as wrong:
        return [Finding(name="settings", outcome="wrong", detail=wrong.message, hint=wrong.hint)]
    findings = [_settings(settings_file, settings), _data(settings.data)]
    left = running(settings_file)
    findings.append(
        Finding(name="server", outcome="ok", detail=f"runs at {left['url']}")
        if left
        else Finding(name="server", outcome="warn", detail="it does not run", hint="start `lastgood serve`")
    )
    if not settings.repos:
        hint = "add a [[repos]] table with name, url and branch"
        findings.append(Finding(name="repos", outcome="wrong", detail="no config repo is followed", hint=hint))
    findings += [_repo(repo.name, repo.url, repo.branch) for repo in settings.repos]
    if not settings.destinations:
        hint = "add a [destinations.NAME] table"
        findings.append(Finding(name="destinations", outcome="wrong", detail="there is none", hint=hint))
    findings += [_destination(name, one, settings.data) for name, one in settings.destinations.items()]
    return [
        *findings,
        *examine_sources(settings),
        *examine_forges(settings),
        *examine_renderers(settings.render.as_tools()),
    ]


def examine_destination(settings_file: Path, name: str) -> Finding:
    """Look at one destination alone. Raises SettingsWrong, and CommandLineWrong where there is none of that name."""
    from lastgood.app.settings import read_settings  # noqa: PLC0415 - only beside a lastgood.toml

    settings = read_settings(settings_file)
    if name not in settings.destinations:
        there = ", ".join(settings.destinations) or "none"
        raise CommandLineWrong(f"there is no destination {name} in {settings_file}", hint=f"there are: {there}")
    return _destination(name, settings.destinations[name], settings.data)


def _destination(name: str, destination: "DestinationSettings", data: Path) -> Finding:
    from lastgood.app.doctor_cluster import examine_cluster  # noqa: PLC0415 - it takes the findings from here

    if destination.type == "kubernetes":
        return examine_cluster(name, destination, data)
    if destination.run_as is not None:
        return _run_as(name, destination.run_as, data)
    detail = "commands of the repos run as the agent's own account"
    return Finding(name=f"destination {name}", outcome="ok", detail=detail)


def _settings(file: Path, settings: "Settings") -> Finding:
    """Say whether they serve: `serve` reads the rules for health when it starts, and ends where one is no CEL."""
    from lastgood.app.health import health_rules  # noqa: PLC0415 - only beside a lastgood.toml

    if settings.health:
        try:
            health_rules(settings).close()
        except LastgoodError as wrong:
            return Finding(name="settings", outcome="wrong", detail=wrong.message, hint=wrong.hint)
    return Finding(name="settings", outcome="ok", detail=str(file))


def _data(folder: Path) -> Finding:
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(there, os.W_OK):
        hint = "give the account of the server the right to write there"
        return Finding(name="data", outcome="wrong", detail=f"{there} cannot be written", hint=hint)
    free = shutil.disk_usage(there).free
    few = free < LEAST_FREE_BYTES
    hint = "free some space: no deployment starts that cannot be recorded" if few else ""
    return Finding(name="data", outcome="warn" if few else "ok", detail=f"{folder}, {free // 2**20} MB free", hint=hint)


def _repo(name: str, url: str, branch: str) -> Finding:
    from lastgood.git.program import Git  # noqa: PLC0415 - only where a remote is asked
    from lastgood.git.remote import Remote  # noqa: PLC0415 - only where a remote is asked

    try:
        head = Remote(Git(Path("/")), url).head(f"refs/heads/{branch}")
    except LastgoodError as wrong:
        return Finding(name=f"repo {name}", outcome="wrong", detail=wrong.message, hint=wrong.hint)
    if head is None:
        hint = "check `branch` in lastgood.toml"
        return Finding(name=f"repo {name}", outcome="wrong", detail=f"it has no branch {branch}", hint=hint)
    return Finding(name=f"repo {name}", outcome="ok", detail=f"reachable; {branch} is at {head[:7]}")


def _run_as(name: str, account: str, data: Path) -> Finding:
    import pwd  # noqa: PLC0415 - only where an account is named

    try:
        pwd.getpwnam(account)
    except KeyError:
        hint = f"create the account, or change `run_as` of {name}"
        return Finding(name=f"destination {name}", outcome="wrong", detail=f"there is no account {account}", hint=hint)
    if os.geteuid() != 0:
        hint = "run the agent as root, or set `run_as_agent = true`"
        return Finding(
            name=f"destination {name}",
            outcome="wrong",
            detail=f"only root may run commands as {account}",
            hint=hint,
        )
    there = [one for one in data.parents if one.exists()]
    closed = next((one for one in there if not one.stat().st_mode & stat.S_IXOTH), None)
    if closed is not None:
        hint = f"`chmod o+x {closed}`, or move `data` to where every account can pass through"
        detail = f"{account} may not be able to reach its releases through {closed}"
        return Finding(name=f"destination {name}", outcome="warn", detail=detail, hint=hint)
    return Finding(name=f"destination {name}", outcome="ok", detail=f"commands of the repos run as {account}")
