"""What one environment has that another does not: by what runs in each, application by application. Writes nothing."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec.structs import replace

from lastgood.core.built import Key, built_at
from lastgood.core.chain import ChainImage
from lastgood.core.choose import current_version
from lastgood.core.deployment import reach
from lastgood.core.errors import Unknown
from lastgood.core.feature import Feature
from lastgood.core.feature_versions import MAX_IMAGES, image_of
from lastgood.core.feature_views import ComparedApplication, CompareView, Waiting
from lastgood.core.nearest import did_you_mean
from lastgood.core.ports import Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.recorded_compare import Runs, with_both_records
from lastgood.core.source_features import Between, NotKnown, SourceAt, features
from lastgood.core.told_features import Key as FeatureKey
from lastgood.core.told_features import as_told, told_features
from lastgood.core.version import Version
from lastgood.queries.followed import Place

# Of an application so many records are looked through for when a feature came.
MAX_RECORDS = 500


class Compare:
    """sources_of: says where the images of a place's version come from. store: None where there are no records."""

    def __init__(
        self,
        known: Mapping[str, Place],
        *,
        store: Store | None,
        sources_of: Callable[[Place, Version], Awaitable[Sequence[SourceAt]]],
    ) -> None:
        self._known = known
        self._store = store
        self._sources_of = sources_of

    async def environments(self, environment: str, other: str) -> CompareView:
        """Compare two environments. Raises Unknown for one that no application is in."""
        here, there = self._in(environment), self._in(other)
        pairs = {group: (here[group], there[group]) for group in here if group in there}
        return CompareView(
            environment=environment,
            other=other,
            applications=tuple([await self._pair(group, *pair) for group, pair in sorted(pairs.items())]),
            alone=tuple(sorted(one.name for group, one in (*here.items(), *there.items()) if group not in pairs)),
        )

    def _in(self, environment: str) -> dict[str, Place]:
        found = {
            place.application.group: place
            for _, place in sorted(self._known.items(), reverse=True)
            if place.application.environment == environment
        }
        if not found:
            names = {p.application.environment for p in self._known.values() if p.application.environment}
            raise Unknown(
                f"no application is in the environment {environment}",
                hint=did_you_mean(environment, sorted(names)) or "see `lastgood apps`",
                name=environment,
            )
        return found

    async def _pair(self, group: str, here: Place, there: Place) -> ComparedApplication:
        version, other = await self._runs(here), await self._runs(there)
        found = Between()
        old: Sequence[SourceAt] = ()
        new: Sequence[SourceAt] = ()
        moved = await self._moved(here, version, there, other) if version is not None and other is not None else set()
        if version is not None and other is not None and (version.version != other.version or moved):
            old, new = await self._sources_of(there, other), await self._sources_of(here, version)
            found = await features(old, new)
            if self._store is not None:
                ran = Runs(app=there.name, version=other.version or "", sources=old)
                runs = Runs(app=here.name, version=version.version or "", sources=new)
                found = await with_both_records(self._store, ran, runs, found)
            found = replace(found, unknown=(*found.unknown, *_not_told(moved, old, new)))
        return ComparedApplication(
            group=group,
            app=here.name,
            other_app=there.name,
            version=version,
            other_version=other,
            only=await self._waiting(here.name, found.entered),
            only_other=await self._waiting(there.name, found.left),
            unknown=found.unknown,
            recorded=found.recorded,
            images=_only_of(new, old),
            other_images=_only_of(old, new),
        )

    async def _moved(self, here: Place, version: Version, there: Place, other: Version) -> set[Key]:
        """Return the images and bases of which the records know that one reference meant two revisions."""
        ours = (await built_at(self._store, here.name, version.version)).revisions()
        theirs = (await built_at(self._store, there.name, other.version)).revisions()
        return {key for key, revision in ours.items() if "@" not in key[1] and theirs.get(key, revision) != revision}

    async def _runs(self, place: Place) -> Version | None:
        if self._store is None:
            return await current_version(app=place.application, repo=place.repo, store=None, head=place.head)
        record = await self._store.application(place.name)
        return record.running if record is not None else None

    async def _waiting(self, app: str, found: Sequence[Feature]) -> tuple[Waiting, ...]:
        came = await self._on_record(app) if found else {}
        told = await told_features(self._store, app, found)
        return tuple(Waiting(feature=one, since=came.get((one.repo, one.id))) for one in as_told(found, told))

    async def _on_record(self, app: str) -> dict[FeatureKey, dt.datetime]:
        """Return when each feature on record came to an application last."""
        if self._store is None:
            return {}
        runs = await self._store.deployments(DeploymentQuery(app=app, limit=MAX_RECORDS))
        kept = await self._store.carried([run.id for run in runs])
        came: dict[FeatureKey, dt.datetime] = {}
        for run in reversed(runs):
            if run.id in kept and reach(run) == "whole":
                came |= {(one.repo, one.id): run.started_at for one in kept[run.id].entered}
        return came


def _not_told(moved: set[Key], old: Sequence[SourceAt], new: Sequence[SourceAt]) -> list[NotKnown]:
    """Say of which images under a moved tag, the same in both versions, no source repo tells what lies between."""
    there = {(one.image, one.reference): one for one in old}
    said = "was moved between the two deployments"
    return [
        NotKnown(image=one.image, reason=f"{one.reference} {said}; {one.reason or before.reason}", named=one.named)
        for one in new
        if (one.image, one.reference) in moved
        and (before := there.get((one.image, one.reference))) is not None
        and None in (one.revision, before.revision)
    ]


def _only_of(sources: Sequence[SourceAt], others: Sequence[SourceAt]) -> tuple[ChainImage, ...]:
    there = {(one.image, one.reference) for one in others}
    only = [image_of(one) for one in sources if one.reference and (one.image, one.reference) not in there]
    return tuple(only[:MAX_IMAGES])
