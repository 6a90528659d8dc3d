"""`lastgood checks`: the table of checks."""

import typer

from lastgood.cli.call import Call
from lastgood.cli.text import Column, table
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
    rows = [(check.name, "blocks" if check.blocks else "warns", check.asks) for check in CHECKS]
    call.print(table([Column("CHECK"), Column("BAD ANSWER"), Column("ASKS", least=20)], rows, call.style))
