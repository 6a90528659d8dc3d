"""Hold and unhold: put a version under quarantine, or let it go, by a commit that touches the hold file alone."""

import datetime as dt
import uuid
from typing import Any

import msgspec

from lastgood.core.application import Application
from lastgood.core.commit import Commit, Edit, FileChange, Person
from lastgood.core.declared_inputs import scope_at
from lastgood.core.errors import CommandLineWrong, ReasonMissing, Unknown, UnknownVersion
from lastgood.core.hold import Hold, format_holds, hold_path
from lastgood.core.inputs import joined, uses
from lastgood.core.message import clean_reason, operation_message
from lastgood.core.operation import Moved
from lastgood.core.plan import Plan, PlannedApplication, PlannedFeatures, PlannedFile, PlanResult
from lastgood.core.pull_request import proposed_branch
from lastgood.core.request import HoldRequest, HoldResult
from lastgood.core.version import Version
from lastgood.core.words import OperationKind
from lastgood.flows.branch import FollowedBranch, Look
from lastgood.flows.git_commands import restore_commands
from lastgood.flows.placing import new_hold, refusing_at
from lastgood.flows.plan_restore import chosen_version, version_now
from lastgood.flows.planned import Planned
from lastgood.flows.push import Delivery
from lastgood.flows.recover import as_asked, finish_same
from lastgood.flows.requested import replaced
from lastgood.flows.weigh import render

_LOOKED_AT = 1000
_SHORTEST = 4


class Holds:
    """Places and ends holds on one branch."""

    def __init__(self, branch: FollowedBranch) -> None:
        self.branch = branch

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """Put a version on hold. Where it already is, nothing is committed.

        Raises UnknownApplication, UnknownVersion and its kin, ConfigWrong, CommandLineWrong (a date that has passed),
        ReasonMissing, PushRefused, PushUnknown (the same call finishes it), RemoteUnreachable.
        """
        if request.until is not None and request.until <= self.branch.clock.now():
            raise CommandLineWrong(f"the hold would have ended at {request.until:%Y-%m-%d %H:%M} UTC already")
        return await self._do(request, "hold", dry_run=dry_run)

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """End every hold that refuses a version; nothing is deployed by that. Raises as `hold` does."""
        return await self._do(request, "unhold", dry_run=dry_run)

    async def _do(self, request: HoldRequest, kind: OperationKind, *, dry_run: bool) -> HoldResult:
        asked = {**as_asked(request), "kind": kind}
        look = await self.branch.fetch()
        app = await look.application(request.app)
        if not dry_run:
            finished = await finish_same(self.branch, asked, {request.app})
            if finished is not None:
                return await self._finished(finished, app)
            look = await self.branch.fetch()
        if app.policy.reason_required and not clean_reason(request.reason) and not dry_run:
            raise ReasonMissing(app=app.name)
        by = request.by or await self.branch.repo.author()
        stale = await replaced(self.branch, asked) if not dry_run else None
        operation = stale.id if stale is not None else str(uuid.uuid4())
        change = await self._change(look, app, request, kind, operation=operation, by=by)
        plan = await self._plan(look, app, request, change, operation=operation)
        if dry_run or not plan.applications[0].files:
            if not dry_run:
                await self._end_remembered(change.ended, app, by)
            return _result(plan, app, change.holds)
        latest = [change]

        async def replan(head: str) -> Planned:
            again = await self.branch.at(head)
            latest[0] = await self._change(again, app, request, kind, operation=operation, by=by)
            new = await self._plan(again, app, request, latest[0], operation=operation)
            return _planned(new, latest[0], again)

        done = await Delivery(self.branch).deliver(
            _planned(plan, change, look), by=by, push=request.push, request=asked, replan=replan, replaces=stale
        )
        return _result(done, app, latest[0].holds)

    async def _finished(self, plan: Plan, app: Application) -> HoldResult:
        now = (await self.branch.fetch()).head.oid
        holds = await (await self.branch.at(now)).file_holds(app.name)
        return _result(plan, app, tuple(hold for hold in holds if plan.applications[0].hold in {None, hold}))

    async def _change(
        self, look: Look, app: Application, request: HoldRequest, kind: OperationKind, *, operation: str, by: Person
    ) -> "_Change":
        in_git, in_force = await look.file_holds(app.name), await look.holds(app.name)
        if kind == "unhold":
            ended = await self._refusing(look, app, request.version, in_force)
            gone = {hold.id for hold in ended}
            content = tuple(hold for hold in in_git if hold.id not in gone)
            return _Change(kind=kind, holds=ended, ended=ended, placed=None, content=content, before=in_git)
        version = await chosen_version(look, app, request.version)
        if version.version is None or version.commit is None:
            raise UnknownVersion(
                f"{app.name} has no content at {request.version}", app=app.name, version=request.version
            )
        already = tuple(hold for hold in in_git if hold.version == version.version and hold in in_force)
        if already:
            return _Change(kind=kind, holds=already, ended=(), placed=None, content=in_git, before=in_git)
        placed = await self._new_hold(look, app, version, request, operation=operation, by=by)
        return _Change(kind=kind, holds=(placed,), ended=(), placed=placed, content=(*in_git, placed), before=in_git)

    async def _new_hold(
        self, look: Look, app: Application, version: Version, request: HoldRequest, *, operation: str, by: Person
    ) -> Hold:
        repo, commit = self.branch.repo, await self.branch.repo.commit(str(version.commit))
        earlier = await self._before(look, app, version, commit)
        files: list[FileChange] = []
        old = None
        if earlier is not None:
            changes = await repo.changes(commit.tree, earlier.tree, lines=False)
            scope = joined(*[await scope_at(app, repo, at.oid) for at in (commit, earlier)])
            files = [change for change in changes if uses(scope, change.path)]
            old = await render(look, app, earlier.oid, version=(await repo.version(earlier.oid, app.scope))[0])
        placed = new_hold(
            operation=operation,
            app=app.name,
            left=version,
            before=await render(look, app, commit.oid, version=version.version),
            after=old,
            files=files,
            reason=clean_reason(request.reason),
            by=f"{by.name} <{by.email}>",
            now=self.branch.clock.now(),
            until=request.until,
        )
        if placed is None:
            raise UnknownVersion(app=app.name, version=request.version)
        return placed

    async def _before(self, look: Look, app: Application, version: Version, commit: Commit) -> Commit | None:
        """Return the commit with what the application was before a version; None where there was nothing."""
        entries = (await self.branch.repo.history(look.head.oid, app.scope, limit=_LOOKED_AT)).entries
        at = next((i for i, entry in enumerate(entries) if entry.version == version.version), None)
        if at is not None:
            return entries[at + 1].commit if at + 1 < len(entries) else None
        return await self.branch.repo.commit(commit.parents[0]) if commit.parents else None

    async def _refusing(self, look: Look, app: Application, text: str, in_force: tuple[Hold, ...]) -> tuple[Hold, ...]:
        try:
            version = await chosen_version(look, app, text)
        except Unknown:
            # The version may be gone from the branch; its hold still names it.
            named = tuple(hold for hold in in_force if _names(hold, text))
            if not named:
                raise
            return named
        if version.commit is None:
            return ()
        rendered = await render(look, app, version.commit, version=version.version)
        return await refusing_at(
            self.branch.repo,
            version.commit,
            in_force,
            version=version.version,
            rendered=rendered,
            now=self.branch.clock.now(),
        )

    async def _plan(
        self, look: Look, app: Application, request: HoldRequest, change: "_Change", *, operation: str
    ) -> Plan:
        repo, path = self.branch.repo, hold_path(app.name)
        by_request = look.delivery(None) == "pull-request"
        data = format_holds(change.content) if change.content else None
        touched = change.content != change.before
        blob = await repo.write_blob(data) if data is not None and touched else None
        edits = [Edit(path=path, oid=blob)] if touched else []
        tree = await repo.write_tree(look.head.tree, edits) if edits else look.head.tree
        version = await version_now(look, app)
        names = ", ".join(hold.version[:7] for hold in change.holds) or request.version
        reason = clean_reason(request.reason)
        message = operation_message(
            operation=operation,
            kind=change.kind,
            subject=f"Hold {names} in {app.name}" if change.kind == "hold" else f"Let {names} go in {app.name}",
            reason=reason,
            moved=(Moved(app=app.name, from_=look.head.oid, to=look.head.oid),),
        )
        what: Any = "added" if not change.before else "removed" if not change.content else "modified"
        file = PlannedFile(path=path, change=what, added=None, removed=None, new=blob)
        return Plan(
            id=operation,
            kind=change.kind,
            mode="restore",
            via="pr" if by_request else "push",
            branch=look.branch.name,
            head=look.head.oid,
            applications=(
                PlannedApplication(
                    app=app.name,
                    from_=version,
                    to=version,
                    version=version.version,
                    path_tree=version.path_tree,
                    files=(file,) if touched else (),
                    resources=(),
                    renders_as_ran=None,
                    images=(),
                    features=PlannedFeatures(),
                    hold=change.placed,
                ),
            ),
            also_affected=(),
            checks=(),
            git=restore_commands(
                branch=look.branch.name,
                head=look.head.oid,
                message=message,
                restored=(),
                hold_files=[(path, data)],
                own=proposed_branch(change.kind, operation) if by_request else None,
            )
            if touched
            else (),
            result=PlanResult(tree=tree, commit=None, pushed=False, head=look.head.oid),
            reason=reason,
            message=message,
        )

    async def _end_remembered(self, ended: tuple[Hold, ...], app: Application, by: Person) -> None:
        """End holds that only the store remembers: no file names them, so no commit can."""
        store = self.branch.store
        if store is None:
            return
        gone = {hold.id for hold in ended}
        for record in await store.holds(app.name):
            if record.hold.id in gone:
                now: dt.datetime = self.branch.clock.now()
                await store.save_hold(
                    msgspec.structs.replace(record, ended_at=now, ended_by=f"{by.name} <{by.email}>", vanished=False)
                )


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a hold file. holds: those it is about; before, content: the file's entries."""

    kind: OperationKind
    holds: tuple[Hold, ...]
    ended: tuple[Hold, ...]
    placed: Hold | None
    content: tuple[Hold, ...]
    before: tuple[Hold, ...]


def _planned(plan: Plan, change: _Change, look: Look) -> Planned:
    moved = tuple(Moved(app=one.app, from_=plan.head, to=plan.head) for one in plan.applications)
    return Planned(
        plan,
        moved=moved,
        ends=tuple(hold.id for hold in change.ended),
        if_refused=look.delivery(None) == "pull-request-if-refused",
    )


def _names(hold: Hold, text: str) -> bool:
    return len(text) >= _SHORTEST and any(name.startswith(text) for name in (hold.version, hold.commit or "", hold.id))


def _result(plan: Plan, app: Application, holds: tuple[Hold, ...]) -> HoldResult:
    return HoldResult(
        app=app.name,
        operation=plan.id,
        holds=holds,
        commit=plan.result.commit,
        pushed=plan.result.pushed,
        git=plan.git,
        pull_request=plan.result.pull_request,
        via=plan.via,
    )
