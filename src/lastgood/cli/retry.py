"""`lastgood retry`: let the failed, refused or stopped deployment go."""

from typing import Annotated

import typer

from lastgood.cli.asking import confirm
from lastgood.cli.call import Call
from lastgood.cli.diff import files_text
from lastgood.cli.rollback import DryRun, Yes
from lastgood.cli.shared import heading, indented, now, version_line
from lastgood.cli.situation import Situation, work
from lastgood.cli.text import clean, facts
from lastgood.core.request import PressRequest, PressResult
from lastgood.core.value import to_plain


def retry(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Try the failed, refused or stopped deployment again: shows what would change, and asks.

    Drift that waits for its turn, or that nobody heals, is mended at once.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        request = PressRequest(app=app)
        planned = await situation.lastgood.retry(request, dry_run=True)
        if not call.json:
            call.print(_text(call, planned))
        if dry_run or (planned.version is None and not planned.accepts_loss):
            if call.json:
                call.print_json(to_plain(planned))
            return 0
        accepts = planned.accepts_loss
        confirm(call, f"Accept that {app} is gone from Git?" if accepts else f"Deploy it in {app}?", yes=yes)
        done = await situation.lastgood.retry(request)
        if call.json:
            call.print_json(to_plain(done))
        else:
            call.print(_done(done))
        return 0

    raise typer.Exit(work(call, job, server="retry"))


def _done(done: PressResult) -> str:
    if done.accepts_loss and done.started:
        return f"accepted: {done.app} is removed, and keeps running; `lastgood forget {done.app} --prune` ends that"
    return "started" if done.started else "nothing to do"


def _text(call: Call, planned: PressResult) -> str:
    would = ("would run", version_line(planned.version, now(), none="nothing"))
    if planned.accepts_loss:
        would = ("would accept", f"that {planned.app} is gone from Git; nothing is stopped or deleted by it")
    elif planned.version is None:
        would = ("would start", "nothing")
    told = [would, ("because", clean(planned.because))]
    text = f"{heading(planned.app, call.style)}\n{indented(facts(told, call.style))}"
    return f"{text}\n{indented(files_text(planned.files, call.style))}" if planned.files else text
