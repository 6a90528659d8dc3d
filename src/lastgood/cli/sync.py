"""`lastgood sync`: look now instead of at the next poll."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.rollback import DryRun
from lastgood.cli.situation import Situation, show_problems, work
from lastgood.cli.text import clean
from lastgood.core.errors import LastgoodError


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
            word = "would look at"
        else:
            repos = await situation.lastgood.sync(app)
            word = "looked at"
        problems = [] if dry_run else await situation.lastgood.problems(app)
        # A repo in such a state could not be read, or had nothing to read.
        failed = {p.repo: p for p in problems if p.repo in repos and not p.file}
        looked = [repo for repo in repos if repo not in failed]
        if call.json:
            unread = [{"repo": repo, "reason": problem.reason} for repo, problem in failed.items()]
            call.print_json({"repos": looked, "failed": unread})
        elif looked:
            call.print(f"{word} {', '.join(clean(repo) for repo in looked)}")
        elif not repos:
            call.print("there is no repo to look at")
        for problem in failed.values():
            call.complain(LastgoodError(problem.reason, hint=problem.hint))
        wrong = show_problems(call, (p for p in problems if p.repo not in failed))
        return 1 if failed else wrong

    raise typer.Exit(work(call, job, server="sync"))
