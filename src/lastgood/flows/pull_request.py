"""Find out what became of pull requests: merged, merged with another result, closed, or no longer fitting.

Content decides, not what a forge or a trailer says: the operation is done by the first commit of the branch at which
each application has the version that was planned, and its hold.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from lastgood.core.application import AnyScope, Scope
from lastgood.core.errors import ForgeFailed, LastgoodError, PushUnknown, RemoteUnreachable, StoreFailed
from lastgood.core.hold import hold_path
from lastgood.core.operation import Operation
from lastgood.core.plan import Plan, PlannedApplication
from lastgood.core.pull_request import CLOSED, PullRequest, proposed_branch
from lastgood.core.value import to_plain
from lastgood.flows.branch import FollowedBranch, Look, holds_at
from lastgood.flows.planned import Planned
from lastgood.flows.push import Delivery, Journalled
from lastgood.flows.requested import closed, done_before, kept_plan, same_request, same_result, waiting

# So many changes of an application since the plan are looked through for the commit that brought it.
MAX_SINCE = 200
# So long a head that has what a pull request asks for waits for the forge to say whose it is.
PATIENCE_S = 2.0
_HOLDS = Scope(path=".lastgood/holds")
_IN_PLACE = ". This plan's commit takes the place of its own"
_OF_HOLDS = frozenset({"hold", "unhold"})


async def settle_requests(branch: FollowedBranch, head: str, *, ask: bool = True, app: str | None = None) -> None:
    """Look at each pull request that is waited for, or was closed. head: the newest of the branch.

    app: only those that move it.
    ask: ask the forge, too; else only where the branch has what was planned, and nothing in Git says whose it is.
    Where no forge is known, none is waited for.
    Raises StoreFailed; whatever else is in the way of one, it stays as it is.
    """
    if branch.pulls is None:
        return
    for operation in await waiting(branch):
        mine = app is None or any(move.app == app for move in operation.moved)
        if not mine or operation.id in branch.live:
            continue
        request = Requested(branch, operation)
        if operation.step == "unknown" and ask:
            await request.again(head)
        elif operation.step in {"waiting", "unknown"}:
            await request.look(head, ask=ask)
    if ask and app is None:
        return  # those that were closed can have come with a new head alone, and the look at that has seen them
    for operation in await closed(branch):
        if app is None or any(move.app == app for move in operation.moved):
            await Requested(branch, operation).look_again(head)


Told = tuple[Plan | None, tuple[str, ...]]
"""The plan of what a pull request was opened for, if it is merged, or waits and fits; what there is to know of it."""


async def asked_before(look: Look, request: Mapping[str, Any], apps: Collection[str]) -> Told:
    """Say how a pull request stands that the same command asked for; asks the forge. Raises StoreFailed."""
    earlier = await same_request(look.branch, request)
    if earlier is not None and look.branch.pulls is not None:
        return await _how_it_stands(look, earlier)
    return await done_before(look.branch, request, apps), ()


async def open_for(branch: FollowedBranch, planned: Planned) -> Told:
    """Say the same of one that waits with all that a plan would bring, whatever command asked for it."""
    earlier = await same_result(branch, planned)
    return await _how_it_stands(await branch.at(planned.plan.head), earlier) if earlier is not None else (None, ())


async def _how_it_stands(look: Look, operation: Operation) -> Told:
    if operation.id in look.branch.live:
        return None, ()
    request = Requested(look.branch, operation)
    # What nobody answered is done once more by the command, and not by a plan; Git may have the answer by now.
    done = await request.look(look.head.oid, ask=operation.step == "waiting")
    if done is not None:
        return done, ()
    if request.stale and request.plan is not None:
        asked = " and ".join(f"{app.app} at {app.to.short or 'another version'}" for app in request.plan.applications)
        told = f"{request.url} asks for {asked}; {request.stale} since, so it does not fit any more"
        return None, (f"{told}{': close it' if operation.kind == 'undo' else _IN_PLACE}",)
    message = request.entry.operation.message
    notes = (message,) if request.entry.operation.step != "waiting" else (f"{request.url}: {message}",)
    return request.plan if request.fits else None, notes if message else ()


class Requested:
    """One operation and its pull request. plan: with the result that it has now; None where it cannot be read."""

    def __init__(self, branch: FollowedBranch, operation: Operation) -> None:
        self.branch = branch
        self.repo = branch.repo
        self.entry = Journalled(branch, operation)
        self.plan = kept_plan(operation)
        self.stale = ""

    @property
    def url(self) -> str:
        """The pull request's page, as far as it is known."""
        return (self.plan.result.pull_request if self.plan is not None else None) or "a pull request"

    async def say(self, message: str) -> None:
        """Write down a message, if it is another than the one before."""
        if self.entry.operation.message != message and await self._is_pending():
            await self.entry.step(self.entry.operation.step, message=message)
            await self._tell()

    async def _end(self, message: str, **kept: Any) -> None:
        if await self._is_pending():
            await self.entry.end("failed", message, plan={**(self.entry.operation.plan or {}), **kept})
            await self._tell()

    async def _is_pending(self) -> bool:
        """See whether nobody else has found out meanwhile: a forge takes its time, and others look, too."""
        return any(one.id == self.entry.operation.id for one in await self.branch.journal.pending())

    async def _tell(self) -> None:
        """Let pages know: nothing was deployed that would move them."""
        operation, store = self.entry.operation, self.branch.store
        if store is not None:
            payload = {"what": operation.kind, "operation": operation.id, "step": operation.step}
            for move in operation.moved:
                await store.add_event(kind="operation", app=move.app, payload=payload, at=self.branch.clock.now())

    @property
    def fits(self) -> bool:
        """Whether it still waits for a pull request that does what was planned."""
        return self.entry.operation.step == "waiting" and not self.stale

    async def look(self, head: str, *, ask: bool) -> Plan | None:
        """Find out how it stands; return the plan with its result once the branch has it.

        Sets `stale`, why it does not fit any more, where something moved since. What is in the way is written
        down. Raises StoreFailed.
        """
        try:
            return await self._settle(head, ask=ask)
        except StoreFailed:
            raise
        except LastgoodError as trouble:
            await self.say(f"how it stands is not known: {trouble.message}")
            return None

    async def again(self, head: str) -> Plan | None:
        """Do once more what had no clear answer; return the plan with its result if there is one now.

        Raises StoreFailed.
        """
        done = await self.look(head, ask=False)
        if done is not None or self.plan is None or self.entry.operation.step in {"done", "failed"}:
            return done
        try:
            with contextlib.suppress(ForgeFailed):
                pull = await self._at_the_forge(self.plan)
                if pull is not None and pull.state != "open":
                    # Somebody saw it before the answer came: what they closed is not opened once more.
                    return await self._became(self.plan, await self.branch.at(head), pull)
            await self.entry.step("pushing")
            return await Delivery(self.branch).propose(self.plan, self.entry)
        except StoreFailed:
            raise
        except (PushUnknown, RemoteUnreachable) as silent:
            await self.entry.step("unknown", message=silent.message)
        except LastgoodError as refused:
            await self._end(refused.message)
        return None

    async def look_again(self, head: str) -> None:
        """See whether one that was closed was opened again and merged: by its commit or its hold, without the forge.

        Raises StoreFailed.
        """
        plan, commit = self.plan, self.entry.operation.commit
        if plan is None or commit is None:
            return
        try:
            if await self.repo.is_ancestor(commit, head) is not True and not await self._has_a_hold(plan, head):
                return
            brought = await self._brought(await self.branch.at(head), plan)
            if brought is not None:
                await self._arrived(plan, brought)
        except StoreFailed:
            raise
        except LastgoodError:
            return  # it stays as it is recorded

    async def _has_a_hold(self, plan: Plan, head: str) -> bool:
        for app in plan.applications:
            ours = app.hold
            if ours is not None and any(one.id == ours.id for one in await holds_at(self.repo, head, app.app)):
                return True
        return False

    async def _settle(self, head: str, *, ask: bool) -> Plan | None:
        plan, commit = self.plan, self.entry.operation.commit
        if plan is None or commit is None:
            await self._end("what was planned cannot be read any more")
            return None
        inside = await self.repo.is_ancestor(commit, head) is True
        # Nobody but this operation has its holds: where they stand, it is it.
        marked = any(app.hold is not None for app in plan.applications)
        look = await self.branch.at(head)
        brought = await self._brought(look, plan)
        if brought is not None and (inside or marked):
            return await self._arrived(plan, brought)
        if inside:
            await self._differs(look, plan, head)
            return None
        if ask:
            return await self._ask(plan, look)
        if brought is not None:
            with contextlib.suppress(TimeoutError):
                return await self._ask(plan, look, within_s=PATIENCE_S)
        return None

    async def _ask(self, plan: Plan, look: Look, *, within_s: float | None = None) -> Plan | None:
        if self.branch.pulls is None:
            return None
        async with asyncio.timeout(within_s):
            pull = await self._at_the_forge(plan)
        if pull is not None:
            return await self._became(plan, look, pull)
        await self.say("the forge does not show it any more")
        return None

    async def _at_the_forge(self, plan: Plan) -> PullRequest | None:
        pulls, number = self.branch.pulls, (self.entry.operation.plan or {}).get("pull")
        if pulls is None:
            return None
        if isinstance(number, int):
            return await pulls.look(number)
        return await pulls.find(proposed_branch(plan.kind, plan.id), self.branch.name)

    def _knows(self, plan: Plan, pull: PullRequest) -> Plan:
        """Take the address of one whose opening nobody answered; return the plan with it."""
        told = msgspec.structs.replace(plan, result=msgspec.structs.replace(plan.result, pull_request=pull.url))
        kept = {**(self.entry.operation.plan or {}), **to_plain(told), "pull": pull.number}
        self.entry.operation = msgspec.structs.replace(self.entry.operation, plan=kept)
        self.plan = told
        return told

    async def _became(self, plan: Plan, look: Look, pull: PullRequest) -> Plan | None:
        plan = plan if plan.result.pull_request is not None else self._knows(plan, pull)
        if pull.into != self.branch.name:
            await self._end(f"{pull.url} is for {pull.into} by now, and not for {self.branch.name}", **{CLOSED: True})
        elif pull.state == "merged":
            return await self._merged(plan, pull)
        elif pull.state == "closed":
            await self._end(f"{pull.url} was closed without merging; nothing was deployed", **{CLOSED: True})
        else:
            await self._open(plan, look)
        return None

    async def _open(self, plan: Plan, look: Look) -> None:
        moved = await self._others(look, plan, look.head.oid, than="before")
        # Two commits that write one hold file are a conflict at the forge.
        held = [app.app for app in plan.applications if await self._holds_changed(app, plan.head, look.head.oid)]
        if moved:
            self.stale = f"{', '.join(moved)} moved"
        elif held:
            self.stale = f"the holds of {', '.join(held)} changed"
        # An undo means by now what was done since.
        do = "close it" if plan.kind == "undo" else "the same command plans it again"
        stale = f"{self.stale} since, so it does not fit any more: {do}"
        await self.say(stale if self.stale else "")

    async def _holds_changed(self, app: PlannedApplication, before: str, now: str) -> bool:
        path = hold_path(app.app)
        if all(file.path != path for file in app.files):
            return False
        one, other = await self.repo.entry(before, path), await self.repo.entry(now, path)
        return (one and one.oid) != (other and other.oid)

    async def _merged(self, plan: Plan, pull: PullRequest) -> Plan | None:
        head = await self.repo.fetch(self.branch.name)
        if head is None:
            return None
        look = await self.branch.at(head)
        brought = await self._brought(look, plan)
        if brought is not None:
            return await self._arrived(plan, brought)
        if pull.merged_as is not None and await self.repo.is_ancestor(pull.merged_as, head) is not True:
            # A replica that lags, mostly: the next look tells.
            await self.say(f"it was merged as {pull.merged_as[:7]}, which {self.branch.name} does not have yet")
            return None
        await self._differs(look, plan, pull.merged_as or head)
        return None

    async def _brought(self, look: Look, plan: Plan) -> str | None:
        """Return the first commit of the branch since the plan with all that was planned; None where none has it."""
        scopes: list[AnyScope] = [_HOLDS]
        if plan.kind not in _OF_HOLDS:
            scopes.insert(0, (await look.application(plan.applications[0].app, also_at=plan.head)).scope)
        for scope in scopes:
            for commit in await self._since(look, plan, scope):
                if await self._has_all(look, plan, commit):
                    return commit
        return None

    async def _since(self, look: Look, plan: Plan, scope: AnyScope) -> list[str]:
        """Return the commits of the branch that changed something since the plan, oldest first.

        An older commit that had the same content is not the one that brought it.
        """
        since: list[str] = []
        for entry in (await self.repo.history(look.head.oid, scope, limit=MAX_SINCE)).entries:
            oid = entry.commit.oid
            if oid == plan.head or await self.repo.is_ancestor(plan.head, oid) is not True:
                break
            since.insert(0, oid)
        return since

    async def _has_all(self, look: Look, plan: Plan, commit: str) -> bool:
        if await self._others(look, plan, commit, than="planned"):
            return False
        ends = set((self.entry.operation.plan or {}).get("ends", ()))
        for app in plan.applications:
            here = {hold.id for hold in await holds_at(self.repo, commit, app.app)}
            if ends & here or (app.hold is not None and app.hold.id not in here):
                return False
        return True

    async def _others(self, look: Look, plan: Plan, commit: str, *, than: str) -> list[str]:
        """Return the applications that have another version at a commit. than: `before` (the plan) or `planned`."""
        if plan.kind in _OF_HOLDS:
            return []  # it moves no application, and whatever else moves one is nothing to it
        others = []
        for app in plan.applications:
            scope = (await look.application(app.app, also_at=plan.head)).scope
            wanted = app.from_.version if than == "before" else app.version
            if (await self.repo.version(commit, scope))[0] != wanted:
                others.append(app.app)
        return others

    async def _arrived(self, plan: Plan, commit: str) -> Plan:
        self.entry.operation = msgspec.structs.replace(self.entry.operation, commit=commit)
        done = await Delivery(self.branch).arrived(plan, self.entry)
        await self._tell()
        return done

    async def _differs(self, look: Look, plan: Plan, commit: str) -> None:
        """Record that it was merged, and that the branch did not get what was planned."""
        others = await self._others(look, plan, commit, than="planned")
        what = (
            f"{', '.join(others)} did not get the version that was planned"
            if others
            else "the holds are not those that were planned"
        )
        await self._end(f"{self.url} was merged with another result at {commit[:7]}: {what}")
