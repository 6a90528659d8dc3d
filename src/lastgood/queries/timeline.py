"""The timeline of one application or of everything, from Git alone or from the records merged with Git.

Rows come first (cheap), then the entries that somebody asked for are filled in. Awaits the ports; writes nothing.
"""

import contextlib
import datetime as dt
import heapq
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from lastgood.core.carried import searched
from lastgood.core.commit import History
from lastgood.core.deployment import Deployment
from lastgood.core.errors import GitFailed, NeedsServer
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.queries.filling import Filler
from lastgood.queries.followed import Followed, Place, places, unknown_application
from lastgood.queries.relation import Row, git_rows, recorded_rows
from lastgood.queries.selection import after, entry_matches, row_matches, time_of

# Records that one statement reads; older ones of everything are reached by `before`, of one application read as well.
MAX_RECORDS = 5_000
MAX_ENTRIES = 10_000
ROWS_AT_ONCE = 50


class Timelines:
    """Reads timelines. One object serves one look at the repos."""

    def __init__(
        self, followed: Sequence[Followed], *, renderer: Renderer, clock: Clock, store: Store | None = None
    ) -> None:
        self._followed = followed
        self._renderer = renderer
        self._clock = clock
        self._store = store

    async def timeline(self, query: TimelineQuery) -> list[TimelineEntry]:
        """Return the entries that match, newest first. Raises UnknownApplication, CommandLineWrong."""
        if query.feature and self._store is None:
            raise NeedsServer(
                "which deployments carried a feature is not known here",
                hint="a running server keeps it with its records: `--server URL`",
                command="timeline --feature",
            )
        # Git alone answers the person who asked: all of it, if no limit was given.
        most = MAX_ENTRIES if self._store is not None else sys.maxsize
        limit = min(query.limit or most, most)
        known = await places(self._followed)
        rows = self._all_rows(query, known) if query.app is None else _each(await self.rows(query.app, known))
        filler = Filler(known, renderer=self._renderer, clock=self._clock, store=self._store)
        entries: list[TimelineEntry] = []
        async with contextlib.aclosing(self._matching(after(rows, query.before), query, filler)) as matching:
            async for entry in matching:
                entries.append(entry)
                if len(entries) == limit:
                    break
        return entries

    @staticmethod
    async def _matching(
        rows: AsyncIterator[Row], query: TimelineQuery, filler: Filler
    ) -> AsyncGenerator[TimelineEntry, None]:
        async for some in _some(rows, query):
            await filler.foresee(some)
            for row in some:
                entry = await filler.entry(row)
                if entry_matches(entry, query):
                    yield entry

    async def rows(self, app: str, known: dict[str, Place]) -> list[Row]:
        """Return all rows of one application, newest first. Raises UnknownApplication."""
        place = known.get(app)
        if self._store is None:
            if place is None:
                raise unknown_application(app, known)
            return git_rows(app, await place.repo.history(place.head, place.application.scope))
        return await self._recorded(app, place, self._store, known)

    async def _recorded(self, app: str, place: Place | None, store: Store, known: dict[str, Place]) -> list[Row]:
        record = await store.application(app)
        runs = await _every_run(app, store)
        if record is None and place is None and not runs:
            raise unknown_application(app, [*known, *(one.name for one in await store.applications())])
        history = History(entries=())
        if place is not None:
            # The records alone are still a timeline.
            with contextlib.suppress(GitFailed):
                history = await place.repo.history(place.head, place.application.scope)
        return recorded_rows(
            app,
            history,
            runs,
            await store.refused_heads(app),
            current=record.current.version if record and record.current else None,
            last_good=record.last_good.version if record and record.last_good else None,
            running=record.running.version if record and record.running else None,
        )

    async def _all_rows(self, query: TimelineQuery, known: dict[str, Place]) -> AsyncIterator[Row]:
        if self._store is not None:
            async for row in self._all_recorded(query, known, self._store):
                yield row
            return
        lists = [
            await self.rows(name, known)
            for name, place in known.items()
            if query.environment is None or place.application.environment == query.environment
        ]
        # Each application keeps its own order, whatever its authors' clocks said.
        for row in heapq.merge(*lists, key=lambda row: row.at, reverse=True):
            yield row

    async def _all_recorded(self, query: TimelineQuery, known: dict[str, Place], store: Store) -> AsyncIterator[Row]:
        """Find the newest records of everything, then let each application's own rows say how they relate."""
        # A page that goes on where another one ended begins with the records of that time, which `until` leaves out.
        going_on = time_of(query.before) + dt.timedelta(seconds=1) if query.before else None
        ends = [at for at in (query.until, going_on) if at is not None]
        environments = {record.name: record.environment for record in await store.applications()}
        wanted = DeploymentQuery(
            environment=query.environment,
            since=query.since,
            until=min(ends, default=None),
            outcome=query.outcome,
            author=query.author,
            image=query.image,
            feature=searched(query.feature) if query.feature else None,
            trigger=query.trigger,
            limit=MAX_RECORDS if query.limit is None or query.search or query.feature else max(query.limit * 2, 200),
        )
        runs = await store.deployments(wanted)
        refused = [
            head
            for head in await store.refused_heads()
            if query.environment is None or query.environment == environments.get(head.app)
        ]
        ids = {run.id for run in runs}
        oldest = runs[-1].started_at if len(runs) == wanted.limit else None
        newest = {head.app: head.at for head in reversed(refused)}
        for run in reversed(runs):
            newest[run.app] = max(run.started_at, newest.get(run.app, run.started_at))
        if query.outcome is None and query.trigger is None:
            for app, at in (await self._without_record(query, known, runs)).items():
                newest[app] = max(at, newest.get(app, at))

        async def rows_of(app: str) -> list[Row]:
            return [
                row
                for row in await self._recorded(app, known.get(app), store, known)
                if (row.deployment is None or row.deployment.id in ids) and (oldest is None or row.at >= oldest)
            ]

        async for row in _newest_first(
            {app: at for app, at in newest.items() if oldest is None or at >= oldest}, rows_of
        ):
            yield row
        if (query.search or query.feature or query.author) and oldest is not None:
            older = msgspec.structs.replace(wanted, search=query.search, before_id=runs[-1].id, limit=MAX_RECORDS)
            async for row in self._further_back(older, known, store):
                yield row

    async def _further_back(self, wanted: DeploymentQuery, known: dict[str, Place], store: Store) -> AsyncIterator[Row]:
        """Find the records that hold the words searched for among all older ones, by the store's own index."""
        while runs := await store.deployments(wanted):
            ids = {run.id for run in runs}

            async def rows_of(app: str, ids: set[int] = ids) -> list[Row]:
                rows = await self._recorded(app, known.get(app), store, known)
                return [row for row in rows if row.deployment is not None and row.deployment.id in ids]

            async for row in _newest_first({run.app: run.started_at for run in reversed(runs)}, rows_of):
                yield row
            wanted = msgspec.structs.replace(wanted, before_id=runs[-1].id)

    async def _without_record(
        self, query: TimelineQuery, known: dict[str, Place], runs: Sequence[Deployment]
    ) -> dict[str, dt.datetime]:
        """Return when the newest version was committed, of each application where none of these records is of it.

        An older version without a record stands below the record of a newer one, so that one tells of both.
        """
        deployed = {(run.app, run.commit.oid) for run in runs}
        found: dict[str, dt.datetime] = {}
        for name, place in known.items():
            if query.environment not in {None, place.application.environment}:
                continue
            with contextlib.suppress(GitFailed):
                history = await place.repo.history(place.head, place.application.scope, limit=1)
                for entry in history.entries:
                    if (name, entry.commit.oid) not in deployed:
                        found[name] = entry.commit.committed_at
        return found


async def _newest_first(
    newest: dict[str, dt.datetime], rows_of: Callable[[str], Awaitable[list[Row]]]
) -> AsyncIterator[Row]:
    """Merge the rows of applications; those of one are read only when the turn may be its.

    newest: application -> no row of it began later.
    """
    heap = [(-at.timestamp(), app, 0) for app, at in newest.items()]
    heapq.heapify(heap)
    read: dict[str, list[Row]] = {}
    while heap:
        _, app, place = heapq.heappop(heap)
        if app in read:
            yield read[app][place]
            place += 1
        else:
            read[app] = await rows_of(app)
        if place < len(read[app]):
            heapq.heappush(heap, (-read[app][place].at.timestamp(), app, place))


async def _every_run(app: str, store: Store) -> list[Deployment]:
    """Read all records of an application: how its rows relate, and the end of its pages, hang on the oldest one too."""
    runs: list[Deployment] = []
    before_id = None
    while True:
        page = await store.deployments(DeploymentQuery(app=app, limit=MAX_RECORDS, before_id=before_id))
        runs += page
        if len(page) < MAX_RECORDS:
            return runs
        before_id = page[-1].id


async def _some(rows: AsyncIterator[Row], query: TimelineQuery) -> AsyncIterator[list[Row]]:
    """Gather the rows that match, as many at once as were asked for: no application's rows are read for nothing."""
    at_once = min(query.limit or ROWS_AT_ONCE, ROWS_AT_ONCE)
    gathered: list[Row] = []
    async for row in rows:
        if row_matches(row, query):
            gathered.append(row)
            if len(gathered) == at_once:
                yield gathered
                gathered = []
    if gathered:
        yield gathered


async def _each(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row
