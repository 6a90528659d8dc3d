"""Follow one application to a new head: its version there becomes what should run, unless something keeps it out.

What keeps it out: a hold (refused), a rewrite of the branch (stopped), an entry or a file that is wrong (broken).
Then what should run stays what it was. Nothing here touches a target.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lastgood.core.application import Application, Refusal
from lastgood.core.commit import HistoryEntry
from lastgood.core.deployment import Deployment
from lastgood.core.errors import ConfigWrong, NoRenderer, RenderFailed
from lastgood.core.hold import Hold, held_paths, image_references, refusing
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store
from lastgood.core.record import ApplicationRecord, DeploymentQuery, HeadKind, HoldRecord, RefusedHead, Told
from lastgood.core.value import Value
from lastgood.core.version import Version, version_at
from lastgood.core.words import RendererName
from lastgood.flows.known import Known
from lastgood.flows.last_good import judged, judges, refresh_last_good
from lastgood.flows.why import WhyDeployed

# Where no record says what was desired, so many versions are tried for one that no hold keeps out.
MAX_BACK = 100

MayRun = Callable[[Application], str | None]
"""Says in a sentence why the server's settings do not let an application run; None where they do."""


class Head(Value, frozen=True, kw_only=True):
    """A head as observed: how the branch came to it, and from which one."""

    commit: str
    kind: HeadKind
    previous: str | None


class Follow:
    """Decides for one application at a time what a head means for it."""

    def __init__(
        self, *, repo: ConfigRepo, store: Store, known: Known, renderer: Renderer, clock: Clock, may_run: MayRun
    ) -> None:
        self._repo = repo
        self._store = store
        self._known = known
        self._renderer = renderer
        self._clock = clock
        self._may_run = may_run
        self._why = WhyDeployed(repo=repo, store=store)

    async def __call__(self, app: Application, head: Head, *, wrong: str | None) -> None:
        """Write what the head means for the application.

        wrong: why it cannot be followed, found before. Raises StoreFailed, GitFailed.
        """
        version, path_tree = await self._repo.version(head.commit, app.scope)
        record = self._known.record(app.name) or await self._first_record(app, head)
        wrong = wrong or self._may_run(app)
        if version is None:
            wrong = wrong or f"there is nothing at {app.path or 'the root of the repo'} in {app.repo}"
        if wrong is not None or version is None:
            await self._known.define(app, state="broken", message=wrong or "")
            return
        rewritten = head.kind in {"rewound", "diverged"} and record.desired is not None
        redefined = rewritten and record.definition != app.definition
        if record.current is not None and record.current.version == version and not redefined:
            await self._known.define(app, **_mended(record))
            return
        await self._known.update(app.name, renderer=await self._kind(app, head))
        entry = await self._newest(app, head, version, path_tree)
        current = version_at(entry.commit, version=version, path_tree=path_tree, ran=None)
        desired = record.desired
        if desired is not None and desired.version == current.version and not redefined:
            await self._known.define(app, state="followed", message="", current=current, refused=None)
        elif rewritten and desired is not None:
            message = _would_change(app, head, desired, current)
            await self._known.define(app, state="stopped", message=message, current=current, refused=None)
        else:
            by = await judges(app.name, store=self._store)
            hold = await self._refusing(app, current, by[0])
            if hold is None:
                would_be = msgspec.structs.replace(record, desired=current)
                fields = await judged(would_be, store=self._store, clock=self._clock, by=by)
                await self._desire(app, desired, current, fields)
                return
            await self._refuse(app, current, hold, head)
        await refresh_last_good(app.name, store=self._store, known=self._known, clock=self._clock)

    async def _desire(
        self, app: Application, before: Version | None, current: Version, fields: Mapping[str, Any]
    ) -> None:
        # A version is either overtaken before it began, or tried: it must not become both while this is written.
        with self._known.deciding(app.name):
            await self._record_overtaken(app, before, current)
            await self._known.define(
                app, state="followed", message="", current=current, desired=current, refused=None, **fields
            )

    async def _record_overtaken(self, app: Application, before: Version | None, by: Version) -> None:
        """Record a version that should have run, and that is overtaken before anybody tried."""
        if before is None or before.version is None or before.commit is None or before.version == by.version:
            return
        if self._known.is_taken_up(app.name, before.version):
            return
        last = await self._known.last(app.name)
        if last is not None and last.version == before.version:
            return
        commit = await self._repo.commit(before.commit)
        why = await self._why(commit, app=app.name)
        now = self._clock.now()
        overtaken = Deployment(
            id=0,
            app=app.name,
            number=0,
            version=before.version,
            path_tree=before.path_tree,
            commit=commit,
            trigger=why.trigger,
            outcome="superseded",
            started_at=now,
            finished_at=now,
            message=f"overtaken by {by.short} before it began",
            operation=why.operation,
            definition=app.definition,
            superseded_by=by.version,
        )
        payload = {"commit": commit.oid, "outcome": "superseded", "trigger": why.trigger}
        told = Told(kind="deployment", app=app.name, payload=payload, at=now)
        await self._store.start_deployment(overtaken, told=told)

    async def _refuse(self, app: Application, current: Version, hold: Hold, head: Head) -> None:
        commit = current.commit or head.commit
        now = self._clock.now()
        await self._store.refuse(
            RefusedHead(app=app.name, commit=commit, version=current.version or "", hold=hold.id, at=now)
        )
        refused = Refusal(commit=commit, hold=hold.id)
        message = f"{current.short} is kept out by a hold: {hold.reason or 'no reason was given'}"
        await self._known.define(app, state="followed", message=message, current=current, refused=refused)
        record = self._known.record(app.name)
        if record is not None and record.desired is None:
            await self._desire_older(app, head)
        payload = {"what": "refused", "hold": hold.id, "commit": commit}
        await self._store.add_event(kind="hold", app=app.name, payload=payload, at=now)

    async def _desire_older(self, app: Application, head: Head) -> None:
        """With the records lost: the newest version on the first-parent line which no hold refuses now."""
        holds = await self._store.holds(app.name)
        for entry in (await self._repo.history(head.commit, app.scope, limit=MAX_BACK)).entries:
            version = version_at(entry.commit, version=entry.version, path_tree=entry.path_tree, ran=None)
            if version.version is not None and await self._refusing(app, version, holds) is None:
                await self._known.update(app.name, desired=version)
                return

    async def _refusing(self, app: Application, version: Version, held: Sequence[HoldRecord]) -> Hold | None:
        holds = [record.hold for record in held]
        if not holds or version.commit is None:
            return None
        images: frozenset[str] = frozenset()
        if any(hold.images for hold in holds):
            # What does not render runs no image; what is not rendered here is kept out by its files.
            try:
                images = image_references((await self._renderer.render(app, self._repo, version.commit)).images)
            except (RenderFailed, ConfigWrong, NoRenderer):
                images = frozenset()
        files = {}
        for path in held_paths(holds):
            found = await self._repo.entry(version.commit, path)
            if found is not None:
                files[path] = found.oid
        return refusing(holds, version=version.version, images=images, files=files, now=self._clock.now())

    async def _newest(self, app: Application, head: Head, version: str, path_tree: str | None) -> HistoryEntry:
        """Return the newest first-parent commit that gave the application this version: it is the one to blame."""
        found = (await self._repo.history(head.commit, app.scope, limit=1)).entries
        if found and found[0].version == version:
            return found[0]
        return HistoryEntry(commit=await self._repo.commit(head.commit), version=version, path_tree=path_tree)

    async def _kind(self, app: Application, head: Head) -> RendererName:
        try:
            return await self._renderer.kind(app, self._repo, head.commit)
        except RenderFailed:
            return "unknown"

    async def _first_record(self, app: Application, head: Head) -> ApplicationRecord:
        # Whatever ran under this name was forgotten since: then its record went, and its deployments stayed.
        earlier = await self._store.deployments(DeploymentQuery(app=app.name, limit=1))
        record = ApplicationRecord(
            name=app.name,
            repo=app.repo,
            branch=app.branch,
            path=app.path,
            group=app.group,
            environment=app.environment,
            destination=app.destination,
            renderer=await self._kind(app, head),
            definition=app.definition,
            state="followed",
            message="",
            current=None,
            desired=None,
            running=None,
            last_good=None,
            refused=None,
            held=0,
            health="Unknown",
            sync="Unknown",
            health_message="",
            observed_at=None,
            updated_at=None,
            earlier=earlier[0].number if earlier else 0,
        )
        await self._known.add(record)
        return record


def _would_change(app: Application, head: Head, desired: Version, current: Version) -> str:
    how = "went back" if head.kind == "rewound" else "was replaced"
    said = f"{app.branch} {how} from {(head.previous or '')[:7]} to {head.commit[:7]}"
    would = f"this would change {app.name} from {desired.short} to {current.short}"
    if desired.version == current.version:
        would = f"this would change the entry of {app.name} in lastgood.yaml"
    return f"{said}; {would}; `lastgood retry {app.name}` follows it"


def _mended(record: ApplicationRecord) -> dict[str, Any]:
    """Return what changes where the version was judged before and only the entry differs, or was broken meanwhile."""
    if record.state != "broken":
        return {}
    waits = record.refused is None and record.desired is not None and record.current is not None
    if waits and record.desired != record.current:
        return {"state": "stopped", "message": f"it waits for a press: `lastgood retry {record.name}`"}
    return {"state": "followed", "message": ""}
