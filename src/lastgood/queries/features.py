"""What entered and left between two versions of an application, and which applications contain a feature.

Renders versions to see their images, and asks the port Sources where these come from. Writes nothing.
"""

from collections.abc import Sequence

from lastgood.core.asked_image import AskedImage, asked_image, asked_tag
from lastgood.core.built import NOT_BUILT, BuiltAt, built_at, built_records
from lastgood.core.choose import choose
from lastgood.core.deployment import reach
from lastgood.core.errors import CommandLineWrong, UnknownFeature
from lastgood.core.feature_versions import Deployed, most_versions
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.hold import Hold, image_references, refusing
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.ports import Clock, Renderer, Sources, Store
from lastgood.core.recorded_features import with_records
from lastgood.core.resource import ImageChange, image_changes
from lastgood.core.setting import Settings
from lastgood.core.settings_between import settings_between
from lastgood.core.source_features import SourceAt, features, locate_images, locate_version
from lastgood.core.told_features import as_told, told_features
from lastgood.core.version import Version
from lastgood.queries import where as answers
from lastgood.queries.compare import Compare
from lastgood.queries.followed import Followed, Place, place_of, places
from lastgood.queries.settings import commits_between, settings_kept
from lastgood.queries.timeline import Timelines
from lastgood.queries.where_image import images_in, names_like, unknown_image


class Features:
    """Answers from what is followed here. sources: None where no source repo is read: in a clone, beside records."""

    def __init__(
        self,
        followed: Sequence[Followed],
        *,
        renderer: Renderer,
        clock: Clock,
        store: Store | None,
        sources: Sources | None,
    ) -> None:
        self._followed = followed
        self._renderer = renderer
        self._clock = clock
        self._store = store
        self._sources = sources

    async def between(self, app: str, from_: str | None, to: str | None) -> FeaturesView:
        """Compare two versions; from_ None: `previous`; to None: `current`.

        Raises UnknownApplication, UnknownVersion, NoPrevious and their like.
        """
        place = await place_of(app, self._followed)
        before = await self._choose(place, from_ if from_ is not None else "previous")
        after = await self._choose(place, to if to is not None else "current")
        old, new = [await self._as_it_ran(place, one) for one in (before, after)]
        found = await features(old, new)
        if self._store is not None:
            found = await with_records(self._store, place.name, before.version, after.version, found)
        told = await told_features(self._store, place.name, (*found.entered, *found.left))
        declared, repo = place.application, place.repo
        entered, left = await commits_between(declared, repo, place.head, before.commit, after.commit)
        return FeaturesView(
            app=app,
            from_=before,
            to=after,
            entered=as_told(found.entered, told),
            left=as_told(found.left, told),
            unknown=found.unknown,
            settings=await self._settings(place, before, after),
            config_entered=entered,
            config_left=left,
            images=_images(old, new),
            recorded=found.recorded,
        )

    async def _settings(self, place: Place, before: Version, after: Version) -> Settings:
        """Say what else than images differs: as a deployment from the one to the other kept it, else by rendering."""
        kept = None
        if self._store is not None:
            kept = await settings_kept(self._store, place.name, before.version, after.version)
        if kept is not None:
            return kept
        return await settings_between(place.application, place.repo, self._renderer, before.commit, after.commit)

    async def _choose(self, place: Place, text: str) -> Version:
        return await choose(
            text,
            app=place.application,
            repo=place.repo,
            store=self._store,
            head=place.head,
            now=self._clock.now(),
            holds=await place.readable_holds(),
        )

    async def compare(self, environment: str, other: str) -> CompareView:
        """Compare what runs in two environments. Raises Unknown for one that no application is in."""
        known = await places(self._followed)
        compare = Compare(known, store=self._store, sources_of=self._as_it_ran)
        return await compare.environments(environment, other)

    async def where(self, feature: str) -> list[WhereEntry]:
        """Say of each application whether what it runs contains a feature, or has an image.

        Raises UnknownFeature, AmbiguousImage; CommandLineWrong where nothing is named.
        """
        if not feature.strip():
            raise CommandLineWrong(
                "`where` needs a feature", hint="a feature is PR-481, ABC-12, a commit, an image, or words"
            )
        try:
            return await self._where(feature)
        except UnknownFeature:
            if self._sources is None:
                raise
            # Merged since the source repo was looked at, perhaps.
            await self._sources.refresh()
            return await self._where(feature)

    async def _where(self, feature: str) -> list[WhereEntry]:
        known = await places(self._followed)
        image = asked_image(feature)
        ran = [await self._place(place, known, image or asked_tag(feature)) for place in known.values()]
        try:
            return await answers.where(feature, ran, store=self._store)
        except UnknownFeature as unknown:
            if image is None:
                raise
            # Built, and deployed nowhere: `sources` may know what from.
            source, why = await self._located(image.name, image, known)
            if source is not None:
                return await answers.where_built(source, ran, store=self._store)
            there = images_in(version for place in ran for version in place.deployed)
            for name in names_like(image, there):
                _, why = await self._located(name, image, known)
            raise unknown_image(feature, image, there, why) from unknown

    async def _located(self, name: str, image: AskedImage, known: dict[str, Place]) -> tuple[SourceAt | None, str]:
        """Return where an image of a whole name comes from; None where that is not known, and why."""
        reason = ""
        for declared in {place.followed: place.discovered.sources for place in known.values()}.values() if name else ():
            (found,) = await locate_images(self._sources, declared, {name: "@".join(image.references)}, NO_ORIGINS)
            if found.revision is not None:
                return found, ""
            reason = reason if reason and not found.named else found.reason
        return None, reason

    async def _place(self, place: Place, known: dict[str, Place], image: AskedImage | None) -> answers.Place:
        """Return what an application ran, newest first, from what runs now on."""
        deployed: list[Deployed] = []
        older: list[Deployed] = []
        whole = True
        most = await most_versions(place.application, place.repo, place.head, renderer=self._renderer)
        if self._store is None:
            deployed, whole = await self._as_git_has_it(place, image, most)
        else:
            holds = [one.hold for one in await self._store.holds(place.name)]
            timelines = Timelines(self._followed, renderer=self._renderer, clock=self._clock, store=self._store)
            rows = [row for row in await timelines.rows(place.name, known) if row.ran and row.version is not None]
            start = next((n for n, row in enumerate(rows) if row.runs), len(rows))
            records = await built_records(self._store, place.name)
            versions: dict[str | None, list[tuple[BuiltAt, tuple[SourceAt, ...]]]] = {}
            for row in rows[start:]:
                if row.deployment is not None and reach(row.deployment) == "none":
                    continue
                number = row.deployment.number if row.deployment is not None else None
                if row.version not in versions and len(versions) == most:
                    whole = False
                if not whole:
                    older.append(Deployed(at=row.at, sources=(), number=number, commit=row.commit, run=row.deployment))
                    continue
                built = records.at(row.deployment.id) if row.deployment is not None else NOT_BUILT
                located = versions.setdefault(row.version, [])
                found = next((some for then, some in located if _same(some, then, built)), None)
                if found is None:
                    found = tuple(await self._sources_of(place, row.commit.oid, built))
                    located.append((built, found))
                deployed.append(
                    Deployed(
                        at=row.at,
                        sources=found,
                        number=number,
                        commit=row.commit,
                        run=row.deployment,
                        held=self._held(holds, row.version, found),
                    )
                )
        return answers.Place(
            environment=place.application.environment,
            app=place.name,
            deployed=tuple(deployed),
            older=tuple(older),
            whole=whole,
            repo=place.application.repo,
            path=place.application.path,
        )

    async def _as_git_has_it(self, place: Place, image: AskedImage | None, most: int) -> tuple[list[Deployed], bool]:
        """Return what Git asks for, and before it what it asked for as long as an image was in it; and whether all is.

        What ran is not known here: no time and no record.
        """
        now = tuple(await self._sources_of(place, place.head))
        if image is None or not any(image.fits(one.image, one.reference) for one in now):
            # Of anything else Git alone knows nothing: a history for each application would be read for that.
            return [Deployed(at=None, sources=now)], True
        history = await place.repo.history(place.head, place.application.scope)
        holds = await place.readable_holds()
        deployed: list[Deployed] = []
        for entry in history.entries:
            if entry.version is None:
                return deployed, True
            if len(deployed) == most:
                return deployed, False
            sources = tuple(await self._sources_of(place, entry.commit.oid))
            held = self._held(holds, entry.version, sources)
            deployed.append(Deployed(at=None, sources=sources, commit=entry.commit, held=held))
            if not any(image.fits(one.image, one.reference) for one in sources):
                return deployed, True
        return deployed or [Deployed(at=None, sources=now)], not history.truncated

    def _held(self, holds: Sequence[Hold], version: str | None, sources: Sequence[SourceAt]) -> bool:
        images = image_references({one.image: one.reference for one in sources})
        return refusing(holds, version=version, images=images, files={}, now=self._clock.now()) is not None

    async def _as_it_ran(self, place: Place, version: Version) -> list[SourceAt]:
        return await self._sources_of(place, version.commit, await built_at(self._store, place.name, version.version))

    async def _sources_of(self, place: Place, commit: str | None, built: BuiltAt = NOT_BUILT) -> list[SourceAt]:
        if commit is None:
            return []
        return await locate_version(
            place.application,
            place.repo,
            commit,
            renderer=self._renderer,
            sources=self._sources,
            declared=place.discovered.sources,
            built=built,
        )


def _same(sources: Sequence[SourceAt], one: BuiltAt, other: BuiltAt) -> bool:
    """Say whether the records know the same of some images as of two deployments of their version."""
    images = {source.image: source.reference for source in sources}
    return one.of(images) == other.of(images)


def _images(old: Sequence[SourceAt], new: Sequence[SourceAt]) -> tuple[ImageChange, ...]:
    """Return which images differ; nothing where a version has one without a reference: it does not render."""
    before, after = [{one.image: one.reference for one in some if not one.base} for some in (old, new)]
    return image_changes(before, after) if all((*before.values(), *after.values())) else ()
