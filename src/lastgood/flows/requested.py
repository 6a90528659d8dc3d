"""What was asked for by pull request before: by the same command, or by another one that comes to the same.

Reads what was written down alone: knows no forge.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from lastgood.core.operation import Operation
from lastgood.core.plan import Plan
from lastgood.core.pull_request import CLOSED
from lastgood.flows.branch import FollowedBranch, Look
from lastgood.flows.planned import Planned

# Somebody else may ask for the same, or for the same in other words: one pull request does for both.
_WORDS = frozenset({"by", "reason", "despite", "expect_versions", "via"})
# Beside the plan of an operation that was finished after its process had died.
UNHEARD = "unheard"
_CHOICES = ("to", "previous", "without", "with")
_MOVES = frozenset({"rollback", "undo"})


def is_request(operation: Operation) -> bool:
    """Say whether an operation is delivered by pull request."""
    return (operation.plan or {}).get("via") == "pr"


def is_same(operation: Operation, request: Mapping[str, Any]) -> bool:
    """Say whether an operation is what a request asks for: by pull request, whoever asks, and whatever the reason."""
    before: Mapping[str, Any] = (operation.plan or {}).get("request") or {}
    if not is_request(operation):
        return before == request
    # Who says nothing of it means what lastgood.yaml says, and where that is a push does not want to wait any more.
    by_default = (operation.plan or {}).get("delivery") == "pull-request" or before.get("via") is None
    via = request.get("via")
    return (via == "pr" or (via is None and by_default)) and _meant(before) == _meant(request)


def _meant(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request without what does not matter, and with what it says by saying nothing."""
    meant = {key: asked[key] for key in asked if key not in _WORDS}
    if "apps" in meant:
        meant["apps"] = sorted(set(meant["apps"]))
        meant["last_good"] = not any(meant.get(key) for key in _CHOICES)
    return meant


def kept_plan(operation: Operation) -> Plan | None:
    """Return the plan as the journal kept it; None where it cannot be read."""
    try:
        return msgspec.convert(operation.plan, Plan)
    except msgspec.ValidationError:
        return None


async def waiting(branch: FollowedBranch) -> list[Operation]:
    """Return the branch's operations that wait for a pull request, or have not come to one, oldest first."""
    return [
        operation
        for operation in await branch.journal.pending()
        if is_request(operation) and (operation.repo, operation.branch) == (branch.repo.name, branch.name)
    ]


async def closed(branch: FollowedBranch) -> list[Operation]:
    """Return those of the branch's recent operations whose pull request was closed."""
    return [
        operation
        for operation in await branch.journal.operations(None)
        if operation.step == "failed"
        and CLOSED in (operation.plan or {})
        and (operation.repo, operation.branch) == (branch.repo.name, branch.name)
    ]


async def also_waiting(branch: FollowedBranch, plan: Plan, request: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which other pull requests wait that would move an application of a plan. request: what the plan is for."""
    apps = {app.app for app in plan.applications}
    others = []
    for one in await waiting(branch):
        both = sorted(apps & {move.app for move in one.moved})
        if both and one.kind in _MOVES and one.pull_request is not None and not is_same(one, request):
            others.append(f"{one.pull_request} waits to be merged: {one.title or one.kind}, asked for by {one.by.name}")
    return tuple(others)


async def same_request(branch: FollowedBranch, request: Mapping[str, Any]) -> Operation | None:
    """Return the newest operation of the same command that `waiting` has."""
    return next((one for one in reversed(await waiting(branch)) if is_same(one, request)), None)


async def replaced(branch: FollowedBranch, request: Mapping[str, Any]) -> Operation | None:
    """Return the one of these whose pull request gets the new commit of the same command, so that there is one.

    Called once it is known not to fit any more.
    """
    earlier = await same_request(branch, request)
    return earlier if earlier is not None and earlier.step == "waiting" else None


async def same_result(branch: FollowedBranch, planned: Planned) -> Operation | None:
    """Return the operation that waits for a pull request with all that a plan would bring, however it was asked for."""
    if planned.plan.via != "pr" and not planned.if_refused:
        return None
    for operation in reversed(await waiting(branch)):
        kept = kept_plan(operation) if operation.step == "waiting" and operation.kind == planned.plan.kind else None
        ends = tuple((operation.plan or {}).get("ends", ()))
        if kept is not None and (_brings(kept), ends) == (_brings(planned.plan), planned.ends):
            return operation
    return None


def _brings(plan: Plan) -> set[tuple[str, str | None, str | None, str | None]]:
    return {
        (app.app, app.from_.version, app.version, app.hold.version if app.hold is not None else None)
        for app in plan.applications
    }


async def done_before(branch: FollowedBranch, request: Mapping[str, Any], apps: Collection[str]) -> Plan | None:
    """Return the plan of the same command, with its result, if that is what the branch has now and nobody was told.

    So it is of a pull request that was merged, and of what was finished after the process had died. Planned anew,
    `previous` and `last-good` would go one further back, or into the hold that came with it. That is meant
    only once the application moved, or what was brought did not run.
    """
    # What waits or came to nothing since has moved nothing, nor has a hold, which an undo takes back all the same.
    recent = await branch.journal.operations(min(apps))
    kinds = _MOVES if "apps" in request else _MOVES | {"hold", "unhold"}
    ended = [one for one in recent if one.step == "done" and one.kind in kinds]
    done = max(ended, key=lambda one: one.finished_at or one.requested_at, default=None)
    untold = done is not None and (is_request(done) or UNHEARD in (done.plan or {}))
    plan = kept_plan(done) if done is not None and untold and is_same(done, request) else None
    if done is None or plan is None or not await _stands(await branch.fetch(), plan):
        return None
    return with_result(plan, commit=str(done.commit), pushed=True)


async def _stands(look: Look, plan: Plan) -> bool:
    for moved in plan.applications:
        scope = (await look.application(moved.app, also_at=plan.head)).scope
        version, _ = await look.branch.repo.version(look.head.oid, scope)
        newest = next(iter(await look.runs(moved.app)), None)
        failed = newest is not None and newest.version == version and newest.outcome in {"failed", "partial"}
        if version != moved.version or failed:
            return False
    return True


def with_result(plan: Plan, *, commit: str, pushed: bool | None) -> Plan:
    """Return the plan with what came of it."""
    return msgspec.structs.replace(
        plan, result=msgspec.structs.replace(plan.result, commit=commit, pushed=pushed, head=plan.head)
    )
