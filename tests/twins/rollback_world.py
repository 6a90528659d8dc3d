"""A config repo with applications and all that a rollback needs, on the twins or on real repositories."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lastgood.core.application import Application
from lastgood.core.commit import Person
from lastgood.core.discovery import Discovery
from lastgood.core.operation import Operation
from lastgood.core.ports import ConfigRepo, PullRequests, Renderer, Sources, Store
from lastgood.core.request import HoldRequest, RollbackRequest, UndoRequest
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.hold import Holds
from lastgood.flows.journal import StoreJournal
from lastgood.flows.rollback import Rollbacks
from lastgood.flows.undo import Undos
from lastgood.git.clone import CloneConfigRepo
from lastgood.git.mirror import MirrorConfigRepo
from twins.clock import ManualClock
from twins.config_repo import MemoryConfigRepo, MemoryRemote
from twins.git_fixtures import BareRemote, clone
from twins.renderer import InputsRenderer

YAML = """version: 1
applications:
  - name: "{service}-{environment}"
    path: "apps/{service}/{environment}"
    environment: "{environment}"
    destination: "{environment}"
"""
TOMASZ = Person(name="Tomasz Wrona", email="tomasz@example.com")
WEB = "apps/web/production"
CART = "apps/cart/production"


def compose(revision: str, port: int = 8000) -> str:
    """Return a process-compose.yaml that runs a revision of the program."""
    return (
        f"x-lastgood:\n  artifacts:\n    web: {revision}\n"
        f"processes:\n  web:\n    command: python3 server.py --port {port}\n"
    )


class MemoryJournal:
    """The port Journal in memory, for Git alone."""

    def __init__(self) -> None:
        self.kept: dict[str, Operation] = {}

    async def save(self, operation: Operation) -> None:
        self.kept[operation.id] = msgspec.json.decode(msgspec.json.encode(operation), type=Operation)

    async def pending(self) -> list[Operation]:
        return [o for o in self.kept.values() if o.step not in {"done", "failed"}]

    async def operations(self, app: str | None, *, limit: int = 50) -> list[Operation]:
        mine = [o for o in self.kept.values() if app is None or any(move.app == app for move in o.moved)]
        return list(reversed(mine))[:limit]


class RollbackWorld:
    """A branch, its remote, and short ways to ask for things."""

    def __init__(
        self,
        repo: ConfigRepo,
        remote: MemoryRemote | BareRemote,
        *,
        store: Store | None = None,
        may_reset: bool = True,
        renderer: Renderer | None = None,
        sources: Sources | None = None,
        pulls: PullRequests | None = None,
    ) -> None:
        self.repo = repo
        self.remote = remote
        self.store = store
        self.clock = ManualClock()
        self.journal = StoreJournal(store) if store is not None else MemoryJournal()
        self.branch = FollowedBranch(
            repo=repo,
            name="main",
            discovery=Discovery(),
            renderer=renderer or InputsRenderer(),
            store=store,
            journal=self.journal,
            clock=self.clock,
            sources=sources,
            may_reset=may_reset,
            pulls=pulls,
        )
        self.rollbacks, self.undos, self.holds = Rollbacks(self.branch), Undos(self.branch), Holds(self.branch)

    async def begin(self) -> None:
        await self.remote.commit_files("main", {"lastgood.yaml": YAML}, message="Begin")

    async def commit(self, files, **words) -> str:
        oid = await self.remote.commit_files("main", files, **words)
        await self.repo.fetch("main")
        return oid

    async def release(self, app: str = WEB, name: str = "v1", **words) -> str:
        """Release a version of an application whose only file names it."""
        words.setdefault("message", f"Release {app.split('/')[1]} {name}")
        return await self.commit({f"{app}/deploy.conf": f"image: shop/{app.split('/')[1]}:{name}\n"}, **words)

    async def head(self) -> str:
        head = await self.repo.fetch("main")
        assert head is not None
        return head

    async def app(self, name: str = "web-production") -> Application:
        look = await self.branch.fetch()
        return look.discovered.applications[name]

    async def version(self, commit: str, name: str = "web-production") -> str | None:
        return (await self.repo.version(commit, (await self.app(name)).scope))[0]

    async def files(self, commit: str) -> dict[str, tuple[int, str]]:
        """Return every file of a commit: path -> (mode, id)."""
        found: dict[str, tuple[int, str]] = {}
        todo = [("", (await self.repo.commit(commit)).tree)]
        while todo:
            prefix, tree = todo.pop()
            for entry in await self.repo.list_tree(tree):
                if entry.is_tree:
                    todo.append((f"{prefix}{entry.path}/", entry.oid))
                else:
                    found[prefix + entry.path] = (entry.mode, entry.oid)
        return found

    async def text(self, commit: str, path: str) -> str | None:
        entry = await self.repo.entry(commit, path)
        if entry is None:
            return None
        return (await self.repo.read(entry.oid, max_bytes=100_000)).decode()

    async def roll_back(self, *apps: str, **words):
        return await self.rollbacks.do(RollbackRequest(apps=apps or ("web-production",), **words))

    async def plan(self, *apps: str, **words):
        return await self.rollbacks.plan(RollbackRequest(apps=apps or ("web-production",), **words))

    async def undo(self, app: str = "web-production", **words):
        return await self.undos.do(UndoRequest(app=app, **words))

    async def hold(self, version: str, app: str = "web-production", **words):
        return await self.holds.hold(HoldRequest(app=app, version=version, **words))

    async def unhold(self, version: str, app: str = "web-production", **words):
        return await self.holds.unhold(HoldRequest(app=app, version=version, **words))


def outcome(plan, name: str, app: str | None = "web-production") -> str | None:
    """Return the outcome of a check in a plan."""
    return next((check.outcome for check in plan.checks if check.name == name and check.app in {app, None}), None)


def make_world(
    kind: str,
    folder: Path,
    *,
    store: Store | None = None,
    may_reset: bool = True,
    renderer: Renderer | None = None,
    sources: Sources | None = None,
) -> Iterator[RollbackWorld]:
    """Yield a world: `memory`, `mirror` or `clone`."""
    if kind == "memory":
        remote = MemoryRemote()
        yield RollbackWorld(
            MemoryConfigRepo(remote), remote, store=store, may_reset=may_reset, renderer=renderer, sources=sources
        )
        return
    bare = BareRemote(folder / "config.git")
    if kind == "mirror":
        mirror = MirrorConfigRepo(folder / "mirror", bare.url, "config")
        yield RollbackWorld(mirror, bare, store=store, may_reset=may_reset, renderer=renderer, sources=sources)
        return
    here = CloneConfigRepo(clone(bare.folder, folder / "clone"))
    yield RollbackWorld(here, bare, store=store, may_reset=may_reset, renderer=renderer, sources=sources)
    here.close()
