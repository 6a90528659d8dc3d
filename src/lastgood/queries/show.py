"""One record of the timeline, found by any VERSION. Awaits the ports; writes nothing."""

from collections.abc import Sequence

import msgspec

from lastgood.core.choose import choose
from lastgood.core.errors import UnknownVersion
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.setting import Settings
from lastgood.core.settings_between import settings_between
from lastgood.core.timeline import TimelineEntry
from lastgood.core.version import Version
from lastgood.core.version_text import Number, Word, read_version_text
from lastgood.queries.filling import Filler
from lastgood.queries.followed import Followed, Place, places
from lastgood.queries.relation import Row
from lastgood.queries.timeline import Timelines


class Shows:
    """Finds one entry."""

    def __init__(
        self, followed: Sequence[Followed], *, renderer: Renderer, clock: Clock, store: Store | None = None
    ) -> None:
        self._followed = followed
        self._renderer = renderer
        self._clock = clock
        self._store = store

    async def show(self, app: str, text: str) -> TimelineEntry:
        """Return the entry of a version: that very deployment for `nN`, else the newest one of that commit or version.

        Raises UnknownApplication, UnknownVersion, AmbiguousVersion and their like.
        """
        known = await places(self._followed)
        timelines = Timelines(self._followed, renderer=self._renderer, clock=self._clock, store=self._store)
        rows = await timelines.rows(app, known)
        row = await self._row(app, text, rows, known.get(app))
        filler = Filler(known, renderer=self._renderer, clock=self._clock, store=self._store, with_programs=True)
        entry = await filler.entry(row)
        if entry.settings is not None:
            return entry
        return msgspec.structs.replace(entry, settings=await self._settings(row, known.get(app)))

    async def _settings(self, row: Row, place: Place | None) -> Settings:
        """Compare with the version before it: of a record of before settings were kept, and where there is none."""
        if place is None:
            return Settings(unknown="the application is no longer in Git")
        after = row.commit.oid if row.version is not None else None
        return await settings_between(place.application, place.repo, self._renderer, row.before, after)

    async def _row(self, app: str, text: str, rows: Sequence[Row], place: Place | None) -> Row:
        wanted = read_version_text(text, now=self._clock.now())
        if isinstance(wanted, Number):
            row = next((r for r in rows if r.deployment is not None and r.deployment.number == wanted.number), None)
            if row is not None:
                return row
        if place is None:
            # Gone from Git: only its records tell, by their own ids.
            row = next((r for r in rows if text in {r.version, r.commit.oid} or r.commit.oid.startswith(text)), None)
            if row is None:
                raise UnknownVersion(app=app, version=text)
            return row
        version = await choose(
            text,
            app=place.application,
            repo=place.repo,
            store=self._store,
            head=place.head,
            now=self._clock.now(),
            holds=await place.readable_holds(),
        )
        # What runs may have been deployed anew, for another definition, by a later commit: that is what is current.
        is_current = wanted == Word(word="current")
        return await self._row_of(version, rows, place, by_commit=not is_current)

    async def _row_of(self, version: Version, rows: Sequence[Row], place: Place, *, by_commit: bool) -> Row:
        for row in rows:
            if by_commit and row.commit.oid == version.commit:
                return row
        for row in rows:
            if version.version is not None and row.version == version.version:
                return row
        if version.commit is None:
            raise UnknownVersion(app=place.name, version=version.version)
        commit = await place.repo.commit(version.commit)
        return Row(
            app=place.name,
            commit=commit,
            version=version.version,
            path_tree=version.path_tree,
            at=commit.committed_at,
            ran=version.ran,
        )
