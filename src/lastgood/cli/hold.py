"""`lastgood hold` and `lastgood unhold`: keep a version out, and let it go, each by one Git commit."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from lastgood.cli.asking import confirm
from lastgood.cli.call import Call
from lastgood.cli.plan_page import REQUESTED, open_request
from lastgood.cli.rollback import DryRun, NoPush, Reason, Yes
from lastgood.cli.shared import now, reference
from lastgood.cli.situation import Situation, work
from lastgood.cli.text import Style, clean, facts, moment
from lastgood.core.dates import parse_date
from lastgood.core.errors import CommandLineWrong
from lastgood.core.request import HoldRequest, HoldResult
from lastgood.core.value import to_plain

App = Annotated[str, typer.Argument(metavar="APP", help="An application")]
VersionText = Annotated[str, typer.Argument(metavar="VERSION", help="A commit, version id, nN, current, previous, ...")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="The hold ends by itself then: 2d, 2026-12-24")
]


def hold(
    ctx: typer.Context,
    app: App,
    version: VersionText,
    reason: Reason = "",
    until: Until = None,
    no_push: NoPush = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Keep a version from being released again in an application, by a file in Git.

    A commit that brings it back, or an image that entered with it, is refused by the agent, whoever made it.
    """
    call: Call = ctx.find_root().obj
    end = None
    if until is not None:
        end = parse_date(until, now=now().astimezone(), day="end", bare="future")
        if end <= now():
            raise CommandLineWrong(f"--until {until} is in the past", hint="a hold ends later than it begins")
    request = HoldRequest(app=app, version=version, reason=reason, until=end, push=not no_push)

    async def job(situation: Situation) -> int:
        async def act(*, dry: bool) -> HoldResult:
            return await situation.lastgood.hold(request, dry_run=dry)

        return await _carry_out(call, situation, act, "hold", app, yes=yes, dry_run=dry_run, push=not no_push)

    raise typer.Exit(work(call, job))


def unhold(
    ctx: typer.Context,
    app: App,
    version: VersionText,
    reason: Reason = "",
    no_push: NoPush = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Let a held version go: every hold that refuses it ends.

    This deploys nothing: a head that was refused waits for the next change, or for `lastgood retry`.
    """
    call: Call = ctx.find_root().obj
    request = HoldRequest(app=app, version=version, reason=reason, push=not no_push)

    async def job(situation: Situation) -> int:
        async def act(*, dry: bool) -> HoldResult:
            return await situation.lastgood.unhold(request, dry_run=dry)

        return await _carry_out(call, situation, act, "unhold", app, yes=yes, dry_run=dry_run, push=not no_push)

    raise typer.Exit(work(call, job))


async def _carry_out(
    call: Call,
    situation: Situation,
    act: Callable[..., Awaitable[HoldResult]],
    word: str,
    app: str,
    *,
    yes: bool,
    dry_run: bool,
    push: bool,
) -> int:
    """Show what would be done, ask, do it, say what came of it."""
    planned = await act(dry=True)
    if not planned.holds or not planned.git:
        return _show(call, planned, "nothing to do")
    if dry_run:
        return _show(call, planned, "nothing was changed")
    if not call.json:
        call.print(holds_text(planned, call.style, word))
        if call.verbose and planned.git:
            call.print(clean("\n".join(planned.git), lines=True))
    by_request = planned.via == "pr"
    if by_request and not call.json:
        call.print("by pull request: nothing changes until it is merged")
    confirm(call, f"{word.capitalize()} it in {app}{', by pull request' if by_request else ''}?", yes=yes)
    done = await act(dry=False)
    if call.json:
        call.print_json(to_plain(done))
    elif done.commit is None:
        call.print("nothing to do")
    elif done.pull_request is not None and not done.pushed:
        call.print(open_request(done.pull_request, done.commit, call.style))
    elif push:
        call.print(f"pushed {call.style.paint(done.commit[:7], 'yellow')}")
        call.suggest(_next(situation, done, word, app))
    else:
        kept = f"refs/lastgood/unpushed/{done.operation}"
        call.print(f"made {call.style.paint(done.commit[:7], 'yellow')} and pushed nothing; it is kept as {kept}")
    return REQUESTED if done.pull_request is not None and not done.pushed else 0


def _next(situation: Situation, done: HoldResult, word: str, app: str) -> str:
    """Say what a person may do next."""
    here = "`git pull` brings it here; " if situation.clone is not None else ""
    if word == "unhold":
        return f"{here}this deploys nothing: a version that was refused goes with `lastgood retry {app}`"
    held = done.holds[0]
    return f"{here}`lastgood unhold {app} {(held.commit or held.version)[:7]}` ends it"


def _show(call: Call, result: HoldResult, said: str) -> int:
    if call.json:
        call.print_json(to_plain(result))
        return 0
    if result.holds:
        call.print(holds_text(result, call.style, "hold"))
    call.print(said)
    return 0


def holds_text(result: HoldResult, style: Style, word: str) -> str:
    """Lay out the holds that a command places or ends."""
    at = now()
    return "\n\n".join(
        facts(
            [
                (word, f"{one.version[:7]} in {result.app}"),
                ("commit", (one.commit or "")[:7]),
                ("images", "\n".join(reference(image) for image in one.images)),
                ("files", "\n".join(clean(file.path) for file in one.files[:20])),
                ("reason", clean(one.reason, lines=True)),
                ("by", clean(one.by)),
                ("since", moment(one.since, at)),
                ("until", moment(one.until, at) if one.until else ""),
            ],
            style,
        )
        for one in result.holds
    )
