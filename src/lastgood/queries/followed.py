"""A followed branch as queries see it, and where in it an application is.

Awaits the ports ConfigRepo and, for what is gone from Git, Store; knows no server.
"""

from collections.abc import Sequence

from lastgood.core.application import Application
from lastgood.core.commit import HistoryEntry
from lastgood.core.config import CONFIG_FILE
from lastgood.core.discovery import Discovered, Discovery, Problem
from lastgood.core.errors import ConfigWrong, GitFailed, UnknownApplication, UnknownVersion
from lastgood.core.hold import MAX_HOLD_BYTES, Hold, hold_path, parse_holds
from lastgood.core.nearest import did_you_mean, nearest
from lastgood.core.ports import ConfigRepo, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.value import Value
from lastgood.core.version import Version, version_at

# How far back a readable lastgood.yaml is looked for when the one at the head is not.
MAX_STEPS_BACK = 50


class Look(Value, frozen=True, kw_only=True):
    """A branch at its head. head None: an empty repo, or no such branch.

    discovered: of the head; where lastgood.yaml is not readable there, its `applications` are those of the newest
    earlier commit where it is, so that people still see what they had; `problems` say so.
    """

    head: str | None
    discovered: Discovered


class Followed:
    """A (repo, branch) pair. reads: what to read instead of the branch as last fetched (`HEAD` in a clone)."""

    def __init__(
        self, repo: ConfigRepo, branch: str, *, discovery: Discovery | None = None, reads: str | None = None
    ) -> None:
        self.repo = repo
        self.branch = branch
        self.reads = reads
        self._discovery = discovery or Discovery()
        self._look: Look | None = None

    async def head(self) -> str | None:
        """Return the commit that queries read, without the network."""
        if self.reads is None:
            return await self.repo.head(self.branch)
        try:
            return (await self.repo.resolve(self.reads)).oid
        except UnknownVersion:
            return None

    async def look(self, head: str | None = None) -> Look:
        """Return the applications at the head (or at the commit given). A look at the same head costs nothing."""
        head = head or await self.head()
        if self._look is not None and self._look.head == head:
            return self._look
        if head is None:
            nothing = Problem(app=None, file=CONFIG_FILE, line=None, reason="the repo has no commit yet")
            self._look = Look(head=None, discovered=_empty(nothing))
            return self._look
        discovered = await self._discovery.applications(self.repo, self.branch, head)
        if discovered.config is None:
            discovered = await self._earlier(head, discovered)
        self._look = Look(head=head, discovered=discovered)
        return self._look

    async def _earlier(self, head: str, broken: Discovered) -> Discovered:
        """Take the applications from the newest earlier commit whose lastgood.yaml can be read."""
        tried = {await self._config_blob(head)}
        try:
            commit = await self.repo.commit(head)
            for _ in range(MAX_STEPS_BACK):
                if not commit.parents:
                    break
                commit = await self.repo.commit(commit.parents[0])
                blob = await self._config_blob(commit.oid)
                if blob in tried:
                    continue
                tried.add(blob)
                # A discovery of its own: what is remembered of the head must not be mixed with another commit.
                found = await Discovery().applications(self.repo, self.branch, commit.oid)
                if found.config is not None:
                    return Discovered(
                        config=None,
                        applications=found.applications,
                        problems=broken.problems,
                        sharing=found.sharing,
                        inputs=found.inputs,
                    )
        except GitFailed:
            pass  # A shallow clone ends somewhere: then nothing earlier is known.
        return broken

    async def _config_blob(self, commit: str) -> str | None:
        entry = await self.repo.entry(commit, "lastgood.yaml")
        return entry.oid if entry else None


def _empty(problem: Problem) -> Discovered:
    from lastgood.core.sharing import Sharing  # noqa: PLC0415 - only for a repo without a commit

    return Discovered(config=None, applications={}, problems=(problem,), sharing=Sharing())


class Place:
    """An application, the branch it is on, and what was seen there."""

    def __init__(self, followed: Followed, look: Look, application: Application) -> None:
        self.followed = followed
        self.repo = followed.repo
        self.application = application
        self.discovered = look.discovered
        self.head: str = look.head or ""

    @property
    def name(self) -> str:
        """The application's name."""
        return self.application.name

    async def holds(self) -> tuple[Hold, ...]:
        """Return the application's holds at the head. Raises ConfigWrong for a damaged file."""
        path = hold_path(self.name)
        entry = await self.repo.entry(self.head, path)
        if entry is None or not entry.is_file:
            return ()
        return parse_holds(await self.repo.read(entry.oid, max_bytes=MAX_HOLD_BYTES, path=path), file=path)

    async def readable_holds(self) -> tuple[Hold, ...]:
        """Return the holds, none where the file is damaged: `hold_problem` tells of that."""
        try:
            return await self.holds()
        except (ConfigWrong, GitFailed):
            return ()

    async def hold_problem(self) -> Problem | None:
        """Say what is wrong with the application's hold file."""
        try:
            await self.holds()
        except (ConfigWrong, GitFailed) as wrong:
            facts = wrong.facts
            reason = str(facts.get("reason", wrong.message))
            return Problem(app=self.name, file=hold_path(self.name), line=facts.get("line"), reason=reason)
        return None

    async def inside(self) -> str | None:
        """Return the version at the head."""
        return (await self.repo.version(self.head, self.application.scope))[0]


def as_version(entry: HistoryEntry, *, ran: bool | None) -> Version:
    """Describe the version that an entry of the history brought."""
    return version_at(entry.commit, version=entry.version, path_tree=entry.path_tree, ran=ran)


async def places(followed: Sequence[Followed]) -> dict[str, Place]:
    """Return where every application is, by name, sorted; a name that two branches claim belongs to the first."""
    found: dict[str, Place] = {}
    for branch in followed:
        look = await branch.look()
        for name, application in look.discovered.applications.items():
            found.setdefault(name, Place(branch, look, application))
    return dict(sorted(found.items()))


async def place_of(app: str, followed: Sequence[Followed]) -> Place:
    """Return where an application is. Raises UnknownApplication with the nearest names."""
    known = await places(followed)
    if app in known:
        return known[app]
    raise unknown_application(app, known)


async def not_there(app: str, store: Store) -> UnknownApplication:
    """Say that an application is gone from Git, and whether it runs on or was forgotten, or that none ever was."""
    runs_on = await store.application(app) is not None
    if await store.deployments(DeploymentQuery(app=app, limit=1)):
        return UnknownApplication(
            f"{app} is gone from Git and " + ("keeps running" if runs_on else "was forgotten"),
            app=app,
            name=app,
            nearest=[],
            hint=f"`lastgood timeline {app}` shows what it ran; `lastgood plan {app} --to nN` how one of it comes back",
        )
    return unknown_application(app, [one.name for one in await store.applications()])


def unknown_application(app: str, known: dict[str, Place] | Sequence[str]) -> UnknownApplication:
    """Say that nothing has that name, and which names are near."""
    hint = did_you_mean(app, known) or "see `lastgood apps`"
    return UnknownApplication(app=app, name=app, nearest=list(nearest(app, known)), hint=hint)
