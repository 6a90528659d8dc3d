"""Finish what an earlier process left: ask the remote what became of each operation that has not ended.

Called when the agent starts, and by a command that is given again. Plans nothing anew.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from lastgood.core.errors import GitFailed, HeadMoved, PushRefused, PushUnknown, RemoteUnreachable
from lastgood.core.operation import Operation
from lastgood.core.plan import Plan
from lastgood.core.pull_request import proposed_branch
from lastgood.core.value import Value, to_json
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.pull_request import Requested
from lastgood.flows.push import Delivery, Journalled
from lastgood.flows.requested import UNHEARD, done_before, is_request, is_same, kept_plan

GIT_KINDS = frozenset({"rollback", "undo", "hold", "unhold"})
BUSY = dt.timedelta(minutes=10)
_BEFORE_THE_PUSH = frozenset({"planned", "committed"})


def as_asked(request: Value) -> dict[str, Any]:
    """Write a request as the journal keeps it: what JSON would give back, so that the same command is recognised."""
    plain: dict[str, Any] = msgspec.json.decode(to_json(request))
    return plain


async def pending(branch: FollowedBranch) -> list[Operation]:
    """Return the branch's operations in Git that have not ended, oldest first."""
    return [
        operation
        for operation in await branch.journal.pending()
        if operation.kind in GIT_KINDS and (operation.repo, operation.branch) == (branch.repo.name, branch.name)
    ]


async def recover(branch: FollowedBranch) -> list[Operation]:
    """Finish all that is pending and not under way in this process; return how each ended.

    To be called at the start, before anything else acts on the branch. Where the remote cannot be reached an
    operation stays as it is. Whoever asked for what is done now has not heard of it: the same command says so.
    """
    ended = []
    for operation in await pending(branch):
        # A look at the branch tells what became of a pull request.
        if operation.id not in branch.live and operation.step != "waiting":
            entry, plan = await settle(branch, operation, again=True)
            if plan is not None and entry.operation.step == "done":
                await entry.step("done", plan={**(entry.operation.plan or {}), UNHEARD: True})
            ended.append(entry.operation)
    return ended


async def settle(branch: FollowedBranch, operation: Operation, *, again: bool) -> tuple[Journalled, Plan | None]:
    """Find out what became of an operation; return its record and, if it is on the branch, its plan with the result.

    again: push the same commit again if the branch stands where it was planned; else give the operation up.
    """
    entry, delivery = Journalled(branch, operation), Delivery(branch)
    plan = kept_plan(operation)
    if is_request(operation) and operation.commit is not None:
        return await _settle_request(branch, operation)
    if operation.step in _BEFORE_THE_PUSH or operation.commit is None or operation.head is None or plan is None:
        await entry.end("failed", "it was interrupted before the push; nothing was changed")
        return entry, None
    try:
        found = await branch.repo.fetch(branch.name)
        if found != operation.head:
            await delivery.judge(operation.commit, expected=operation.head, found=found)
        elif again:
            await entry.step("pushing")
            await delivery.push(operation.commit, expected=operation.head)
        else:
            await entry.end("failed", "the push never arrived, and something else was asked for since")
            return entry, None
    except (RemoteUnreachable, PushUnknown) as silent:
        await entry.step("unknown", message=silent.message)
    except HeadMoved:
        await entry.end("failed", "the branch moved before the push arrived; nothing was changed")
    except (PushRefused, GitFailed) as refused:
        await entry.end("failed", refused.message)
    else:
        return entry, await delivery.arrived(plan, entry)
    return entry, None


async def _settle_request(branch: FollowedBranch, operation: Operation) -> tuple[Journalled, Plan | None]:
    """Do the same for a pull request; one that is open and still fits is a result, too."""
    request = Requested(branch, operation)
    try:
        head = await branch.repo.fetch(branch.name)
    except RemoteUnreachable as silent:
        await request.say(silent.message)
        return request.entry, request.plan if request.fits else None
    if head is None:
        await request.entry.end("failed", f"the branch {branch.name} is gone")
        return request.entry, None
    if operation.step != "waiting":
        return request.entry, await request.again(head)
    done = await request.look(head, ask=True)
    return request.entry, request.plan if request.fits else done


async def finish_same(branch: FollowedBranch, request: Mapping[str, Any], apps: set[str]) -> Plan | None:
    """Finish an earlier call of the very same command, whose push had no clear answer; return its plan if it is there.

    Other operations of these applications that wait for an answer are settled on the way, and never pushed again.
    One of the same command that never came to its push is given up, so that nobody waits for a process that was
    killed. (Should it live after all, only one of the two pushes can be the first: the other finds the branch moved.)
    Raises PushUnknown where there still is no answer.
    """
    for operation in await pending(branch):
        mine = apps.intersection(move.app for move in operation.moved)
        same = is_same(operation, request)
        if not mine or operation.id in branch.live:
            continue
        # What is open at a forge stays there, whatever else is asked for.
        if not same and (operation.step in _BEFORE_THE_PUSH or is_request(operation)):
            continue
        entry, plan = await settle(branch, operation, again=same)
        if entry.operation.step == "unknown" and is_request(operation):
            # Its commit was never to reach the branch by itself.
            source = proposed_branch(operation.kind, operation.id)
            raise PushUnknown(entry.operation.message, commit=operation.commit, branch=source)
        if entry.operation.step == "unknown":
            raise PushUnknown(commit=operation.commit, branch=branch.name)
        if same and plan is not None:
            return plan
    return await done_before(branch, request, apps)


async def under_way(
    branch: FollowedBranch, app: str, *, own: str, asked: Mapping[str, Any] | None = None
) -> Operation | None:
    """Return another operation of an application that has not ended. own: the id of the one that asks.

    One that waits for a pull request does not count: it may wait for days. One of another process counts for ten
    minutes: after that the process is taken to have died. asked: the request;
    one of the very same command that never came to its push, or goes by pull request, does not count, because
    `finish_same` takes its place or finishes it.
    """
    for operation in await pending(branch):
        if operation.id == own or operation.step == "waiting" or not any(move.app == app for move in operation.moved):
            continue
        if is_request(operation):
            same = asked is not None and is_same(operation, asked)
        else:
            same = operation.step in _BEFORE_THE_PUSH and (operation.plan or {}).get("request") == asked
        if same and operation.id not in branch.live:
            continue
        young = branch.clock.now() - operation.requested_at < BUSY
        if operation.id in branch.live or (young and operation.step != "unknown"):
            return operation
    return None
