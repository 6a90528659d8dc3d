"""`lastgood serve`, `lastgood agent`, `lastgood web`: run a server."""

from pathlib import Path
from typing import Annotated

import typer

from lastgood.cli.call import Call

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings [default: lastgood.toml here]")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where records, mirrors and releases are")]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen [default: 127.0.0.1]")]
Port = Annotated[int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="0: any free one")]


def serve(ctx: typer.Context, config: Config = None, data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run agent and dashboard in one process, until Ctrl-C or SIGTERM.

    Prints the link that opens the dashboard. Services keep running when it ends.
    """
    _run(ctx.find_root().obj, config, data, host, port, agent=True, web=True)


def agent(ctx: typer.Context, config: Config = None, data: Data = None) -> None:
    """Run the agent alone: it follows the config repos and deploys.

    Services keep running when it ends.
    """
    _run(ctx.find_root().obj, config, data, None, None, agent=True, web=False)


def web(ctx: typer.Context, config: Config = None, data: Data = None, host: Host = None, port: Port = None) -> None:
    """Run the dashboard and the API alone, over the records of an agent in another process."""
    _run(ctx.find_root().obj, config, data, host, port, agent=False, web=True)


def _run(
    call: Call, config: Path | None, data: Path | None, host: str | None, port: int | None, *, agent: bool, web: bool
) -> None:
    # The server's parts take a second to import; only who runs one pays for it.
    import asyncio  # noqa: PLC0415 - see above

    from lastgood.app.serve import serve as run_server  # noqa: PLC0415 - see above
    from lastgood.app.settings import read_settings  # noqa: PLC0415 - see above

    # A path on the command line counts from where the person stands, not from the settings' folder.
    settings = read_settings(
        config, data=str(data.absolute()) if data is not None else None, web={"host": host, "port": port}
    )

    def started(link: str) -> None:
        if link:
            call.print(link)
            # Whoever reads a pipe wants the link now, and a server ends late.
            call.flush()
        elif not call.quiet:
            call.tell("the agent runs")

    asyncio.run(run_server(settings, agent=agent, web=web, started=started))
