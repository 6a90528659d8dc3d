"""Statements that keep the features of deployment records, and find the records that have none yet."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, Text, bindparam, desc, literal_column, or_, select, type_coerce

from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.value import to_json
from lastgood.store.due import due
from lastgood.store.schema import carried, deployments
from lastgood.store.search import feature_text, find_by, people_text
from lastgood.store.upsert import upsert

# As the columns keep it.
_NOTHING = "'[]'"
_SAME_ORIGINS = to_json((NO_ORIGINS, NO_ORIGINS)).decode()

# Kept, because putting a statement together costs more than running it.
_READ = select(*carried.c).where(carried.c.deployment.in_(bindparam("ids", expanding=True)))
_BUILT = (
    select(carried.c.deployment, carried.c.built)
    .join(deployments, deployments.c.id == carried.c.deployment)
    .where(deployments.c.app == bindparam("built_app"), carried.c.built != literal_column(_NOTHING))
    .order_by(desc(deployments.c.id))
    .limit(bindparam("most"))
)
_FIND_BY = find_by("features_folded")
_BY_PEOPLE = (
    deployments.update()
    .where(deployments.c.id == bindparam("of"), deployments.c.people_folded != bindparam("people", type_=Text))
    .values(people_folded=bindparam("people"))
)


def save(connection: Connection, kept: Carried) -> None:
    """Insert or replace the features of a record; it is found by them from then on."""
    values = {name: getattr(kept, name) for name in kept.__struct_fields__}
    upsert(connection, carried, values)
    text = feature_text(kept)
    connection.execute(_FIND_BY, {"of": kept.deployment, "text": text})
    connection.execute(_BY_PEOPLE, {"of": kept.deployment, "people": people_text(kept)})


def read(connection: Connection, ids: Sequence[int]) -> dict[int, Carried]:
    """Return the features of those records that have them, by the record's id."""
    rows = connection.execute(_READ, {"ids": ids})
    return {row.deployment: Carried(**row._asdict()) for row in rows}


def built(connection: Connection, app: str, *, limit: int) -> list[tuple[int, tuple[Built, ...]]]:
    """Return what the images of an application's records were built from, by the record's id, newest first."""
    return [(row.deployment, row.built) for row in connection.execute(_BUILT, {"built_app": app, "most": limit})]


def wanting(connection: Connection, *, after_id: int, at: dt.datetime, limit: int) -> list[Deployment]:
    """Return records that changed images or bases whose features are to be looked for, or to be looked for again."""
    changed = or_(
        deployments.c.images != literal_column(_NOTHING),
        type_coerce(deployments.c.origins, Text) != _SAME_ORIGINS,
    )
    return due(connection, carried, changed, after_id=after_id, at=at, limit=limit)
