"""`lastgood demo`: the whole story on this machine."""

from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself; exit code 0 if the story came true")] = False,
) -> None:
    """Tell the whole story on this machine: releases, a bad one, the way back through Git, and a bot.

    It stays until Ctrl-C, and then leaves nothing behind.
    """
    from lastgood.demo import run  # noqa: PLC0415 - the demo brings the whole program with it

    raise typer.Exit(run(once=once))
