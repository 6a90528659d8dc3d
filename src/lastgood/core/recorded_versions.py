"""Which versions contain a feature by deployment records alone: for where a source repo does not tell.

Awaits the port Store. What the records cannot tell is unknown, and why; guesses nothing.
"""

import dataclasses
import functools
from collections.abc import Sequence

from msgspec.structs import replace

from lastgood.core.asked_feature import MAX_TEXT
from lastgood.core.carried import Carried, searched
from lastgood.core.chain import ChainImage
from lastgood.core.deployment import Deployment
from lastgood.core.feature import Feature, is_meant, is_named
from lastgood.core.feature_presence import MAX_FOUND, Presence
from lastgood.core.feature_versions import MAX_IMAGES, Deployed
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.recorded_presence import Recorded, is_same, made_by, recorded

# So many records are read to find what a text means, and of each application's newest.
PAGE = 200
MOST_PAGES = 5
MOST_RUNS = 2_000
BY_RECORDS = "by its deployment records"
TOO_MANY = f"{BY_RECORDS}: more features are meant than are looked for"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """What the records of one application say. presences: of its newest versions.

    feature: which one is meant there: that which it has, else had, else the newest on any record.
    """

    feature: Feature
    presences: tuple[Presence, ...]


class RecordedVersions:
    """Answers for one feature. store: None where there are no records."""

    def __init__(self, feature: str, store: Store | None) -> None:
        self._text = feature[:MAX_TEXT].strip()
        self._store = store
        self._meant: list[list[Feature]] | None = None
        self._more = False

    @property
    def silent(self) -> str:
        """What to add to a reason where the records were asked, and do not know the feature."""
        return f"; no deployment on record names {self._text}" if self._meant == [] and self._store is not None else ""

    async def meant(self) -> list[list[Feature]]:
        """Return the features that the text may mean, each with all that records say of it, newest first."""
        if self._meant is None:
            self._meant = await self._find() if self._store is not None and self._text else []
        return self._meant

    async def _find(self) -> list[list[Feature]]:
        """Find what has this name, else what has these words: as a source repo does, no revert where there is more."""
        named: list[list[Feature]] = []
        titled: list[list[Feature]] = []
        reverts: list[list[Feature]] = []
        before_id = None
        for _ in range(MOST_PAGES):
            runs = await self._runs(DeploymentQuery(feature=searched(self._text), before_id=before_id, limit=PAGE))
            for kept in (await self._carried(runs)).values():
                for feature in (*kept.entered, *kept.left):
                    if is_named(feature, self._text):
                        _group(named, feature)
                    elif is_meant(feature, self._text):
                        _group(reverts if feature.takes_back or feature.brings_back else titled, feature)
            found = named or titled or reverts
            self._more = len(found) >= MAX_FOUND
            if len(runs) < PAGE or self._more:
                break
            before_id = runs[-1].id
        else:
            # Of words there may be older ones.
            self._more = len(found) > 1
        return found

    async def told(self, deployed: Sequence[Deployed], *, whole: bool) -> Told | None:
        """Say of each version whether it has the feature; None where no record knows the feature, or there is none.

        deployed: newest first. whole: whether nothing that ran before is left out.
        """
        meant = await self.meant()
        runs = [one.run for one in deployed if one.run is not None]
        if not meant or not runs or len(runs) < len(deployed):
            return None
        seen = runs[:MOST_RUNS]
        cut = not whole or len(seen) < len(runs)
        kept = await self._carried(seen)
        each = [
            recorded(seen, kept, functools.partial(is_same, known[0]), made=made_by(known), cut=cut) for known in meant
        ]
        found = [
            _presence([(known[0], some[n]) for known, some in zip(meant, each, strict=True)], run, kept)
            for n, run in enumerate(seen)
        ]
        if self._more:
            unsure = Presence(contains=None, reason=TOO_MANY)
            found = [unsure if one.contains is False else one for one in found]
        had = [known[0] for known, some in zip(meant, each, strict=True) if any(one.contains for one in some)]
        has = [known[0] for known, some in zip(meant, each, strict=True) if some[0].contains]
        return Told(feature=[*has, *had, meant[0][0]][0], presences=tuple(found))

    async def _runs(self, query: DeploymentQuery) -> list[Deployment]:
        return await self._store.deployments(query) if self._store is not None else []

    async def _carried(self, runs: Sequence[Deployment]) -> dict[int, Carried]:
        kept: dict[int, Carried] = {}
        for at in range(0, len(runs), PAGE):
            if self._store is not None:
                kept |= await self._store.carried([run.id for run in runs[at : at + PAGE]])
        return {run.id: kept[run.id] for run in runs if run.id in kept}


def both_reasons(recorded: Presence, live: Presence) -> Presence:
    """Add to what records do not know why no source repo tells it; what both say is said once. live: see Presence."""
    # A reason begins with the image that it is about, and a record's with the reference, too.
    if (live.reason.partition(": ")[2] or live.reason) in recorded.reason:
        return recorded
    return replace(recorded, reason=f"{recorded.reason}; {live.reason}")


def _group(found: list[list[Feature]], feature: Feature) -> None:
    for known in found:
        if is_same(known[0], feature):
            known.append(feature)
            return
    if len(found) < MAX_FOUND:
        found.append([feature])


def _presence(said: Sequence[tuple[Feature, Recorded]], run: Deployment, kept: dict[int, Carried]) -> Presence:
    """Put what is said of several features that a text may mean together: one that is there is enough.

    run: the version that is spoken of; its images are told where they brought the feature.
    """
    order = {True: 0, None: 1, False: 2}
    feature, has = min(said, key=lambda pair: (order[pair[1].contains], pair[1].run is None))
    more = f" ({feature.id}: {feature.title})" if len(said) > 1 else ""
    reason = f"{BY_RECORDS}: {has.reason}{more}"
    if has.run is None or not has.contains:
        return Presence(contains=has.contains, reason=reason, beside=has.contains is False and has.run is None)
    there = next((one for one in kept[has.run.id].entered if is_same(one, feature)), feature)
    brought = has.run.images if has.run.id == run.id else ()
    images = tuple(ChainImage(name=one.name, reference=one.to, revision=None) for one in brought if one.to)
    return Presence(contains=True, via=next(iter(there.commits), None), reason=reason, images=images[:MAX_IMAGES])
