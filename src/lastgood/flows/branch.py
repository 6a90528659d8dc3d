"""A branch of a config repo and all that a flow needs to act on it. Composition makes one for each branch followed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lastgood.core.application import Application, Scope
from lastgood.core.choose import MAX_RECORDS
from lastgood.core.commit import Commit
from lastgood.core.declared_inputs import scope_at
from lastgood.core.deployment import Deployment
from lastgood.core.discovery import Discovered, Discovery
from lastgood.core.errors import CommandLineWrong, ConfigWrong, GitFailed, ObjectMissing, UnknownApplication
from lastgood.core.hold import MAX_HOLD_BYTES, Hold, hold_path, in_force, parse_holds
from lastgood.core.inputs import OwnInputs, joined
from lastgood.core.nearest import nearest
from lastgood.core.ports import Clock, ConfigRepo, PullRequests, Renderer, Sources, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.rollout import LiveRollout
from lastgood.core.words import DeliveryPolicy, Via
from lastgood.core.yaml import config_wrong
from lastgood.flows.journal import Journal


@dataclass(frozen=True, kw_only=True)
class FollowedBranch:
    """What stands around a rollback, an undo or a hold.

    name: the branch. store: None for Git alone. journal: where operations are remembered; with a store,
    `StoreJournal(store)`. sources: None where no source repo is read. may_reset: a person's clone. kept_fresh: an
    agent fetches it all the time, so that what is known here is nearly always what the remote has. live: ids of
    operations under way in this process; one set for all flows over the same journal. rollouts: how the Argo Rollouts
    of an application stand where it runs, None where nobody knows. pulls: None where no forge is known at which a
    pull request could be opened.
    """

    repo: ConfigRepo
    name: str
    discovery: Discovery
    renderer: Renderer
    store: Store | None
    journal: Journal
    clock: Clock
    sources: Sources | None = None
    may_reset: bool = False
    kept_fresh: bool = False
    live: set[str] = field(default_factory=set)
    past: Discovery = field(default_factory=Discovery)
    rollouts: Callable[[Application], Awaitable[Sequence[LiveRollout] | None]] | None = None
    pulls: PullRequests | None = None

    async def fetch(self) -> "Look":
        """Ask the remote where the branch is, and look at it there. Raises RemoteUnreachable, GitFailed."""
        head = await self.repo.fetch(self.name)
        if head is None:
            raise GitFailed(f"there is no branch {self.name}", hint="nothing was changed")
        return await self.at(head)

    async def known(self) -> "Look | None":
        """Look at the newest head known here, without asking the remote; None where none is."""
        head = await self.repo.head(self.name)
        return await self.at(head) if head is not None else None

    async def as_planned(self, head: str | None) -> "Look":
        """Look at the head that a plan was made on if that is still the newest one known here; else fetch.

        The push has a lease on that head: if the remote has moved since, the push says so, and asking before would
        only have made everybody wait for one more answer. Raises what `fetch` raises.
        """
        if head is not None and await self.repo.head(self.name) == head:
            return await self.at(head)
        return await self.fetch()

    async def at(self, head: str) -> "Look":
        """Look at the branch as it is at a head that is already here."""
        commit = await self.repo.commit(head)
        return Look(self, commit, await self.discovery.applications(self.repo, self.name, head))


@dataclass(frozen=True)
class Look:
    """The branch at one head: applications, holds."""

    branch: FollowedBranch
    head: Commit
    discovered: Discovered
    _runs: dict[str, list[Deployment]] = field(default_factory=dict, repr=False, compare=False)

    async def application(self, name: str, *, also_at: str | None = None) -> Application:
        """Return an application by name.

        also_at: a commit where it may stand if it is gone at the head (its folder was removed or renamed).
        Raises ConfigWrong where lastgood.yaml cannot be read, UnknownApplication with the nearest names.
        """
        found = self.discovered.applications.get(name)
        if found is None and also_at is not None:
            past = await self.branch.past.applications(self.branch.repo, self.branch.name, also_at)
            found = past.applications.get(name)
        if found is not None:
            return found
        problem = self.discovered.problem(name)
        if self.discovered.config is None and self.discovered.problems:
            problem = self.discovered.problems[0]
        if problem is not None:
            raise config_wrong(problem.file, problem.line, problem.reason, hint=problem.hint)
        names = nearest(name, self.discovered.applications)
        hint = f"did you mean {', '.join(names)}?" if names else None
        raise UnknownApplication(name=name, nearest=list(names), hint=hint, app=name)

    @property
    def policy(self) -> DeliveryPolicy:
        """How lastgood.yaml wants commits to come to the branch."""
        config = self.discovered.config
        return config.delivery if config is not None else "push"

    def delivery(self, asked: Via | None) -> DeliveryPolicy:
        """Return how a commit goes to the branch. asked: what somebody said of it; None: lastgood.yaml says it.

        Raises CommandLineWrong where it is to be a pull request, and no forge is known to open it at.
        """
        policy = self.policy
        if asked is not None:
            policy = "pull-request" if asked == "pr" else "push"
        if self.branch.pulls is not None:
            return policy
        if policy == "pull-request":
            raise CommandLineWrong(
                f"no forge with a token is known for the config repo {self.branch.repo.name}, "
                "so no pull request can be opened" + ("" if asked else ", which `delivery` in lastgood.yaml asks for"),
                hint="nothing was changed; [[forges]] in lastgood.toml names one (in a clone: the variable "
                f"LASTGOOD_FORGES); or {'leave `--via` out to push' if asked else 'change `delivery` there'}",
            )
        return "push"

    async def inputs(self, app: Application, *commits: str | None) -> Scope:
        """Return an application's inputs at the head and at these commits (or root trees), as one. None: no commit."""
        repo = self.branch.repo
        found = self.discovered.inputs.get(app.name)
        here = found.scope if found is not None else await scope_at(app, repo, self.head.oid)
        return joined(here, *[await scope_at(app, repo, commit) for commit in commits if commit is not None])

    async def own_inputs(self, app: Application, *commits: str | None) -> OwnInputs:
        """Return the same, and what of it no other application uses at the head."""
        return OwnInputs(app.name, await self.inputs(app, *commits), self.discovered.scopes)

    async def runs(self, app: str) -> list[Deployment]:
        """Return an application's newest records, newest first, read once for a look; none for Git alone."""
        store = self.branch.store
        if store is None:
            return []
        if app not in self._runs:
            self._runs[app] = await store.deployments(DeploymentQuery(app=app, limit=MAX_RECORDS))
        return self._runs[app]

    async def ran(self, app: str, version: str | None) -> bool | None:
        """Say whether an application's records have a run of a version; None for Git alone."""
        if self.branch.store is None:
            return None
        return any(run.version == version and run.outcome != "superseded" for run in await self.runs(app))

    async def file_holds(self, app: str) -> tuple[Hold, ...]:
        """Return the holds that stand in Git at the head. Raises ConfigWrong for a file that cannot be read."""
        return await holds_at(self.branch.repo, self.head.oid, app)

    async def holds(self, app: str) -> tuple[Hold, ...]:
        """Return the holds in force: those in Git, and those that the store remembers beyond them (after a reset)."""
        now = self.branch.clock.now()
        holds = await self.file_holds(app)
        if self.branch.store is not None:
            known = {hold.id for hold in holds}
            remembered = await self.branch.store.holds(app)
            holds += tuple(r.hold for r in remembered if r.vanished and r.hold.id not in known)
        return tuple(hold for hold in holds if in_force(hold, now))


async def holds_at(repo: ConfigRepo, commit: str, app: str) -> tuple[Hold, ...]:
    """Return the holds of an application as they stand in Git at a commit. Raises ConfigWrong."""
    path = hold_path(app)
    try:
        entry = await repo.entry(commit, path)
    except ObjectMissing as missing:
        raise ConfigWrong(file=path, line=None, reason="it is not here") from missing
    if entry is None:
        return ()
    if not entry.is_file:
        raise config_wrong(path, None, "it must be a file, and not a link, a submodule or a folder")
    return parse_holds(await repo.read(entry.oid, max_bytes=MAX_HOLD_BYTES, path=path), file=path)
