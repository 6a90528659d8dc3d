"""What entered and left between two versions by the deployment records alone: for where a source repo does not tell.

Awaits the port Store. Puts together what the records on the way from one to the other carried; guesses nothing.
"""

from collections.abc import Sequence

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, may_carry, reach
from lastgood.core.feature import Feature
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.recorded_presence import LEFT_OUT, NOT_KEPT
from lastgood.core.source_features import ONE_ONLY, Between, NotKnown

# So many of an application's newest records are looked through.
MOST_RUNS = 500


async def with_records(store: Store, app: str, before: str | None, after: str | None, found: Between) -> Between:
    """Add what the records on the way between two versions carried, where a source repo did not tell all.

    before, after: version ids. found: what the source repos tell. What the records do not know either stays unknown.
    """
    asked = [one for one in found.unknown if one.reason != ONE_ONLY]
    if not asked:
        return found
    runs = await store.deployments(DeploymentQuery(app=app, limit=MOST_RUNS))
    way, back = _way([run for run in runs if reach(run) != "none"], before, after)
    if not way:
        return found
    kept = await store.carried([run.id for run in way])
    unsure = [one for run in way for one in _unsure(run, kept.get(run.id))]
    # What `sources` did not name then either, nobody ever looked at.
    of = {one.image for one in (*unsure, *(one for some in kept.values() for one in some.unknown))}
    told = [one for one in asked if not of & {one.image, app}]
    entered, left = _net([kept[run.id] for run in way if run.id in kept])
    if back:
        entered, left = left, entered
    known = {(one.repo, one.id) for one in (*found.entered, *found.left)}
    return Between(
        entered=(*found.entered, *(one for one in entered if (one.repo, one.id) not in known)),
        left=(*found.left, *(one for one in left if (one.repo, one.id) not in known)),
        committed=found.committed,
        unknown=tuple(one for one in found.unknown if one not in told),
        recorded=tuple(told),
    )


def _way(runs: Sequence[Deployment], before: str | None, after: str | None) -> tuple[list[Deployment], bool]:
    """Return the deployments that lead from one version to another, oldest first, and whether they lead back.

    runs: newest first. Nothing where one of the two never ran.
    """
    ends = next((n for n, run in enumerate(runs) if run.version == after), None)
    begins = [n for n, run in enumerate(runs) if run.version == before]
    if ends is None or not begins:
        return [], False
    at = min(begins, key=lambda n: abs(n - ends))
    newer, older = min(at, ends), max(at, ends)
    return list(reversed(runs[newer:older])), at < ends


def _unsure(run: Deployment, kept: Carried | None) -> list[NotKnown]:
    """Return what is not known of a record; where that is no single image, it is the application."""
    if kept is None:
        reason = f"n{run.number}: {NOT_KEPT}"
        return [NotKnown(image=run.app, reason=reason)] if may_carry(run.images, run.origins) else []
    if kept.more:
        return [NotKnown(image=run.app, reason=f"n{run.number}: {LEFT_OUT}")]
    if run.outcome == "superseded" and reach(run) == "part":
        return [NotKnown(image=run.app, reason=f"n{run.number} was overtaken while it was applied")]
    return [one for one in kept.unknown if one.named]


def _net(carried: Sequence[Carried]) -> tuple[list[Feature], list[Feature]]:
    """Return what entered and left in sum, newest first. carried: oldest first."""
    entered: dict[tuple[str, str], Feature] = {}
    left: dict[tuple[str, str], Feature] = {}
    for one in carried:
        for came, gone, some in ((entered, left, one.entered), (left, entered, one.left)):
            for feature in reversed(some):
                key = (feature.repo, feature.id)
                if gone.pop(key, None) is None:
                    came[key] = feature
    return list(reversed(entered.values())), list(reversed(left.values()))
