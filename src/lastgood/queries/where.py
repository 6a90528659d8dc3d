"""Which environments contain a feature, since when, and through which commit.

Awaits the ports SourceHistory and Store. Deployments and the revisions of their images are given; guesses nothing.
"""

import dataclasses
from collections.abc import Sequence

from msgspec.structs import replace

from lastgood.core.asked_image import asked_image, asked_tag
from lastgood.core.deployment import reach
from lastgood.core.feature import Feature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed, presences, unknown_feature
from lastgood.core.feature_views import WhereEntry
from lastgood.core.ports import Store
from lastgood.core.recorded_versions import RecordedVersions, both_reasons
from lastgood.core.source_features import SourceAt, without_stale_charts
from lastgood.core.told_features import as_told, told_features
from lastgood.queries.chain import Chains
from lastgood.queries.where_image import image_presences, own_build, those_asked


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """An application in its environment, with what it ran, newest first; the first is what runs now.

    older: what it ran before that, whose images were not looked at; whole: whether there is nothing older at all.
    repo, path: where the config repo has it.
    """

    environment: str | None
    app: str
    deployed: tuple[Deployed, ...]
    older: tuple[Deployed, ...] = ()
    whole: bool = True
    repo: str = ""
    path: str = ""


async def where(feature: str, places: Sequence[Place], *, store: Store | None = None) -> list[WhereEntry]:
    """Say for each application whether what it runs contains a feature, or the revision that an image was built from.

    store: what is known of the deployments beside their records: builds, and what asked for them.
    Where no source repo tells, what is kept with the deployment records does. What is built from other repos alone than
    the one that knows the feature does not contain it. What none of them knows may be the tag of an image that ran.
    Raises UnknownFeature if no source repo and no record knows it, and it is no image that one of them ran;
    AmbiguousImage where the end of a name, or a tag alone, fits several of those.
    """
    places = [_told(place) for place in places]
    image = asked_image(feature)
    ran = those_asked(image, _versions(places)) if image is not None else ()
    if ran:
        return await _where_ran(ran, places, store)
    chains = Chains(feature, store=store)
    records = RecordedVersions(feature, store)
    entries = []
    answers = [await presences(feature, place.deployed) for place in places]
    missing = any(unknown for _, unknown in answers)
    exists = any(one.contains is not None for known, _ in answers for one in known)
    for place, (known, _) in zip(places, answers, strict=True):
        of, found, recorded = await _by_records(place, known, records)
        if exists and known and known[0].elsewhere and found[0].contains is None:
            found, recorded = _not_there(known, found), None
        entries.append(await _entry(of, found, chains, recorded))
    entries = await _as_told(entries, store)
    untold = all(one.may_be_on_record for known, _ in answers for one in known)
    if untold and all(entry.contains is None for entry in entries) and not await records.meant():
        tag = asked_tag(feature)
        ran = those_asked(tag, _versions(places)) if tag is not None else ()
        if ran:
            return await _where_ran(ran, places, store)
        if missing:
            every = [one for version in _versions(places) for one in version.sources]
            tags = dict.fromkeys(one.reference.partition("@")[0] for one in every if not one.base)
            raise await unknown_feature(feature, every, tags=filter(None, tags))
    return entries


async def _as_told(entries: list[WhereEntry], store: Store | None) -> list[WhereEntry]:
    """Put in what records know better of the feature and its pull request: their titles, labels and people."""
    chains = [one.chain for one in entries if one.chain is not None]
    wanted = [one for chain in chains for one in (chain.feature, chain.pull_request) if one is not None]
    told = await told_features(store, None, wanted)

    def better(feature: Feature | None) -> Feature | None:
        return as_told([feature], told)[0] if feature is not None else None

    return [
        replace(
            one,
            chain=replace(one.chain, feature=better(one.chain.feature), pull_request=better(one.chain.pull_request)),
        )
        if one.chain is not None
        else one
        for one in entries
    ]


async def where_built(source: SourceAt, places: Sequence[Place], *, store: Store | None = None) -> list[WhereEntry]:
    """Say for each application whether it contains what an image was built from that ran nowhere. source: of it."""
    return await _where_image((source,), source, places, store)


async def _where_ran(asked: Sequence[SourceAt], places: Sequence[Place], store: Store | None) -> list[WhereEntry]:
    source = next((one for one in asked if one.revision is not None), None)
    return await _where_image(asked, source, places, store)


async def _where_image(
    asked: Sequence[SourceAt], source: SourceAt | None, places: Sequence[Place], store: Store | None
) -> list[WhereEntry]:
    source_or_not = source or next(iter(asked), None)
    entries = []
    for place in places:
        built = own_build(asked, place.deployed) or source_or_not
        chains = Chains("", store=store, source=built, image=True)
        entries.append(await _entry(place, await image_presences(asked, source, place.deployed), chains))
    return await _as_told(entries, store)


def _told(place: Place) -> Place:
    told = without_stale_charts([one.sources for one in place.deployed])
    sure = [dataclasses.replace(one, sources=sources) for one, sources in zip(place.deployed, told, strict=True)]
    return dataclasses.replace(place, deployed=tuple(sure))


def _versions(places: Sequence[Place]) -> list[Deployed]:
    return [version for place in places for version in place.deployed]


def _settled(place: Place, found: Sequence[Presence]) -> tuple[list[Deployed], list[Presence]]:
    """Leave out attempts that brought their version in part, or perhaps not at all, where the answer stays the same.

    Where it would change with one, it is not known: a part of what ran then had it. found: of each version that ran.
    """
    whole = [one.run is None or reach(one.run) == "whole" for one in place.deployed]
    kept: list[tuple[Deployed, Presence]] = []
    for n in range(len(found) - 1, -1, -1):
        if not whole[n]:
            before = kept[-1][1].contains if kept else (False if place.whole else None)
            after = next((found[m].contains for m in range(n - 1, -1, -1) if whole[m]), before)
            if found[n].contains is not None and found[n].contains not in (before, after):
                kept.append((place.deployed[n], _in_part(place.deployed[n], found[n])))
                continue
            if n and found[n].contains is not None:
                continue
        kept.append((place.deployed[n], found[n]))
    return [one for one, _ in reversed(kept)], [one for _, one in reversed(kept)]


def _in_part(version: Deployed, found: Presence) -> Presence:
    has = "has it" if found.contains else "is without it"
    reason = f"n{version.number}, which {has}, was not applied as a whole, so a part of what was before may still run"
    return replace(found, contains=None, reason=reason)


def _is_settled(place: Place, found: Sequence[Presence]) -> bool:
    """Say whether it is known if what runs now has it, and since when; or whether records could not tell more."""
    now = found[0] if found else Presence(contains=None, via="")
    if now.contains is None:
        return not now.may_be_on_record
    before = next((one for one in found if one.contains is not now.contains), None)
    return not place.older if before is None else not before.may_be_on_record


async def _by_records(
    place: Place, found: Sequence[Presence], records: RecordedVersions
) -> tuple[Place, Sequence[Presence], tuple[Feature, str] | None]:
    """Ask the records where the source repos do not know it of a version.

    Returns what is spoken of, the answers, and, where what is said of what runs now is the records' word, the feature
    with the reason why they are asked.
    """
    if _is_settled(place, found):
        return place, found, None
    # What was not looked at for its images is on record all the same.
    deployed, whole = (*place.deployed, *place.older), place.whole or bool(place.older)
    told = await records.told(deployed, whole=whole)
    unknown, why = found[0].contains is None, found[0].reason
    if told is None:
        now = replace(found[0], reason=f"{why}{records.silent}") if unknown else found[0]
        return place, [now, *found[1:]], None
    place = dataclasses.replace(place, deployed=deployed, whole=whole and len(told.presences) == len(deployed))
    joined = [
        found[n] if n < len(found) and not found[n].may_be_on_record else one for n, one in enumerate(told.presences)
    ]
    if joined[0].contains is None:
        joined[0] = both_reasons(joined[0], found[0])
    return place, joined, (told.feature, why) if unknown else None


def _not_there(known: Sequence[Presence], found: Sequence[Presence]) -> list[Presence]:
    """Say no of versions that are built from other repos than the feature is of, where no record knows better.

    known: by the source repos, of the newest versions; found: of all, by the records, too.
    """
    return [
        replace(known[n], contains=False, beside=True)
        if n < len(known) and known[n].elsewhere and one.contains is None
        else one
        for n, one in enumerate(found)
    ]


async def _entry(
    place: Place, found: Sequence[Presence], chains: Chains, recorded: tuple[Feature, str] | None = None
) -> WhereEntry:
    """Make the answer of one application. found: of each version that it ran. recorded: see `Chains.chain`."""
    deployed, found = _settled(place, found)
    now = found[0] if found else Presence(contains=None, reason="it has not run yet")
    same = next((n for n, one in enumerate(found) if one.contains is not now.contains), len(found))
    known = now.contains is not None and (same < len(found) or place.whole)
    never = now.contains is False and place.whole and same == len(found)
    oldest = deployed[same - 1] if known else None
    return WhereEntry(
        environment=place.environment,
        app=place.app,
        contains=now.contains,
        since=oldest.at if oldest is not None else None,
        via=now.via,
        reason=f"{now.reason}, before any version here had it" if never and now.via is not None else now.reason,
        deployment=oldest.number if oldest is not None else None,
        images=now.images,
        chain=await chains.chain(
            deployed, found, whole=place.whole, repo=place.repo, path=place.path, recorded=recorded
        ),
        recorded=recorded is not None,
    )
