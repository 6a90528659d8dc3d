"""The applications as the agent knows them: records written through to the store, read from memory.

One agent follows a server's repos and is the only writer of these records, so what is in memory is what is stored, and
a look that changes one application among a thousand writes one. Whoever waits for an application waits here.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from lastgood.core.application import Application
from lastgood.core.deployment import Deployment, was_applied
from lastgood.core.observation import Observation
from lastgood.core.ports import Clock, Store
from lastgood.core.record import ApplicationRecord, DeploymentQuery, Told
from lastgood.core.value import Value
from lastgood.core.words import Trigger

# Health older than 90 s is shown as Unknown: three chances to say that nothing changed.
REFRESH_S = 20


class Asked(Value, frozen=True, kw_only=True):
    """Why a desired version should go, where its commit does not tell: a press, or a reset of lastgood's own.

    version: the one that is asked for; it counts only while that is the desired one.
    """

    trigger: Trigger
    operation: str
    version: str


class Known:
    """Records, definitions, newest deployments and observations, by application."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._records: dict[str, ApplicationRecord] = {}
        self._deployments: dict[str, Deployment | None] = {}
        self._observations: dict[str, Observation] = {}
        self._written: dict[str, Observation] = {}
        self._applies: dict[str, int] = {}
        self._changes: dict[str, asyncio.Future[None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._taken_up: dict[str, str] = {}
        self._deciding: set[str] = set()
        self._coming: dict[str, bool] = {}
        self._all_came = asyncio.Event()
        self._all_came.set()
        self.applications: dict[str, Application] = {}
        self.asked: dict[str, Asked] = {}

    async def load(self) -> None:
        """Read what the last agent left. Raises StoreFailed."""
        self._records = {record.name: record for record in await self._store.applications()}
        self._deployments = {run.app: run for run in await self._store.unfinished_deployments()}

    def record(self, app: str) -> ApplicationRecord | None:
        """Return an application's record."""
        return self._records.get(app)

    def of_repo(self, repo: str) -> list[ApplicationRecord]:
        """Return the records of a repo's applications, removed ones too."""
        return [record for record in self._records.values() if record.repo == repo]

    def names(self) -> list[str]:
        """Return the applications that have a record."""
        return list(self._records)

    async def add(self, record: ApplicationRecord) -> None:
        """Write the record of a new application. Raises StoreFailed."""
        async with self._lock(record.name):
            await self._write(record)

    async def update(self, app: str, **fields: Any) -> ApplicationRecord:
        """Write these fields of a record and leave the others to who writes them; return it. Raises StoreFailed."""
        async with self._lock(app):
            return await self._update(app, fields)

    async def _update(self, app: str, fields: dict[str, Any]) -> ApplicationRecord:
        before = self._records[app]
        after = msgspec.structs.replace(before, **fields)
        if after != before:
            await self._write(after)
        return self._records[app]

    async def update_as_judged(self, judged: ApplicationRecord, **fields: Any) -> bool:
        """Write these fields where Git has not moved the application since it was judged; say so. Raises StoreFailed.

        What was observed of it meanwhile does not count.
        """
        async with self._lock(judged.name):
            now = self._records.get(judged.name)
            if now is None or _judgement(now) != _judgement(judged):
                return False
            await self._write(msgspec.structs.replace(now, **fields))
            return True

    async def define(self, app: Application, **fields: Any) -> None:
        """Take what the entry says now, and write these fields of its record. Raises StoreFailed.

        Both at once: whoever acts on a definition finds the record that was decided with it.
        """
        async with self._lock(app.name):
            after = msgspec.structs.replace(
                self._records[app.name],
                repo=app.repo,
                branch=app.branch,
                path=app.path,
                group=app.group,
                environment=app.environment,
                destination=app.destination,
                definition=app.definition,
                **fields,
            )
            if after != self._records[app.name]:
                await self._write(after, app)
            else:
                self.applications[app.name] = app
                self.happened(app.name)

    async def _write(self, record: ApplicationRecord, app: Application | None = None) -> None:
        now = self._clock.now()
        record = msgspec.structs.replace(record, updated_at=now)
        payload = {
            "state": record.state,
            "message": record.message,
            "desired": record.desired and record.desired.commit,
            "running": record.running and record.running.commit,
            "refused": record.refused and record.refused.commit,
        }
        told = Told(kind="application", app=record.name, payload=payload, at=now)
        await self._store.save_application(record, told=told)
        self._records[record.name] = record
        if app is not None:
            self.applications[app.name] = app
        self.happened(record.name)

    def _lock(self, app: str) -> asyncio.Lock:
        return self._locks.setdefault(app, asyncio.Lock())

    async def forget(self, app: str) -> None:
        """Keep nothing of an application but its history. Raises StoreFailed."""
        await self._store.delete_application(app)
        for kept in (self._records, self._deployments, self._observations, self._written, self.applications):
            kept.pop(app, None)
        self.asked.pop(app, None)
        await self._store.add_event(kind="application", app=app, payload={"state": "forgotten"}, at=self._clock.now())
        self.happened(app)

    def asked_for(self, app: str) -> Asked | None:
        """Return what asked for the version that should run now, None where nothing but its commit did."""
        asked, record = self.asked.get(app), self._records.get(app)
        if asked is None or record is None or record.desired is None:
            return None
        return asked if asked.version == record.desired.version else None

    @contextlib.contextmanager
    def deciding(self, app: str) -> Iterator[None]:
        """Say that what should run is being replaced: nothing is taken up until that is written, or has failed."""
        self._deciding.add(app)
        try:
            yield
        finally:
            self._deciding.discard(app)
            self.happened(app)

    @contextlib.contextmanager
    def taking_up(self, app: str, version: str) -> Iterator[None]:
        """Say that a version is about to be tried; its record is written soon."""
        self._taken_up[app] = version
        try:
            yield
        finally:
            self._taken_up.pop(app, None)

    def is_deciding(self, app: str) -> bool:
        """Say whether what should run is being replaced at this moment."""
        return app in self._deciding

    def is_taken_up(self, app: str, version: str) -> bool:
        """Say whether a version is being tried, or about to be."""
        return self._taken_up.get(app) == version

    def coming(self, apps: Collection[str]) -> None:
        """Say of which applications a new head may ask something else, before any of them is followed."""
        self._coming |= dict.fromkeys(apps, False)
        if self._coming:
            self._all_came.clear()

    def decided(self, app: str) -> None:
        """Say that it stands in its record what an application asks for now."""
        if app in self._coming:
            self._coming[app] = True
            self.happened(app)

    def came(self, app: str) -> None:
        """Say that an application's target is asked for what should run, or that there is nothing new to ask for."""
        self._coming.pop(app, None)
        if not self._coming:
            self._all_came.set()

    def rests(self, app: str) -> None:
        """Say that nothing is done for an application as its record is now."""
        if self._coming.get(app):
            self.came(app)

    def undecided_stay(self, apps: Collection[str]) -> None:
        """Say that what applications ask for stays as it was where nothing was decided."""
        for app in apps:
            if self._coming.get(app) is False:
                self.came(app)

    async def all_came(self) -> None:
        """Wait until the target of every application knows what it asks for."""
        await self._all_came.wait()

    def under_way(self, *, since: dt.datetime) -> int:
        """Return how many deployments are in progress that began at `since` or later."""
        runs = (run for run in self._deployments.values() if run is not None)
        return sum(run.outcome == "in-progress" and run.started_at >= since for run in runs)

    async def last(self, app: str) -> Deployment | None:
        """Return the newest deployment that was not overtaken before the target had anything of it.

        Raises StoreFailed.
        """
        if app not in self._deployments:
            runs = await self._store.deployments(DeploymentQuery(app=app, limit=20))
            record = self._records.get(app)
            earlier = record.earlier if record is not None else 0
            self._deployments[app] = next((run for run in runs if run.number > earlier and was_applied(run)), None)
        return self._deployments[app]

    def ran(self, deployment: Deployment) -> None:
        """Take note of a deployment as it was stored last."""
        if deployment.outcome == "superseded":
            self._deployments.pop(deployment.app, None)
        else:
            self._deployments[deployment.app] = deployment
        self.happened(deployment.app)

    def observation(self, app: str) -> Observation | None:
        """Return what was seen last, None where nobody looked yet."""
        return self._observations.get(app)

    def applies(self, app: str) -> int:
        """Return how often something was applied: a look that began before the last time tells of what ran before."""
        return self._applies.get(app, 0)

    async def applied(self, app: str, **fields: Any) -> None:
        """Write these fields of a record once something was applied. Raises StoreFailed.

        From here on no look counts that began before; the next one is stored, also where it says the same.
        """
        async with self._lock(app):
            self._applies[app] = self.applies(app) + 1
            self._written.pop(app, None)
            await self._update(app, fields)

    async def observe(self, seen: Observation, *, applies: int) -> None:
        """Take note of an observation; store it if it says something new, or so that it is not taken for old.

        applies: what `applies` said when the look began; one that was overtaken by an apply counts for nothing.
        Raises StoreFailed; what was seen is known all the same.
        """
        if applies != self.applies(seen.app):
            return
        self._observations[seen.app] = seen
        self.happened(seen.app)
        async with self._lock(seen.app):
            if applies != self.applies(seen.app):
                return
            record, written = self._records.get(seen.app), self._written.get(seen.app)
            if record is None:
                return
            same = written is not None and msgspec.structs.replace(written, observed_at=seen.observed_at) == seen
            same = same and (record.health, record.sync) == (seen.health, seen.sync)
            if same and written is not None and (seen.observed_at - written.observed_at).total_seconds() < REFRESH_S:
                return
            await self._store.observe(seen, told=_turn(record, seen) or _progress(written, seen))
            self._written[seen.app] = seen
            self._records[seen.app] = msgspec.structs.replace(
                self._records[seen.app],
                health=seen.health,
                sync=seen.sync,
                health_message=seen.message,
                observed_at=seen.observed_at,
            )

    def change(self, app: str) -> asyncio.Future[None]:
        """Return what is done at the next change of an application: take it first, then look, then wait.

        It is shared by all who wait: nobody cancels it, nor awaits it alone.
        """
        changed = self._changes.get(app)
        if changed is None:
            changed = self._changes[app] = asyncio.get_running_loop().create_future()
        return changed

    def happened(self, app: str) -> None:
        """Wake whoever waits for a change of an application."""
        changed = self._changes.pop(app, None)
        if changed is not None:
            changed.set_result(None)


def _turn(record: ApplicationRecord, seen: Observation) -> Told | None:
    """Return what is told of an observation: that health or sync turned, None where neither did."""
    if (record.health, record.sync) == (seen.health, seen.sync):
        return None
    payload = {"health": seen.health, "sync": seen.sync, "message": seen.message}
    return Told(kind="health", app=seen.app, payload=payload, at=seen.observed_at)


def _progress(before: Observation | None, seen: Observation) -> Told | None:
    """Return what is told of an observation in which nothing turned: that a resource's count or reason moved."""
    if before is None or _counts(before) == _counts(seen):
        return None
    payload = {"ready": sum(one.ready for one in seen.resources), "wanted": sum(one.wanted for one in seen.resources)}
    return Told(kind="progress", app=seen.app, payload=payload, at=seen.observed_at)


def _counts(seen: Observation) -> list[tuple[object, ...]]:
    return [(one.kind, one.name, one.health, one.reason, one.ready, one.wanted) for one in seen.resources]


def _judgement(record: ApplicationRecord) -> tuple[object, ...]:
    return record.state, record.current, record.desired, record.refused, record.definition


async def wait_for(changed: asyncio.Future[None], clock: Clock, seconds: float | None) -> bool:
    """Wait for a change, at most so long; say whether it came. None: as long as it takes."""
    if seconds is None:
        await asyncio.wait({changed})
        return True
    if seconds <= 0:
        return changed.done()
    late = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({changed, late}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        late.cancel()
    return changed.done()
