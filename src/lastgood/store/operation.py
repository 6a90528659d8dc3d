"""Statements about operations: what somebody asked for, and how far it has come. Knows no deployment."""

from typing import Any

from sqlalchemy import Connection, Row, desc, select

from lastgood.core.commit import Person
from lastgood.core.operation import Operation
from lastgood.store.schema import operation_applications, operations
from lastgood.store.upsert import insert, upsert

# An operation of which nobody knows whether its push arrived (`unknown`) has not ended: it is to be finished.
_ENDED = ("done", "failed")


def save(connection: Connection, operation: Operation) -> None:
    """Insert or replace an operation by id."""
    upsert(
        connection,
        operations,
        {
            "id": operation.id,
            "kind": operation.kind,
            "repo": operation.repo,
            "branch": operation.branch,
            "moved": operation.moved,
            "reason": operation.reason,
            "despite": operation.despite,
            "by_name": operation.by.name,
            "by_email": operation.by.email,
            "requested_at": operation.requested_at,
            "step": operation.step,
            "commit_oid": operation.commit,
            "head": operation.head,
            "message": operation.message,
            "finished_at": operation.finished_at,
            "plan": operation.plan,
        },
    )
    apps = sorted({moved.app for moved in operation.moved})
    connection.execute(operation_applications.delete().where(operation_applications.c.operation == operation.id))
    if apps:
        rows = [{"operation": operation.id, "app": app} for app in apps]
        connection.execute(insert(connection, operation_applications).on_conflict_do_nothing(), rows)


def read(connection: Connection, operation: str) -> Operation | None:
    """Return one operation, None where there is none."""
    row = connection.execute(select(operations).where(operations.c.id == operation)).one_or_none()
    return None if row is None else _operation(row)


def read_all(
    connection: Connection, *, app: str | None, commit: str | None, open_only: bool, limit: int
) -> list[Operation]:
    """Return operations, newest first; app: those that moved it; commit: those that the branch got by it."""
    asked = select(operations).order_by(desc(operations.c.requested_at), desc(operations.c.id)).limit(limit)
    if app is not None:
        moved = select(operation_applications.c.operation).where(operation_applications.c.app == app)
        asked = asked.where(operations.c.id.in_(moved))
    if commit is not None:
        asked = asked.where(operations.c.commit_oid == commit)
    if open_only:
        asked = asked.where(operations.c.step.not_in(_ENDED))
    return [_operation(row) for row in connection.execute(asked)]


def reason(connection: Connection, operation: str) -> str:
    """Return why an operation was asked for, "" where it is not recorded."""
    found: str | None = connection.execute(
        select(operations.c.reason).where(operations.c.id == operation)
    ).scalar_one_or_none()
    return found or ""


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        id=row.id,
        kind=row.kind,
        repo=row.repo,
        branch=row.branch,
        moved=row.moved,
        reason=row.reason,
        despite=row.despite,
        by=Person(name=row.by_name, email=row.by_email),
        requested_at=row.requested_at,
        step=row.step,
        commit=row.commit_oid,
        head=row.head,
        message=row.message,
        finished_at=row.finished_at,
        plan=row.plan,
    )
