"""`lastgood sync`: look now instead of at the next poll."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.rollback import DryRun
from lastgood.cli.situation import Situation, work
from lastgood.cli.text import clean


def sync(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="[APP]", help="Only the repo of this application")] = None,
    dry_run: DryRun = False,
) -> None:
    """Look at the config repos now; deployments that follow from it go on by themselves."""
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        if dry_run:
            apps = [await situation.lastgood.status(app)] if app else []
            views = [view.application for view in apps] or await situation.lastgood.apps()
            repos = sorted({view.repo for view in views if view.repo})
        else:
            repos = await situation.lastgood.sync(app)
        if call.json:
            call.print_json({"repos": repos})
        else:
            word = "would look at" if dry_run else "looked at"
            call.print(f"{word} {', '.join(clean(repo) for repo in repos)}" if repos else "there is no repo to look at")
        return 0

    raise typer.Exit(work(call, job, server="sync"))
