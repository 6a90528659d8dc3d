"""Statements that keep the settings that deployments changed, and find the records that have none yet."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from lastgood.core.deployment import Deployment
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.setting import Settings
from lastgood.store.due import due
from lastgood.store.schema import settings
from lastgood.store.search import find_by, settings_text
from lastgood.store.upsert import upsert

# Kept, because putting a statement together costs more than running it.
_READ = select(*settings.c).where(settings.c.deployment.in_(bindparam("ids", expanding=True)))
_FIND_BY = find_by("settings_folded")


def save(connection: Connection, kept: KeptSettings) -> None:
    """Insert or replace the settings of a record; it is found by them from then on."""
    found = kept.settings
    values = {
        "deployment": kept.deployment,
        "found_at": kept.found_at,
        "before": kept.before,
        "changes": found.changes,
        "more": found.more,
        "unknown": found.unknown,
        "again_at": kept.again_at,
    }
    upsert(connection, settings, values)
    text = settings_text(found)
    connection.execute(_FIND_BY, {"of": kept.deployment, "text": text})


def read(connection: Connection, ids: Sequence[int]) -> dict[int, KeptSettings]:
    """Return the settings of those records that have them, by the record's id."""
    rows = connection.execute(_READ, {"ids": ids})
    return {
        row.deployment: KeptSettings(
            deployment=row.deployment,
            found_at=row.found_at,
            settings=Settings(changes=row.changes, more=row.more, unknown=row.unknown),
            before=row.before,
            again_at=row.again_at,
        )
        for row in rows
    }


def wanting(connection: Connection, *, after_id: int, at: dt.datetime, limit: int) -> list[Deployment]:
    """Return records whose settings were not looked for, or are to be looked for again."""
    return due(connection, settings, after_id=after_id, at=at, limit=limit)
