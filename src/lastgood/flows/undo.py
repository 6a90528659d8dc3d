"""Undo: the exact inverse of one operation, its hold included; it stops if an application of it moved since."""

import uuid

import msgspec

from lastgood.core.application import Application
from lastgood.core.checks import known_names
from lastgood.core.commit import Edit, Person
from lastgood.core.errors import BranchMoved, NothingToUndo, ReasonMissing
from lastgood.core.hold import Hold, hold_id, hold_path
from lastgood.core.inputs import OwnInputs
from lastgood.core.message import clean_reason
from lastgood.core.plan import Plan
from lastgood.core.request import UndoRequest
from lastgood.core.version import Version, version_at
from lastgood.flows.branch import FollowedBranch, Look, holds_at
from lastgood.flows.draft import Draft, Part
from lastgood.flows.last_operation import Done, last_operation
from lastgood.flows.plan import plan_commit, plan_move
from lastgood.flows.plan_restore import version_now
from lastgood.flows.planned import Planned
from lastgood.flows.pull_request import asked_before, settle_requests
from lastgood.flows.push import Delivery
from lastgood.flows.recover import as_asked, finish_same
from lastgood.flows.rollback import refuse_blocked, same_content


class Undos:
    """Plans and does undos on one branch."""

    def __init__(self, branch: FollowedBranch) -> None:
        self.branch = branch

    async def plan(self, request: UndoRequest) -> Plan:
        """Say what an undo would do. A check that blocks is part of the plan, never an error.

        Where a pull request for it is open, or brought what the branch has, it is that one's plan, with its result.

        Raises NothingToUndo, UnknownOperation, UnknownApplication, BranchMoved (the application moved since the
        operation), ConfigWrong, RemoteUnreachable.
        """
        known_names(request.despite)
        look = await self.branch.fetch()
        found, notes = await asked_before(look, as_asked(request), {request.app})
        if found is None:
            # No agent has looked whether it was merged where this is a clone.
            await settle_requests(self.branch, look.head.oid, app=request.app)
            done = await self._last(look, request)
            planned = await self._plan(look, request, done, operation=str(uuid.uuid4()))
            found = planned.plan
        return msgspec.structs.replace(found, notes=(*found.notes, *notes))

    async def do(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        """Take the operation back; planned: the plan that the person saw. Returns it with its result.

        Raises what `plan` raises, and Blocked, ReasonMissing, PushRefused, PushUnknown (the same call finishes it).
        """
        known_names(request.despite)
        asked = as_asked(request)
        finished = await finish_same(self.branch, asked, {request.app})
        if finished is not None:
            return finished
        # As in a rollback: before a pull request is opened, the branch is asked.
        look = await self.branch.as_planned(planned.head if planned is not None and planned.via == "push" else None)
        await settle_requests(self.branch, look.head.oid, app=request.app)
        done = await self._last(look, request)
        operation = planned.id if planned is not None else str(uuid.uuid4())
        now = await self._plan(look, request, done, operation=operation)
        if planned is not None:
            same_content(planned, now.plan)
        for app in [await self._application(look, move.app, done) for move in done.moved]:
            if app.policy.reason_required and not clean_reason(request.reason):
                raise ReasonMissing(app=app.name)
        refuse_blocked(now.plan)
        if now.plan.changes_nothing:
            return now.plan

        async def replan(head: str) -> Planned:
            again = await self._plan(await self.branch.at(head), request, done, operation=operation)
            same_content(now.plan, again.plan)
            refuse_blocked(again.plan)
            return again

        return await Delivery(self.branch).deliver(
            now, by=await self._by(request), push=request.push, request=asked, replan=replan
        )

    async def _by(self, request: UndoRequest) -> Person:
        return request.by or await self.branch.repo.author()

    async def _last(self, look: Look, request: UndoRequest) -> Done:
        # The rollback may have deleted the folder: then its first parent tells what it was.
        app = await look.application(request.app, also_at=look.head.parents[0] if look.head.parents else None)
        return await last_operation(look, app, operation=request.operation)

    async def _application(self, look: Look, name: str, done: Done) -> Application:
        before = done.discarded or (done.commit.parents[0] if done.commit.parents else None)
        return await look.application(name, also_at=before)

    async def _plan(self, look: Look, request: UndoRequest, done: Done, *, operation: str) -> Planned:
        by = await self._by(request)
        if done.moves_branch:
            return await self._plan_forward(look, request, done, operation=operation, by=by)
        parts = [await self._part(look, await self._application(look, move.app, done), done) for move in done.moved]
        return await plan_commit(look, _draft(request, operation, done, parts, mode_reset=False), by=by)

    async def _part(self, look: Look, app: Application, done: Done) -> Part:
        repo, after = self.branch.repo, done.commit.oid
        if not done.commit.parents:
            raise NothingToUndo(app=app.name)
        before = done.commit.parents[0]
        version, path_tree = await repo.version(before, app.scope)
        then, _ = await repo.version(after, app.scope)
        now, _ = await repo.version(look.head.oid, app.scope)
        edits: list[Edit] = []
        shared = False
        if version != then:
            if now != then:
                raise _moved_since(app.name, look, after)
            own = await look.own_inputs(app, before)
            did = await repo.changes((await repo.commit(before)).tree, done.commit.tree, lines=False)
            # What came with shared inputs goes with them: nothing of it has changed since, or the version had.
            shared = any(own.shares(change.path) for change in did)
            own = OwnInputs(app.name, own.scope, {}) if shared else own
            edits = await own.edits(repo, head=look.head.oid, to=before)
        left = await version_now(look, app)
        to = await self._back_to(look, app, done, version, path_tree) if version != then else left
        holds, edit = await self._holds_back(look, app, before=before, after=after)
        return Part(
            app=app,
            from_=left,
            to=to,
            edits=(*edits, edit) if edit is not None else tuple(edits),
            holds=holds,
            holds_written=edit is not None,
            with_shared=shared,
        )

    async def _back_to(
        self, look: Look, app: Application, done: Done, version: str | None, path_tree: str | None
    ) -> Version:
        """Describe what it goes back to: by the commit that the operation moved from, if that had this version."""
        repo = self.branch.repo
        moved = next(move for move in done.moved if move.app == app.name)
        commit = moved.from_ if (await repo.version(moved.from_, app.scope))[0] == version else done.commit.parents[0]
        ran = await look.ran(app.name, version)
        return version_at(await repo.commit(commit), version=version, path_tree=path_tree, ran=ran)

    async def _holds_back(
        self, look: Look, app: Application, *, before: str, after: str
    ) -> tuple[tuple[Hold, ...], Edit | None]:
        """Return the hold file's entries without what the operation did; the edit, where the old file still fits."""
        repo, path = self.branch.repo, hold_path(app.name)
        old, new, now = [await repo.entry(commit, path) for commit in (before, after, look.head.oid)]
        here = await look.file_holds(app.name)
        if (old and old.oid) == (new and new.oid):
            return here, None
        was, became = await holds_at(repo, before, app.name), await holds_at(repo, after, app.name)
        if (now and now.oid) == (new and new.oid):
            return was, Edit(path=path) if old is None else Edit(path=path, mode=old.mode, oid=old.oid)
        # Somebody changed the file since: only what the operation added goes, and what it removed comes back.
        added = {hold.id for hold in became} - {hold.id for hold in was}
        removed = {hold.id for hold in was} - {hold.id for hold in became} - {hold.id for hold in here}
        merged = [hold for hold in here if hold.id not in added] + [hold for hold in was if hold.id in removed]
        return tuple(sorted(merged, key=lambda hold: hold.since)), None

    async def _plan_forward(
        self, look: Look, request: UndoRequest, done: Done, *, operation: str, by: Person
    ) -> Planned:
        """Plan the way forward again to the head that a reset discarded."""
        repo = self.branch.repo
        if done.discarded is None:
            raise NothingToUndo(
                "the last operation took back a reset: that is not taken back by an undo",
                hint=f"`lastgood rollback {request.app} --mode reset --to {done.commit.short}` resets again",
                app=request.app,
            )
        if look.head.oid != done.commit.oid:
            raise _moved_since(request.app, look, done.commit.oid)
        target = await repo.commit(done.discarded)
        parts = []
        for move in done.moved:
            app = await self._application(look, move.app, done)
            version, path_tree = await repo.version(target.oid, app.scope)
            ran = await look.ran(app.name, version)
            to = version_at(target, version=version, path_tree=path_tree, ran=ran)
            ended = (hold_id(done.id, app.name),)
            parts.append(Part(app=app, from_=await version_now(look, app), to=to, edits=(), ended=ended))
        return await plan_move(look, _draft(request, operation, done, parts, mode_reset=True), target, by=by)


def _draft(request: UndoRequest, operation: str, done: Done, parts: list[Part], *, mode_reset: bool) -> Draft:
    return Draft(
        operation=operation,
        kind="undo",
        mode="reset" if mode_reset else "restore",
        parts=tuple(parts),
        reason=clean_reason(request.reason),
        despite=request.despite,
        place_holds=False,
        title=done.kind,
        asked=as_asked(request),
    )


def _moved_since(app: str, look: Look, operation: str) -> BranchMoved:
    """Say that what an undo would take back is not what the branch asks for any more."""
    return BranchMoved(
        f"{app} moved on {look.branch.name} since its last operation, {operation[:7]}: an undo would take that along",
        app=app,
        branch=look.branch.name,
        planned_on=operation,
        found=look.head.oid,
        hint=f"nothing was pushed; `lastgood timeline {app}` shows what came since; `lastgood plan {app} --to VERSION`",
    )
