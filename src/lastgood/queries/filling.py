"""Fill in a row of the timeline: people, operation, hold, images, inputs. Awaits the ports; decides no order."""

from collections.abc import Sequence

from lastgood.core.build_link import build_link
from lastgood.core.carried import Carried, committers, of_kind
from lastgood.core.claim import confirmed_claim
from lastgood.core.declared_inputs import scope_at
from lastgood.core.deployment import Deployment, DeploymentView, may_carry
from lastgood.core.errors import LastgoodError
from lastgood.core.hold import Hold, held_paths, image_references, refusing
from lastgood.core.inputs import shown_inputs
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.operation import OperationView
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.record import ApplicationRecord
from lastgood.core.resource import ImageChange, image_changes
from lastgood.core.timeline import Input, TimelineEntry
from lastgood.core.tree import shown_path
from lastgood.core.words import RendererName
from lastgood.queries.followed import Place
from lastgood.queries.freshness import fresh
from lastgood.queries.relation import Row
from lastgood.queries.selection import cursor

# Kinds whose renders cost a look at a few files for each version; those of the others start a program each time.
_CHEAP = ("process-compose", "plain")


class Filler:
    """Turns rows into entries; remembers what rows of one application share.

    with_programs: also render where a program does it (charts, kustomizations), to say which images a version has that
    has no deployment on record: for one entry, not for the rows of a timeline, whose images are None then.
    """

    def __init__(
        self,
        places: dict[str, Place],
        *,
        renderer: Renderer,
        clock: Clock,
        store: Store | None = None,
        with_programs: bool = False,
    ) -> None:
        self._places = places
        self._renderer = renderer
        self._clock = clock
        self._store = store
        self._holds: dict[str, tuple[Hold, ...]] = {}
        self._kinds: dict[str, RendererName] = {}
        self._images: dict[tuple[str, str], dict[str, str] | None] = {}
        self._with_programs = with_programs
        self._records: dict[str, ApplicationRecord | None] = {}
        self._carried: dict[int, Carried | None] = {}
        self._settings: dict[int, KeptSettings | None] = {}

    async def entry(self, row: Row) -> TimelineEntry:
        """Return the whole entry of a row."""
        place = self._places.get(row.app)
        commit = row.commit
        health = sync = None
        if row.runs:
            record = await self._record(row.app)
            health, sync = fresh(record, self._clock.now()) if record else (None, None)
        kept, settings = await self._carried_by(row), await self._settings_of(row)
        return TimelineEntry(
            app=row.app,
            number=row.deployment.number if row.deployment else None,
            version=row.version,
            path_tree=row.path_tree,
            inputs=await self._inputs(row, place),
            commit=commit.oid,
            short=commit.short,
            subject=commit.subject,
            body=commit.body,
            author=commit.author,
            committer=commit.committer,
            committed_at=commit.committed_at,
            ran=row.ran,
            current=row.current,
            last_good=row.last_good,
            held=await self._held(row, place),
            same_as=row.same_as,
            operation=await self._operation(row, place),
            deployment=deployment_view(row.deployment) if row.deployment else None,
            images=await self._image_changes(row, place),
            features=kept.entered if kept else (),
            pull_requests=of_kind(kept.entered, "pull_request") if kept else (),
            issues=of_kind(kept.entered, "issue") if kept else (),
            committers=committers(kept.entered) if kept else (),
            features_left=kept.left if kept else (),
            features_unknown=kept.unknown if kept else (),
            features_more=kept.more if kept else 0,
            settings=settings.settings if settings else None,
            build=build_link(commit.message) or (kept.build if kept else None),
            built=kept.built if kept else (),
            health=health,
            sync=sync,
            refused_by=row.refused.hold if row.refused else None,
            truncated=row.truncated,
            cursor=cursor(row),
        )

    async def foresee(self, rows: Sequence[Row]) -> None:
        """Read at once what the records of some rows carried and changed; each is read by itself otherwise."""
        runs = [row.deployment for row in rows if row.deployment is not None]
        if self._store is None or not runs:
            return
        self._settings = dict.fromkeys((run.id for run in runs), None)
        self._settings |= await self._store.settings(list(self._settings))
        carrying = [run.id for run in runs if _may_carry(run)]
        if carrying:
            self._carried = dict.fromkeys(carrying, None)
            self._carried |= await self._store.carried(carrying)

    async def _carried_by(self, row: Row) -> Carried | None:
        run = row.deployment
        if self._store is None or run is None or not _may_carry(run):
            return None
        if run.id not in self._carried:
            await self.foresee([row])
        return self._carried[run.id]

    async def _settings_of(self, row: Row) -> KeptSettings | None:
        run = row.deployment
        if self._store is None or run is None:
            return None
        if run.id not in self._settings:
            await self.foresee([row])
        return self._settings[run.id]

    async def _record(self, app: str) -> ApplicationRecord | None:
        if app not in self._records:
            self._records[app] = await self._store.application(app) if self._store is not None else None
        return self._records[app]

    async def _inputs(self, row: Row, place: Place | None) -> tuple[Input, ...]:
        if place is None or row.version is None:
            return ()
        path = place.application.path
        found = []
        if row.path_tree is not None:
            others = place.discovered.shared_with(row.app, path)
            found.append(Input(path=path or ".", oid=row.path_tree, shared_with=others))
        if row.version == row.path_tree:
            # The folder is all that there is of it: thousands of such rows must not cost a look each.
            return tuple(found)
        try:
            scope = await scope_at(place.application, place.repo, row.commit.oid)
            outside = await shown_inputs(place.repo, row.commit.oid, scope)
        except LastgoodError:
            return tuple(found)  # the commit is gone from here
        for entry in outside:
            others = place.discovered.shared_with(row.app, entry.path)
            found.append(Input(path=shown_path(entry.path), oid=entry.oid, shared_with=others))
        return tuple(found)

    async def _held(self, row: Row, place: Place | None) -> bool:
        holds = await self._holds_of(row.app, place)
        if not holds or row.version is None:
            return False
        if any(hold.version == row.version for hold in holds):
            return refusing(holds, version=row.version, images=(), files={}, now=self._clock.now()) is not None
        images: frozenset[str] = frozenset()
        if any(hold.images for hold in holds):
            images = image_references(await self._images_of(row.commit.oid, row.app, place) or {})
            if row.deployment is not None and not images:
                images = image_references({i.name: i.to for i in row.deployment.images if i.to is not None})
        files: dict[str, str] = {}
        for path in held_paths(holds) if place is not None else ():
            try:
                entry = await place.repo.entry(row.commit.oid, path) if place is not None else None
            except LastgoodError:
                continue
            if entry is not None:
                files[path] = entry.oid
        return refusing(holds, version=row.version, images=images, files=files, now=self._clock.now()) is not None

    async def _holds_of(self, app: str, place: Place | None) -> tuple[Hold, ...]:
        if app not in self._holds:
            if self._store is not None:
                # The store remembers holds that a rewrite of history took out of Git.
                self._holds[app] = tuple(record.hold for record in await self._store.holds(app))
            else:
                self._holds[app] = await place.readable_holds() if place is not None else ()
        return self._holds[app]

    async def _operation(self, row: Row, place: Place | None) -> OperationView | None:
        asked = row.deployment.operation if row.deployment else None
        if asked is not None and self._store is not None and (known := await self._store.operation(asked)) is not None:
            moved = next((move for move in known.moved if move.app == row.app), None)
            return OperationView(
                id=known.id,
                kind=known.kind,
                from_=moved.from_ if moved else None,
                to=moved.to if moved else None,
                reason=known.reason,
                despite=known.despite,
                recorded=True,
            )
        if place is None:
            return None
        try:
            claim = await confirmed_claim(place.repo, row.commit)
        except LastgoodError:
            return None
        moved = next((move for move in claim.moved if move.app == row.app), None) if claim else None
        if claim is None or moved is None:
            return None
        recorded = self._store is not None and await self._store.operation(claim.id) is not None
        return OperationView(
            id=claim.id,
            kind=claim.kind,
            from_=moved.from_,
            to=moved.to,
            reason=claim.reason,
            despite=claim.despite,
            recorded=recorded,
        )

    async def _image_changes(self, row: Row, place: Place | None) -> tuple[ImageChange, ...] | None:
        if row.deployment is not None:
            return row.deployment.images
        if row.version is None:
            return ()
        after = await self._images_of(row.commit.oid, row.app, place)
        before = await self._images_of(row.before, row.app, place) if row.before else {}
        return image_changes(before, after) if before is not None and after is not None else None

    async def _images_of(self, commit: str, app: str, place: Place | None) -> dict[str, str] | None:
        """Return the images of a version, None where they are not known here, or only with a program's help."""
        if place is None or (await self._kind(app, place) not in _CHEAP and not self._with_programs):
            return None
        key = (app, commit)
        if key not in self._images:
            try:
                rendered = await self._renderer.render(place.application, place.repo, commit)
                self._images[key] = rendered.images
            except LastgoodError:
                self._images[key] = None
        return self._images[key]

    async def _kind(self, app: str, place: Place) -> RendererName:
        # Settled once at the head: asking again for each of thousands of versions of an application that
        # nothing here renders would be most of the work of its timeline.
        if app not in self._kinds:
            try:
                self._kinds[app] = await self._renderer.kind(place.application, place.repo, place.head)
            except LastgoodError:
                self._kinds[app] = "unknown"
        return self._kinds[app]


def _may_carry(run: Deployment) -> bool:
    return may_carry(run.images, run.origins)


def deployment_view(run: Deployment) -> DeploymentView:
    """Show a record as the timeline does."""
    return DeploymentView(
        id=run.id,
        outcome=run.outcome,
        trigger=run.trigger,
        started_at=run.started_at,
        finished_at=run.finished_at,
        baked_at=run.baked_at,
        message=run.message,
        degraded_at=run.degraded_at,
        phases=run.phases,
        resources=run.resources,
        last_words=run.last_words,
    )
