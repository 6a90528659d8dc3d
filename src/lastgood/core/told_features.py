"""What records know of features better than Git alone: the titles, labels and people that a forge or a tracker told.

Whoever asks what lies between two versions gets these, too, as far as they are on record. Awaits the port Store;
nobody is asked for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from lastgood.core.carried import Carried
from lastgood.core.deployment import may_carry
from lastgood.core.feature import Feature
from lastgood.core.mailmap import unique
from lastgood.core.record import DeploymentQuery

if TYPE_CHECKING:
    # The ports are made of what stands in core.
    from lastgood.core.ports import Store

# So many records of the application are looked through, newest first, and as many at once; then as many of any.
MOST_RECORDS = 200
AT_ONCE = 25
Key = tuple[str, str]


async def told_features(store: "Store | None", app: str, wanted: Iterable[Feature]) -> dict[Key, Feature]:
    """Return the pull requests and issues among some features as the newest records have them, by repo and id."""
    missing = {(one.repo, one.id) for one in wanted if one.kind != "commit"}
    found: dict[Key, Feature] = {}
    if store is None:
        return found
    for of, most in ((app, MOST_RECORDS), (None, AT_ONCE)):
        before_id = None
        for _ in range(0, most, AT_ONCE):
            if not missing:
                return found
            runs = await store.deployments(DeploymentQuery(app=of, before_id=before_id, limit=AT_ONCE))
            kept = await store.carried([run.id for run in runs if may_carry(run.images, run.origins)])
            known = as_kept(kept[at] for at in sorted(kept, reverse=True))
            found |= {key: known[key] for key in missing & known.keys()}
            missing -= known.keys()
            if len(runs) < AT_ONCE:
                break
            before_id = runs[-1].id
    return found


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
        feature,
        title=told.title,
        labels=told.labels,
        authors=unique([*told.authors, *feature.authors]),
        url=feature.url or told.url,
    )
