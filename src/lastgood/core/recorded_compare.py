"""What one application has that another lacks by their deployment records alone: for where a source repo does not tell.

Awaits the port Store. Follows both back to where they ran the same images; what each carried since then is what
differs. Where they never did, nothing is told; guesses nothing.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, reach
from lastgood.core.feature import Feature
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.recorded_features import MOST_RUNS, Net, joined, net, unsure
from lastgood.core.recorded_presence import never_named
from lastgood.core.source_features import ONE_ONLY, Between, SourceAt

_State = Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runs:
    """What an application runs. version: its id. sources: its images and bases."""

    app: str
    version: str
    sources: Sequence[SourceAt]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Past:
    """runs: newest first, from the one that runs now on. kept: what they carried."""

    runs: Sequence[Deployment]
    kept: Mapping[int, Carried]
    now: dict[str, str]

    def states(self, without: set[str]) -> Iterator[frozenset[tuple[str, str]]]:
        """Yield what it ran before each of its runs, after what it runs now, as far as the records fit together."""
        state = self.now
        yield _key(state, without)
        for run in self.runs:
            was, will = _before_and_after(run)
            if any(state.get(name) != reference for name, reference in will.items()):
                return
            state = {name: state[name] for name in state.keys() - will.keys()} | was
            yield _key(state, without)


async def with_both_records(store: Store, there: Runs, here: Runs, found: Between) -> Between:
    """Add what the records of two applications tell, where a source repo did not.

    found: what the source repos tell: entered is what is here, left what is there.
    """
    asked = [one for one in found.unknown if one.reason != ONE_ONLY]
    if not asked:
        return found
    ours, theirs = await _past(store, here), await _past(store, there)
    pasts = (ours, theirs)
    beside = set[str]().union(*(never_named(past.runs, past.kept) for past in pasts))
    since = _since_alike(ours, theirs, beside)
    if since is None:
        return found
    ways = [list(reversed(past.runs[:count])) for past, count in zip(pasts, since, strict=True)]
    kept = {**ours.kept, **theirs.kept}
    unknown = unsure([run for way in ways for run in way], kept) | beside
    told = [] if unknown & {here.app, there.app} else [one for one in asked if one.image not in unknown]
    came, other = (net([kept[run.id] for run in way if run.id in kept]) for way in ways)
    entered = [*_only(came.entered, other.entered), *_only(other.left, came.left)]
    left = [*_only(other.entered, came.entered), *_only(came.left, other.left)]
    return joined(found, Net(entered=entered, left=left), told)


async def _past(store: Store, now: Runs) -> _Past:
    runs = await store.deployments(DeploymentQuery(app=now.app, limit=MOST_RUNS))
    came = [run for run in runs if reach(run) != "none"]
    at = next((n for n, run in enumerate(came) if run.version == now.version), len(came))
    kept = await store.carried([run.id for run in came[at:]])
    return _Past(runs=came[at:], kept=kept, now={one.image: one.reference for one in now.sources if one.reference})


def _since_alike(one: _Past, other: _Past, beside: set[str]) -> tuple[int, int] | None:
    """Return how many runs of each came since both ran the same; None where they never did. The fewest in sum."""
    theirs: dict[frozenset[tuple[str, str]], int] = {}
    for n, state in enumerate(other.states(beside)):
        theirs.setdefault(state, n)
    both = [(n, theirs[state]) for n, state in enumerate(one.states(beside)) if state and state in theirs]
    return min(both, key=sum, default=None)


def _before_and_after(run: Deployment) -> tuple[dict[str, str], dict[str, str]]:
    """Return the images and bases that a run changed, as they were before and after it."""
    was = {one.name: one.from_ for one in run.images if one.from_ is not None}
    will = {one.name: one.to for one in run.images if one.to is not None}
    if run.origins is not None:
        was, will = was | run.origins[0].bases, will | run.origins[1].bases
    return was, will


def _key(state: _State, without: set[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, reference) for name, reference in state.items() if name not in without)


def _only(some: Sequence[Feature], others: Sequence[Feature]) -> list[Feature]:
    known = {(one.repo, one.id) for one in others}
    return [one for one in some if (one.repo, one.id) not in known]
