"""Roll back, one flow for restore, revert and reset: plan on the branch as it is now, check, commit, push.

Over the ports alone; with a store or with Git alone.
"""

import contextlib
import re
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from lastgood.core.application import Application
from lastgood.core.checks import known_names
from lastgood.core.commit import Commit, Person
from lastgood.core.errors import (
    AmbiguousVersion,
    Blocked,
    BranchMoved,
    CommandLineWrong,
    LastgoodError,
    NotAllowed,
    ReasonMissing,
    UnknownApplication,
    UnknownVersion,
)
from lastgood.core.hold import hold_path
from lastgood.core.message import clean_reason
from lastgood.core.plan import Plan
from lastgood.core.request import RollbackRequest
from lastgood.flows.branch import FollowedBranch, Look
from lastgood.flows.by_feature import Chosen, refuse_without_sources
from lastgood.flows.draft import Draft, Part
from lastgood.flows.plan import plan_commit, plan_move
from lastgood.flows.plan_restore import check_choice, plan_restore, requested_version, version_now
from lastgood.flows.plan_revert import plan_revert
from lastgood.flows.planned import Planned
from lastgood.flows.pull_request import asked_before, open_for
from lastgood.flows.push import Delivery
from lastgood.flows.recover import as_asked, finish_same
from lastgood.flows.requested import also_waiting, replaced

_FIXED = re.compile(r"[0-9a-f]{40}|n[1-9][0-9]*|@.+|previous|last-good|current")

Pins = Mapping[str, Chosen]
"""The version that a plan chose for each application, so that planning again does not choose anew."""


class Rollbacks:
    """Plans and does rollbacks on one branch."""

    def __init__(self, branch: FollowedBranch) -> None:
        self.branch = branch

    async def plan(self, request: RollbackRequest) -> Plan:
        """Say what a rollback would do. A check that blocks is part of the plan, never an error.

        Fetches the branch. Where a pull request for the same is open, or brought what the branch has, it is that
        one's plan, with its result.
        Raises CommandLineWrong, UnknownApplication, UnknownVersion, NoLastGood, NoPrevious, NoVersionByFeature,
        UnknownFeature, NeedsServer (by feature where no source repo is read), RevertConflict, NotAllowed (a reset
        where none is allowed), ConfigWrong, RemoteUnreachable.
        """
        _check_request(request, self.branch)
        look = await self.branch.fetch()
        found, notes = await asked_before(look, as_asked(request), set(request.apps))
        if found is None:
            planned = await self._plan(look, request, operation=str(uuid.uuid4()), pins={})
            found, more = await open_for(self.branch, planned)
            if found is None:
                found, more = planned.plan, (*more, *await also_waiting(self.branch, planned.plan, as_asked(request)))
            notes = (*notes, *more)
        return msgspec.structs.replace(found, notes=(*found.notes, *notes))

    async def do(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        """Roll back; planned: the plan that the person saw, whose content is what happens, or nothing does.

        Returns the plan with its result: by pull request that is its address, and the same call tells later how it
        stands. Raises what `plan` raises, and Blocked, ReasonMissing, BranchMoved, PullRequestRefused, PushRefused,
        PushUnknown (the same call finishes it), StoreFailed (nothing was pushed).
        """
        _check_request(request, self.branch)
        asked = as_asked(request)
        finished = await finish_same(self.branch, asked, set(request.apps))
        if finished is not None:
            return finished
        stale = await replaced(self.branch, asked)
        operation = stale.id if stale is not None else planned.id if planned is not None else str(uuid.uuid4())
        guess = await self._guess(request, operation) if planned is None else None
        kept = planned
        if guess is not None:
            now = guess
        else:
            # Nothing tells later that the branch has moved where a pull request is opened: it is asked before.
            head = planned.head if planned is not None and planned.via == "push" else None
            look = await self.branch.as_planned(head)
            now = await self._ready(look, request, operation=operation, planned=planned)
            kept = now.plan
        if now.changes_nothing:
            return now.plan
        there, _ = await open_for(self.branch, now) if stale is None else (None, ())
        if there is not None:
            return there

        async def replan(head: str) -> Planned:
            nonlocal kept
            again = await self._ready(await self.branch.at(head), request, operation=operation, planned=kept)
            kept = again.plan
            return again

        return await Delivery(self.branch).deliver(
            now,
            by=await self._by(request),
            push=request.push,
            request=asked,
            replan=replan,
            replaces=stale,
        )

    async def _guess(self, request: RollbackRequest, operation: str) -> Planned | None:
        """Plan on the head known here, for a push whose lease asks the remote; None where the remote comes first.

        Nobody has seen this plan: if the head has moved, it counts for nothing, and the first plan is the one on the
        head found then. Neither does one that would end without a push, for then nobody would have asked the remote.
        """
        if not self.branch.kept_fresh or not request.push or not _by_the_branch_alone(request):
            return None
        with contextlib.suppress(LastgoodError):
            look = await self.branch.known()
            if look is not None:
                planned = await self._ready(look, request, operation=operation, planned=None)
                return None if planned.changes_nothing or planned.plan.via == "pr" else planned
        return None

    async def _ready(self, look: Look, request: RollbackRequest, *, operation: str, planned: Plan | None) -> Planned:
        """Return the plan on a head, ready to be pushed. planned: the one before, whose content it must have.

        Raises BranchMoved, ReasonMissing, Blocked, and what planning raises.
        """
        shown = planned.applications if planned is not None else ()
        pins = {app.app: Chosen(app.to, app.recorded) for app in shown}
        now = await self._plan(look, request, operation=operation, pins=pins)
        if planned is not None:
            same_content(planned, now.plan)
        for app in [await self._application(look, name, request) for name in _names(request)]:
            if app.policy.reason_required and not clean_reason(request.reason):
                raise ReasonMissing(app=app.name)
        refuse_blocked(now.plan)
        return now

    async def _by(self, request: RollbackRequest) -> Person:
        return request.by or await self.branch.repo.author()

    async def _application(self, look: Look, name: str, request: RollbackRequest) -> Application:
        try:
            return await look.application(name)
        except UnknownApplication:
            if request.to is None:
                raise
            # Its folder may be gone from the head: then the chosen commit tells what it was.
            try:
                there = await self.branch.repo.resolve(request.to)
            except (UnknownVersion, AmbiguousVersion):
                there = None
            if there is None:
                raise
            return await look.application(name, also_at=there.oid)

    async def _plan(self, look: Look, request: RollbackRequest, *, operation: str, pins: Pins) -> Planned:
        if request.mode != "reset":
            look.delivery(request.via)  # where that cannot be, nothing else is worth finding out
        apps = [await self._application(look, name, request) for name in _names(request)]
        by = await self._by(request)
        if request.mode == "reset":
            return await self._plan_reset(look, request, apps, operation=operation, pins=pins, by=by)
        parts = []
        commits = [await self.branch.repo.resolve(text) for text in request.commits]
        for app in apps:
            if request.mode == "revert":
                parts.append(await plan_revert(look, app, commits))
            else:
                to = await self._chosen(look, app, request, pins)
                shared = request.with_shared
                parts.append(await plan_restore(look, app, to.version, with_shared=shared, recorded=to.recorded))
        planned = await plan_commit(look, _draft(request, operation, parts), by=by)
        if request.with_shared:
            await self._refuse_contradiction(planned.plan, parts)
        return planned

    async def _chosen(self, look: Look, app: Application, request: RollbackRequest, pins: Pins) -> Chosen:
        return pins.get(app.name) or await requested_version(look, app, request)

    async def _refuse_contradiction(self, plan: Plan, parts: Sequence[Part]) -> None:
        """Make sure that no two applications want different content of one shared input. Raises CommandLineWrong."""
        for part, planned in zip(parts, plan.applications, strict=True):
            then = part.to.commit and (await self.branch.repo.version(part.to.commit, part.app.scope))[0]
            if planned.version != then:
                others = ", ".join(other.app.name for other in parts if other is not part)
                raise CommandLineWrong(
                    f"{part.app.name} shares inputs with {others}, and the versions asked for differ in them",
                    hint="take them back one at a time, or to one commit with `--to`",
                    app=part.app.name,
                )

    async def _plan_reset(
        self,
        look: Look,
        request: RollbackRequest,
        apps: Sequence[Application],
        *,
        operation: str,
        pins: Pins,
        by: Person,
    ) -> Planned:
        chosen = [await self._chosen(look, app, request, pins) for app in apps]
        commits = {to.version.commit for to in chosen}
        commit = next(iter(commits))
        if len(commits) > 1 or commit is None:
            raise CommandLineWrong(
                "a reset moves the whole branch to one commit, and these applications ask for several",
                hint="name the commit with `--to`",
            )
        parts = [
            Part(app=app, from_=await version_now(look, app), to=to.version, edits=(), recorded=to.recorded)
            for app, to in zip(apps, chosen, strict=True)
        ]
        target: Commit = await self.branch.repo.commit(commit)
        return await plan_move(look, _draft(request, operation, parts), target, by=by)


def same_content(planned: Plan, now: Plan) -> None:
    """Make sure that a plan made again brings each application from the same to the same content.

    What is kept from plan to commit is each application's version and the paths touched with their blobs (its hold
    file aside, to which somebody else may have added). Raises BranchMoved.
    """
    again = {app.app: app for app in now.applications}
    for app in planned.applications:
        other = again.get(app.app)
        ours = {(file.path, file.change, file.new) for file in app.files if file.path != hold_path(app.app)}
        theirs = {(f.path, f.change, f.new) for f in other.files if f.path != hold_path(app.app)} if other else None
        if other is None or (app.from_.version, app.version, ours) != (other.from_.version, other.version, theirs):
            raise BranchMoved(app=app.app, branch=planned.branch, planned_on=planned.head, found=now.head)


def refuse_blocked(plan: Plan) -> None:
    """Raise Blocked if a check blocks the plan (exit code 4 where the plan is stale); facts: checks, plan."""
    blocking = list(dict.fromkeys(check.name for check in plan.blocking))
    if not blocking:
        return
    details = "; ".join(dict.fromkeys(check.detail for check in plan.blocking))
    names = ", ".join(blocking)
    apps = ", ".join(app.app for app in plan.applications)
    blocked = Blocked(
        f"{apps}: blocked by {names}: {details}", app=plan.applications[0].app, checks=blocking, blocking=names
    )
    if "stale-plan" in blocking:
        blocked.exit_code = 4  # type: ignore[misc]  # the one name whose exit code differs
    raise blocked


def _names(request: RollbackRequest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(request.apps))


def _by_the_branch_alone(request: RollbackRequest) -> bool:
    """Say whether a request means the same wherever the remote's other refs are: it names no tag, branch or prefix."""
    names = [text for text in (request.to, *request.commits) if text is not None]
    return all(_FIXED.fullmatch(text) for text in names)


def _draft(request: RollbackRequest, operation: str, parts: Sequence[Part]) -> Draft:
    return Draft(
        operation=operation,
        kind="rollback",
        mode=request.mode,
        parts=tuple(parts),
        reason=clean_reason(request.reason),
        despite=request.despite,
        place_holds=request.hold,
        expect_versions=dict(request.expect_versions),
        without=request.without,
        with_=request.with_,
        asked=as_asked(request),
        via=request.via,
    )


def _check_request(request: RollbackRequest, branch: FollowedBranch) -> None:
    if not request.apps:
        raise CommandLineWrong("name an application", hint="see `lastgood apps`")
    known_names(request.despite)
    check_choice(request)
    by_feature = request.without is not None or request.with_ is not None
    if request.via == "pr":
        _check_pull_request(request)
    if request.mode == "revert" and (request.to or request.last_good or request.previous or by_feature):
        raise CommandLineWrong("a revert takes commits, not a version", hint="give `--commit`, or leave `--mode` out")
    if request.mode != "restore" and request.with_shared:
        raise CommandLineWrong("`--with-shared` goes with `--mode restore`")
    if request.mode != "revert" and request.commits:
        raise CommandLineWrong("`--commit` goes with `--mode revert`")
    if request.mode == "reset" and not branch.may_reset:
        raise NotAllowed(
            "a reset is done from a clone of the config repo alone",
            hint="`--mode restore` gives the same content",
            action="reset",
        )
    if request.mode == "reset" and not request.push:
        raise CommandLineWrong("a reset makes no commit that could be kept: `--no-push` has no meaning with it")
    if by_feature:
        refuse_without_sources(branch)


def _check_pull_request(request: RollbackRequest) -> None:
    if request.mode == "reset":
        raise CommandLineWrong("a reset moves the branch, and no pull request can do that", hint="leave `--via` out")
    if not request.push:
        raise CommandLineWrong("a pull request is of a commit that was pushed: `--no-push` has no meaning with it")
