"""Say anew which version of an application is the last known good one, after anything that may change it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from lastgood.core.deployment import Judged
from lastgood.core.hold import in_force
from lastgood.core.last_good import last_good
from lastgood.core.ports import Clock, Store
from lastgood.core.record import ApplicationRecord, HoldRecord
from lastgood.core.version import version_at
from lastgood.flows.known import Known

Judges = tuple[Sequence[HoldRecord], Sequence[Judged]]
# Mostly what ran before is good; more is read only where none of so many records says so.
FEW = 3


async def judges(app: str, *, store: Store) -> Judges:
    """Return the holds in force, and what judged a version last, for `judged`. Raises StoreFailed."""
    return await store.judged(app, newest=FEW)


async def judged(record: ApplicationRecord, *, store: Store, clock: Clock, by: Judges | None = None) -> dict[str, Any]:
    """Return the fields `last_good` and `held` as they follow from the records, to be written with what changed.

    record: with `desired` and `running` as they are to be. by: what `judges` has just returned. Raises StoreFailed.
    """
    by = by if by is not None else await judges(record.name, store=store)
    fields = _judged_by(record, by, now=clock.now())
    if fields["last_good"] is None and len(by[1]) == FEW:
        fields = _judged_by(record, await store.judged(record.name), now=clock.now())
    return fields


def _judged_by(record: ApplicationRecord, by: Judges, *, now: dt.datetime) -> dict[str, Any]:
    holds = [one.hold for one in by[0] if in_force(one.hold, now)]
    found = last_good(
        by[1],
        other_than={version.version for version in (record.desired, record.running) if version is not None},
        held={hold.version for hold in holds},
    )
    version = found and version_at(found.commit, version=found.version, path_tree=found.path_tree, ran=True)
    return {"last_good": version, "held": len(holds)}


async def refresh_last_good(app: str, *, store: Store, known: Known, clock: Clock) -> None:
    """Recompute the last known good version and the number of holds; write what changed. Raises StoreFailed."""
    record = known.record(app)
    if record is not None:
        await known.update(app, **await judged(record, store=store, clock=clock))
