"""The port Store on an SQL database: gives each of its methods its statements. Holds no statement itself."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
from sqlalchemy import Connection

from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, Judged
from lastgood.core.figures import Attempt
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.observation import Observation
from lastgood.core.operation import Operation
from lastgood.core.record import (
    ApplicationRecord,
    Bucket,
    DeploymentCount,
    DeploymentQuery,
    Event,
    HeadKind,
    HoldRecord,
    ObservedHead,
    Pause,
    RefusedHead,
    RepoRecord,
    Told,
)
from lastgood.store import application as application_sql
from lastgood.store import carried as carried_sql
from lastgood.store import deployment as deployment_sql
from lastgood.store import event as event_sql
from lastgood.store import figures as figures_sql
from lastgood.store import hold as hold_sql
from lastgood.store import operation as operation_sql
from lastgood.store import pause as pause_sql
from lastgood.store import repo as repo_sql
from lastgood.store import settings as settings_sql
from lastgood.store import timeline as timeline_sql
from lastgood.store.database import Database
from lastgood.store.opening import memory_database, open_database

MOST_JUDGED = 200


class SqlStore:
    """The records in SQLite, or in a database server by its URL. Every write is one transaction; see the port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, where: str | Path, *, busy_timeout_s: float = 5.0) -> Self:
        """Open the records and bring their schema up to date. Blocks.

        where: a file's path (made where it is missing, for its owner alone), or an SQLAlchemy URL of a server.
        busy_timeout_s: how long a transaction waits for another process that holds a file.
        Raises StoreNewer (nothing was changed), StoreUnavailable, StoreFull, StoreFailed.
        """
        return cls(open_database(where, busy_timeout_s=busy_timeout_s))

    @classmethod
    def in_memory(cls) -> Self:
        """Return an empty store that is gone when it is closed."""
        return cls(memory_database())

    def close(self) -> None:
        """Finish the writes that were begun and let the database go. Blocks."""
        self._database.close()

    # repos and heads
    async def save_repo(self, repo: RepoRecord) -> None:
        """Insert or replace a followed repo by name."""
        await self._database.write(repo_sql.save, repo)

    async def repos(self) -> list[RepoRecord]:
        """Return the followed repos by name."""
        return await self._database.read(repo_sql.read_all)

    async def observe_head(
        self, *, repo: str, branch: str, commit: str, previous: str | None, kind: HeadKind, at: dt.datetime
    ) -> ObservedHead:
        """Append to the log of heads."""
        return await self._database.write(
            repo_sql.observe_head, repo=repo, branch=branch, commit=commit, previous=previous, kind=kind, at=at
        )

    async def observed_heads(self, repo: str, branch: str, *, limit: int = 100) -> list[ObservedHead]:
        """Return the log, newest first."""
        return await self._database.read(repo_sql.heads, repo, branch, limit=limit)

    # applications
    async def save_application(self, app: ApplicationRecord, *, told: Told | None = None) -> None:
        """Insert or replace an application by name; told: the event that says so, all or nothing with it."""
        await self._database.write(_and_told, told, application_sql.save, app)

    async def application(self, name: str) -> ApplicationRecord | None:
        """Return one application."""
        return await self._database.read(application_sql.read, name)

    async def applications(self, names: Collection[str] | None = None) -> list[ApplicationRecord]:
        """Return all applications by name, removed ones too. names: only these."""
        return await self._database.read(application_sql.read_all, sorted(set(names)) if names is not None else None)

    async def delete_application(self, name: str) -> None:
        """Stop keeping an application's present state; its deployments stay for ever."""
        await self._database.write(application_sql.delete, name)

    async def observe(self, observation: Observation, *, told: Told | None = None) -> None:
        """Set health, sync, message and observed_at of an application; one that is not kept stays unknown."""
        await self._database.write(_and_told, told, application_sql.observe, observation)

    # deployments
    async def start_deployment(self, deployment: Deployment, *, told: Told | None = None) -> Deployment:
        """Record the start of an attempt (id and number of the argument are ignored); return it with both."""
        return await self._database.write(_start_deployment, deployment, told)

    async def save_deployment(self, deployment: Deployment, *, told: Told | None = None) -> None:
        """Replace a deployment's changing parts. Raises StoreFailed where its id is not recorded."""
        await self._database.write(_and_told, told, deployment_sql.save, deployment)

    async def save_carried(self, carried: Carried, *, told: Told | None = None) -> None:
        """Insert or replace the features of a deployment record."""
        await self._database.write(_and_told, told, carried_sql.save, carried)

    async def carried(self, deployments: Collection[int]) -> dict[int, Carried]:
        """Return the features of those of these records that have them, by the record's id."""
        return await self._database.read(carried_sql.read, sorted(deployments))

    async def built(self, app: str, *, limit: int) -> list[tuple[int, tuple[Built, ...]]]:
        """Return what the images of an application's records were built from, newest first."""
        return await self._database.read(carried_sql.built, app, limit=limit)

    async def wanting_features(self, *, after_id: int, at: dt.datetime, limit: int = 50) -> list[Deployment]:
        """Return records whose features are to be looked for, oldest first."""
        return await self._database.read(carried_sql.wanting, after_id=after_id, at=at, limit=limit)

    async def save_settings(self, kept: KeptSettings, *, told: Told | None = None) -> None:
        """Insert or replace the settings that a deployment changed."""
        await self._database.write(_and_told, told, settings_sql.save, kept)

    async def settings(self, deployments: Collection[int]) -> dict[int, KeptSettings]:
        """Return the settings of those of these records that have them, by the record's id."""
        return await self._database.read(settings_sql.read, sorted(deployments))

    async def wanting_settings(self, *, after_id: int, at: dt.datetime, limit: int = 50) -> list[Deployment]:
        """Return records whose settings are to be looked for, oldest first."""
        return await self._database.read(settings_sql.wanting, after_id=after_id, at=at, limit=limit)

    async def deployment(self, app: str, number: int) -> Deployment | None:
        """Return one record."""
        return await self._database.read(deployment_sql.read, app, number)

    async def deployments(self, query: DeploymentQuery) -> list[Deployment]:
        """Return records, newest first."""
        return await self._database.read(timeline_sql.page, query)

    async def count_deployments(self, query: DeploymentQuery) -> int:
        """Count the records that match, limit and before_id aside."""
        return await self._database.read(timeline_sql.count, query)

    async def deployment_buckets(self, query: DeploymentQuery, edges: Sequence[dt.datetime]) -> list[Bucket]:
        """Count the matching records between each two neighbouring edges, by outcome (or trigger, if succeeded)."""
        return await self._database.read(timeline_sql.buckets, query, edges)

    async def deployment_totals(self) -> list[DeploymentCount]:
        """Count all attempts that ended, by application, trigger and outcome."""
        return await self._database.read(figures_sql.totals)

    async def attempts(self, app: str) -> list[Attempt]:
        """Return the attempts of an application that ended, oldest first."""
        return await self._database.read(figures_sql.attempts, app=app)

    async def unfinished_deployments(self) -> list[Deployment]:
        """Return what was in progress when the last agent ended, oldest first."""
        return await self._database.read(deployment_sql.unfinished)

    async def latest_deployments(self, apps: Collection[str]) -> dict[str, Deployment]:
        """Return the newest record of each of these applications that has one."""
        return await self._database.read(deployment_sql.latest, sorted(set(apps)))

    async def judged(self, app: str, *, newest: int | None = None) -> tuple[list[HoldRecord], list[Judged]]:
        """Return the holds in force and what judges versions, both as of one moment. newest: as in the port."""
        # By the writer, whose pages are at hand: whoever asks has just written, and writes next.
        return await self._database.write(_judged, app, newest=newest)

    # operations
    async def save_operation(self, operation: Operation, *, holds: Sequence[HoldRecord] = ()) -> None:
        """Insert or replace an operation by id; holds: what began or ended by it, all or nothing with it."""
        await self._database.write(_save_operation, operation, holds)

    async def operation(self, operation: str) -> Operation | None:
        """Return one operation."""
        return await self._database.read(operation_sql.read, operation)

    async def operations(
        self, *, app: str | None = None, commit: str | None = None, open_only: bool = False, limit: int = 50
    ) -> list[Operation]:
        """Return operations, newest first; commit: those that came by this one; open_only: those that did not end."""
        return await self._database.read(
            operation_sql.read_all, app=app, commit=commit, open_only=open_only, limit=limit
        )

    # holds, refusals, pauses
    async def save_hold(self, hold: HoldRecord) -> None:
        """Insert or replace a hold by (app, hold id)."""
        await self._database.write(hold_sql.save, hold)

    async def holds(self, app: str | None = None, *, in_force: bool = True) -> list[HoldRecord]:
        """Return holds, oldest first."""
        return await self._database.read(hold_sql.read_all, app, in_force=in_force)

    async def refuse(self, refused: RefusedHead) -> None:
        """Record that a hold kept a commit out; once for each (app, commit)."""
        await self._database.write(hold_sql.refuse, refused)

    async def refused_heads(
        self,
        app: str | None = None,
        *,
        environment: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int = 1000,
    ) -> list[RefusedHead]:
        """Return refusals, newest first; since, until: refused in [since, until)."""
        return await self._database.read(
            hold_sql.refused, app, environment=environment, since=since, until=until, limit=limit
        )

    async def pause(self, pause: Pause) -> None:
        """Add a pause, replacing one of the same scope and name."""
        await self._database.write(pause_sql.save, pause)

    async def resume(self, scope: str, name: str | None) -> bool:
        """End a pause; say whether there was one."""
        return await self._database.write(pause_sql.end, scope, name)

    async def pauses(self) -> list[Pause]:
        """Return the pauses in force, oldest first."""
        # A thousand lanes ask at once when a head concerns them all.
        return [*await self._database.read_together(pause_sql.read_all)]

    # events
    async def add_event(self, *, kind: str, app: str | None, payload: Mapping[str, Any], at: dt.datetime) -> Event:
        """Append an event."""
        return await self._database.write(event_sql.add, Told(kind=kind, app=app, payload=dict(payload), at=at))

    async def events(self, *, after: int, limit: int = 200) -> list[Event]:
        """Return events with an id above `after`, oldest first."""
        return await self._database.read(event_sql.read_after, after=after, limit=limit)


def _save_operation(connection: Connection, operation: Operation, holds: Sequence[HoldRecord]) -> None:
    operation_sql.save(connection, operation)
    for record in holds:
        hold_sql.save(connection, record)


def _and_told(connection: Connection, told: Told | None, save: Callable[[Connection, Any], None], value: Any) -> None:
    save(connection, value)
    if told is not None:
        event_sql.tell(connection, told)


def _start_deployment(connection: Connection, deployment: Deployment, told: Told | None) -> Deployment:
    started = deployment_sql.start(connection, deployment)
    if told is not None:
        payload = {**told.payload, "number": started.number}
        event_sql.tell(connection, msgspec.structs.replace(told, payload=payload))
    return started


def _judged(connection: Connection, app: str, *, newest: int | None) -> tuple[list[HoldRecord], list[Judged]]:
    holds = hold_sql.read_all(connection, app, in_force=True)
    if newest is not None:
        return holds, deployment_sql.newest_judged(connection, app, limit=newest)
    return holds, deployment_sql.judged(connection, app, limit=MOST_JUDGED)
