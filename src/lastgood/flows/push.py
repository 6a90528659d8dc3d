"""Deliver a plan: commit, push, and be sure of what came of it.

An operation is journalled before each step that the world can see. Killed anywhere, either its commit is on the
remote and `flows/recover.py` goes on from there, or nothing happened. Knows no version and no check.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from lastgood.core.commit import Person
from lastgood.core.errors import (
    BranchMoved,
    ConfigWrong,
    ForgeFailed,
    GitFailed,
    HeadMoved,
    LastgoodError,
    PushRefused,
    PushUnknown,
    RemoteUnreachable,
    StoreFailed,
)
from lastgood.core.hold import Hold
from lastgood.core.message import request_body
from lastgood.core.operation import Operation, Step
from lastgood.core.plan import Plan
from lastgood.core.pull_request import proposed_branch
from lastgood.core.push import judge_push
from lastgood.core.record import HoldRecord
from lastgood.core.value import to_plain
from lastgood.flows.branch import FollowedBranch, holds_at
from lastgood.flows.planned import Planned
from lastgood.flows.requested import with_result

MAX_PLANS = 20
MAX_PUSHES = 3
DISCARDED = "refs/lastgood/discarded/"
UNPUSHED = "refs/lastgood/unpushed/"

_INSTEAD = {"rollback": "`--via pr` opens a pull request instead"}
_BY_THE_REPO = "`delivery: pull-request-if-refused` in lastgood.yaml would open a pull request instead"

Replan = Callable[[str], Awaitable[Planned]]
"""Given the new head, the plan on it. Raises BranchMoved where an application moved whose plan somebody has seen."""


class Journalled:
    """One operation, written down at each step."""

    def __init__(self, branch: FollowedBranch, operation: Operation) -> None:
        self.branch = branch
        self.operation = operation

    async def step(self, step: Step, **changes: Any) -> None:
        """Write down how far it has come; changes: other fields of the operation."""
        self.operation = msgspec.structs.replace(self.operation, step=step, **changes)
        await self.branch.journal.save(self.operation)

    async def planned(self, step: Step, planned: Planned, *, commit: str | None = None, **kept: Any) -> None:
        """Write down how far it has come with a plan, which may be another than the one before. kept: beside it."""
        request = (self.operation.plan or {}).get("request", {})
        await self.step(
            step,
            commit=commit,
            head=planned.plan.head,
            moved=planned.moved,
            despite=despite_of(planned.plan),
            plan={**remembered(planned, request), **kept},
        )

    async def end(self, step: Step, message: str, *, holds: Sequence[HoldRecord] = (), **changes: Any) -> None:
        """Write down that it is over, and why. holds: what began or ended by it, recorded in the same transaction."""
        if not holds or self.branch.store is None:
            await self.step(step, message=message, finished_at=self.branch.clock.now(), **changes)
            return
        self.operation = msgspec.structs.replace(
            self.operation, step=step, message=message, finished_at=self.branch.clock.now(), **changes
        )
        await self.branch.store.save_operation(self.operation, holds=holds)


def remembered(planned: Planned, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the journal keeps: the plan, what was asked, and the ids of the holds that it ends."""
    return {**to_plain(planned.plan), "request": dict(request), "ends": list(planned.ends)}


class Delivery:
    """Takes plans to the branch."""

    def __init__(self, branch: FollowedBranch) -> None:
        self.branch = branch
        self.repo = branch.repo

    async def deliver(
        self,
        planned: Planned,
        *,
        by: Person,
        push: bool,
        request: Mapping[str, Any],
        replan: Replan,
        replaces: Operation | None = None,
    ) -> Plan:
        """Do what a plan says; return it with its result.

        request: what was asked, so that the same command can finish it later. replaces: the same operation as it waits
        now, whose pull request gets the new commit; if that fails, it waits on as it was.
        Raises BranchMoved, PushRefused, PullRequestRefused, PushUnknown (the same call finishes it), RemoteUnreachable,
        StoreFailed.
        """
        plan = planned.plan
        entry = Journalled(
            self.branch,
            Operation(
                id=plan.id,
                kind=plan.kind,
                repo=self.repo.name,
                branch=self.branch.name,
                moved=planned.moved,
                reason=plan.reason,
                despite=despite_of(plan),
                by=by,
                requested_at=self.branch.clock.now(),
                step="planned",
                head=plan.head,
                plan=remembered(planned, request),
            ),
        )
        self.branch.live.add(plan.id)
        try:
            if plan.mode == "reset":
                return await self._move(plan, entry)
            if not push or plan.via == "push":
                return await self._commit_and_push(planned, entry, push=push, replan=replan)
            return await self._propose(planned, entry, replaces=replaces.commit if replaces is not None else None)
        except StoreFailed:
            raise
        except PushUnknown as unknown:
            await entry.step("unknown", message=unknown.message)
            raise
        except LastgoodError as failed:
            if replaces is not None:
                await self.branch.journal.save(replaces)
            else:
                await entry.end("failed", failed.message)
            raise
        finally:
            self.branch.live.discard(plan.id)

    async def _commit_and_push(self, planned: Planned, entry: Journalled, *, push: bool, replan: Replan) -> Plan:
        for _ in range(MAX_PLANS):
            plan = planned.plan
            commit = await self._commit(plan, entry.operation.by)
            if not push:
                await entry.planned("committed", planned, commit=commit)
                await self.repo.keep(f"{UNPUSHED}{plan.id}", commit)
                await entry.end("done", f"kept under {UNPUSHED}{plan.id}; not pushed")
                return with_result(plan, commit=commit, pushed=False)
            # Nothing that the world can see has happened before this: a process killed earlier leaves no trace.
            await entry.planned("pushing", planned, commit=commit)
            try:
                await self.push(commit, expected=plan.head)
            except HeadMoved as moved:
                head = await self.repo.fetch(self.branch.name)
                if head is None:
                    raise GitFailed(f"the branch {self.branch.name} is gone", hint="nothing was pushed") from moved
                planned = await replan(head)
                if planned.changes_nothing:
                    await entry.end("failed", "the branch has it already; nothing was pushed", commit=None)
                    return planned.plan
                if planned.plan.via == "pr":
                    # The branch that moved says by now that it takes no pushes.
                    return await self._propose(planned, entry, replaces=None)
                continue
            except PushRefused as refused:
                if not planned.if_refused:
                    if self.branch.pulls is not None:
                        refused.hint = f"nothing was changed; {_INSTEAD.get(plan.kind, _BY_THE_REPO)}"
                    raise
                note = f"{refused.message}; so it goes by pull request"
                asked = msgspec.structs.replace(plan, via="pr", notes=(*plan.notes, note))
                requested = dataclasses.replace(planned, plan=asked)
                return await self._propose(requested, entry, replaces=None)
            return await self.arrived(plan, entry)
        raise GitFailed(
            f"{self.branch.name} moved {MAX_PLANS} times while the plan was made",
            hint="nothing was pushed; try again when it is quieter",
        )

    async def _propose(self, planned: Planned, entry: Journalled, *, replaces: str | None) -> Plan:
        """Ask for the branch to be moved, instead of moving it: there is no race to be first."""
        commit = await self._commit(planned.plan, entry.operation.by)
        await entry.planned("pushing", planned, commit=commit, replaces=replaces)
        return await self.propose(planned.plan, entry)

    async def propose(self, plan: Plan, entry: Journalled) -> Plan:
        """Put the operation's commit on a branch of its own and open a pull request, or find what is there already.

        Raises PullRequestRefused, HeadMoved (somebody else pushed to that branch), PushRefused, RemoteUnreachable;
        PushUnknown, also where the forge gives no clear answer.
        """
        pulls, kept = self.branch.pulls, entry.operation.plan or {}
        commit, source = str(entry.operation.commit), proposed_branch(plan.kind, plan.id)
        if pulls is None:
            raise GitFailed(
                "no forge is known any more to open a pull request at", hint="see [[forges]] in the settings"
            )
        await self.repo.propose(source, commit, replaces=kept.get("replaces"))
        try:
            body = request_body(plan.message, plan.reason)
            title = plan.message.partition("\n")[0]
            pull = await pulls.open(source, self.branch.name, title=title, body=body)
            if kept.get("replaces") is not None:
                await pulls.describe(pull.number, title=title, body=body)
        except ForgeFailed as silent:
            raise PushUnknown(
                f"{commit[:7]} is on {source}, but it is not known whether a pull request is open: {silent.message}",
                commit=commit,
                branch=source,
            ) from silent
        asked = with_result(plan, commit=commit, pushed=False)
        asked = msgspec.structs.replace(asked, result=msgspec.structs.replace(asked.result, pull_request=pull.url))
        await entry.step("waiting", message="", plan={**kept, **to_plain(asked), "pull": pull.number})
        return asked

    async def _commit(self, plan: Plan, by: Person) -> str:
        commit = await self.repo.make_commit(
            tree=plan.result.tree,
            parents=[plan.head],
            author=by,
            authored_at=self.branch.clock.now().replace(microsecond=0),
            message=plan.message,
        )
        made = await self.repo.commit(commit)
        # What the plan said is what happens: on that head, with that tree, and no other.
        if made.parents != (plan.head,) or made.tree != plan.result.tree:
            raise GitFailed(f"the commit {commit[:7]} is not the one that was planned", hint="nothing was pushed")
        return commit

    async def _move(self, plan: Plan, entry: Journalled) -> Plan:
        """Move the branch to a commit that is already there: a reset, or its undo."""
        to = plan.result.commit
        if to is None:
            raise GitFailed("a reset needs a commit to go to")
        await entry.step("committed", commit=to)
        if plan.kind == "rollback":
            # Before the branch moves, and apart from it: a server may refuse the ref and still take the push.
            ref = f"{DISCARDED}{plan.head}"
            await self.repo.keep(ref, plan.head)
            await self.repo.push_ref(ref, plan.head)
        await entry.step("pushing")
        try:
            await self.push(to, expected=plan.head)
        except HeadMoved as moved:
            # A reset takes everything after `to` away: what nobody has looked at may not go with it.
            raise BranchMoved(
                app=plan.applications[0].app,
                branch=self.branch.name,
                planned_on=plan.head,
                found=str(moved.facts.get("found") or plan.head),
            ) from moved
        return await self.arrived(plan, entry)

    async def push(self, commit: str, *, expected: str) -> None:
        """Push until there is a clear answer. Raises HeadMoved, PushRefused, PushUnknown, RemoteUnreachable."""
        unknown: PushUnknown | None = None
        for _ in range(MAX_PUSHES):
            try:
                await self.repo.push(self.branch.name, commit, expected=expected)
            except PushUnknown as no_answer:
                unknown = no_answer
            except RemoteUnreachable as silent:
                if unknown is None:
                    raise
                raise unknown from silent
            else:
                return
            try:
                found = await self.repo.fetch(self.branch.name)
            except RemoteUnreachable as silent:
                raise unknown from silent
            # The remote stands where it stood: the same commit may be pushed again. Anywhere else is an answer.
            if found != expected:
                await self.judge(commit, expected=expected, found=found)
                return
        if unknown is not None:
            raise unknown

    async def judge(self, commit: str, *, expected: str, found: str | None) -> None:
        """Return if the branch, found there now, has the commit. Raises HeadMoved, PushRefused, PushUnknown."""
        await judge_push(
            branch=self.branch.name,
            commit=commit,
            expected=expected,
            found=found,
            refusal=None,
            is_ancestor=self.repo.is_ancestor,
        )

    async def arrived(self, plan: Plan, entry: Journalled) -> Plan:
        """Record what is now true: the commit is on the branch, holds began or ended, the operation is done."""
        done = with_result(plan, commit=str(entry.operation.commit), pushed=True)
        try:
            await entry.end("done", "", holds=await self._holds_of(done, entry.operation))
        except StoreFailed as failed:
            # The commit is on the branch: that is the news. The next start finds the operation open and records it.
            note = f"the commit is pushed but not yet recorded: {failed.message}"
            return msgspec.structs.replace(done, notes=(*done.notes, note))
        return done

    async def _holds_of(self, plan: Plan, operation: Operation) -> list[HoldRecord]:
        """Return the holds that began or ended by an operation whose commit is on the branch."""
        store, now = self.branch.store, self.branch.clock.now()
        if store is None or operation.commit is None:
            return []
        found: list[HoldRecord] = []
        ends = set((operation.plan or {}).get("ends", []))
        for part in plan.applications:
            known = {record.hold.id: record for record in await store.holds(part.app, in_force=False)}
            if plan.mode == "reset":
                holds: tuple[Hold, ...] = (part.hold,) if part.hold is not None else ()
            else:
                holds = await self._standing(operation.commit, part.app)
            for hold in holds:
                old = known.get(hold.id)
                if old is None or old.ended_at is not None:
                    vanished = plan.mode == "reset"
                    found.append(HoldRecord(app=part.app, hold=hold, commit=operation.commit, vanished=vanished))
            found += [
                msgspec.structs.replace(record, ended_at=now, ended_by=operation.by.name, vanished=False)
                for record in known.values()
                if record.hold.id in ends and record.ended_at is None
            ]
        return found

    async def _standing(self, commit: str, app: str) -> tuple[Hold, ...]:
        """Return the holds of a commit that is on the branch, but for those that a later commit there ended."""
        holds = await holds_at(self.repo, commit, app)
        head = await self.repo.head(self.branch.name)
        if not holds or head in {None, commit} or await self.repo.is_ancestor(commit, str(head)) is not True:
            return holds
        try:
            left = {hold.id for hold in await holds_at(self.repo, str(head), app)}
        except ConfigWrong:
            return holds  # nothing ends by a file that nobody can read
        return tuple(hold for hold in holds if hold.id in left)


def despite_of(plan: Plan) -> tuple[str, ...]:
    """Return the names of the checks that were overridden, each once, in the table's order."""
    return tuple(dict.fromkeys(check.name for check in plan.checks if check.overridden))
