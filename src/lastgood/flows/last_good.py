"""Say anew which version of an application is the last known good one, after anything that may change it."""

from lastgood.core.hold import in_force
from lastgood.core.last_good import last_good
from lastgood.core.ports import Clock, Store
from lastgood.core.version import version_at
from lastgood.flows.known import Known


async def refresh_last_good(app: str, *, store: Store, known: Known, clock: Clock) -> None:
    """Recompute the last known good version and the number of holds; write what changed. Raises StoreFailed."""
    record = known.record(app)
    if record is None:
        return
    holds = [held.hold for held in await store.holds(app) if in_force(held.hold, clock.now())]
    found = last_good(
        await store.judged_deployments(app),
        other_than={version.version for version in (record.desired, record.running) if version is not None},
        held={hold.version for hold in holds},
    )
    version = found and version_at(found.commit, version=found.version, path_tree=found.path_tree, ran=True)
    await known.update(app, last_good=version, held=len(holds))
