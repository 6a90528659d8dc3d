"""`lastgood checks`: the table of checks."""

import textwrap

import typer

from lastgood.cli.call import Call
from lastgood.core.checks import CHECKS
from lastgood.core.value import to_plain


def checks(ctx: typer.Context) -> None:
    """List every check with its name and what it asks.

    The names are what `--despite` takes. A bad answer of a check that blocks stops a rollback; the others warn.
    """
    call: Call = ctx.find_root().obj
    if call.json:
        call.print_json(to_plain(CHECKS))
        return
    style = call.style
    wide = max(len(check.name) for check in CHECKS)
    for check in CHECKS:
        # Questions are read whole: they go on below themselves where the terminal is narrow.
        first, *more = textwrap.wrap(check.asks, max(style.width - wide - 10, 20))
        word = style.paint("blocks", "red") if check.blocks else style.paint("warns ", "yellow")
        call.print(f"{check.name.ljust(wide)}  {word}  {first}")
        for line in more:
            call.print(f"{' ' * (wide + 10)}{line}")
