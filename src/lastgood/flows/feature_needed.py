"""Who may miss what leaves: other applications that have the same feature, and people who were told that it is live.

Asks the records alone: what ran is there, even where no source repo answers.
"""

import datetime as dt
from collections.abc import Mapping, Sequence

from lastgood.core.carried import Carried, searched
from lastgood.core.checks import fails, passes, unknown
from lastgood.core.dates import relative
from lastgood.core.deployment import Deployment
from lastgood.core.feature import Feature
from lastgood.core.plan import Check, PlannedFeatures
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.flows.branch import Look
from lastgood.flows.weigh import Weighed

# Each is one question to the records, and somebody waits for the plan.
MOST_ASKED = 20
_RECORDS = 50
_NAMED = 3
_TITLE = 80
NAME = "feature-needed"


async def feature_needed(look: Look, weighed: Weighed, found: PlannedFeatures, *, together: set[str]) -> Check:
    """Say whether another application of the environment has a feature that leaves. together: who goes back, too."""
    app, store = weighed.app, look.branch.store
    if store is None:
        return unknown(NAME, app.name, "only records tell what others run, and Git alone has none")
    if found.unknown:
        images = ", ".join(one.image for one in found.unknown[:_NAMED])
        return unknown(NAME, app.name, f"what leaves is not known of {images}")
    if not found.leaving:
        return passes(NAME, app.name, "no feature leaves")
    asked = found.leaving[:MOST_ASKED]
    having = [
        (feature, other) for feature in asked for other in await _having(store, feature, app.environment, together)
    ]
    if having:
        said = [f"{other.app} has {feature.id} since n{other.number}" for feature, other in having[:_NAMED]]
        more = f", and {len(having) - _NAMED} more" if len(having) > _NAMED else ""
        return fails(
            NAME, app.name, f"{'; '.join(said)}{more}", hint=f"`lastgood where {having[0][0].id}` shows who has it"
        )
    if len(found.leaving) > len(asked):
        detail = f"of {len(found.leaving)} features that leave the newest {len(asked)} were looked for elsewhere"
        return unknown(NAME, app.name, detail)
    where = f"of {app.environment}" if app.environment else "on record"
    return passes(NAME, app.name, f"no other application {where} has a feature that leaves")


async def _having(store: Store, feature: Feature, environment: str | None, together: set[str]) -> list[Deployment]:
    """Return, of each other application that has the feature, the deployment that brought it."""
    # Nothing runs before it was made; a day for clocks that disagree. Without that all records would be searched.
    since = feature.at - dt.timedelta(days=1) if feature.at is not None else None
    query = DeploymentQuery(environment=environment, feature=searched(feature.id), since=since, limit=_RECORDS)
    runs = [run for run in await store.deployments(query) if run.app not in together and run.outcome == "succeeded"]
    kept = await store.carried([run.id for run in runs]) if runs else {}
    newest: dict[str, Deployment | None] = {}
    for run in runs:
        some = kept.get(run.id)
        if some is None or run.app in newest:
            continue
        if _has(some.entered, feature):
            newest[run.app] = run
        elif _has(some.left, feature):
            newest[run.app] = None
    return [run for run in newest.values() if run is not None]


def _has(some: Sequence[Feature], feature: Feature) -> bool:
    return any(_is_same(one, feature) for one in some)


def _is_same(one: Feature, other: Feature) -> bool:
    # The key of a tracker means the same in every repo, a number only in its own.
    everywhere = one.kind == "issue" and "#" not in one.id
    return one.id == other.id and (everywhere or one.repo == other.repo)


async def return_notes(look: Look, weighed: Weighed, found: PlannedFeatures) -> list[str]:
    """Say what going back means for people: features that were live leave, and bugs return."""
    app, part = weighed.app.name, weighed.part
    notes = []
    if found.leaving:
        notes += await _live(look, app, found.leaving)
    fixes = [one for one in found.leaving if one.type == "fix"]
    if fixes:
        notes.append(f"{app}: what these fixes mended returns: {_names(fixes)}")
    was, will = part.from_.committed_at, part.to.committed_at
    if found.returning and was is not None and will is not None and will < was:
        notes.append(f"{app}: what was taken out since then returns: {_names(found.returning)}")
    return notes


async def _live(look: Look, app: str, leaving: Sequence[Feature]) -> list[str]:
    store = look.branch.store
    if store is None:
        return []
    good = [run for run in (await look.runs(app))[:_RECORDS] if run.baked_at is not None]
    kept: Mapping[int, Carried] = await store.carried([run.id for run in good]) if good else {}
    since: dict[str, Deployment] = {}
    for run in good:
        for feature in leaving:
            if feature.id not in since and run.id in kept and _has(kept[run.id].entered, feature):
                since[feature.id] = run
    if not since:
        return []
    oldest = min(since.values(), key=lambda run: run.number)
    when = relative(oldest.started_at, look.branch.clock.now())
    names = _names([feature for feature in leaving if feature.id in since])
    return [f"{app}: was live and leaves, since n{oldest.number} ({when}) at the longest: {names}"]


def _names(features: Sequence[Feature]) -> str:
    said = ", ".join(f"{one.id} ({_cut(one.title)})" for one in features[:_NAMED])
    return said + (f" and {len(features) - _NAMED} more" if len(features) > _NAMED else "")


def _cut(title: str) -> str:
    # What is cut without a word reads as something else: an issue's number loses a digit.
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
