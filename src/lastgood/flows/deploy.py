"""Deploy: make a target run the version that an application should have, watch it, and record how it went.

In order: render, record the start, apply, watch until Healthy, failed or overtaken. Where the destination is away or
in trouble the attempt waits for it. Killed at any step, the record stays in progress and the next agent goes on with
it: applying again leaves alone what already is so.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from functools import partial

import msgspec
import structlog

from lastgood.core.application import Application
from lastgood.core.commit import Commit
from lastgood.core.config import CONFIG_FILE
from lastgood.core.deployment import Deployment, Phase, has_run, was_applied_whole
from lastgood.core.desired import Step
from lastgood.core.errors import ConfigWrong, GitFailed, LastgoodError, RenderFailed, StoreFailed
from lastgood.core.hook import is_hook
from lastgood.core.limits import Limits
from lastgood.core.observation import DONE, ApplyResult, Fault, ResourceResult
from lastgood.core.origins import NO_ORIGINS, Origins, changed_origins
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store, Target
from lastgood.core.record import DeploymentQuery
from lastgood.core.resource import Rendered, image_changes
from lastgood.core.rewrite import path_changed_by
from lastgood.core.version import Version
from lastgood.core.words import Occasion, Outcome
from lastgood.flows.applying import Applies, Applying
from lastgood.flows.attempt import MAX_MESSAGE, Attempt
from lastgood.flows.await_target import AwaitTarget
from lastgood.flows.known import Known
from lastgood.flows.last_good import judged
from lastgood.flows.until_healthy import UntilHealthy
from lastgood.flows.why import Why, WhyDeployed

# What is said of an apply that was not done, by whose fault it was.
NEXT: dict[Fault, str] = {
    "version": "It is the version's fault: it goes on with another version or definition, or by `lastgood retry {app}`",
    "way": "It goes on by itself once that is out of the way; `lastgood retry {app}` tries at once",
    "target": "It is not the version's fault: it is tried again by itself, less and less often",
}
WAITS = "It is not the version's fault: it goes on by itself once the destination takes it"
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
        self._applies = Applies(store=store, known=known)
        self._until_healthy = UntilHealthy(applies=self._applies, known=known, clock=clock)

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
        applying = Applying(app=app, target=target, rendered=rendered, occasion=occasion, goes_while_paused=persons)
        if not await self._apply(desired, applying, attempt):
            return attempt.deployment
        return await self._until_healthy(applying, attempt, progress_s=limits.progress_s)

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
                phases=self._drift(app.name) if step.kind == "heal" else self._moved(app, last),
            )
        return Attempt(deployment, store=self._store, known=self._known, clock=self._clock)

    def _drift(self, app: str) -> tuple[Phase, ...]:
        """Return what a record of healing begins with: what had been changed, and by whom."""
        seen, now = self._known.observation(app), self._clock.now()
        drift = (seen.drift or seen.message) if seen is not None else ""
        return (Phase(name="drift", started_at=now, finished_at=now, message=drift[:MAX_MESSAGE]),)

    def _moved(self, app: Application, last: Deployment | None) -> tuple[Phase, ...]:
        """Return what a record begins with where the application ran on another destination until now."""
        former = (last.definition or {}).get("destination") if last is not None else None
        if former in {None, app.destination}:
            return ()
        now = self._clock.now()
        said = f"it was on {former} before: what runs there keeps running, and nothing follows it any more"
        return (Phase(name="moved", started_at=now, finished_at=now, message=said),)

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

    async def _apply(self, desired: Version, applying: Applying, attempt: Attempt) -> bool:
        ran = msgspec.structs.replace(desired, ran=True)
        app = applying.app.name
        result = await self._until_taken(ran, applying, attempt)
        if result is None:
            # What was ended half-way may run something of it by now.
            await self._runs(app, ran)
            return False
        attempt.end(result.message)
        if result.complete:
            attempt.begin("watch")
            # Both at once: a thousand applications wait for the store meanwhile.
            await asyncio.gather(self._runs(app, ran), attempt.write(resources=result.resources))
            return True
        if _did(result.resources):
            await self._runs(app, ran)
        await attempt.write(resources=result.resources)
        # Where nothing at all was done, nothing is half done.
        outcome: Outcome = "partial" if _did(result.resources) else "failed"
        await self._not_applied(attempt, outcome, result)
        # What was refused is looked at before the rules are asked again: trying at once would come to the same.
        with contextlib.suppress(StoreFailed):
            await self._applies.look(applying)
        return False

    async def _until_taken(self, ran: Version, applying: Applying, attempt: Attempt) -> ApplyResult | None:
        """Apply until the target has done it or refuses it; None where a newer version took its place.

        A destination in trouble tells the same each time: so there is one record, which goes on with what is not done
        yet until AwaitTarget gives it up, or somebody pauses what waits.
        """
        app = applying.app
        overtaken = partial(self._applies.overtaken_by, app, attempt.deployment)
        wait = AwaitTarget(app.name, known=self._known, clock=self._clock, overtaken=overtaken)
        while True:
            result = await self._applies.once(applying, attempt)
            if result is None or result.complete or result.fault != "target" or wait.is_over():
                return result
            if _did(result.resources):
                await self._runs(app.name, ran)
            await self._say_that_it_waits(attempt, result)
            newer = await wait()
            if newer is not None:
                await self._applies.overtaken(attempt, newer, f" while it waited: {result.message}")
                return None
            if not await self._applies.may_go_on(applying):
                return result
            await self._answered(app.name)

    async def _say_that_it_waits(self, attempt: Attempt, result: ApplyResult) -> None:
        said = f"{result.message[: MAX_MESSAGE - len(WAITS) - 2].rstrip('.')}. {WAITS}"
        run = attempt.deployment
        if (said, result.resources) != (run.message, run.resources):
            structlog.get_logger().warning("deployment waits", app=run.app, number=run.number, reason=result.message)
            await attempt.write(what="waiting", message=said, resources=result.resources)

    @staticmethod
    async def _not_applied(attempt: Attempt, outcome: Outcome, result: ApplyResult) -> None:
        """Record an apply that came to nothing or stopped half-way: why, and what it is that goes on from there."""
        then = NEXT[result.fault].format(app=attempt.deployment.app)
        said = f"{result.message[: MAX_MESSAGE - len(then) - 2].rstrip('.')}. {then}"
        await attempt.finish(outcome, said, own_fault=result.fault == "version", last_words=result.last_words)

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


def _did(resources: Iterable[ResourceResult]) -> bool:
    """Say whether anything at all was done."""
    return any(one.outcome in DONE for one in resources)


def _commit_of(version: Version) -> str:
    if version.commit is None:
        raise GitFailed("no commit is known to have the version that should run")
    return version.commit


def _interrupted(phase: Phase) -> Phase:
    return msgspec.structs.replace(phase, finished_at=phase.started_at, message="the agent ended here")
