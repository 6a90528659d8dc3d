"""Compose the port Lastgood for a person's clone: Git alone, no store, no agent."""

import dataclasses
import os
from pathlib import Path

from lastgood.app.clock import SystemClock
from lastgood.core.commit import Commit
from lastgood.core.discovery import Discovery
from lastgood.core.errors import GitFailed
from lastgood.core.operation import Operation
from lastgood.core.ports import PullRequests
from lastgood.core.request import RollbackRequest, UndoRequest
from lastgood.flows.branch import FollowedBranch
from lastgood.git.clone import CloneConfigRepo
from lastgood.git.journal import CloneJournal
from lastgood.local.lastgood import LocalLastgood
from lastgood.queries.followed import places
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools, ToolSettings

# A removal that hurts is noticed soon; each step costs a millisecond.
MAX_STEPS_BACK = 200
_FORGES = "LASTGOOD_FORGES"


class CloneLastgood(LocalLastgood):
    """The port Lastgood in a clone, and what only a clone can tell."""

    def __init__(self, repo: CloneConfigRepo) -> None:
        self.repo = repo
        renderer, clock = Renderers(Tools(_render_settings)), SystemClock()
        branch = FollowedBranch(
            repo=repo,
            # A detached HEAD has no branch; reading needs none, and writing says so.
            name=repo.branch() or "HEAD",
            discovery=Discovery(),
            renderer=renderer,
            store=None,
            journal=CloneJournal(repo.memory / "operations"),
            clock=clock,
            may_reset=True,
        )
        super().__init__([branch], renderer=renderer, clock=clock, reads={repo.name: "HEAD"})

    async def behind(self) -> int | None:
        """Count the commits of the last fetched upstream that HEAD does not have; None where there is none."""
        return await self.repo.behind()

    async def ends_shallow(self, app: str | None) -> bool:
        """Say whether a shallow clone hides all history of an application (None: of any) that Git has elsewhere."""
        known = await places(self.followed)
        for place in [known[app]] if app in known else known.values():
            if (await place.repo.history(place.head, place.application.scope, limit=1)).truncated:
                return True
        return False

    async def _branch_of(self, app: str) -> FollowedBranch:
        if self.repo.branch() is None:
            raise GitFailed(
                "HEAD is detached: no branch is checked out that a commit could go to",
                hint="nothing was changed; `git switch BRANCH`, then do it again",
            )
        branch = await super()._branch_of(app)
        return dataclasses.replace(branch, pulls=self._pulls(branch.name))

    def _pulls(self, branch: str) -> PullRequests | None:
        """Return the pull requests of the repo that this was cloned from. Raises SettingsWrong."""
        url = self.repo.address(branch)
        if url is None or not any(name.startswith(_FORGES) for name in os.environ):
            return None
        from lastgood.app.forges import make_forges, pull_requests  # noqa: PLC0415 - only where a forge is named
        from lastgood.app.settings import read_forges  # noqa: PLC0415 - as above

        return pull_requests(make_forges(read_forges(), self._clock), url)

    async def removal(self, app: str) -> tuple[Commit, str] | None:
        """Return the newest commit that took an application away, and the one before it; None where none is near."""
        discovery, head = Discovery(), await self.followed[0].head()
        commit = await self.repo.commit(head) if head is not None else None
        for _ in range(MAX_STEPS_BACK):
            if commit is None or not commit.parents:
                break
            before = commit.parents[0]
            try:
                there = await discovery.applications(self.repo, self.followed[0].branch, before)
                if app in there.applications:
                    return commit, before
                commit = await self.repo.commit(before)
            except GitFailed:
                break  # a shallow clone ends somewhere
        return None

    async def unfinished(self, request: RollbackRequest | UndoRequest) -> Operation | None:
        """Return an earlier call of this very command whose push had no clear answer: doing it again finishes it."""
        from lastgood.flows.recover import as_asked, pending  # noqa: PLC0415 - only before something is changed
        from lastgood.flows.requested import is_same  # noqa: PLC0415 - as above

        asked = as_asked(request)
        for operation in await pending(self._branches[0]):
            under_way = operation.step in {"pushing", "unknown"} and operation.commit is not None
            if under_way and is_same(operation, asked):
                return operation
        return None


def _render_settings() -> ToolSettings:
    from lastgood.app.settings import read_render_settings  # noqa: PLC0415 - only before a program renders

    return read_render_settings()


def open_clone(directory: Path | str) -> CloneLastgood:
    """Return the clone at or above a folder as the port Lastgood. Its `repo.close()` ends the helper processes.

    Raises GitFailed where there is no repository, RepoUnsupported for kinds that are not read.
    """
    return CloneLastgood(CloneConfigRepo(directory))
