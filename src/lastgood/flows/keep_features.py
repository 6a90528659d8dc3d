"""Keep with each deployment record the features that it carried: beside what is deployed, never in its way.

Looks at records that changed images or bases, asks the port Sources for their revisions, and writes what lies between;
where the operator named forges, with what those say of it.
"""

import datetime as dt
from collections.abc import Callable, Sequence

import msgspec

from lastgood.core.build_link import build_link
from lastgood.core.built import built_records
from lastgood.core.carried import Carried, built_from, carried
from lastgood.core.deployment import Deployment
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.ports import Clock, Sources, Store
from lastgood.core.record import Told
from lastgood.core.source_features import NotKnown, features, locate_images
from lastgood.core.sources import Source
from lastgood.flows.ask_forge import AskForge
from lastgood.flows.beside import AT_ONCE, UnderWay, each, look_for_ever, where_to_begin

# Of the records that were written before features were kept, so many of the newest are looked at.
OLDER = 1_000
# What is not known yet may come: a repo that was away, a revision that is pushed after the image was named.
AGAIN = dt.timedelta(minutes=5)
# A tag that was pushed with the release is found by the next fetch, and somebody may be looking.
SOON = dt.timedelta(seconds=75)
AT_MOST = dt.timedelta(days=1)
NOT_RECORDED = "the record is from before bases by Git ref were kept with it"


class KeepFeatures:
    """declared: `sources` of the lastgood.yaml of a repo by its name, None where that could not be read yet.

    forge: None where no forge may be asked.
    """

    def __init__(
        self,
        *,
        store: Store,
        sources: Sources,
        declared: Callable[[str], Sequence[Source] | None],
        clock: Clock,
        forge: AskForge | None = None,
    ) -> None:
        self._store = store
        self._sources = sources
        self._declared = declared
        self._clock = clock
        self._forge = forge
        self._after: int | None = None

    async def run(self, under_way: UnderWay) -> None:
        """Look for ever. What goes wrong is logged, and tried again. under_way: see `look_for_ever`."""
        await look_for_ever(self.look, under_way=under_way, clock=self._clock, failed="features cannot be kept")

    async def look(self) -> int:
        """Look at the records whose turn it is; return how many they were, at most AT_ONCE."""
        if self._after is None:
            self._after = await where_to_begin(self._store, older=OLDER)
        runs = await self._store.wanting_features(after_id=self._after, at=self._clock.now(), limit=AT_ONCE)
        known = {one.name: one for one in await self._store.applications({run.app for run in runs})} if runs else {}
        kept = await self._store.carried([run.id for run in runs]) if runs else {}
        waits = False

        async def keep(run: Deployment) -> None:
            nonlocal waits
            # Of an application that was forgotten nobody says any more where its images come from.
            app = known.get(run.app)
            declared = self._declared(app.repo) if app is not None else ()
            if declared is None:
                waits = True
                return
            has_bases = app is not None and app.renderer == "kustomize"
            await self._keep(run, declared, earlier=kept.get(run.id), has_bases=has_bases)

        await each(runs, keep)
        return 0 if waits else len(runs)

    async def _keep(
        self, run: Deployment, declared: Sequence[Source], *, earlier: Carried | None, has_bases: bool
    ) -> None:
        """Keep the features of a record.

        earlier: those that it has, None for none. has_bases: whether the application may have some that an old record
        lacks.
        """
        before = {image.name: image.from_ for image in run.images if image.from_}
        after = {image.name: image.to for image in run.images if image.to}
        was, will = run.origins if run.origins is not None else (NO_ORIGINS, NO_ORIGINS)
        records = await built_records(self._store, run.app)
        own = records.own(run.id)
        old = await locate_images(self._sources, declared, before, was, records.at(run.id - 1))
        new = await locate_images(self._sources, declared, after, will, own)
        # A tag that was moved since the last look changes nothing of what ran.
        built = built_from(new, own.of(after, will.bases))
        found = await features(old, new)
        if run.origins is None and has_bases:
            unknown = (*found.unknown, NotKnown(image=run.app, reason=NOT_RECORDED))
            found = msgspec.structs.replace(found, unknown=unknown)
        again = any(one.named and one.revision is None for one in (*old, *new))
        if earlier is not None and _images(found.unknown) - _images(earlier.unknown):
            # What was known is the record's for ever: a source repo that is gone by now does not take it away.
            again_at = self._again_at(run, again=True)
            await self._store.save_carried(msgspec.structs.replace(earlier, again_at=again_at, built=built))
            return
        now = self._clock.now()
        build = await self._build(run, declared)
        if self._forge is not None:
            wanted = build is None and build_link(run.commit.message) is None
            told = await self._forge.tell(found, [*old, *new], new, build=wanted, before=earlier)
            found, build, again = told.found, build or told.build, again or told.away
        kept = carried(run.id, found, at=now, again_at=self._again_at(run, again=again), build=build, built=built)
        payload = {"number": run.number, "entered": len(kept.entered), "left": len(kept.left)}
        changed = kept.entered or kept.left
        if earlier is not None and (earlier.entered, earlier.left) == (kept.entered, kept.left):
            changed = ()
        await self._store.save_carried(
            kept, told=Told(kind="features", app=run.app, payload=payload, at=now) if changed else None
        )

    def _again_at(self, run: Deployment, *, again: bool) -> dt.datetime | None:
        now = self._clock.now()
        age = now - run.started_at
        return now + (SOON if age < AGAIN else AGAIN) if again and age < AT_MOST else None

    async def _build(self, run: Deployment, declared: Sequence[Source]) -> str | None:
        """Return the build that the first image names that entered and names one."""
        for image in run.images:
            page = await self._sources.build_of(declared, image.name, image.to) if image.to else None
            if page is not None:
                return page
        return None


def _images(unknown: Sequence[NotKnown]) -> set[str]:
    return {one.image for one in unknown}
