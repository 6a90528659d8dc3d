"""Put a server together from its settings, run it until it is told to stop, and take it apart in order.

Stopping leaves alone what runs: services belong to their targets. Knows every adapter; decides nothing.
"""

import asyncio
import contextlib
import os
import pwd
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
import uvicorn

from lastgood import __version__
from lastgood.agent.agent import Followed, FollowingAgent
from lastgood.agent.elsewhere import NO_AGENT, START_ONE, AgentElsewhere
from lastgood.app.clock import SystemClock
from lastgood.app.collect import collect_releases
from lastgood.app.forges import make_forges, pull_requests
from lastgood.app.image_claims import ImageClaims
from lastgood.app.instance import (
    IMAGES,
    MIRRORS,
    RECORDS,
    derived,
    is_agent_running,
    left_address,
    make_data_folder,
    only_one,
    own_secret,
)
from lastgood.app.logs import set_up_logs
from lastgood.app.memory import collect_seldom, give_back, share_arenas
from lastgood.app.settings import Settings
from lastgood.app.source_histories import SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.app.structures import know_structures
from lastgood.app.targets import Targets, make_targets
from lastgood.core.application import Application
from lastgood.core.cluster_facts import Circumstances
from lastgood.core.commit import Person
from lastgood.core.discovery import Discovered, Discovery, Problem
from lastgood.core.errors import LastgoodError, SettingsWrong
from lastgood.core.limits import Limits
from lastgood.core.ports import Clock
from lastgood.core.rollout import LiveRollout
from lastgood.core.sources import Source
from lastgood.flows.ask_forge import AskForge
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.journal import StoreJournal
from lastgood.flows.keep_features import KeepFeatures
from lastgood.flows.keep_settings import KeepSettings
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.local.lastgood import LocalLastgood
from lastgood.queries.problems import agent_missing, records_trouble
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools
from lastgood.store.sql_store import SqlStore
from lastgood.web.access import LOOPBACK_HOSTS, Access, NamedPerson, check_address
from lastgood.web.app import create_web

THREADS = 64
# Event streams never end by themselves: they are cut after this time.
GRACE_S = 2


async def serve(
    settings: Settings, *, agent: bool = True, web: bool = True, started: Callable[[str], None] | None = None
) -> None:
    """Run until SIGTERM or SIGINT.

    agent, web: which parts run in this process. started: called once with the link that opens the dashboard ("" for
    the agent alone), when it answers.
    Raises SettingsWrong, StoreNewer, StoreUnavailable, GitFailed: then nothing was started.
    """
    set_up_logs(settings.log)
    share_arenas()
    named = any(destination.run_as is not None for destination in settings.destinations.values())
    make_data_folder(settings.data, passable=named)
    # A remote or a service that hangs holds a thread for minutes: there must be more of them than the usual six.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="lastgood"))
    with contextlib.ExitStack() as locks:
        for role in [name for name, wanted in (("agent", agent), ("web", web)) if wanted]:
            locks.enter_context(only_one(settings.data, role))
        store = await asyncio.to_thread(SqlStore.open, settings.data / RECORDS)
        try:
            await _Server(settings, store, agent=agent, web=web).run(started or (lambda _link: None))
        finally:
            await asyncio.to_thread(store.close)


class _Server:
    """The parts of one server."""

    def __init__(self, settings: Settings, store: SqlStore, *, agent: bool, web: bool) -> None:
        self._settings = settings
        self._store = store
        self._clock = SystemClock()
        self._renderer = Renderers(Tools(settings.render.as_tools), circumstances=self._circumstances)
        self._with_agent = agent
        self._with_web = web
        self._agent: FollowingAgent | None = None
        self._targets = Targets(processes={}, clusters={})
        self._branches: list[FollowedBranch] = []
        self._mirrors: list[MirrorConfigRepo] = []
        self._allowed = AllowedSources(settings, self._discovered)
        self._forges = make_forges((*settings.forges, *settings.trackers), self._clock)
        self._histories = SourceHistories(
            self._allowed,
            clock=self._clock,
            role="agent" if agent else "web",
            images=_image_claims(settings, self._clock),
            forges=self._forges,
        )

    async def run(self, started: Callable[[str], None]) -> None:
        """Start all parts; end when one fails or a signal comes. Raises what the part that failed raised."""
        access = await asyncio.to_thread(_access, self._settings) if self._with_web else None
        await self._open()
        know_structures()
        collect_seldom()
        try:
            await self._run(access, started)
        except BaseExceptionGroup as group:
            found = _first(group)
            if found is None:
                raise
            raise found from group
        finally:
            await self._histories.close()

    async def _run(self, access: Access | None, started: Callable[[str], None]) -> None:
        stop = asyncio.Event()
        running: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:
            with _signals_set(stop):
                running.append(tasks.create_task(give_back(self._clock, self._let_go)))
                running.append(tasks.create_task(self._histories.keep_up(self._settings.poll.every)))
                if self._agent is not None:
                    running.append(tasks.create_task(self._agent.run()))
                    collecting = collect_releases(
                        self._targets.processes, self._branches, self._store, self._renderer, self._clock
                    )
                    running.append(tasks.create_task(collecting))
                    under_way = self._agent.under_way
                    running += [tasks.create_task(keeping.run(under_way)) for keeping in self._keeping()]
                if access is not None:
                    running.append(tasks.create_task(self._serve_web(access, stop, started)))
                else:
                    started("")
                await stop.wait()
                structlog.get_logger().info("server stops; what runs keeps running")
                for task in running:
                    task.cancel()
        await self._targets.close()

    async def _open(self) -> None:
        settings = self._settings
        for repo in settings.repos:
            mirror = await asyncio.to_thread(
                MirrorConfigRepo, settings.data / MIRRORS / f"{repo.name}.git", repo.url, repo.name
            )
            self._mirrors.append(mirror)
            self._branches.append(
                FollowedBranch(
                    repo=mirror,
                    name=repo.branch,
                    discovery=Discovery(),
                    renderer=self._renderer,
                    store=self._store,
                    journal=StoreJournal(self._store),
                    clock=self._clock,
                    sources=self._histories,
                    kept_fresh=True,
                    rollouts=self._rollouts,
                    pulls=pull_requests(self._forges, repo.url),
                )
            )
        if not self._with_agent:
            return
        self._targets = await asyncio.to_thread(
            make_targets, settings, find_source=self._allowed.find, clock=self._clock
        )
        urls = {repo.name: repo.url for repo in settings.repos}
        limits = settings.limits
        self._agent = FollowingAgent(
            [Followed(branch, urls[branch.repo.name]) for branch in self._branches],
            targets=self._targets.all,
            store=self._store,
            renderer=self._renderer,
            clock=self._clock,
            limits=Limits(
                prune=limits.prune,
                self_heal=limits.self_heal,
                lost_share=limits.lost_share,
                progress_s=limits.progress,
            ),
            may_run=self._may_run,
            poll_s=settings.poll.every,
        )

    def _let_go(self) -> None:
        for mirror in self._mirrors:
            mirror.let_go()

    async def _circumstances(self, app: Application, version: str | None) -> Circumstances:
        """Say what a chart is told: the cluster, and whether this version is an upgrade.

        The very first version is the installation, also when it is applied once more to heal drift or by a rollback:
        else a chart would lose then what it makes only once.
        """
        cluster = await self._targets.cluster_facts(app)
        first = await self._store.deployment(app.name, 1)
        return Circumstances(cluster=cluster, has_run=first is not None and first.version != version)

    async def _rollouts(self, app: Application) -> Sequence[LiveRollout] | None:
        return await self._targets.rollouts(app)

    def _keeping(self) -> tuple[KeepFeatures, KeepSettings]:
        def declared(repo: str) -> Sequence[Source] | None:
            discovered = self._discovered(repo)
            return discovered.config.sources if discovered is not None and discovered.config is not None else None

        features = KeepFeatures(
            store=self._store,
            sources=self._histories,
            declared=declared,
            clock=self._clock,
            forge=AskForge(self._forges, clock=self._clock) if self._forges is not None else None,
        )
        repos = {branch.repo.name: branch.repo for branch in self._branches}
        settings = KeepSettings(
            store=self._store, renderer=self._renderer, repos=repos, discovered=self._discovered, clock=self._clock
        )
        return features, settings

    def _discovered(self, repo: str) -> Discovered | None:
        return self._agent.discovered(repo) if self._agent is not None else None

    def _may_run(self, app: Application) -> str | None:
        destination = self._settings.destinations.get(app.destination)
        if destination is None:
            return f"the server's settings have no destination {app.destination}"
        refused = destination.refuses(app.repo, app.path)
        return f"it may not use the destination {app.destination}: {refused}" if refused is not None else None

    def _agent_runs(self) -> bool:
        return is_agent_running(self._settings.data)

    def _trouble(self) -> Problem | None:
        if self._agent is None:
            return None if self._agent_runs() else agent_missing(NO_AGENT, START_ONE)
        reason = self._agent.records_trouble()
        return records_trouble(reason) if reason is not None else None

    async def _serve_web(self, access: Access, stop: asyncio.Event, started: Callable[[str], None]) -> None:
        settings = self._settings.web
        lastgood = LocalLastgood(
            self._branches,
            renderer=self._renderer,
            clock=self._clock,
            store=self._store,
            agent=self._agent or AgentElsewhere(self._store, self._clock, runs=self._agent_runs),
            observed=self._agent.observed if self._agent is not None else None,
            trouble=self._trouble,
            targets=self._targets.all.get if self._agent is not None else None,
            sources=self._histories,
        )
        web = create_web(lastgood, self._store, access=access, clock=self._clock, version=__version__)
        with contextlib.closing(_listening(settings.host, settings.port)) as listening:
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            url = f"http://{host}:{listening.getsockname()[1]}"
            config = uvicorn.Config(
                web, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
            )
            server = _Uvicorn(config)
            async with _served(server, listening):
                with left_address(self._settings.data, url=url, token=access.token or ""):
                    started(f"{url}/?token={access.token}")
                    await stop.wait()


class _Uvicorn(uvicorn.Server):
    """Says when it is up, and leaves signals to us: the agent has to be stopped with it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _image_claims(settings: Settings, clock: Clock) -> ImageClaims | None:
    if not settings.registries:
        return None
    from lastgood.registry.registries import Registries  # noqa: PLC0415 - a client of HTTP, only where one is asked

    rules = [registry.as_rule() for registry in settings.registries]
    return ImageClaims(Registries(rules, settings.data / IMAGES, clock=clock), clock=clock)


def _first(group: BaseExceptionGroup) -> LastgoodError | None:
    """Return the first error of lastgood's own among those of tasks that ended together."""
    for error in group.exceptions:
        found = _first(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, LastgoodError):
            return found
    return None


def _access(settings: Settings) -> Access:
    """Say who may use pages and API. Raises SettingsWrong for an address that strangers could use."""
    secret = own_secret(settings.data)
    web = settings.web
    access = Access(
        token=derived(secret, "token"),
        operator=_operator(),
        session_key=derived(secret, "session"),
        people=tuple(
            NamedPerson(name=one.name, email=one.email, token_sha256=one.token_sha256) for one in web.sign_in.people
        ),
        hosts=(*LOOPBACK_HOSTS, *web.allowed_hosts, web.host),
    )
    check_address(web.host, access)
    return access


@contextlib.asynccontextmanager
async def _served(server: _Uvicorn, listening: socket.socket) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        up = asyncio.create_task(server.up.wait())
        await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        yield
    finally:
        server.should_exit = True
        await serving


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as wrong:
        raise SettingsWrong(
            setting="web.port",
            reason=f"{host}:{port} cannot be listened on: {wrong.strerror}",
            hint="stop what listens there, or choose another port (0: any free one)",
        ) from wrong


@contextlib.contextmanager
def _signals_set(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _operator() -> Person:
    """Name who acts with the server's own token: the account that runs the server."""
    entry = pwd.getpwuid(os.getuid())
    name = entry.pw_gecos.split(",")[0].strip() or entry.pw_name
    return Person(name=name, email=f"{entry.pw_name}@{socket.gethostname()}")
