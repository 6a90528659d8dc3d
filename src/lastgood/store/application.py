"""Statements about the present state of applications. Their deployments are `deployment.py`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from lastgood.core.observation import Observation
from lastgood.core.record import ApplicationRecord
from lastgood.store.schema import applications
from lastgood.store.upsert import upsert

# Kept, because putting a statement together costs more than running it.
_OBSERVE = applications.update().where(applications.c.name == bindparam("observed_app"))
_ENVIRONMENT = select(applications.c.environment).where(applications.c.name == bindparam("app"))


def save(connection: Connection, app: ApplicationRecord) -> None:
    """Insert or replace an application by name."""
    upsert(
        connection,
        applications,
        {
            "name": app.name,
            "repo": app.repo,
            "branch": app.branch,
            "path": app.path,
            "group_name": app.group,
            "environment": app.environment,
            "destination": app.destination,
            "renderer": app.renderer,
            "definition": app.definition,
            "state": app.state,
            "message": app.message,
            "current_version": app.current,
            "desired_version": app.desired,
            "running_version": app.running,
            "last_good_version": app.last_good,
            "refused": app.refused,
            "held": app.held,
            "health": app.health,
            "sync": app.sync,
            "health_message": app.health_message,
            "observed_at": app.observed_at,
            "updated_at": app.updated_at,
            "earlier": app.earlier,
        },
    )


def read(connection: Connection, name: str) -> ApplicationRecord | None:
    """Return one application, None where there is none."""
    row = connection.execute(select(applications).where(applications.c.name == name)).one_or_none()
    return None if row is None else _record(row)


def read_all(connection: Connection, names: Sequence[str] | None = None) -> list[ApplicationRecord]:
    """Return all applications by name; with names, only these."""
    asked = select(applications).order_by(applications.c.name)
    if names is not None:
        asked = asked.where(applications.c.name.in_(names))
    return [_record(row) for row in connection.execute(asked)]


def delete(connection: Connection, name: str) -> None:
    """Forget the present state; numbers and deployments stay."""
    connection.execute(applications.delete().where(applications.c.name == name))


def observe(connection: Connection, observation: Observation) -> None:
    """Keep what was observed; nothing happens where the application is not kept any more."""
    values = {
        "observed_app": observation.app,
        "health": observation.health,
        "sync": observation.sync,
        "health_message": observation.message,
        "observed_at": observation.observed_at,
    }
    connection.execute(_OBSERVE, values)


def environment(connection: Connection, name: str) -> str | None:
    """Return the environment that an application has now, None where that is not known."""
    found: str | None = connection.execute(_ENVIRONMENT, {"app": name}).scalar_one_or_none()
    return found


def _record(row: Row[Any]) -> ApplicationRecord:
    return ApplicationRecord(
        name=row.name,
        repo=row.repo,
        branch=row.branch,
        path=row.path,
        group=row.group_name,
        environment=row.environment,
        destination=row.destination,
        renderer=row.renderer,
        definition=row.definition,
        state=row.state,
        message=row.message,
        current=row.current_version,
        desired=row.desired_version,
        running=row.running_version,
        last_good=row.last_good_version,
        refused=row.refused,
        held=row.held,
        health=row.health,
        sync=row.sync,
        health_message=row.health_message,
        observed_at=row.observed_at,
        updated_at=row.updated_at,
        earlier=row.earlier,
    )
