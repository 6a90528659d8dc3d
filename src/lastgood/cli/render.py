"""`lastgood render`: the resources of a version as YAML documents."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.situation import Situation, remarks, work


def render(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="A version [default: current]")] = None,
) -> None:
    """Print a version's resources as YAML documents (`-o json`: an array), in the renderer's order.

    Works in a clone, or beside the records of a server: it shows Secrets as they are, so that no server offers it.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        rendered = await situation.lastgood.render(app, version)
        manifests = [resource.manifest for resource in rendered.resources]
        if call.json:
            call.print_json(manifests)
        else:
            from lastgood.core.manifest_text import manifest_text  # noqa: PLC0415 - only where YAML is written

            # Escapes of YAML keep control characters from the terminal.
            call.print("---\n".join(map(manifest_text, manifests)))
        for warning in rendered.warnings:
            call.note(warning)
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job, records=True))
