"""Statements about holds and the heads that they refused. The rules are `core/hold.py`."""

import datetime as dt

from sqlalchemy import Connection, bindparam, desc, select

from lastgood.core.record import HoldRecord, RefusedHead
from lastgood.store import application
from lastgood.store.schema import holds, refused_heads
from lastgood.store.upsert import insert, upsert

_ALL = select(holds).order_by(holds.c.since, holds.c.app, holds.c.hold_id)
# Kept, because putting a statement together costs more than running it, and each deployment asks twice.
_IN_FORCE_OF = _ALL.where(holds.c.app == bindparam("held_app"), holds.c.ended_at.is_(None))


def save(connection: Connection, record: HoldRecord) -> None:
    """Insert or replace a hold by (app, id)."""
    upsert(
        connection,
        holds,
        {
            "app": record.app,
            "hold_id": record.hold.id,
            "hold": record.hold,
            "since": record.hold.since,
            "commit_oid": record.commit,
            "ended_at": record.ended_at,
            "ended_by": record.ended_by,
            "vanished": record.vanished,
        },
    )


def read_all(connection: Connection, app: str | None, *, in_force: bool) -> list[HoldRecord]:
    """Return holds, oldest first; in_force: only those that nobody and nothing ended (a date is the caller's to ask).

    app: of that one only.
    """
    if app is not None and in_force:
        rows = connection.execute(_IN_FORCE_OF, {"held_app": app})
    else:
        asked = _ALL if app is None else _ALL.where(holds.c.app == app)
        rows = connection.execute(asked.where(holds.c.ended_at.is_(None)) if in_force else asked)
    return [
        HoldRecord(
            app=row.app,
            hold=row.hold,
            commit=row.commit_oid,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            vanished=row.vanished,
        )
        for row in rows
    ]


def refuse(connection: Connection, refused: RefusedHead) -> None:
    """Record a refusal; the first one of an (app, commit) stays."""
    values = {
        "app": refused.app,
        "environment": application.environment(connection, refused.app),
        "commit_oid": refused.commit,
        "version": refused.version,
        "hold": refused.hold,
        "at": refused.at,
    }
    connection.execute(
        insert(connection, refused_heads).values(**values).on_conflict_do_nothing(index_elements=["app", "commit_oid"])
    )


def refused(
    connection: Connection,
    app: str | None,
    *,
    environment: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    limit: int,
) -> list[RefusedHead]:
    """Return refusals in [since, until), newest first."""
    rows = refused_heads.c
    asked = select(refused_heads).order_by(desc(rows.at), desc(rows.id)).limit(limit)
    if app is not None:
        asked = asked.where(rows.app == app)
    if environment is not None:
        asked = asked.where(rows.environment == environment)
    if since is not None:
        asked = asked.where(rows.at >= since)
    if until is not None:
        asked = asked.where(rows.at < until)
    return [
        RefusedHead(app=row.app, commit=row.commit_oid, version=row.version, hold=row.hold, at=row.at)
        for row in connection.execute(asked)
    ]
