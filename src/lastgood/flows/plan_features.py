"""What a plan takes out of each application and what it brings back, from the source repos of its images and bases.

Nobody waits for it long: what is not known in time is said to be unknown.
"""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from lastgood.core.built import built_at
from lastgood.core.dates import relative
from lastgood.core.errors import LastgoodError
from lastgood.core.feature import Feature, commits_of, is_meant, listed
from lastgood.core.feature_range import SHORT
from lastgood.core.origins import NO_ORIGINS, Origins, changed_origins
from lastgood.core.plan import PlannedFeatures
from lastgood.core.recorded_features import with_records
from lastgood.core.resource import Rendered, image_changes
from lastgood.core.source_features import Between, NotKnown, declared_origins, features, locate_images
from lastgood.core.told_features import as_told, told_features
from lastgood.flows.branch import Look
from lastgood.flows.draft import Part
from lastgood.flows.weigh import Weighed

# Somebody waits for the plan, at night perhaps.
WAIT_S = 3.0
# A plan is kept with its operation; `features` has them all.
MAX_FEATURES = 200


async def planned_features(look: Look, weighed: Sequence[Weighed]) -> list[PlannedFeatures]:
    """Say of each application what leaves and what returns.

    Where `sources` of lastgood.yaml is empty, only what deployment records know from when it was not.
    """
    if not look.discovered.sources and look.branch.store is None:
        return [PlannedFeatures()] * len(weighed)
    return list(await asyncio.gather(*[_of_one(look, one) for one in weighed]))


async def as_shown(look: Look, weighed: Sequence[Weighed], found: Sequence[PlannedFeatures]) -> list[PlannedFeatures]:
    """Put in what records know better: whoever reads a plan knows pull requests by the titles of their forge.

    Who means which feature, and who needs it, is told by what Git says: by `found` itself.
    """
    return [await _told(look, one.app.name, features) for one, features in zip(weighed, found, strict=True)]


async def _told(look: Look, app: str, found: PlannedFeatures) -> PlannedFeatures:
    told = await told_features(look.branch.store, app, (*found.leaving[:MAX_FEATURES], *found.returning[:MAX_FEATURES]))
    leaving, returning = as_told(found.leaving, told), as_told(found.returning, told)
    return msgspec.structs.replace(found, leaving=leaving, returning=returning)


async def _of_one(look: Look, weighed: Weighed) -> PlannedFeatures:
    if weighed.part.from_.version == weighed.version:
        return PlannedFeatures()
    unknown = tuple(
        NotKnown(image=weighed.app.name, reason=f"what it runs {when} is not known: {render.message}")
        for when, render in (("now", weighed.before), ("then", weighed.after))
        if isinstance(render, LastgoodError)
    )
    before, was = await _of(look, weighed, weighed.before, look.head.oid)
    after, will = await _of(look, weighed, weighed.after, weighed.candidate)
    images = [change.name for change in image_changes(before, after)] if not unknown else []
    was, will = changed_origins(was, will, images)
    changed = [*images, *sorted(was.bases.keys() | will.bases.keys())]
    sources, declared = look.branch.sources, look.discovered.sources
    before, after = [{name: some[name] for name in images if name in some} for some in (before, after)]
    records = look.branch.store
    ran, runs_again = [
        await built_at(records, weighed.app.name, one) for one in (weighed.part.from_.version, weighed.version)
    ]
    try:
        async with asyncio.timeout(WAIT_S):
            old = await locate_images(sources, declared, before, was, ran)
            new = await locate_images(sources, declared, after, will, runs_again)
            found = await features(old, new)
    except TimeoutError:
        reason = f"its source repo has not answered for {WAIT_S:.0f} s"
        found = Between(unknown=tuple(NotKnown(image=name, reason=reason) for name in changed))
    if records is not None:
        found = await with_records(records, weighed.app.name, weighed.part.from_.version, weighed.version, found)
    if not declared and not found.recorded:
        return PlannedFeatures()
    return PlannedFeatures(
        leaving=found.left,
        returning=found.entered,
        unknown=(*unknown, *found.unknown),
        recorded=found.recorded,
    )


async def _of(
    look: Look, weighed: Weighed, render: Rendered | LastgoodError | None, commit: str
) -> tuple[dict[str, str], Origins]:
    """Return the images and origins of a version; of one that does not render, the bases that it declares."""
    if isinstance(render, Rendered):
        return render.images, render.origins
    return {}, await declared_origins(weighed.app, look.branch.repo, commit) if render is not None else NO_ORIGINS


def bounded(found: PlannedFeatures) -> PlannedFeatures:
    """Return as much as a plan keeps."""
    leaving, returning = found.leaving[:MAX_FEATURES], found.returning[:MAX_FEATURES]
    return msgspec.structs.replace(found, leaving=leaving, returning=returning)


def feature_lines(found: Sequence[Sequence[Feature]], *, left: bool) -> list[str]:
    """Return one line for each feature that several applications lose (left) or get, with its repo of several."""
    each = {(one.repo, one.id): one for some in found for one in some}
    several = len({repo for repo, _ in each}) > 1
    return [
        f"{f'{one.repo} ' if several else ''}{one.id}{_remarks(one, left=left)} {one.title}" for one in each.values()
    ]


def _remarks(feature: Feature, *, left: bool) -> str:
    # Before the title: a line of a commit's message is cut at its end.
    remarks = feature.remarks(left=left)
    return f" ({', '.join(remarks)})" if remarks else ""


def told_by_records(app: str, part: Part, feature: str, *, has: bool) -> str:
    """Say that no source repo vouches for the version that was chosen by a feature. has: as in `already_so`."""
    so = f"has {feature}" if has else f"is without {feature}"
    return f"{app}: {part.to.short} {so} {part.recorded}; no source repo tells"


def already_so(app: str, feature: str, *, has: bool, recorded: str = "") -> str:
    """Say why there is nothing to go back from. has: whether the feature was to be there. recorded: as in Part."""
    so = f"has {feature} already" if has else f"is without {feature} already"
    by = f" {recorded}" if recorded else ""
    return f"{app}: what Git asks for {so}{by}; to leave it for another reason, choose with `--to` or `--previous`"


def feature_notes(look: Look, app: str, found: PlannedFeatures, *, without: str | None) -> list[str]:
    """Say what a plan's list leaves out, and what goes along with the feature that somebody wants to be without."""
    notes = [
        f"{app}: only {MAX_FEATURES} of the {len(some)} features that {verb} are listed; `lastgood features` has all"
        for some, verb in ((found.leaving, "leave"), (found.returning, "return"))
        if len(some) > MAX_FEATURES
    ]
    if without is None:
        return notes
    wanted = [one for one in found.leaving if is_meant(one, without)]
    if not wanted:
        if not found.unknown:
            notes.append(f"{app}: {without} does not leave with this: the version at the head is without it already")
        return notes
    commits = {oid for one in wanted for oid in commits_of(one)}
    others = [
        one
        for one in found.leaving
        if one.kind != "issue" and one not in wanted and commits.isdisjoint(commits_of(one))
    ]
    if others:
        count = "another feature leaves" if len(others) == 1 else f"{len(others)} other features leave"
        dated = [(one.at, one) for one in others if one.at is not None]
        at, oldest = min(dated, key=lambda pair: pair[0], default=(None, others[-1]))
        age = f" of {relative(at, look.branch.clock.now())}" if at is not None else ""
        which = "it is" if len(others) == 1 else "the oldest is"
        notes.append(
            f"{app}: {count} along with {without}; {which} {oldest.id}{age} ({oldest.title[:80]}). To take out "
            f"{without} alone, revert {_bearers(found.leaving, wanted, commits)} in {wanted[0].repo} and build"
        )
    return notes


def _bearers(leaving: Sequence[Feature], wanted: Sequence[Feature], commits: AbstractSet[str]) -> str:
    """Name what to revert in the source repo: the pull requests that brought what is wanted away, else its commits.

    commits: all that name what is wanted.
    """
    pulls = [one.id for one in leaving if one.kind == "pull_request" and not commits.isdisjoint(commits_of(one))]
    return listed(pulls or [oid[:SHORT] for one in wanted for oid in one.commits])
