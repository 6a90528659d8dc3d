"""What entered and left between two versions by the deployment records alone: for where a source repo does not tell.

Awaits the port Store. Puts together what the records on the way from one to the other carried; guesses nothing.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, may_carry, reach
from lastgood.core.feature import Feature
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
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
    unknown = unsure(way, kept)
    told = [one for one in asked if not unknown & {one.image, app}]
    carried = net([kept[run.id] for run in way if run.id in kept])
    return joined(found, Net(entered=carried.left, left=carried.entered) if back else carried, told)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Net:
    """What entered and left in sum, newest first."""

    entered: Sequence[Feature]
    left: Sequence[Feature]


def joined(found: Between, carried: Net, told: Sequence[NotKnown]) -> Between:
    """Put together what source repos tell and what records carried. told: of which images the records tell all."""
    known = {(one.repo, one.id) for one in (*found.entered, *found.left)}
    return Between(
        entered=(*found.entered, *(one for one in carried.entered if (one.repo, one.id) not in known)),
        left=(*found.left, *(one for one in carried.left if (one.repo, one.id) not in known)),
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


def unsure(runs: Sequence[Deployment], kept: Mapping[int, Carried]) -> set[str]:
    """Return of which images some records do not tell all; where that is no single image, the application.

    What `sources` did not name then is among them: nobody ever looked at it.
    """
    return {name for run in runs for name in _unsure(run, kept.get(run.id))}


def _unsure(run: Deployment, kept: Carried | None) -> set[str]:
    if kept is None:
        return {run.app} if may_carry(run.images, run.origins) else set()
    overtaken = run.outcome == "superseded" and reach(run) == "part"
    return {one.image for one in kept.unknown} | ({run.app} if kept.more or overtaken else set())


def net(carried: Sequence[Carried]) -> Net:
    """Return what entered and left in sum. carried: oldest first."""
    entered: dict[tuple[str, str], Feature] = {}
    left: dict[tuple[str, str], Feature] = {}
    for one in carried:
        for came, gone, some in ((entered, left, one.entered), (left, entered, one.left)):
            for feature in reversed(some):
                key = (feature.repo, feature.id)
                if gone.pop(key, None) is None:
                    came[key] = feature
    return Net(entered=list(reversed(entered.values())), left=list(reversed(left.values())))
