"""Who may miss what leaves: other applications that have the same feature, and people who were told that it is live.

Asks the records: what ran is there, even where no source repo answers. What they cannot tell, because nothing is
recorded from before an application's first deployment, the source repo tells of what runs there.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from lastgood.core.application import Application
from lastgood.core.asked_image import plain_name
from lastgood.core.built import built_records
from lastgood.core.carried import Carried
from lastgood.core.checks import fails, passes, unknown
from lastgood.core.dates import relative
from lastgood.core.deployment import Deployment, reach
from lastgood.core.errors import LastgoodError
from lastgood.core.feature import Feature
from lastgood.core.feature_versions import Deployed, presences
from lastgood.core.forge import web_address
from lastgood.core.plan import Check, PlannedFeatures
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.recorded_presence import CLOCKS, Recorded, is_same, made_by, recorded
from lastgood.core.source_features import SourceAt, locate_version
from lastgood.core.sources import source_of
from lastgood.flows.branch import Look
from lastgood.flows.weigh import Weighed

# Each is one question to the records, and somebody waits for the plan.
MOST_ASKED = 20
MOST_LOCATED = 8
_RECORDS = 500
_OWN_RECORDS = 50
_NAMED = 3
_TITLE = 80
NAME = "feature-needed"


async def feature_needed(look: Look, weighed: Weighed, found: PlannedFeatures, *, together: set[str]) -> Check:
    """Say whether another application of the environment has a feature that leaves. together: who goes back, too."""
    app, store = weighed.app, look.branch.store
    if store is None:
        return unknown(NAME, app.name, "only records tell what others run, and Git alone has none")
    images = list(dict.fromkeys(one.image for one in found.unknown))
    not_known = unknown(NAME, app.name, f"what leaves is not known of {', '.join(images[:_NAMED])}") if images else None
    if not found.leaving:
        return not_known or passes(NAME, app.name, "no feature leaves")
    check = await _elsewhere(store, look, app, found.leaving, together={*together, app.name})
    if not_known is None:
        return check
    return replace(check, detail=f"{check.detail}; {not_known.detail}") if check.outcome == "warn" else not_known


async def _elsewhere(
    store: Store, look: Look, app: Application, leaving: Sequence[Feature], *, together: set[str]
) -> Check:
    asked = leaving[:MOST_ASKED]
    others, all_read = await _others(store, asked, app.environment, together)
    told = [(one, other, has) for one in asked for other in others if (has := other.has(one)) is not None]
    having = [
        (f"{other.name} has {one.id}" + (f" since n{has.run.number}" if has.run is not None else ""), one)
        for one, other, has in told
        if has.contains
    ]
    unsure = []
    lives = _Lives(look)
    for one, other, has in told:
        # What an issue is about is asked for by the commits that name it.
        if has.contains is None and one.kind != "issue" and _may_have(look, other, one):
            live = await lives.has(other, one)
            if live is None:
                unsure.append((f"whether {other.name} has {one.id} is not known ({has.reason})", one))
            elif live:
                having.append((f"{other.name} has {one.id}", one))
    if having or unsure:
        said, hint = _told(having or unsure)
        return fails(NAME, app.name, said, hint=hint) if having else unknown(NAME, app.name, f"{said}; {hint}")
    if len(leaving) > len(asked):
        detail = f"of {len(leaving)} features that leave the newest {len(asked)} were looked for elsewhere"
        return unknown(NAME, app.name, detail)
    if not all_read:
        detail = f"only the newest {_RECORDS} deployments since they were made were looked through"
        return unknown(NAME, app.name, detail)
    where = f"of {app.environment}" if app.environment else "on record"
    return passes(NAME, app.name, f"no other application {where} has a feature that leaves")


def _told(found: Sequence[tuple[str, Feature]]) -> tuple[str, str]:
    """Return what is said of some, and how to see all."""
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    said = "; ".join(one for one, _ in found[:_NAMED])
    return f"{said}{more}", f"`lastgood where {found[0][1].id}` shows who has it"


@dataclasses.dataclass(frozen=True)
class _Other:
    """Another application, and what it ran since the oldest of the features was made, newest first."""

    name: str
    runs: Sequence[Deployment]
    kept: Mapping[int, Carried]

    def has(self, feature: Feature) -> Recorded | None:
        """Say whether what came up there last has a feature; None where nothing did."""
        found = recorded(self.runs, self.kept, lambda one: is_same(one, feature), made=made_by([feature]))
        pairs = zip(self.runs, found, strict=True)
        return next((one for run, one in pairs if run.outcome == "succeeded"), None)


class _Lives:
    """Asks the source repos what runs elsewhere, of no more than MOST_LOCATED applications: each may be a render."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._located: dict[str, Sequence[SourceAt]] = {}

    async def has(self, other: _Other, feature: Feature) -> bool | None:
        """Say whether what came up there last has a feature; None where its repo does not tell."""
        app = self._look.discovered.applications.get(other.name)
        run = next((run for run in other.runs if run.outcome == "succeeded"), None)
        if app is None or run is None:
            return None
        if other.name not in self._located:
            if len(self._located) >= MOST_LOCATED:
                return None
            branch, declared = self._look.branch, self._look.discovered.sources
            built = (await built_records(branch.store, other.name)).at(run.id)
            self._located[other.name] = await locate_version(
                app,
                branch.repo,
                run.commit.oid,
                renderer=branch.renderer,
                sources=branch.sources,
                declared=declared,
                built=built,
            )
        # Another repo may have a pull request of the same number; what is not located may be of this one.
        mine = [one for one in self._located[other.name] if one.history is None or one.history.repo == feature.repo]
        try:
            (found,), _ = await presences(feature.id, [Deployed(at=None, sources=tuple(mine))])
        except LastgoodError:
            return None
        return found.contains


async def _others(
    store: Store, asked: Sequence[Feature], environment: str | None, together: set[str]
) -> tuple[list[_Other], bool]:
    """Return the other applications that ran anything since, and whether their records were read as far as that."""
    times = [one.at for one in asked]
    # Nothing runs before it was made. Without that all records would be read.
    since = min(at for at in times if at is not None) - CLOCKS if None not in times else None
    runs = await store.deployments(DeploymentQuery(environment=environment, since=since, limit=_RECORDS))
    kept = await store.carried([run.id for run in runs]) if runs else {}
    by_app: dict[str, list[Deployment]] = {}
    for run in runs:
        if run.app not in together and reach(run) != "none":
            by_app.setdefault(run.app, []).append(run)
    return [_Other(name, some, kept) for name, some in by_app.items()], len(runs) < _RECORDS


def _may_have(look: Look, other: _Other, feature: Feature) -> bool:
    """Say whether anything of an application is built from the feature's repo, as far as `sources` tells."""
    if other.name not in look.discovered.applications:
        return True
    images = {one.name for run in other.runs for one in run.images}
    bases = {name for run in other.runs for one in run.origins or () for name in one.bases}
    found = [source_of(look.discovered.sources, plain_name(name), "") for name in images | bases]
    return any(web_address(one.repo).path == feature.repo for one in found if one is not None)


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
    newest = (await look.runs(app))[:_OWN_RECORDS]
    # What entered with one that failed became live with the next: that is no record's own word.
    runs = [run for run in newest if reach(run) != "none"]
    kept: Mapping[int, Carried] = await store.carried([run.id for run in runs]) if runs else {}
    since: dict[str, Deployment] = {}
    for feature in leaving:
        found = recorded(runs, kept, partial(is_same, feature), cut=True)
        if (first := _first_live(runs, [one.contains for one in found])) is not None:
            since[feature.id] = first
    if not since:
        return []
    oldest = min(since.values(), key=lambda run: run.number)
    when = relative(oldest.started_at, look.branch.clock.now())
    names = _names([feature for feature in leaving if feature.id in since])
    return [f"{app}: was live and leaves, since n{oldest.number} ({when}) at the longest: {names}"]


def _first_live(runs: Sequence[Deployment], has: Sequence[bool | None]) -> Deployment | None:
    """Return the good run from which on a feature was live when it was so last. runs: newest first."""
    first = None
    for run, so in zip(runs, has, strict=True):
        if so and run.baked_at is not None:
            first = run
        elif first is not None and not so:
            break
    return first


def _names(features: Sequence[Feature]) -> str:
    said = ", ".join(f"{one.id} ({_cut(one.title)})" for one in features[:_NAMED])
    return said + (f" and {len(features) - _NAMED} more" if len(features) > _NAMED else "")


def _cut(title: str) -> str:
    # What is cut without a word reads as something else: an issue's number loses a digit.
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
