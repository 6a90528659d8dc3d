"""`lastgood diff`: what differs between two versions."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.shared import heading, now, version_line
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, diff_colors, facts, table
from lastgood.core.plan import PlannedFile, PlannedResource
from lastgood.core.request import DiffView
from lastgood.core.value import to_plain

_SIGNS = {"added": "A", "modified": "M", "removed": "D"}


def diff(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    from_: Annotated[str, typer.Argument(metavar="FROM", help="A version")],
    to: Annotated[str | None, typer.Argument(metavar="[TO]", help="Another one [default: current]")] = None,
) -> None:
    """Show what differs between two versions: rendered resources where they can be rendered, else files.

    Secrets are redacted.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        view = await situation.lastgood.diff(app, from_, to)
        if call.json:
            call.print_json(to_plain(view))
        else:
            call.print(diff_text(view, call.style))
            if not view.rendered:
                call.note(f"files are compared, not resources: {view.why}")
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def diff_text(view: DiffView, style: Style) -> str:
    """Lay out a difference."""
    at = now()
    parts = [facts([("from", version_line(view.from_, at)), ("to", version_line(view.to, at))], style)]
    if view.resources:
        parts.append(resources_text(view.resources, style))
    if view.files:
        parts.append(files_text(view.files, style))
    if not view.resources:
        parts += [
            f"{heading(clean(path), style)}\n{diff_colors(text, style)}"
            for path, text in view.file_diffs.items()
            if text
        ]
    if not view.files and not view.resources:
        parts.append("nothing differs")
    return "\n\n".join(parts)


def files_text(files: Sequence[PlannedFile], style: Style) -> str:
    """List files with the lines that come and go."""
    rows = [
        [
            _SIGNS[file.change],
            clean(file.path),
            "" if file.added is None else style.paint(f"+{file.added}", "green"),
            "" if file.removed is None else style.paint(f"-{file.removed}", "red"),
        ]
        for file in files
    ]
    return table([Column(""), Column("FILE", least=20), Column(""), Column("")], rows, style)


def resources_text(resources: Sequence[PlannedResource], style: Style) -> str:
    """Show resources that change, with their differences."""
    parts = []
    for one in resources:
        where = f"{one.namespace}/" if one.namespace else ""
        title = heading(clean(f"{one.change} {one.kind} {where}{one.name}"), style)
        parts.append(f"{title}\n{diff_colors(one.diff, style)}" if one.diff else title)
    return "\n\n".join(parts)
