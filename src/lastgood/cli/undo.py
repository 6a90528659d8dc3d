"""`lastgood undo`: take back the last operation."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.rollback import Despite, DryRun, NoPush, Reason, Wait, Yes, carry_out
from lastgood.cli.situation import Situation, work
from lastgood.core.request import UndoRequest


def undo(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    reason: Reason = "",
    despite: Despite = None,
    no_push: NoPush = False,
    wait: Wait = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Take back the last operation of an application, its hold included, by one Git commit.

    It stops if the application changed since.
    """
    call: Call = ctx.find_root().obj
    request = UndoRequest(app=app, reason=reason, despite=tuple(despite or ()), push=not no_push)

    async def job(situation: Situation) -> int:
        lastgood = situation.lastgood
        return await carry_out(
            call,
            situation,
            request=request,
            plan=lambda: lastgood.plan_undo(request),
            do=lambda planned: lastgood.undo(request, planned=planned),
            question=f"Undo the last operation of {app}?",
            yes=yes,
            dry_run=dry_run,
            wait=wait,
            push=not no_push,
        )

    raise typer.Exit(work(call, job))
