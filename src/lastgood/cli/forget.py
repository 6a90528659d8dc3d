"""`lastgood forget`: stop following an application that was removed from Git."""

from typing import Annotated

import typer

from lastgood.cli.asking import confirm
from lastgood.cli.call import Call
from lastgood.cli.rollback import DryRun, Yes
from lastgood.cli.situation import Situation, work
from lastgood.cli.text import clean
from lastgood.core.value import to_plain


def forget(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application that is gone from Git")],
    prune: Annotated[bool, typer.Option("--prune", help="Delete what it ran, too")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Stop following an application that was removed from Git; its history stays.

    With `--prune`, what it ran is stopped and deleted.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        planned = await situation.lastgood.forget(app, prune=prune, dry_run=True)
        if not call.json:
            for one in planned.pruned:
                call.print(f"{'deletes' if prune else 'leaves'} {clean(one)}")
            for one in planned.stays:
                call.print(f"leaves {clean(one)}, which may not be deleted")
            for one in planned.hooks:
                call.print(f"runs {clean(one)}")
            if planned.in_the_way:
                call.print(f"would refuse: {clean(planned.in_the_way)}")
        if dry_run:
            if call.json:
                call.print_json(to_plain(planned))
            else:
                call.print(f"would forget {app}")
            return 0
        question = f"Forget {app}, and delete what it runs?" if prune else f"Forget {app}?"
        confirm(call, question, yes=yes)
        done = await situation.lastgood.forget(app, prune=prune)
        if call.json:
            call.print_json(to_plain(done))
        else:
            call.print(f"forgot {app}")
        return 0

    raise typer.Exit(work(call, job, server="forget"))
