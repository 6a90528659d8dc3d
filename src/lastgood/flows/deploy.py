"""Deploy: make a target run the version that an application should have, watch it, and record how it went.

In order: render, record the start, apply, watch until Healthy, failed or overtaken. Where the destination is away or
in trouble the attempt waits for it. Killed at any step, the record stays in progress and the next agent goes on with
it: applying again leaves alone what already is so.
"""

import asyncio
import contextlib
import datetime as dt
import random
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
import structlog

from lastgood.core.application import Application
from lastgood.core.back_off import back_off
from lastgood.core.commit import Commit
from lastgood.core.config import CONFIG_FILE
from lastgood.core.deployment import Deployment, Phase, has_run, was_applied_whole
from lastgood.core.desired import Step, has_drifted, pause_over
from lastgood.core.errors import (
    ConfigWrong,
    GitFailed,
    LastgoodError,
    RenderFailed,
    StoreFailed,
    TargetFailed,
    TargetRefused,
)
from lastgood.core.hook import is_hook
from lastgood.core.limits import Limits
from lastgood.core.observation import (
    DONE,
    ApplyResult,
    Fault,
    Observation,
    ResourceResult,
    degraded_by_itself,
    only_leaves,
    with_earlier,
)
from lastgood.core.origins import NO_ORIGINS, Origins, changed_origins
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store, Target
from lastgood.core.record import DeploymentQuery
from lastgood.core.resource import Rendered, image_changes
from lastgood.core.rewrite import path_changed_by
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Occasion, Outcome
from lastgood.flows.attempt import MAX_MESSAGE, Attempt
from lastgood.flows.await_target import AwaitTarget
from lastgood.flows.known import Known, wait_for
from lastgood.flows.last_good import judged
from lastgood.flows.why import Why, WhyDeployed

# What is said of an apply that was not done, by whose fault it was.
NEXT: dict[Fault, str] = {
    "version": "It is the version's fault: it goes on with another version or definition, or by `lastgood retry {app}`",
    "way": "It goes on by itself once that is out of the way; `lastgood retry {app}` tries at once",
    "target": "It is not the version's fault: it is tried again by itself, less and less often",
}
WAITS = "It is not the version's fault: it goes on by itself once the destination takes it"
# So long a deployment waits for what left Git to be gone. A finalizer may hold it for ever, and what should run does.
LEAVES_S = 60.0
# Whether an application was ever installed is looked for in so many of its newest records.
LOOKED_AT = 50


class Deploy:
    """Deploys applications of one config repo to their targets; one call for each attempt."""

    def __init__(self, *, repo: ConfigRepo, store: Store, known: Known, renderer: Renderer, clock: Clock) -> None:
        self._repo = repo
        self._store = store
        self._known = known
        self._renderer = renderer
        self._clock = clock
        self._why = WhyDeployed(repo=repo, store=store)

    async def why(self, app: Application, step: Step) -> Why:
        """Say why the desired version would be deployed now. Raises StoreFailed, GitFailed."""
        asked = self._known.asked_for(app.name)
        if asked is not None:
            trigger = "drift" if step.kind == "heal" else asked.trigger
            return Why(trigger=trigger, operation=asked.operation, recorded=True)
        if step.trigger is not None and step.kind != "resume":
            return Why(trigger=step.trigger)
        commit = await self._repo.commit(_commit_of(self._desired(app.name)))
        return await self._why(commit, app=app.name)

    async def __call__(self, app: Application, *, target: Target, step: Step, why: Why, limits: Limits) -> Deployment:
        """Make one attempt at the desired version, or go on with the one in progress; return its record as it ended.

        Raises StoreFailed: nothing was begun, or what was begun is still in progress on record. Raises NoRenderer
        and GitFailed before anything is recorded.
        """
        desired = self._desired(app.name)
        app = msgspec.structs.replace(app, policy=limits.lower(app.policy))
        with self._known.taking_up(app.name, desired.version or ""):
            attempt = await self._attempt(app, desired, step, why)
            if attempt.deployment.version != desired.version or attempt.deployment.definition != app.definition:
                return await attempt.finish("superseded", "overtaken while no agent ran", superseded_by=desired.version)
            rendered = await self._render(app, desired, attempt, resumes=step.kind == "resume")
        await self._answered(app.name)
        if rendered is None:
            return attempt.deployment
        occasion = await self._occasion(app.name, attempt.deployment, step, rendered)
        persons = why.recorded and why.trigger in {"rollback", "undo"}
        applying = Applying(target=target, rendered=rendered, occasion=occasion, goes_while_paused=persons)
        applied = await self._apply(app, desired, applying, attempt)
        if not applied:
            return attempt.deployment
        return await self._watch(app, applying, attempt, limits.progress_s)

    async def _answered(self, app: str) -> None:
        """What was asked for has begun: a press ends with that."""
        asked = self._known.asked.pop(app, None)
        press = await self._store.operation(asked.operation) if asked is not None else None
        if press is not None and press.kind == "retry":
            await self._store.save_operation(msgspec.structs.replace(press, step="done", finished_at=self._clock.now()))

    def _desired(self, app: str) -> Version:
        record = self._known.record(app)
        if record is None or record.desired is None or record.desired.version is None:
            raise AssertionError("only an application that should run something is deployed")
        return record.desired

    async def _attempt(self, app: Application, desired: Version, step: Step, why: Why) -> Attempt:
        last = await self._known.last(app.name)
        if step.kind == "resume" and last is not None:
            phases = tuple(p if p.finished_at else _interrupted(p) for p in last.phases)
            deployment = msgspec.structs.replace(last, phases=phases)
        else:
            commit = await self._commit(app, desired, step)
            deployment = Deployment(
                id=0,
                app=app.name,
                number=0,
                version=desired.version or "",
                path_tree=desired.path_tree,
                commit=commit,
                trigger=why.trigger,
                outcome="in-progress",
                started_at=self._clock.now(),
                operation=why.operation,
                definition=app.definition,
                phases=self._drift(app.name) if step.kind == "heal" else (),
            )
        return Attempt(deployment, store=self._store, known=self._known, clock=self._clock)

    def _drift(self, app: str) -> tuple[Phase, ...]:
        """Return what a record of healing begins with: what had been changed, and by whom."""
        seen, now = self._known.observation(app), self._clock.now()
        drift = (seen.drift or seen.message) if seen is not None else ""
        return (Phase(name="drift", started_at=now, finished_at=now, message=drift[:MAX_MESSAGE]),)

    async def _commit(self, app: Application, desired: Version, step: Step) -> Commit:
        """Return the commit that the deployment is laid to: for a definition, the one that changed the entry."""
        head = await self._repo.head(app.branch) if step.trigger == "definition" else None
        if head is not None:
            commit = await path_changed_by(self._repo, CONFIG_FILE, previous=None, head=head)
            if (await self._repo.version(commit.oid, app.scope))[0] == desired.version:
                return commit
        return await self._repo.commit(_commit_of(desired))

    async def _render(self, app: Application, desired: Version, attempt: Attempt, *, resumes: bool) -> Rendered | None:
        """Render, and record the start: an attempt that changes anything is on record before it does."""
        attempt.begin("render")
        before, before_origins = await self._before(app)
        wrong: LastgoodError | None = None
        rendered = None
        try:
            rendered = await self._renderer.render(app, self._repo, _commit_of(desired))
            attempt.end("; ".join(rendered.warnings))
        except (RenderFailed, ConfigWrong) as failed:
            wrong = failed
            attempt.end(failed.message)
        if rendered is not None:
            attempt.deployment = msgspec.structs.replace(attempt.deployment, digest=rendered.digest)
        if rendered is not None and not resumes:
            images = image_changes(before, rendered.images)
            origins = changed_origins(before_origins, rendered.origins, {one.name for one in images})
            attempt.deployment = msgspec.structs.replace(attempt.deployment, images=images, origins=origins)
        if wrong is None:
            attempt.begin("apply")
        if resumes:
            await attempt.write()
        else:
            await attempt.start()
        if wrong is not None:
            await attempt.finish("failed", wrong.message, own_fault=True)
        return rendered

    async def _before(self, app: Application) -> tuple[dict[str, str], Origins]:
        """Return the images and origins of what runs; nothing where that is not known."""
        record = self._known.record(app.name)
        if record is None or record.running is None or record.running.commit is None:
            return {}, NO_ORIGINS
        # What ran may be gone from the mirror, or no longer render: then it is not known, and nothing fails for it.
        with contextlib.suppress(LastgoodError):
            rendered = await self._renderer.render(app, self._repo, record.running.commit)
            return rendered.images, rendered.origins
        return {}, NO_ORIGINS

    async def _apply(self, app: Application, desired: Version, applying: "Applying", attempt: Attempt) -> bool:
        ran = msgspec.structs.replace(desired, ran=True)
        result = await self._until_taken(app, ran, applying, attempt)
        if result is None or result.complete or _did(result.resources):
            # Also what was ended half-way may run something of it by now.
            await self._runs(app.name, ran)
        if result is None:
            return False
        attempt.end(result.message)
        if not result.complete:
            await attempt.write(resources=result.resources)
            # Where nothing at all was done, nothing is half done.
            outcome: Outcome = "partial" if _did(result.resources) else "failed"
            await self._not_applied(attempt, outcome, result.message, result.fault)
            # What was refused is looked at before the rules are asked again: trying at once would come to the same.
            with contextlib.suppress(StoreFailed):
                await self._look(app.name, applying.target)
            return False
        attempt.begin("watch")
        await attempt.write(resources=result.resources)
        return True

    async def _until_taken(
        self, app: Application, ran: Version, applying: "Applying", attempt: Attempt
    ) -> ApplyResult | None:
        """Apply until the target has done it or refuses it; None where a newer version took its place.

        A destination in trouble tells the same each time: so there is one record, which goes on with what is not done
        yet until AwaitTarget gives it up, or somebody pauses what waits.
        """
        overtaken = partial(self._overtaken_by, app, attempt.deployment)
        wait = AwaitTarget(app.name, known=self._known, clock=self._clock, overtaken=overtaken)
        while True:
            trying = asyncio.create_task(self._try(app, applying, attempt))
            result = await self._unless_overtaken(app, trying, attempt)
            if result is None or result.complete or result.fault != "target" or wait.is_over():
                return result
            if _did(result.resources):
                await self._runs(app.name, ran)
            await self._say_that_it_waits(attempt, result)
            newer = await wait()
            if newer is not None:
                said = f"overtaken by {newer.short or newer.version} while it waited: {result.message}"
                await attempt.finish("superseded", said, superseded_by=newer.version)
                return None
            if not applying.goes_while_paused and await self._is_paused(app.name):
                return result
            await self._answered(app.name)

    @staticmethod
    async def _try(app: Application, applying: "Applying", attempt: Attempt) -> ApplyResult:
        """Apply once; return what all tries of this record came to."""
        before = attempt.deployment.resources
        try:
            result = await applying.target.apply(app, applying.rendered, occasion=applying.occasion)
        except TargetFailed as failed:
            fault: Fault = "version" if isinstance(failed, TargetRefused) else "target"
            return ApplyResult(complete=False, resources=before, message=failed.message, fault=fault)
        return msgspec.structs.replace(result, resources=with_earlier(result.resources, before))

    async def _say_that_it_waits(self, attempt: Attempt, result: ApplyResult) -> None:
        said = f"{result.message[: MAX_MESSAGE - len(WAITS) - 2].rstrip('.')}. {WAITS}"
        run = attempt.deployment
        if (said, result.resources) != (run.message, run.resources):
            structlog.get_logger().warning("deployment waits", app=run.app, number=run.number, reason=result.message)
            await attempt.write(what="waiting", message=said, resources=result.resources)

    async def _is_paused(self, app: str) -> bool:
        record = self._known.record(app)
        return record is not None and pause_over(record, await self._store.pauses()) is not None

    @staticmethod
    async def _not_applied(attempt: Attempt, outcome: Outcome, said: str, fault: Fault) -> None:
        """Record an apply that came to nothing or stopped half-way: why, and what it is that goes on from there."""
        then = NEXT[fault].format(app=attempt.deployment.app)
        room = MAX_MESSAGE - len(then) - 2
        await attempt.finish(outcome, f"{said[:room].rstrip('.')}. {then}", own_fault=fault == "version")

    async def _unless_overtaken(
        self, app: Application, applying: asyncio.Task[ApplyResult], attempt: Attempt
    ) -> ApplyResult | None:
        """Return what applying came to; None where a newer version took its place and applying was ended for it.

        An apply that waits for something sick must not keep the version waiting that mends it.
        """
        newer = None
        try:
            while not applying.done() and newer is None:
                changed = self._known.change(app.name)
                newer = self._overtaken_by(app, attempt.deployment)
                if newer is None:
                    awaited: set[asyncio.Future[Any]] = {applying, changed}
                    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            applying.cancel()
            await asyncio.wait({applying})
        if not applying.cancelled() or newer is None:
            return await applying
        said = f"overtaken by {newer.short or newer.version} while it was applied"
        await attempt.finish("superseded", said, superseded_by=newer.version)
        return None

    async def _occasion(self, app: str, deployment: Deployment, step: Step, rendered: Rendered) -> Occasion:
        """Say why the version is applied, as far as the records know. Where nothing has hooks, they are not asked."""
        if step.kind == "heal" or deployment.trigger == "drift":
            return "heal"
        if not any(is_hook(one.manifest) for one in rendered.resources):
            return "upgrade"
        record = self._known.record(app)
        earlier_than = record.earlier if record is not None else 0
        asked = DeploymentQuery(app=app, before_id=deployment.id or None, limit=LOOKED_AT)
        of_version = await self._store.deployments(msgspec.structs.replace(asked, version=deployment.version))
        if has_run(run for run in of_version if run.number > earlier_than):
            return "return"
        # What never got past its apply was not installed: what comes before an installation has to come still.
        runs = [run for run in await self._store.deployments(asked) if run.number > earlier_than]
        installed = any(map(was_applied_whole, runs))
        return "upgrade" if installed or len(runs) == LOOKED_AT else "install"

    async def _runs(self, app: str, version: Version) -> None:
        """Write what runs now and, at once with it, to which version one would go back."""
        record = self._known.record(app)
        if record is not None:
            before, record = record.running, msgspec.structs.replace(record, running=version)
            fields = await judged(record, store=self._store, clock=self._clock)
            if before is None or before.version != version.version:
                # What was seen is what ran before: of this version nobody knows yet how it is.
                fields |= {"health": "Progressing", "health_message": f"{version.short or 'it'} was applied just now"}
            await self._known.applied(app, running=version, **fields)

    async def _look(self, app: str, target: Target) -> None:
        applies = self._known.applies(app)
        await self._known.observe(await target.observe(app), applies=applies)

    async def _watch(self, app: Application, applying: "Applying", attempt: Attempt, progress_s: float) -> Deployment:
        """Wait until the target says Healthy or Degraded, another version is wanted, or the time is over.

        What somebody changes or deletes meanwhile is put back first: it says nothing of the version. Healthy with
        things that left Git and do not go is Healthy, too: see LEAVES_S.
        """
        began = applied_at = put_back_at = self._clock.now()
        times_put_back = 0
        seen: Observation | None = None
        with contextlib.suppress(StoreFailed):  # what was seen counts, also where it could not be stored
            await self._look(app.name, applying.target)
        while True:
            happened = self._known.change(app.name)
            newer = self._overtaken_by(app, attempt.deployment)
            if newer is not None:
                said = f"overtaken by {newer.short or newer.version}"
                return await attempt.finish("superseded", said, superseded_by=newer.version)
            latest = self._known.observation(app.name)
            waited = (self._clock.now() - began).total_seconds()
            left, leaves = progress_s - waited, min(LEAVES_S, progress_s) - waited
            if latest is not None and latest.observed_at >= applied_at and latest.digest == applying.rendered.digest:
                seen = latest
                is_time = left > 0 and self._clock.now() >= put_back_at
                if is_time and await self._is_to_be_put_back(app, applying, seen):
                    if not await self._put_back(app, applying, attempt, seen):
                        return attempt.deployment
                    times_put_back += 1
                    applied_at = self._clock.now()
                    wait_s = back_off(times_put_back, jitter=random.random())  # noqa: S311 - spreads tries
                    put_back_at = applied_at + dt.timedelta(seconds=wait_s)
                    continue
                ended = await self._ended(attempt, seen, leaves_s=leaves)
                if ended is not None:
                    return ended
                left = leaves if only_leaves(seen) else left
            if left <= 0:
                return await self._out_of_time(attempt, latest, seen, progress_s)
            again_s = (put_back_at - self._clock.now()).total_seconds()
            await wait_for(happened, self._clock, min(left, again_s) if again_s > 0 else left)

    @staticmethod
    async def _ended(attempt: Attempt, seen: Observation, *, leaves_s: float) -> Deployment | None:
        """Record how it ended, if it did. leaves_s: how long what left Git is waited for still."""
        is_well = seen.health == "Healthy" and seen.sync == "Synced"
        if is_well or (only_leaves(seen) and leaves_s <= 0):
            return await attempt.finish("succeeded", _came_to(attempt.deployment, seen), seen=seen)
        if degraded_by_itself(seen):
            return await attempt.finish("failed", seen.message or "Degraded", own_fault=True, seen=seen)
        return None

    async def _is_to_be_put_back(self, app: Application, applying: "Applying", seen: Observation) -> bool:
        if not app.policy.self_heal or not has_drifted(seen):
            return False
        return applying.goes_while_paused or not await self._is_paused(app.name)

    async def _put_back(self, app: Application, applying: "Applying", attempt: Attempt, seen: Observation) -> bool:
        """Apply once more, without hooks; False where a newer version took its place."""
        attempt.end((seen.drift or seen.message)[:MAX_MESSAGE])
        attempt.begin("apply")
        await attempt.write()
        again = msgspec.structs.replace(applying, occasion="heal")
        trying = asyncio.create_task(self._try(app, again, attempt))
        result = await self._unless_overtaken(app, trying, attempt)
        if result is None:
            return False
        await self._known.applied(app.name)
        attempt.end(result.message)
        attempt.begin("watch")
        await attempt.write(resources=result.resources)
        with contextlib.suppress(StoreFailed):
            await self._look(app.name, applying.target)
        return True

    @staticmethod
    async def _out_of_time(
        attempt: Attempt, latest: Observation | None, seen: Observation | None, progress_s: float
    ) -> Deployment:
        health = latest.health if latest is not None else "Unknown"
        why = f": {latest.message}" if latest is not None and latest.message else ""
        # A target that could not be looked at, or lost a node, says nothing about the version.
        blameless = (
            seen is None or seen.health == "Unknown" or (seen.health == "Degraded" and not degraded_by_itself(seen))
        )
        own_fault = not blameless
        said = f"{health} after {progress_s:.0f} s{why}"
        return await attempt.finish("failed", said, own_fault=own_fault, seen=seen)

    def _overtaken_by(self, app: Application, deployment: Deployment) -> Version | None:
        record = self._known.record(app.name)
        if record is None or record.desired is None or record.desired.version is None:
            return None
        now = self._known.applications.get(app.name, app)
        same = record.desired.version == deployment.version and now.definition == deployment.definition
        return None if same else record.desired


class Applying(Value, frozen=True, kw_only=True):
    """What is applied, and where. goes_while_paused: a person asked for it."""

    target: Target
    rendered: Rendered
    occasion: Occasion
    goes_while_paused: bool


def _did(resources: Iterable[ResourceResult]) -> bool:
    """Say whether anything at all was done."""
    return any(one.outcome in DONE for one in resources)


def _came_to(deployment: Deployment, seen: Observation) -> str:
    """Say what a deployment that succeeded came to; for one that healed drift, what it mended."""
    drift = next((phase.message for phase in deployment.phases if phase.name == "drift"), "")
    return f"mended: {drift}" if drift else seen.message or "Healthy"


def _commit_of(version: Version) -> str:
    if version.commit is None:
        raise GitFailed("no commit is known to have the version that should run")
    return version.commit


def _interrupted(phase: Phase) -> Phase:
    return msgspec.structs.replace(phase, finished_at=phase.started_at, message="the agent ended here")
