"""Compose the port Lastgood over the records of a server that does not run: for commands given beside its settings.

Looks, and goes back through Git as a person's clone does; deploys nothing and has no agent of its own.
"""

import asyncio
import contextlib
import os
import pwd
from pathlib import Path
from typing import TypeVar

import msgspec

from lastgood.agent.elsewhere import AgentElsewhere
from lastgood.app.clock import SystemClock
from lastgood.app.forges import make_forges, pull_requests
from lastgood.app.instance import RECORDS, is_agent_running
from lastgood.app.settings import Settings, read_settings
from lastgood.core.commit import Person
from lastgood.core.commit_object import parse_commit
from lastgood.core.discovery import Discovery
from lastgood.core.errors import GitFailed, LastgoodError, NeedsServer, SettingsWrong
from lastgood.core.plan import Plan
from lastgood.core.request import HoldRequest, HoldResult, RollbackRequest, UndoRequest
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.journal import StoreJournal
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.git.program import Git
from lastgood.local.lastgood import LocalLastgood
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools
from lastgood.store.sql_store import SqlStore

R = TypeVar("R", RollbackRequest, UndoRequest, HoldRequest)


class RecordsLastgood(LocalLastgood):
    """The port Lastgood over a store and mirrors; who acts is who Git says stands here.

    agent_runs: whether an agent follows the same repos in another process, so that what is pushed gets deployed.
    """

    def __init__(self, settings: Settings, store: SqlStore, *, agent_runs: bool) -> None:
        self.agent_runs = agent_runs
        self._records = store
        renderer, clock = Renderers(Tools(settings.render.as_tools)), SystemClock()
        journal, forges = StoreJournal(store), make_forges((*settings.forges, *settings.trackers), clock)
        branches = [
            FollowedBranch(
                repo=MirrorConfigRepo(settings.data / "mirrors" / f"{repo.name}.git", repo.url, repo.name),
                name=repo.branch,
                discovery=Discovery(),
                renderer=renderer,
                store=store,
                journal=journal,
                clock=clock,
                pulls=pull_requests(forges, repo.url),
            )
            for repo in settings.repos
        ]
        agent = AgentElsewhere(store, clock, runs=lambda: is_agent_running(settings.data)) if agent_runs else None
        super().__init__(branches, renderer=renderer, clock=clock, store=store, agent=agent)

    async def aclose(self) -> None:
        """Let the records go."""
        await asyncio.to_thread(self._records.close)

    async def plan(self, request: RollbackRequest) -> Plan:
        """See Lastgood.plan."""
        return await super().plan(_signed(request))

    async def rollback(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.rollback."""
        return await super().rollback(_signed(request), planned=planned)

    async def plan_undo(self, request: UndoRequest) -> Plan:
        """See Lastgood.plan_undo."""
        return await super().plan_undo(_signed(request))

    async def undo(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        """See Lastgood.undo."""
        return await super().undo(_signed(request), planned=planned)

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.hold."""
        return await super().hold(_signed(request), dry_run=dry_run)

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """See Lastgood.unhold."""
        return await super().unhold(_signed(request), dry_run=dry_run)


def open_records(file: Path) -> RecordsLastgood:
    """Return the records beside a lastgood.toml as the port Lastgood; close it with `aclose`.

    Raises NeedsServer where nothing was recorded yet, SettingsWrong, StoreNewer, StoreUnavailable, GitFailed.
    """
    settings = read_settings(file)
    if not (settings.data / RECORDS).is_file():
        raise NeedsServer(
            f"no lastgood server runs beside {file}, and none has left records",
            hint="start `lastgood serve` there, or name a server with `--server URL`",
            command="this",
        )
    _same_account(settings.data)
    store = SqlStore.open(settings.data / RECORDS)
    try:
        return RecordsLastgood(settings, store, agent_runs=is_agent_running(settings.data))
    except BaseException:
        store.close()
        raise


def _same_account(data: Path) -> None:
    """Make sure that nothing is written there which the server's account could not read. Raises SettingsWrong."""
    owner = data.stat().st_uid
    if owner == os.geteuid():
        return
    with contextlib.suppress(KeyError):
        name = pwd.getpwuid(owner).pw_name
        raise SettingsWrong(
            setting="data",
            reason=f"{data} belongs to the account {name}, and no server runs to be asked",
            hint=f"start `lastgood serve`, or do it as {name}: `sudo -u {name} lastgood ...`",
        )
    raise SettingsWrong(setting="data", reason=f"{data} belongs to another account (user id {owner})")


def _signed(request: R) -> R:
    return request if request.by is not None else msgspec.structs.replace(request, by=_who_acts())


def _who_acts() -> Person:
    """Return the person that Git names here, as in a clone. Raises GitFailed where it knows none."""
    try:
        told = Git(Path.cwd()).run("var", "GIT_AUTHOR_IDENT")
    except LastgoodError as unknown:
        raise GitFailed(
            "git does not know who you are", hint="`git config --global user.name` and `user.email` say it"
        ) from unknown
    return parse_commit("", b"tree \nauthor " + told.out).author
