"""Pause and resume: stop all deployments of an application, an environment, a repo or everything, and let them go on.

Lives in the store alone: it can stop a deployment, never choose one. A person's rollback goes through all the same.
"""

import uuid
from typing import get_args

from lastgood.core.commit import Person
from lastgood.core.errors import CommandLineWrong, Unknown, UnknownApplication
from lastgood.core.nearest import did_you_mean
from lastgood.core.operation import Operation
from lastgood.core.ports import Clock, Store
from lastgood.core.record import Pause, PauseScope
from lastgood.core.request import PauseRequest
from lastgood.core.words import OperationKind

NOBODY = Person(name="unknown", email="unknown@localhost")


class PauseDeployments:
    """Both directions. Raises StoreFailed."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def pause(self, request: PauseRequest) -> list[Pause]:
        """Stop deployments; return the pauses in force.

        Raises CommandLineWrong for a scope that is none, UnknownApplication and Unknown for a name that nothing has.
        """
        scope = await self._scope(request)
        by = request.by or NOBODY
        now = self._clock.now()
        pause = Pause(scope=scope, name=request.name, reason=request.reason, by=f"{by.name} <{by.email}>", since=now)
        await self._store.pause(pause)
        await self._record("pause", scope, request, by)
        return await self._store.pauses()

    async def resume(self, request: PauseRequest) -> list[Pause]:
        """Let deployments go on: what should run by now goes at once. Return the pauses still in force.

        Raises Unknown where there is no such pause.
        """
        scope = await self._scope(request, known=False)
        if not await self._store.resume(scope, request.name):
            what = f"{scope} {request.name}" if request.name else scope
            raise Unknown(f"there is no pause of {what}", hint="see `lastgood apps`")
        await self._record("resume", scope, request, request.by or NOBODY)
        return await self._store.pauses()

    async def _scope(self, request: PauseRequest, *, known: bool = True) -> PauseScope:
        found: PauseScope | None = next((word for word in get_args(PauseScope) if word == request.scope), None)
        if found is None or (found == "everything") is not (request.name is None):
            raise CommandLineWrong(
                f"{request.scope} {request.name or ''} cannot be paused",
                hint="name an application, an environment or a repo, or pause everything",
            )
        if known and request.name is not None:
            await self._check(found, request.name)
        return found

    async def _check(self, scope: PauseScope, name: str) -> None:
        """Refuse a name that stops nothing: somebody would believe that deployments are stopped."""
        records = await self._store.applications()
        if scope == "application":
            names = {record.name for record in records}
        elif scope == "environment":
            names = {record.environment for record in records if record.environment is not None}
        else:
            names = {repo.name for repo in await self._store.repos()}
        if name in names:
            return
        hint = did_you_mean(name, names) or "see `lastgood apps`"
        if scope == "application":
            raise UnknownApplication(name=name, hint=hint)
        raise Unknown(f"there is no {scope} {name}", hint=hint)

    async def _record(self, kind: OperationKind, scope: PauseScope, request: PauseRequest, by: Person) -> None:
        now = self._clock.now()
        what = f"{scope} {request.name}" if request.name else scope
        await self._store.save_operation(
            Operation(
                id=str(uuid.uuid4()),
                kind=kind,
                repo=request.name if scope == "repo" else None,
                branch=None,
                moved=(),
                reason=request.reason,
                despite=(),
                by=by,
                requested_at=now,
                step="done",
                message=what,
                finished_at=now,
            )
        )
        app = request.name if scope == "application" else None
        payload = {"what": kind, "scope": scope, "name": request.name, "by": by.name, "reason": request.reason[:500]}
        await self._store.add_event(kind="pause", app=app, payload=payload, at=now)
