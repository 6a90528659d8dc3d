"""`lastgood plan` and `lastgood rollback`: go back to another version, by one Git commit."""

import contextlib
import shlex
from collections.abc import Awaitable, Callable
from typing import Annotated, get_args

import msgspec
import typer

from lastgood.cli.asking import confirm
from lastgood.cli.call import Call
from lastgood.cli.plan_page import REQUESTED, plan_text, result_text, waits_for_merge
from lastgood.cli.situation import Situation, work
from lastgood.core.errors import (
    AnswerLost,
    Blocked,
    CommandLineWrong,
    LastgoodError,
    NeedsServer,
    NotHealthyInTime,
    PushUnknown,
    ServerUnreachable,
)
from lastgood.core.plan import Plan, PlanResult
from lastgood.core.request import RollbackRequest, UndoRequest
from lastgood.core.value import to_plain
from lastgood.core.words import Mode, Via

# Long enough for a release with its readiness probes; whoever waits longer looks at `lastgood status`.
WAIT_S = 600.0
# Checks that nobody can override.
_FIXED = {"stale-plan", "reset-policy"}

Apps = Annotated[list[str], typer.Argument(metavar="APP...", help="Applications, all in one commit")]
To = Annotated[str | None, typer.Option("--to", metavar="VERSION", help="A commit, version id, nN, @DATE, ...")]
LastGood = Annotated[bool, typer.Option("--last-good", help="To the last known good version [default]")]
Previous = Annotated[bool, typer.Option("--previous", help="To the version before this one")]
Without = Annotated[
    str | None, typer.Option("--without", metavar="FEATURE", help="To the newest good version without it")
]
With = Annotated[str | None, typer.Option("--with", metavar="FEATURE", help="To the newest good version with it")]
ModeWord = Annotated[str, typer.Option("--mode", metavar="MODE", help="restore, revert or reset")]
Commits = Annotated[list[str] | None, typer.Option("--commit", metavar="C", help="For revert: a commit to undo")]
WithShared = Annotated[bool, typer.Option("--with-shared", help="Take shared inputs back, too")]
ViaWord = Annotated[
    str | None, typer.Option("--via", metavar="push|pr", help="How it is delivered [default: as lastgood.yaml says]")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it goes into the commit")]
NoHold = Annotated[bool, typer.Option("--no-hold", help="Do not keep the version that is left from coming back")]
Despite = Annotated[list[str] | None, typer.Option("--despite", metavar="CHECK", help="Override a check by name")]
NoPush = Annotated[bool, typer.Option("--no-push", help="Make the commit, keep it here, push nothing")]
Wait = Annotated[bool | None, typer.Option("--wait/--no-wait", help="Watch until it is Healthy [default: on a server]")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask")]


def plan(
    ctx: typer.Context,
    apps: Apps,
    to: To = None,
    last_good: LastGood = False,
    previous: Previous = False,
    without: Without = None,
    with_: With = None,
    mode: ModeWord = "restore",
    commit: Commits = None,
    with_shared: WithShared = False,
    via: ViaWord = None,
    reason: Reason = "",
    no_hold: NoHold = False,
    despite: Despite = None,
    no_push: NoPush = False,
) -> None:
    """Say what `rollback` with the same options would do, and change nothing.

    The exit code is what rollback's checks would decide: 0 where nothing blocks.
    """
    call: Call = ctx.find_root().obj
    request = _request(
        RollbackRequest(
            apps=tuple(apps),
            to=to,
            last_good=last_good,
            previous=previous,
            without=without,
            with_=with_,
            commits=tuple(commit or ()),
            with_shared=with_shared,
            reason=reason,
            hold=not no_hold,
            despite=tuple(despite or ()),
            push=not no_push,
        ),
        mode=mode,
        via=via,
    )

    async def job(situation: Situation) -> int:
        planned = await situation.lastgood.plan(request)
        return show_plan(call, planned, then=f"`{command_of(request)}` does it")

    raise typer.Exit(work(call, job))


def rollback(
    ctx: typer.Context,
    apps: Apps,
    to: To = None,
    last_good: LastGood = False,
    previous: Previous = False,
    without: Without = None,
    with_: With = None,
    mode: ModeWord = "restore",
    commit: Commits = None,
    with_shared: WithShared = False,
    via: ViaWord = None,
    reason: Reason = "",
    no_hold: NoHold = False,
    despite: Despite = None,
    no_push: NoPush = False,
    wait: Wait = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Go back to another version, by one Git commit: plan, show, ask, commit, push, watch until healthy.

    Without a choice: the last known good version. `--without` and `--with` take the newest good version that is known
    to be without a feature (a pull request, an issue, a commit, or words of a title), or to have it; they need a
    server, which reads source repos. `--mode restore` gives the application the content that it had;
    `revert` undoes commits; `reset` moves the whole branch back.
    """
    call: Call = ctx.find_root().obj
    request = _request(
        RollbackRequest(
            apps=tuple(apps),
            to=to,
            last_good=last_good,
            previous=previous,
            without=without,
            with_=with_,
            commits=tuple(commit or ()),
            with_shared=with_shared,
            reason=reason,
            hold=not no_hold,
            despite=tuple(despite or ()),
            push=not no_push,
        ),
        mode=mode,
        via=via,
    )

    async def job(situation: Situation) -> int:
        lastgood = situation.lastgood
        return await carry_out(
            call,
            situation,
            request=request,
            plan=lambda: lastgood.plan(request),
            do=lambda planned: lastgood.rollback(request, planned=planned),
            question=f"Roll back {', '.join(apps)}?",
            yes=yes,
            dry_run=dry_run,
            wait=wait,
            push=not no_push,
        )

    raise typer.Exit(work(call, job))


def _request(asked: RollbackRequest, *, mode: str, via: str | None) -> RollbackRequest:
    """Make sure that a request makes sense. Raises CommandLineWrong."""
    if mode not in get_args(Mode):
        raise CommandLineWrong(f"--mode {mode} is not known", hint="it is restore, revert or reset")
    if via is not None and via not in get_args(Via):
        raise CommandLineWrong(f"--via {via} is not known", hint="it is push or pr")
    chosen = [asked.to is not None, asked.last_good, asked.previous]
    if sum([*chosen, asked.without is not None, asked.with_ is not None]) > 1:
        raise CommandLineWrong(
            "`--to`, `--last-good`, `--previous`, `--without` and `--with` exclude each other", hint="give one of them"
        )
    modes: dict[str, Mode] = {word: word for word in get_args(Mode)}
    vias: dict[str, Via] = {word: word for word in get_args(Via)}
    return msgspec.structs.replace(asked, mode=modes[mode], via=vias[via] if via is not None else None)


def command_of(request: RollbackRequest) -> str:
    """Write the command that carries a request out."""
    words = ["lastgood", "rollback", *request.apps]
    words += ["--to", request.to] if request.to is not None else []
    words += [name for name, given in (("--last-good", request.last_good), ("--previous", request.previous)) if given]
    words += ["--without", request.without] if request.without is not None else []
    words += ["--with", request.with_] if request.with_ is not None else []
    words += ["--mode", request.mode] if request.mode != "restore" else []
    words += [word for commit in request.commits for word in ("--commit", commit)]
    words += ["--with-shared"] if request.with_shared else []
    words += ["--via", request.via] if request.via is not None else []
    words += ["--reason", request.reason] if request.reason else []
    words += ["--no-hold"] if not request.hold else []
    words += [word for check in request.despite for word in ("--despite", check)]
    words += ["--no-push"] if not request.push else []
    return shlex.join(words)


def show_plan(call: Call, planned: Plan, *, then: str = "") -> int:
    """Print a plan that is not carried out; return the exit code that its checks decide.

    then: what a person may do next, if nothing blocks.
    """
    if call.json:
        call.print_json(to_plain(planned))
    else:
        call.print(plan_text(planned, call.style, verbose=call.verbose))
        if planned.changes_nothing:
            call.tell("nothing to do")
    if planned.asked_before:
        call.tell(result_text(planned, call.error_style))
        return 0
    blocked = blocked_by(planned)
    if blocked is not None:
        call.complain(blocked)
        return blocked.exit_code
    if then and not planned.changes_nothing:
        call.suggest(then)
    return 0


def blocked_by(planned: Plan) -> Blocked | None:
    """Return the refusal that a plan's checks are, None where nothing blocks."""
    names = list(dict.fromkeys(check.name for check in planned.blocking))
    if not names:
        return None
    apps = ", ".join(app.app for app in planned.applications)
    override = " ".join(f"--despite {name}" for name in names if name not in _FIXED)
    hint = f"nothing was changed; override with `{override}`" if override else "nothing was changed; plan again"
    blocked = Blocked(app=apps, blocking=", ".join(names), checks=names, hint=hint)
    if "stale-plan" in names:
        blocked.exit_code = 4  # type: ignore[misc]  # the one name whose exit code differs
    return blocked


async def carry_out(
    call: Call,
    situation: Situation,
    *,
    request: RollbackRequest | UndoRequest,
    plan: Callable[[], Awaitable[Plan]],
    do: Callable[[Plan | None], Awaitable[Plan]],
    question: str,
    yes: bool,
    dry_run: bool,
    wait: bool | None,
    push: bool,
) -> int:
    """Plan, show, ask, do, watch. Prints the plan's object whatever comes of it; returns the exit code."""
    if wait and not situation.deploys:
        raise NeedsServer(command="`--wait`", hint="nothing was changed; leave `--wait` out where no agent runs")
    unfinished = await situation.clone.unfinished(request) if situation.clone is not None and not dry_run else None
    if unfinished is not None:
        # Planned anew it would be another rollback, from where the first one may have led.
        call.tell(f"an earlier call had no clear answer about {(unfinished.commit or '')[:7]}; this finishes it")
        confirm(call, "Finish it?", yes=yes)
        return _finish(call, await do(None), None)
    planned = done = await plan()
    if planned.asked_before:
        return await _asked_before(call, situation, planned, overridden=bool(request.despite), wait=wait)
    if dry_run or planned.blocking:
        return show_plan(call, planned)
    if not call.json:
        call.print(plan_text(planned, call.style, verbose=call.verbose))
    watched = False
    try:
        if planned.changes_nothing:
            return _finish(call, planned, None)
        confirm(call, f"{question[:-1]}, by pull request?" if planned.via == "pr" else question, yes=yes)
        done = await do(planned)
        for note in done.notes if not call.json else ():
            if note not in planned.notes:
                call.note(note)
        done = msgspec.structs.replace(done, notes=tuple(dict.fromkeys((*planned.notes, *done.notes))))
        watched = await _watch(call, situation, done, wait=wait, push=push)
    except LastgoodError as error:
        return _finish(call, await _after(situation, done, error), error)
    code = _finish(call, done, None, told=watched)
    await _suggest_next(call, situation, done, overridden=bool(request.despite))
    return code


async def _asked_before(call: Call, situation: Situation, found: Plan, *, overridden: bool, wait: bool | None) -> int:
    """Say how the pull request stands that was opened for the same; watch what it deploys only if that is asked for."""
    for note in found.notes if not call.json else ():
        call.note(note)
    try:
        watched = await _watch(call, situation, found, wait=wait is True, push=True)
    except LastgoodError as error:
        return _finish(call, found, error)
    code = _finish(call, found, None, told=watched)
    await _suggest_next(call, situation, found, overridden=overridden)
    if found.result.pushed and found.kind == "rollback":
        call.suggest("the same command says so until the application moves; `--to VERSION` goes further back")
    return code


async def _suggest_next(call: Call, situation: Situation, done: Plan, *, overridden: bool) -> None:
    """Say what follows: how the commit comes here or leaves, and the way back.

    overridden: checks had to be: the way back may need the same, and is planned to know it.
    """
    commit, app = done.result.commit, done.applications[0].app
    if commit is None:
        return
    if waits_for_merge(done):
        call.suggest("merge it to deploy; the same command says how it stands, and plans it again if it got stale")
        return
    if not done.result.pushed:
        upstream = situation.clone.repo.upstream() if situation.clone is not None else None
        if upstream is not None:
            call.suggest(f"`git push {upstream.remote} {commit[:7]}:{upstream.branch}` pushes it")
        return
    steps = []
    if situation.clone is not None:
        # A branch that was reset there still has here what left, and the next plain push would bring it back.
        reset = "`git reset --keep @{upstream}` moves your own branch, too"
        steps.append(reset if done.mode == "reset" else "`git pull` brings it here")
    if done.kind == "rollback":
        despite = await _undo_needs(situation, app) if overridden else ()
        words = ["lastgood", "undo", app, *(word for name in despite for word in ("--despite", name))]
        steps.append(f"`{shlex.join(words)}` takes it back")
    if steps:
        call.suggest("; ".join(steps))


async def _undo_needs(situation: Situation, app: str) -> list[str]:
    """Return the checks that taking the last operation back has to override, as things are now."""
    with contextlib.suppress(LastgoodError):
        planned = await situation.lastgood.plan_undo(UndoRequest(app=app))
        return [name for name in dict.fromkeys(check.name for check in planned.blocking) if name not in _FIXED]
    return []


async def _watch(call: Call, situation: Situation, done: Plan, *, wait: bool | None, push: bool) -> bool:
    """Wait until what was pushed is Healthy, where somebody can tell; say whether. Raises NotHealthyInTime."""
    watching = push and done.result.pushed and situation.deploys and wait is not False
    if not watching or done.result.commit is None:
        return False
    if not call.json:
        call.print(result_text(done, call.style))
    if call.terminal:
        call.tell("watching until it is Healthy ...")
    try:
        result = await situation.lastgood.wait_healthy(done, timeout_s=WAIT_S)
    except ServerUnreachable as silent:
        raise NotHealthyInTime(
            f"{done.result.commit[:7]} is pushed, but nobody says whether it is Healthy: {silent.message}",
            app=done.applications[0].app,
            commit=done.result.commit,
            health="Unknown",
        ) from silent
    if not result.healthy:
        worst = ", ".join(dict.fromkeys(result.health.values()))
        raise NotHealthyInTime(
            f"{done.result.commit[:7]} is pushed, but {result.message or f'the target is {worst}'}",
            app=done.applications[0].app,
            commit=done.result.commit,
            health=worst,
            hint=f"see `lastgood status {done.applications[0].app}`",
        )
    if not call.json:
        call.print("Healthy: " + ", ".join(app.app for app in done.applications))
    return True


async def _after(situation: Situation, done: Plan, error: LastgoodError) -> Plan:
    """Return the plan with what is known of its result after an error."""
    if isinstance(error, AnswerLost):
        return msgspec.structs.replace(done, result=msgspec.structs.replace(done.result, pushed=None))
    commit = error.facts.get("commit") if isinstance(error, PushUnknown) else None
    if not isinstance(commit, str):
        return done
    old = done.result
    tree, head = old.tree, old.head
    if situation.clone is not None and commit != old.commit:
        # It may have been made a second after the plan, or on a newer head: the commit itself says what it has.
        with contextlib.suppress(LastgoodError):
            made = await situation.clone.repo.commit(commit)
            tree, head = made.tree, made.parents[0] if made.parents else head
    result = PlanResult(tree=tree, commit=commit, pushed=None, head=head)
    return msgspec.structs.replace(done, result=result)


def _finish(call: Call, done: Plan, error: LastgoodError | None, *, told: bool = False) -> int:
    """Print what came of it, once; return the exit code."""
    if call.json:
        call.print_json(to_plain(done))
    elif error is None and not told:
        call.print(result_text(done, call.style))
    if error is None:
        return REQUESTED if waits_for_merge(done) else 0
    call.complain(error)
    return error.exit_code
