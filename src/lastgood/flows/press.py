"""Press: let the refused, stopped or failed head of an application go, or mend its drift at once.

Shows what would change before it does it. The press is recorded first and ends when its deployment has begun: a
restart in between goes on with it.
"""

import uuid
from collections.abc import Callable

import msgspec

from lastgood.core.commit import Person
from lastgood.core.declared_inputs import scope_at
from lastgood.core.deployment import waits
from lastgood.core.desired import has_drifted
from lastgood.core.errors import NotAllowed, UnknownApplication
from lastgood.core.hold import in_force
from lastgood.core.inputs import joined, uses
from lastgood.core.operation import Moved, Operation
from lastgood.core.plan import PlannedFile
from lastgood.core.ports import Clock, ConfigRepo, Store
from lastgood.core.record import ApplicationRecord
from lastgood.core.request import PressRequest, PressResult
from lastgood.core.version import Version
from lastgood.flows.known import Asked, Known
from lastgood.flows.last_good import refresh_last_good

MAX_FILES = 500


class Press:
    """One press for each call. repos: the followed config repo of a name, None where it is followed no more."""

    def __init__(self, *, store: Store, known: Known, clock: Clock, repos: Callable[[str], ConfigRepo | None]) -> None:
        self._store = store
        self._known = known
        self._clock = clock
        self._repos = repos

    async def __call__(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """Start what waits; dry_run: only say what would start.

        Raises UnknownApplication; NotAllowed while a hold keeps the version out, or where Git moved meanwhile;
        StoreFailed.
        """
        record = self._known.record(request.app)
        if record is None:
            raise UnknownApplication(name=request.app)
        version, because = await self._waiting(record)
        files = await self._files(record, version)
        if version is not None:
            await self._refuse_held(record)
        gone = record.state == "stopped" and record.current is None
        started = not dry_run and (version is not None or gone)
        if started:
            await self._start(record, version, request.by)
        return PressResult(
            app=record.name, version=version, files=files, because=because, started=started, accepts_loss=gone
        )

    async def resume(self) -> None:
        """Go on with presses that were recorded and did not end. Raises StoreFailed."""
        for operation in await self._store.operations(open_only=True):
            record = self._known.record(operation.moved[0].app) if operation.moved else None
            if operation.kind != "retry" or record is None:
                continue
            version, _ = await self._waiting(record)
            if version is not None:
                await self._go(record, version, operation.id)
            else:
                await self._done(operation)

    async def _waiting(self, record: ApplicationRecord) -> tuple[Version | None, str]:
        """Say which version waits for a press, and why."""
        if record.state == "stopped" and record.current is None:
            return None, record.message
        if record.state in {"broken", "removed"} or record.current is None:
            return None, record.message or f"{record.name} is {record.state}"
        if record.state == "stopped" or record.desired is None or record.desired.version != record.current.version:
            return record.current, record.message or "it is not what should run yet"
        last = await self._known.last(record.name)
        if last is not None and last.version == record.desired.version:
            how = "waits" if waits(last) else last.outcome
            if how in {"failed", "partial", "waits"}:
                return record.desired, f"n{last.number} {how}: {last.message}"
        seen = self._known.observation(record.name)
        if last is not None and last.outcome == "succeeded" and seen is not None and has_drifted(seen):
            return record.desired, f"it is not as Git says: {seen.drift or seen.message}"
        return None, "nothing waits: it runs what Git asks for, or is about to"

    async def _refuse_held(self, record: ApplicationRecord) -> None:
        refused = record.refused
        if refused is None:
            return
        held = next((one.hold for one in await self._store.holds(record.name) if one.hold.id == refused.hold), None)
        if held is not None and in_force(held, self._clock.now()):
            raise NotAllowed(
                f"{record.name}: {refused.commit[:7]} is on hold since {held.since:%Y-%m-%d}: {held.reason}",
                app=record.name,
                action="retry",
                hint=f"nothing was started; `lastgood unhold {record.name} {refused.commit[:7]}` lets it go first",
            )

    async def _files(self, record: ApplicationRecord, version: Version | None) -> tuple[PlannedFile, ...]:
        """Compare what runs with what would run, in the application's own files."""
        repo, app = self._repos(record.repo), self._known.applications.get(record.name)
        if repo is None or app is None or version is None or version.commit is None:
            return ()
        running = record.running.commit if record.running is not None else None
        before = (await repo.commit(running)).tree if running is not None else None
        after = (await repo.commit(version.commit)).tree
        scope = await scope_at(app, repo, version.commit)
        if running is not None:
            scope = joined(scope, await scope_at(app, repo, running))
        changes = [c for c in await repo.changes(before, after) if uses(scope, c.path)]
        return tuple(
            PlannedFile(path=c.path, change=c.change, added=c.added, removed=c.removed, new=c.new)
            for c in changes[:MAX_FILES]
        )

    async def _start(self, record: ApplicationRecord, version: Version | None, by: Person | None) -> None:
        now = self._clock.now()
        commit = version.commit if version is not None else None
        running = record.running.commit if record.running is not None else None
        operation = Operation(
            id=str(uuid.uuid4()),
            kind="retry",
            repo=record.repo,
            branch=record.branch,
            moved=(Moved(app=record.name, from_=running or "", to=commit or ""),),
            reason="",
            despite=(),
            by=by or Person(name="unknown", email="unknown@localhost"),
            requested_at=now,
            step="planned",
            commit=commit,
        )
        await self._store.save_operation(operation)
        payload = {"what": "retry", "operation": operation.id, "by": operation.by.name}
        await self._store.add_event(kind="operation", app=record.name, payload=payload, at=now)
        if version is None:
            await self._known.update(record.name, state="removed", message=record.gone)
            await self._done(operation)
        elif not await self._go(record, version, operation.id):
            message = f"{record.name} moved in Git while this was asked"
            now = self._clock.now()
            await self._store.save_operation(
                msgspec.structs.replace(operation, step="failed", message=message, finished_at=now)
            )
            hint = f"nothing was started; `lastgood status {record.name}` shows what waits now"
            raise NotAllowed(message, app=record.name, action="retry", hint=hint)

    async def _go(self, record: ApplicationRecord, version: Version, operation: str) -> bool:
        """Let the version go; False where Git moved the application since it was judged, and nothing was done."""
        before = self._known.asked.get(record.name)
        self._known.asked[record.name] = Asked(trigger="retry", operation=operation, version=version.version or "")
        if not await self._known.update_as_judged(record, state="followed", message="", desired=version, refused=None):
            self._known.asked.pop(record.name)
            if before is not None:
                self._known.asked[record.name] = before
            return False
        await refresh_last_good(record.name, store=self._store, known=self._known, clock=self._clock)
        self._known.happened(record.name)
        return True

    async def _done(self, operation: Operation) -> None:
        done = msgspec.structs.replace(operation, step="done", finished_at=self._clock.now())
        await self._store.save_operation(done)
