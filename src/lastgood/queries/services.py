"""What an application runs, each service with the deployment that changed it last. Awaits the ports; writes nothing."""

import msgspec

from lastgood.core.deployment import Deployment
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.service import LastChange, Services
from lastgood.queries.destination import FindTarget, target_of

MAX_RECORDS = 100


async def services(app: str, *, store: Store | None, targets: FindTarget | None) -> Services:
    """Return the services. Raises UnknownApplication, NeedsServer, SettingsWrong."""
    target = await target_of(app, store=store, targets=targets)
    found = await target.services(app)
    if store is None or not found.services:
        return found
    changes = last_changes(await store.deployments(DeploymentQuery(app=app, limit=MAX_RECORDS)))
    told = tuple(msgspec.structs.replace(one, last_change=changes.get((one.kind, one.name))) for one in found.services)
    return msgspec.structs.replace(found, services=told)


def last_changes(runs: list[Deployment]) -> dict[tuple[str, str], LastChange]:
    """Return by (kind, name) the newest deployment that changed it. runs: newest first.

    What an attempt left as it was, or could not change, is no change.
    """
    found: dict[tuple[str, str], LastChange] = {}
    for run in runs:
        for one in run.resources:
            if one.outcome == "applied" and one.change is not None:
                found.setdefault((one.kind, one.name), _change(run))
    return found


def _change(run: Deployment) -> LastChange:
    return LastChange(
        number=run.number,
        trigger=run.trigger,
        at=run.started_at,
        commit=run.commit.oid,
        subject=run.commit.subject,
        author=run.commit.author,
    )
