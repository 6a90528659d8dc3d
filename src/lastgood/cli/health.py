"""`lastgood health`: the health of Kubernetes objects in a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.judged import MANY, Judged, counted, judged_table
from lastgood.cli.situation import SETTINGS
from lastgood.cli.text import plural
from lastgood.core.errors import CommandLineWrong, ConfigWrong
from lastgood.core.value import to_plain


def health(
    ctx: typer.Context,
    file: Annotated[
        str | None, typer.Option("-f", "--filename", metavar="FILE|-", help="A file of objects; - reads stdin")
    ] = None,
) -> None:
    """Tell the health of Kubernetes objects, as the agent judges them, in the order given.

    The file holds what a cluster says of its objects: `kubectl get deployments,pods -o yaml | lastgood health -f -`.
    YAML or JSON, several documents, Lists. Where a `lastgood.toml` stands, its own rules (`[[health]]`) count, too.
    Each object is judged alone, so that the pods of a workload are judged where they are in the file.
    """
    import datetime as dt  # noqa: PLC0415 - only where time counts

    from lastgood.app.health import MAX_BYTES, health_of_file  # noqa: PLC0415 - only where objects are judged

    call: Call = ctx.find_root().obj
    if file is None:
        raise CommandLineWrong("it is not said which objects", hint="give a file, or `-f -` to read stdin")
    name = "stdin" if file == "-" else file
    settings = (call.directory or Path.cwd()) / SETTINGS
    found = health_of_file(
        _read(file, name, MAX_BYTES),
        file=name,
        now=dt.datetime.now(dt.UTC),
        settings_file=settings if settings.is_file() else None,
    )
    if call.json:
        call.print_json(to_plain(found))
        return
    if not found:
        call.note(f"there is no object in {name}")
        return
    things = [Judged(one.health, (one.kind, one.namespace or "-", one.name or "-"), one.message) for one in found]
    call.print(judged_table(["HEALTH", "KIND", "NAMESPACE", "NAME", "MESSAGE"], things, call.style))
    if len(found) > MANY:
        call.tell(f"{plural(len(found), 'object')}: {counted([one.health for one in found], call.error_style)}")


def _read(file: str, name: str, most: int) -> bytes:
    """Read at most so many bytes. Raises ConfigWrong."""
    try:
        if file == "-":
            content = sys.stdin.buffer.read(most + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(most + 1)
    except OSError as failed:
        reason = f"it cannot be read: {failed.strerror}"
        raise ConfigWrong(file=name, line=None, reason=reason) from failed
    if len(content) > most:
        raise ConfigWrong(file=name, line=None, reason=f"it has more than {most} bytes")
    return content
