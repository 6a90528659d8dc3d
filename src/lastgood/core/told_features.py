"""What records know of features better than Git alone: the titles, labels and people that a forge or a tracker told.

Whoever asks what lies between two versions gets these, too, as far as they are on record. Awaits the port Store;
nobody is asked for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, may_carry
from lastgood.core.feature import Feature, called
from lastgood.core.mailmap import unique
from lastgood.core.record import DeploymentQuery

if TYPE_CHECKING:
    # The ports are made of what stands in core.
    from lastgood.core.ports import Store

# So many of the application's newest records are looked through, which mostly tell all. Then so many features are
# looked for by their ids, in so many pages of the records of any application.
AT_ONCE = 25
MOST_ASKED = 50
MOST_PAGES = 8
Key = tuple[str, str]


async def told_features(store: "Store | None", app: str | None, wanted: Iterable[Feature]) -> dict[Key, Feature]:
    """Return the pull requests and issues among some features as the newest records have them, by repo and id.

    app: whose records are looked through first, where it is one's.
    """
    missing = dict.fromkeys((one.repo, one.id) for one in wanted if one.kind != "commit")
    found: dict[Key, Feature] = {}
    if store is None or not missing:
        return found
    if app is not None:
        runs = await store.deployments(DeploymentQuery(app=app, limit=AT_ONCE))
        found |= await _known(store, runs, missing)
    asked = [key for key in missing if key not in found][:MOST_ASKED]
    before_id = None
    for _ in range(MOST_PAGES):
        ids = tuple(dict.fromkeys(of for repo, of in asked if (repo, of) not in found))
        if not ids:
            break
        runs = await store.deployments(DeploymentQuery(features=ids, before_id=before_id, limit=AT_ONCE))
        found = await _known(store, runs, missing) | found
        if len(runs) < AT_ONCE:
            break
        before_id = runs[-1].id
    return found


async def _known(store: "Store", runs: Sequence[Deployment], wanted: Iterable[Key]) -> dict[Key, Feature]:
    kept = await store.carried([run.id for run in runs if may_carry(run.images, run.origins)])
    known = as_kept(kept[at] for at in sorted(kept, reverse=True))
    return {key: known[key] for key in wanted if key in known}


def as_kept(kept: Iterable[Carried]) -> dict[Key, Feature]:
    """Return the features of some records by repo and id. kept: newest first; the newest has the last word."""
    known: dict[Key, Feature] = {}
    for one in kept:
        for feature in (*one.entered, *one.left):
            known.setdefault((feature.repo, feature.id), feature)
    return known


def as_told(features: Sequence[Feature], told: Mapping[Key, Feature]) -> tuple[Feature, ...]:
    """Return features with the titles, labels and people that are on record; all else stays as Git has it."""
    return tuple(_better(one, told.get((one.repo, one.id))) for one in features)


def _better(feature: Feature, told: Feature | None) -> Feature:
    if told is None or feature.kind == "commit":
        return feature
    return msgspec.structs.replace(
        called(feature, told.title),
        labels=told.labels,
        authors=unique([*told.authors, *feature.authors]),
        url=feature.url or told.url,
    )
