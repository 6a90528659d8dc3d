"""Forget: stop following an application that is gone from Git; with prune, delete what it runs. Its history stays.

What its last version wants to run when it is deleted (hooks) runs then.
"""

import contextlib
import uuid
from collections.abc import Awaitable, Callable

from lastgood.core.commit import Person
from lastgood.core.errors import NotAllowed, TargetFailed, UnknownApplication
from lastgood.core.leaving import Going, Leaving
from lastgood.core.operation import Operation
from lastgood.core.ports import Clock, Store, Target
from lastgood.core.record import ApplicationRecord
from lastgood.core.request import ForgetResult
from lastgood.flows.attempt import Attempt
from lastgood.flows.known import Known

NOBODY = Person(name="unknown", email="unknown@localhost")


class Forget:
    """One application for each call.

    targets: the target of a destination, None where the settings have none. leaving: see flows/leaving.py.
    """

    def __init__(
        self,
        *,
        store: Store,
        known: Known,
        clock: Clock,
        targets: Callable[[str], Target | None],
        leaving: Callable[[ApplicationRecord], Awaitable[Leaving | None]],
    ) -> None:
        self._store = store
        self._known = known
        self._clock = clock
        self._targets = targets
        self._leaving = leaving

    async def __call__(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """Forget it. The list of what would be deleted in a dry run is what is seen to run now.

        Raises UnknownApplication; NotAllowed while it still is in Git (it would be back at the next look);
        TargetFailed where prune has no target to ask; StoreFailed.
        """
        record = self._known.record(app)
        if record is None:
            raise UnknownApplication(name=app)
        gone = record.state == "removed" or (record.state == "stopped" and record.current is None)
        if not gone:
            raise NotAllowed(
                f"{app} is still in Git, in {record.repo} at {record.path or '.'}",
                app=app,
                action="forget",
                hint=f"nothing was changed; remove it from {record.repo} first, and it keeps running until `forget`",
            )
        target = self._targets(record.destination)
        if prune and target is None:
            raise TargetFailed(app=app, destination=record.destination, reason="the settings have no such destination")
        if dry_run:
            return await self._shown(record, target if prune else None)
        leaving = await self._leaving(record) if prune else None
        stays = (await target.going(app)).stays if prune and target is not None else ()
        pruned = tuple(await target.prune(app, leaving=leaving)) if prune and target is not None else ()
        if target is not None and not prune:
            # A destination that is away for good must not keep anybody from forgetting.
            with contextlib.suppress(TargetFailed):
                await target.let_go(app)
        last = await self._known.last(app)
        if last is not None and last.outcome == "in-progress":
            attempt = Attempt(last, store=self._store, known=self._known, clock=self._clock)
            await attempt.finish("superseded", "forgotten before it ended")
        await self._record(record, pruned, by or NOBODY)
        await self._known.forget(app)
        return ForgetResult(app=app, pruned=pruned, stays=stays, hooks=_told(leaving))

    async def _shown(self, record: ApplicationRecord, target: Target | None) -> ForgetResult:
        """Say what would be deleted, and what would run for it."""
        if target is None:
            return ForgetResult(app=record.name, pruned=())
        going = Going()
        try:
            going = await target.going(record.name)
            leaving = await self._leaving(record)
        except TargetFailed as unknown:
            why = unknown.message
            return ForgetResult(app=record.name, pruned=going.goes, stays=going.stays, in_the_way=why)
        return ForgetResult(app=record.name, pruned=going.goes, stays=going.stays, hooks=_told(leaving))

    async def _record(self, record: ApplicationRecord, pruned: tuple[str, ...], by: Person) -> None:
        now = self._clock.now()
        await self._store.save_operation(
            Operation(
                id=str(uuid.uuid4()),
                kind="forget",
                repo=record.repo,
                branch=record.branch,
                moved=(),
                reason="",
                despite=(),
                by=by,
                requested_at=now,
                step="done",
                message=f"{record.name}: {', '.join(pruned) or 'nothing'} was deleted",
                finished_at=now,
            )
        )


def _told(leaving: Leaving | None) -> tuple[str, ...]:
    return tuple(f"{hook.label} ({hook.moment})" for hook in leaving.hooks) if leaving is not None else ()
