"""The process target: make the processes of an application those of its version, and say how they are.

Its story of an apply: everything that can fail without harm comes first (account, releases, folders); then it is
written down what is wanted; then what goes or changes is stopped, dependents first; then the rest is started,
dependencies first, each waiting for its conditions; then it is written down that it is done. Killed between any two
of these, the next apply finds what is there and does the rest. What is as wanted is never touched.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lastgood.core.application import Application
from lastgood.core.errors import LastgoodError, TargetFailed, TargetRefused, Unknown, UnknownPod
from lastgood.core.leaving import Going, Leaving
from lastgood.core.observation import (
    NOT_AS_ASKED,
    PRUNE_IS_OFF,
    STAYS,
    ApplyResult,
    Observation,
    ResourceHealth,
    ResourceResult,
    left_in_place,
    worst,
)
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Clock
from lastgood.core.redact import redact
from lastgood.core.resource import Rendered
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.core.words import Change, Occasion
from lastgood.targets.process.account import AccountWrong, account_to_run_as
from lastgood.targets.process.differs import differs, parts_of
from lastgood.targets.process.folder import MARK, Folder
from lastgood.targets.process.health import KIND, judge
from lastgood.targets.process.identity import boot_id
from lastgood.targets.process.inside import Part, read_log, services_of, tree_of
from lastgood.targets.process.launch import Launcher, LaunchFailed
from lastgood.targets.process.order import dependents, run_in_order
from lastgood.targets.process.releases import ArtifactUse, FindSource, Release, Releases, ReleaseUnfit, ReleaseWrong
from lastgood.targets.process.state import (
    FINAL,
    Applied,
    AppliedProcess,
    ProcessState,
    read_applied,
    read_state,
)
from lastgood.targets.process.watch import watch

DEFAULT_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
LAST_WORDS_BYTES = 2048
MAX_NAME = 200
LOOK_AGAIN_S = 0.05
BUSY_S = 30.0

_Done = TypeVar("_Done")


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it shall be: the manifest's spec, and what is settled for this machine."""

    spec: dict[str, Any]
    run: dict[str, Any]
    digest: str
    parts: dict[str, str]
    release: Release | None

    @property
    def disabled(self) -> bool:
        return bool(self.spec["disabled"])


class ProcessTarget:
    """The port Target on this machine's processes.

    root: a folder of its own, the same after each restart. name: the destination's. find_source: which source repo
    an artifact comes from. run_as, run_as_agent: see `account.py`. environment: what every process gets beside HOME
    and its own. settle_s: how long a process without a probe must run to count as ready. stable_s: how long one that
    was restarted must stay ready to be Healthy again. start_timeout_s: how long a process waits for its dependencies.
    """

    def __init__(
        self,
        root: Path,
        *,
        name: str,
        find_source: FindSource,
        clock: Clock,
        run_as: str | None = None,
        run_as_agent: bool = False,
        environment: Mapping[str, str] | None = None,
        settle_s: float = 1.0,
        stable_s: float = 10.0,
        start_timeout_s: float = 60.0,
    ) -> None:
        self.name = name
        self._folder = Folder(root.absolute())
        self._clock = clock
        self._run_as = run_as
        self._run_as_agent = run_as_agent
        self._environment = dict(DEFAULT_ENVIRONMENT if environment is None else environment)
        self._settle_s = settle_s
        self._stable_s = stable_s
        self._start_timeout_s = start_timeout_s
        self._releases = Releases(self._folder, find_source)
        self._locks: dict[str, asyncio.Lock] = {}
        self._applying: set[str] = set()

    # the port
    async def apply(
        self,
        app: Application,
        rendered: Rendered,
        *,
        occasion: Occasion = "upgrade",
        attempt: int | None = None,
        before_deleting: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyResult:
        """Make it so; see the story above. Raises TargetFailed if nothing at all was done."""
        _ = occasion, attempt, before_deleting  # processes have no hooks, and nobody else asks for them
        if not rendered.resources:
            raise self._refused(app.name, "the version renders to nothing, and an empty version never stops what runs")
        strangers = sorted({r.kind for r in rendered.resources if r.kind != KIND})
        if strangers:
            raise self._refused(app.name, f"this destination runs processes, not {', '.join(strangers)}")
        async with self._at_work(app.name), self._releases_in_use(app.name):
            launcher = self._launcher(app.name)
            wanted = await self._prepare(app, rendered)
            return await self._make_so(app, rendered, wanted, launcher)

    async def observe(self, app: str) -> Observation:
        """Look once at the state files and at who is alive."""
        try:
            return await asyncio.to_thread(self._observe, app)
        except OSError as wrong:
            message = f"the state of its processes cannot be read: {wrong.strerror}"
            return Observation(
                app=app, observed_at=self._clock.now(), health="Unknown", sync="Unknown", message=message
            )

    async def tree(self, app: str) -> ResourceTree:
        """Return the processes as nodes; nothing is made from one."""
        return tree_of(await self.observe(app), await _finish(self._parts, app))

    async def services(self, app: str) -> Services:
        """Return each process as a service."""
        return services_of(await self.observe(app), await _finish(self._parts, app))

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> tuple[PodEvent, ...]:
        """Return nothing: nobody tells of processes but their state and their log. Raises UnknownPod."""
        await self._process(app, pod, namespace)
        return ()

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """Return the end of a process's log, which goes on over its restarts. Raises UnknownPod, TargetFailed."""
        name = await self._process(request.app, request.pod, request.namespace)
        if request.container is not None:
            raise Unknown(f"the process {name} has no containers", name=request.container[:MAX_NAME])
        if request.previous:
            reason = f"the log of {name} is one for all its runs: ask without `previous`"
            raise self._failed(request.app, reason)
        try:
            return await _finish(read_log, self._folder.log_file(request.app, name), request)
        except OSError as wrong:
            raise self._failed(request.app, f"the log of {name} cannot be read: {wrong.strerror}") from wrong

    async def prune(self, app: str, *, leaving: Leaving | None = None) -> list[str]:
        """Stop every process of an application, dependents first, and delete what is kept of them."""
        _ = leaving  # processes have no hooks
        async with self._at_work(app):
            launcher = Launcher(self._folder, None, settle_s=self._settle_s, stable_s=self._stable_s)
            states = await _finish(self._states, app)
            results = await self._stop(app, dict.fromkeys(states), states, launcher)
            failed = [result for result in results if result.outcome == "failed"]
            if failed:
                raise self._failed(app, "; ".join(f"{r.name}: {r.message}" for r in failed))
            try:
                await _finish(self._forget, app, list(states))
            except OSError as wrong:
                raise self._failed(app, f"all is stopped, but files cannot be deleted: {wrong.strerror}") from wrong
            return [f"{KIND} {name}" for name in sorted(states)]

    async def let_go(self, app: str) -> None:
        """See Target.let_go: nobody else ever asks for an application's processes, so that nothing has to be done."""

    async def going(self, app: str) -> Going:
        """See Target.going: of processes nothing stays."""
        return Going(goes=tuple(f"{one.kind} {one.name}" for one in (await self.observe(app)).resources))

    def followed(self, apps: Collection[str]) -> None:
        """See Target.followed: no two have a process in common."""

    async def changes(self) -> AsyncIterator[str]:
        """Yield the name of an application each time something about it changed, without end."""
        try:
            await _finish(self._folder.create)
        except OSError as wrong:
            raise self._unusable(wrong) from wrong
        async for name in watch(self._folder):
            yield name

    # beyond the port
    async def collect_releases(self, keep: Collection[ArtifactUse]) -> list[str]:
        """Delete the release folders that nothing runs from or was asked to run from, and that `keep` does not name.

        keep: the artifacts of the last good versions, as the caller knows them. Returns the commits deleted; none
        while an apply is under way. Raises TargetFailed.
        """
        try:
            await _finish(self._folder.create)
            with self._folder.locked("releases") as alone:
                if not alone:
                    return []
                return await self._releases.collect(keep, in_use=await _finish(self._commits_in_use))
        except OSError as wrong:
            raise self._unusable(wrong) from wrong

    # preparing: nothing here touches what runs
    async def _prepare(self, app: Application, rendered: Rendered) -> dict[str, _Wanted]:
        wanted: dict[str, _Wanted] = {}
        try:
            for resource in rendered.resources:
                spec = resource.manifest["spec"]
                artifact = spec.get("artifact")
                release = None
                if artifact is not None and not spec["disabled"]:
                    release = await self._releases.stage(app, artifact["name"], artifact["revision"])
                wanted[resource.name] = self._settle(app.name, resource.name, spec, release)
        except ReleaseUnfit as unfit:
            raise self._refused(app.name, str(unfit)) from unfit
        except ReleaseWrong as wrong:
            raise self._failed(app.name, str(wrong)) from wrong
        except OSError as wrong:
            raise self._failed(app.name, f"its releases cannot be kept: {wrong.strerror}") from wrong
        except TargetFailed:
            raise
        except LastgoodError as wrong:
            raise self._failed(app.name, f"a release cannot be had: {wrong.message}") from wrong
        return wanted

    def _settle(self, app: str, name: str, spec: dict[str, Any], release: Release | None) -> _Wanted:
        folder = "" if release is None else self._working_dir(app, name, Path(release.tree), spec["working_dir"])
        # Without a release a process starts in its own folder, which holds nothing that came from Git.
        if release is None and spec["working_dir"] != "." and not spec["disabled"]:
            raise self._refused(app, f"{name} has a working_dir and no artifact whose release it could be in")
        work = str(self._folder.work_folder(app, name))
        environment = {**self._environment, "HOME": work, **spec["environment"], MARK: work}
        run = {"release": release.commit if release else None, "working_dir": folder, "environment": environment}
        # Not part of what a process is: whom it waits for, and what its revision was called.
        same = {key: value for key, value in spec.items() if key not in ("depends_on", "artifact")}
        account = None if self._run_as_agent else self._run_as
        digest = hashlib.sha256(json.dumps([same, run, account], sort_keys=True).encode()).hexdigest()
        return _Wanted(spec=spec, run=run, digest=digest, parts=parts_of(same, run, account), release=release)

    def _working_dir(self, app: str, name: str, tree: Path, inside: str) -> str:
        try:
            folder = (tree / inside).resolve()
            usable = folder.is_relative_to(tree.resolve()) and folder.is_dir()
        except (OSError, RuntimeError):
            # Symlinks in a circle, a name too long.
            usable = False
        if not usable:
            raise self._refused(app, f"the working_dir of {name}, {inside}, is no folder inside its release")
        return str(folder)

    # making it so
    async def _make_so(
        self, app: Application, rendered: Rendered, wanted: dict[str, _Wanted], launcher: Launcher
    ) -> ApplyResult:
        before = await _finish(self._states, app.name)
        former = await _finish(read_applied, self._folder.applied_file(app.name))
        extra = [name for name in before if name not in wanted]
        applied = Applied(
            app=app.name,
            digest=rendered.digest,
            installed=former.installed if former else None,
            processes={
                name: AppliedProcess(digest=w.digest, disabled=w.disabled, release=w.run["release"], parts=w.parts)
                for name, w in wanted.items()
            },
            left_running=() if app.policy.prune else tuple(extra),
        )
        await self._write_applied(applied)
        boot = boot_id()
        kept = {name for name, w in wanted.items() if _is_as_wanted(before.get(name), w, boot)}
        going: dict[str, Change | None] = {name: "removed" for name in extra if app.policy.prune}
        going |= {name: None for name in wanted if name in before and name not in kept}
        stopped = await self._stop(app.name, going, before, launcher)
        stuck = {result.name: result for result in stopped if result.outcome == "failed"}
        started = await self._start(app.name, wanted, before, launcher, kept=kept, stuck=stuck)
        gone = [await self._clear(app.name, result) for result in stopped if result.change == "removed"]
        left = [left_in_place(KIND, name, PRUNE_IS_OFF) for name in applied.left_running]
        results = (*started.values(), *gone, *left)
        complete = all(result.outcome != "failed" for result in results)
        if complete:
            await self._write_applied(msgspec.structs.replace(applied, installed=rendered.digest))
        return ApplyResult(complete=complete, resources=results, message=_message(results, wanted, applied))

    async def _stop(
        self, app: str, going: Mapping[str, Change | None], states: Mapping[str, ProcessState], launcher: Launcher
    ) -> list[ResourceResult]:
        """Stop processes, each after those that depend on it."""

        async def stop(name: str) -> ResourceResult:
            try:
                await _finish(launcher.stop, app, name)
            except (LaunchFailed, OSError) as wrong:
                return ResourceResult(kind=KIND, name=name, change=going[name], outcome="failed", message=str(wrong))
            return ResourceResult(kind=KIND, name=name, change=going[name], outcome="removed")

        after = dependents({name: states[name].depends_on for name in going})
        return list((await run_in_order(after, stop)).values())

    async def _clear(self, app: str, stopped: ResourceResult) -> ResourceResult:
        """Delete what is kept of a process that was stopped for good."""
        if stopped.outcome == "failed":
            return stopped
        try:
            await _finish(self._folder.remove_process, app, stopped.name)
        except OSError as wrong:
            reason = f"it is stopped, but its files cannot be deleted: {wrong.strerror}"
            return msgspec.structs.replace(stopped, outcome="failed", message=reason)
        return stopped

    async def _start(
        self,
        app: str,
        wanted: Mapping[str, _Wanted],
        before: Mapping[str, ProcessState],
        launcher: Launcher,
        *,
        kept: set[str],
        stuck: Mapping[str, ResourceResult],
    ) -> dict[str, ResourceResult]:
        """Start what does not run as wanted, each when its conditions are met."""
        failed: set[str] = set(stuck)

        async def start(name: str) -> ResourceResult:
            if name in kept:
                return ResourceResult(kind=KIND, name=name, change=None, outcome="unchanged")
            change: Change = "modified" if name in before else "added"
            if name in stuck:
                return msgspec.structs.replace(stuck[name], change=change)
            try:
                if wanted[name].disabled:
                    await _finish(self._folder.state_file(app, name).unlink, missing_ok=True)
                    return ResourceResult(kind=KIND, name=name, change=change, outcome="applied", message="disabled")
                for needed, condition in wanted[name].spec["depends_on"].items():
                    await self._await_condition(app, needed, condition, wanted[needed], failed)
                await _finish(
                    launcher.start,
                    app,
                    name,
                    spec=wanted[name].spec,
                    digest=wanted[name].digest,
                    run=wanted[name].run,
                    parts=wanted[name].parts,
                )
            except (LaunchFailed, OSError) as wrong:
                failed.add(name)
                return ResourceResult(kind=KIND, name=name, change=change, outcome="failed", message=str(wrong))
            return ResourceResult(kind=KIND, name=name, change=change, outcome="applied")

        return await run_in_order({name: w.spec["depends_on"] for name, w in wanted.items()}, start)

    async def _await_condition(
        self, app: str, needed: str, condition: str, wanted: _Wanted, failed: Collection[str]
    ) -> None:
        """Wait until a dependency has come so far. Raises LaunchFailed when it cannot, or not in time."""
        words = f"it waits for {needed} to be {condition.removeprefix('process_').replace('_', ' ')}"
        if needed in failed:
            raise LaunchFailed(f"{words}, which was not started")
        if wanted.disabled:
            raise LaunchFailed(f"{words}, which is disabled")
        # Real time, whatever a test's clock says: what is waited for is a real process.
        loop = asyncio.get_running_loop()
        until = loop.time() + self._start_timeout_s
        while True:
            state = await _finish(read_state, self._folder.state_file(app, needed))
            if state is not None and state.digest == wanted.digest:
                if _has_come_so_far(state, condition):
                    return
                if state.phase in FINAL:
                    raise LaunchFailed(f"{words}, and that one {state.message or 'was stopped'}")
            if loop.time() > until:
                reason = f": {state.message}" if state is not None and state.message else ""
                raise LaunchFailed(f"{words}, which did not happen within {self._start_timeout_s:g} s{reason}")
            await asyncio.sleep(LOOK_AGAIN_S)

    # looking
    def _observe(self, app: str) -> Observation:
        now = self._clock.now()
        applied = read_applied(self._folder.applied_file(app))
        if applied is None:
            return Observation(
                app=app, observed_at=now, health="Missing", sync="Unknown", message="nothing is installed"
            )
        boot = boot_id()
        states = self._states(app)
        resources = tuple(
            self._health(app, name, states.get(name), disabled=asked.disabled, boot=boot)
            for name, asked in sorted(applied.processes.items())
        )
        differing = _differing(applied, states, boot)
        troubled = [r for r in resources if r.health not in ("Healthy", "Suspended")]
        message = "; ".join(f"{r.name}: {r.message}" for r in troubled)
        message = message or (f"{NOT_AS_ASKED}{'; '.join(differing)}" if differing else "")
        return Observation(
            app=app,
            observed_at=now,
            # What Git disables is as it is asked for.
            health=worst([r.health for r in resources if r.health != "Suspended"]),
            sync="OutOfSync" if differing else "Synced",
            message=message,
            drift="; ".join(differing),
            digest=applied.installed if differing else applied.digest,
            resources=resources,
            left=tuple(f"{KIND} {name}" for name in applied.left_running if name in states),
        )

    def _health(
        self, app: str, name: str, state: ProcessState | None, *, disabled: bool, boot: str | None
    ) -> ResourceHealth:
        verdict = judge(
            name,
            state,
            disabled=disabled,
            supervised=state is not None and state.is_supervised(boot),
            stalled=state is not None and state.is_stalled(boot),
            applying=app in self._applying,
        )
        if verdict.health != "Degraded":
            return verdict
        return msgspec.structs.replace(verdict, last_words=_last_words(self._folder.log_file(app, name)))

    def _parts(self, app: str) -> dict[str, Part]:
        """Return what is asked for and what runs, by process; nothing where it cannot be read."""
        try:
            applied = read_applied(self._folder.applied_file(app))
            states = self._states(app)
        except OSError:
            return {}
        asked = applied.processes if applied is not None else {}
        return {
            name: Part(
                release=asked[name].release if name in asked else None,
                asked=name in asked,
                restarts=states[name].restarts if name in states else 0,
            )
            for name in sorted({*asked, *states})
        }

    async def _process(self, app: str, name: str, namespace: str | None) -> str:
        """Return the name of a process that an application has. Raises UnknownPod."""
        if namespace is None and name in await _finish(self._parts, app):
            return name
        raise UnknownPod(app=app, pod=name[:MAX_NAME])

    # files
    def _states(self, app: str) -> dict[str, ProcessState]:
        found = {
            name: read_state(self._folder.state_file(app, name)) for name in self._folder.processes_with_state(app)
        }
        return {name: state for name, state in found.items() if state is not None}

    async def _write_applied(self, applied: Applied) -> None:
        try:
            await _finish(self._folder.write_json, self._folder.applied_file(applied.app), applied)
        except OSError as wrong:
            reason = f"what is wanted cannot be written down: {wrong.strerror}"
            raise self._failed(applied.app, reason) from wrong

    def _forget(self, app: str, processes: list[str]) -> None:
        for name in processes:
            self._folder.remove_process(app, name)
        self._folder.applied_file(app).unlink(missing_ok=True)

    def _commits_in_use(self) -> set[str]:
        commits: set[str] = set()
        for file in self._folder.applied.glob("*.json"):
            applied = read_applied(file)
            commits |= {p.release for p in applied.processes.values() if p.release} if applied else set()
        for file in self._folder.states.glob("*.json"):
            state = read_state(file)
            commits |= {state.release} if state is not None and state.release else set()
        return commits

    # who may
    def _launcher(self, app: str) -> Launcher:
        try:
            account = account_to_run_as(self._run_as, run_as_agent=self._run_as_agent)
        except AccountWrong as wrong:
            raise self._failed(app, str(wrong)) from wrong
        if boot_id() is None:
            raise self._failed(app, "processes are run on Linux only: this system has no /proc")
        return Launcher(self._folder, account, settle_s=self._settle_s, stable_s=self._stable_s)

    @contextlib.asynccontextmanager
    async def _at_work(self, app: str) -> AsyncIterator[None]:
        """One at a time for each application, among all agents that share this root."""
        async with self._locks.setdefault(app, asyncio.Lock()):
            try:
                await _finish(self._folder.create)
            except OSError as wrong:
                raise self._failed(app, f"{self._folder.root} cannot be used: {wrong.strerror}") from wrong
            async with self._alone(app, f"applying{app}", shared=False):
                self._applying.add(app)
                try:
                    yield
                finally:
                    self._applying.discard(app)

    def _releases_in_use(self, app: str) -> contextlib.AbstractAsyncContextManager[None]:
        return self._alone(app, "releases", shared=True)

    @contextlib.asynccontextmanager
    async def _alone(self, app: str, lock: str, *, shared: bool) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        until = loop.time() + BUSY_S
        while True:
            with self._folder.locked(lock, shared=shared) as mine:
                if mine:
                    yield
                    return
            if loop.time() > until:
                raise self._failed(app, "another lastgood is at work on it")
            await asyncio.sleep(LOOK_AGAIN_S)

    def _unusable(self, wrong: OSError) -> TargetFailed:
        reason = f"{self._folder.root} cannot be used: {wrong.strerror}"
        return TargetFailed(f"{self.name}: {reason}", destination=self.name, reason=reason)

    def _refused(self, app: str, reason: str) -> TargetRefused:
        return TargetRefused(app=app, destination=self.name, reason=reason)

    def _failed(self, app: str, reason: str) -> TargetFailed:
        return TargetFailed(app=app, destination=self.name, reason=reason)


def _is_as_wanted(state: ProcessState | None, wanted: _Wanted, boot: str | None) -> bool:
    """Say whether nothing is to do: it runs so, or it ran so and completed. What failed is tried again."""
    if state is None or wanted.disabled:
        return state is None and wanted.disabled
    if state.digest != wanted.digest:
        return False
    return state.phase == "completed" or (state.phase not in ("stopping", *FINAL) and state.is_supervised(boot))


def _has_come_so_far(state: ProcessState, condition: str) -> bool:
    match condition:
        case "process_healthy":
            return state.phase == "ready"
        case "process_completed":
            return state.phase in ("completed", "failed")
        case "process_completed_successfully":
            return state.phase == "completed"
    return state.phase not in ("stopping", "stopped")


def _differing(applied: Applied, states: Mapping[str, ProcessState], boot: str | None) -> list[str]:
    """Say of each process that is not as it was asked for in what."""
    found = []
    for name in sorted({*states, *applied.processes} - set(applied.left_running)):
        state = states.get(name)
        supervised = state is not None and state.is_supervised(boot)
        found.append(differs(name, applied.processes.get(name), state, supervised=supervised))
    return [one for one in found if one]


def _message(results: Collection[ResourceResult], wanted: Mapping[str, _Wanted], applied: Applied) -> str:
    """Say what was not done and what was; and what of a release was left out."""
    sentences = []
    failed = [r for r in results if r.outcome == "failed"]
    if failed:
        sentences.append("not done: " + "; ".join(f"{r.name} ({r.message})" for r in failed))
        done = [r.name for r in results if r.outcome in ("applied", "removed")]
        sentences.append("done: " + (", ".join(done) or "nothing"))
    for release in {w.release.commit: w.release for w in wanted.values() if w.release}.values():
        if release.left_out:
            names = ", ".join(release.left_out[:5])
            sentences.append(f"left out of release {release.commit[:7]}, because they lead outside: {names}")
    if applied.left_running:
        sentences.append(f"{STAYS}: {', '.join(applied.left_running)}")
    return ". ".join(sentences)


def _last_words(log: Path) -> str:
    """Return the end of a log, bounded and redacted; what cannot be read is no reason to say nothing else."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LAST_WORDS_BYTES))
            return redact(file.read(LAST_WORDS_BYTES).decode(errors="replace"))
    except OSError:
        return ""


async def _finish(work: Callable[..., _Done], *args: Any, **kwargs: Any) -> _Done:
    """Do blocking work in a thread, and see it done even if the caller is cancelled meanwhile."""
    task: Awaitable[_Done] = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await task
        raise
