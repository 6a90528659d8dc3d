"""The applications as `apps` lists them, and one in full as `status` shows it. Awaits the ports; writes nothing."""

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence

import msgspec

from lastgood.core.application import Application, ApplicationView, Policy, Refusal
from lastgood.core.deployment import Deployment, was_applied_whole
from lastgood.core.desired import pause_over
from lastgood.core.errors import GitFailed, LastgoodError
from lastgood.core.hold import Hold, held_paths, image_references, in_force, refusing
from lastgood.core.observation import LEFT, NOT_AS_ASKED, Observation, ResourceResult
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.record import ApplicationRecord, DeploymentQuery, Pause, RepoRecord
from lastgood.core.status import StatusView
from lastgood.core.version import Version
from lastgood.core.words import RendererName
from lastgood.queries.followed import Followed, Place, as_version, not_there, places, unknown_application
from lastgood.queries.freshness import fresh, is_stale

# How many refused versions in a row are looked through for the one that is still desired.
MAX_REFUSED = 100
# So many records are looked through for one that was applied whole.
MAX_LOOKED_THROUGH = 20


class Applications:
    """Lists applications from Git alone, or from the records where there is a store."""

    def __init__(
        self,
        followed: Sequence[Followed],
        *,
        renderer: Renderer,
        clock: Clock,
        store: Store | None = None,
        observed: Callable[[str], Observation | None] | None = None,
    ) -> None:
        self._followed = followed
        self._observed = observed
        self._renderer = renderer
        self._clock = clock
        self._store = store

    async def apps(self) -> list[ApplicationView]:
        """Return the applications by name."""
        if self._store is not None:
            pauses = await self._store.pauses()
            return [recorded_view(record, pauses, self._clock.now()) for record in await self._store.applications()]
        return [await self._git_view(place) for place in (await places(self._followed)).values()]

    async def status(self, app: str) -> StatusView:
        """Return one application in full. Raises UnknownApplication."""
        if self._store is not None:
            return await self._recorded_status(app, self._store)
        known = await places(self._followed)
        if app not in known:
            raise unknown_application(app, known)
        place = known[app]
        now = self._clock.now()
        problem = await place.hold_problem() or place.discovered.problem(app)
        return StatusView(
            application=await self._git_view(place),
            policy=place.application.policy,
            holds=tuple(hold for hold in await place.readable_holds() if in_force(hold, now)),
            pauses=(),
            repo=None,
            deployment=None,
            resources=(),
            health_message="",
            warnings=(f"{problem.file}: {problem.reason}",) if problem else (),
        )

    async def _recorded_status(self, app: str, store: Store) -> StatusView:
        record = await store.application(app)
        if record is None:
            raise await not_there(app, store)
        now = self._clock.now()
        pauses = await store.pauses()
        runs = await store.deployments(DeploymentQuery(app=app, limit=1))
        over = pause_over(record, pauses)
        repo = next((one for one in await store.repos() if one.name == record.repo), None)
        place = await self._place(app)
        stale = is_stale(record.observed_at, now)
        seen = self._observed(app) if self._observed is not None and not stale else None
        told = _stale_message(record) if stale and record.state != "removed" else record.health_message
        # What is well is told nothing of but what is not as asked for.
        drift = told.removeprefix(NOT_AS_ASKED) if told.startswith(NOT_AS_ASKED) else ""
        return StatusView(
            application=recorded_view(record, pauses, now),
            policy=place.application.policy if place else _last_policy(record),
            holds=tuple(one.hold for one in await store.holds(app) if in_force(one.hold, now)),
            pauses=(over,) if over else (),
            repo=repo,
            deployment=runs[0] if runs else None,
            resources=seen.resources if seen is not None else (),
            health_message="" if drift else told,
            sync_message=drift or (seen.drift if seen is not None else ""),
            warnings=_warnings(record, repo),
            left=await self._left(runs, store, seen),
        )

    @staticmethod
    async def _left(runs: list[Deployment], store: Store, seen: Observation | None) -> tuple[ResourceResult, ...]:
        """Return what the newest deployment that was applied whole left alone, as far as it is still there."""
        if runs and not was_applied_whole(runs[0]):
            runs = await store.deployments(DeploymentQuery(app=runs[0].app, limit=MAX_LOOKED_THROUGH))
        applied = next((run for run in runs if was_applied_whole(run)), None)
        left = [one for one in applied.resources if one.outcome == LEFT] if applied is not None else []
        return tuple(one for one in left if seen is None or f"{one.kind} {one.name}" in seen.left)

    async def _place(self, app: str) -> Place | None:
        try:
            return (await places(self._followed)).get(app)
        except GitFailed:
            return None

    async def _git_view(self, place: Place) -> ApplicationView:
        application = place.application
        now = self._clock.now()
        holds = [hold for hold in await place.readable_holds() if in_force(hold, now)]
        desired, refused = await self._desired(place, holds)
        problem = place.discovered.problem(place.name)
        return ApplicationView(
            name=application.name,
            group=application.group,
            environment=application.environment,
            repo=application.repo,
            branch=application.branch,
            path=application.path or ".",
            destination=application.destination,
            renderer=await self._kind(application, place),
            health=None,
            sync=None,
            observed_at=None,
            desired=desired,
            running=None,
            last_good=None,
            held=len(holds),
            paused=None,
            refused=refused,
            updated_at=desired.committed_at if desired else None,
            state="broken" if problem else "followed",
            message=problem.reason if problem else None,
        )

    async def _kind(self, application: Application, place: Place) -> RendererName:
        try:
            return await self._renderer.kind(application, place.repo, place.head)
        except LastgoodError:
            return "unknown"

    async def _desired(self, place: Place, holds: Sequence[Hold]) -> tuple[Version | None, Refusal | None]:
        """Return the version of the newest first-parent commit that no hold in Git refuses, and what was refused."""
        limit = 1
        refused: Refusal | None = None
        while True:
            entries = (await place.repo.history(place.head, place.application.scope, limit=limit)).entries
            for entry in entries[limit // 2 :]:
                hold = await self._refusing(place, entry.commit.oid, entry.version, holds)
                if hold is None:
                    return (as_version(entry, ran=None) if entry.version else None), refused
                refused = refused or Refusal(commit=entry.commit.oid, hold=hold.id)
            if len(entries) < limit or limit > MAX_REFUSED:
                return None, refused
            limit *= 2

    async def _refusing(self, place: Place, commit: str, version: str | None, holds: Sequence[Hold]) -> Hold | None:
        if not holds or version is None:
            return None
        images: frozenset[str] = frozenset()
        if any(hold.images for hold in holds):
            # Nothing here renders it, or it does not render: its version and files still tell.
            with contextlib.suppress(LastgoodError):
                rendered = await self._renderer.render(place.application, place.repo, commit)
                images = image_references(rendered.images)
        files: dict[str, str] = {}
        for path in held_paths(holds):
            entry = await place.repo.entry(commit, path)
            if entry is not None:
                files[path] = entry.oid
        return refusing(holds, version=version, images=images, files=files, now=self._clock.now())


def recorded_view(record: ApplicationRecord, pauses: Sequence[Pause], now: dt.datetime) -> ApplicationView:
    """Show a record as `apps` does; health that nobody looked at lately is Unknown."""
    health, sync = fresh(record, now)
    desired, running = record.desired, record.running
    if desired is not None and running is not None and desired.version == running.version:
        # It was written down before it ran.
        desired = msgspec.structs.replace(desired, ran=True)
    elif desired is not None and running is not None and sync == "Synced":
        # The target holds all of what was applied last, and that is not what Git asks for.
        sync = "OutOfSync"
    return ApplicationView(
        name=record.name,
        group=record.group,
        environment=record.environment,
        repo=record.repo,
        branch=record.branch,
        path=record.path or ".",
        destination=record.destination,
        renderer=record.renderer,
        health=health,
        sync=sync,
        observed_at=record.observed_at,
        desired=desired,
        running=running,
        last_good=record.last_good,
        held=record.held,
        paused=pause_over(record, list(pauses)) is not None,
        refused=record.refused,
        updated_at=record.updated_at,
        state=record.state,
        message=record.message or None,
    )


def _last_policy(record: ApplicationRecord) -> Policy:
    """Return the policy that an application had when it was last in Git: what still runs was deployed under it."""
    try:
        return msgspec.convert(record.definition.get("policy", {}), Policy)
    except msgspec.ValidationError:
        return Policy()


def _stale_message(record: ApplicationRecord) -> str:
    if record.observed_at is None:
        return "nobody has looked at it yet"
    return f"nobody has looked since {record.observed_at:%Y-%m-%d %H:%M} UTC; it was {record.health} then"


def _warnings(record: ApplicationRecord, repo: RepoRecord | None) -> tuple[str, ...]:
    return tuple(
        text
        for text in (
            record.message,
            repo.problem if repo is not None and repo.state != "ok" else "",
        )
        if text
    )
