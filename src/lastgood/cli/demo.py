"""`lastgood demo`: the whole story on this machine."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself; exit code 0 if the story came true")] = False,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Run the shop on the cluster of this file: one that `make cluster` started",
        ),
    ] = None,
) -> None:
    """Tell the whole story on this machine: releases, a bad one, the way back through Git, and a bot.

    It stays until Ctrl-C, and then leaves nothing behind.
    """
    from lastgood.demo import run  # noqa: PLC0415 - the demo brings the whole program with it

    raise typer.Exit(run(once=once, kubeconfig=kubeconfig))
