"""`lastgood pause` and `lastgood resume`: stop deployments, and let them go on."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.rollback import DryRun
from lastgood.cli.shared import now
from lastgood.cli.situation import Situation, work
from lastgood.cli.text import Column, clean, moment, table
from lastgood.core.errors import CommandLineWrong
from lastgood.core.record import Pause
from lastgood.core.request import PauseRequest
from lastgood.core.value import to_plain

App = Annotated[str | None, typer.Argument(metavar="[APP]", help="An application")]
Environment = Annotated[str | None, typer.Option("--environment", metavar="E", help="All of an environment")]
Repo = Annotated[str | None, typer.Option("--repo", metavar="R", help="All of a repo")]
Everything = Annotated[bool, typer.Option("--everything", help="All there is")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded")]


def pause(
    ctx: typer.Context,
    app: App = None,
    environment: Environment = None,
    repo: Repo = None,
    everything: Everything = False,
    reason: Reason = "",
    dry_run: DryRun = False,
) -> None:
    """Stop deployments of an application, an environment, a repo or everything.

    What runs goes on running, and a person's rollback still works.
    """
    _act(ctx, "pause", _scope("pause", app, environment, repo, everything=everything, reason=reason), dry_run=dry_run)


def resume(
    ctx: typer.Context,
    app: App = None,
    environment: Environment = None,
    repo: Repo = None,
    everything: Everything = False,
    reason: Reason = "",
    dry_run: DryRun = False,
) -> None:
    """Let deployments go on: the desired version goes now."""
    _act(ctx, "resume", _scope("resume", app, environment, repo, everything=everything, reason=reason), dry_run=dry_run)


def _scope(
    word: str, app: str | None, environment: str | None, repo: str | None, *, everything: bool, reason: str
) -> PauseRequest:
    """Say what is meant. Raises CommandLineWrong unless exactly one thing is named."""
    named = {"application": app, "environment": environment, "repo": repo}
    given = [(scope, name) for scope, name in named.items() if name is not None]
    if everything:
        given.append(("everything", ""))
    if len(given) != 1:
        raise CommandLineWrong(
            f"say what to {word}: an application, or one of `--environment`, `--repo`, `--everything`",
            hint=f"`lastgood {word} APP`",
        )
    scope, name = given[0]
    return PauseRequest(scope=scope, name=name or None, reason=reason)


def _act(ctx: typer.Context, word: str, request: PauseRequest, *, dry_run: bool) -> None:
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        if dry_run:
            # A name that nothing has would be an error when it is done, so it is one here.
            if request.scope == "application" and request.name is not None:
                await situation.lastgood.status(request.name)
            call.print_json([]) if call.json else call.print(f"would {word} {request.name or 'everything'}")
            return 0
        pauses = await (situation.lastgood.pause(request) if word == "pause" else situation.lastgood.resume(request))
        if call.json:
            call.print_json(to_plain(pauses))
        else:
            call.print(_table(call, pauses))
        return 0

    raise typer.Exit(work(call, job, server=word))


def _table(call: Call, pauses: list[Pause]) -> str:
    if not pauses:
        return "nothing is paused"
    at = now()
    rows = [
        [f"{p.scope} {clean(p.name)}" if p.name else p.scope, moment(p.since, at), clean(p.by), clean(p.reason)]
        for p in pauses
    ]
    columns = [Column("PAUSED", least=12), Column("SINCE"), Column("BY", least=8), Column("REASON", least=8)]
    return table(columns, rows, call.style)
