"""`lastgood compare`: what one environment has that another does not."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.features import remarks_text
from lastgood.cli.shared import now
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, ago, clean, stamp, table
from lastgood.core.feature_views import CompareView
from lastgood.core.value import to_plain


def compare(
    ctx: typer.Context,
    environment: Annotated[str, typer.Argument(metavar="E", help="An environment, such as staging")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another one, such as production")],
) -> None:
    """Show which features one environment has that another does not, and since when they wait.

    Compared is what runs in each, group by group. A clone alone reads no source repo.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        view = await situation.lastgood.compare(environment, other)
        if call.json:
            call.print_json(to_plain(view))
        else:
            call.print(_text(view, call.style))
        return await remarks(call, situation)

    raise typer.Exit(work(call, job))


def _text(view: CompareView, style: Style) -> str:
    at = now()
    rows = []
    for one in view.applications:
        for where, found in ((view.environment, one.only), (view.other, one.only_other)):
            for waiting in found:
                since = ago(waiting.since, at) if waiting.since else "not on record"
                exactly = stamp(waiting.since, at) if waiting.since else ""
                title = clean(waiting.feature.title)
                note = remarks_text(waiting.feature, style)
                rows.append([clean(one.group), clean(where), clean(waiting.feature.id), title, note, since, exactly])
    columns = [
        Column("GROUP"),
        Column("ONLY IN"),
        Column("FEATURE"),
        Column("TITLE", least=16, wish=24),
        Column("NOTE", least=10, wish=20),
        Column("SINCE"),
        Column("", spare=True),
    ]
    parts = [table(columns, rows, style)] if rows else []
    for heading, lists in (
        ("UNKNOWN", [(one, one.unknown) for one in view.applications]),
        ("FROM THE RECORDS", [(one, one.recorded) for one in view.applications]),
    ):
        said = [[clean(one.group), clean(n.image), clean(n.reason)] for one, found in lists for n in found]
        if said:
            parts.append(table([Column("GROUP"), Column(heading, least=10), Column("WHY", least=20)], said, style))
    same = [clean(one.group) for one in view.applications if one.alike]
    if same:
        parts.append(f"no feature differs: {', '.join(same)}")
    without = [clean(one.group) for one in view.applications if one.version is None or one.other_version is None]
    if without:
        parts.append(f"not running in one of them: {', '.join(without)}")
    if view.alone:
        parts.append(f"in one of them only: {', '.join(map(clean, view.alone))}")
    return "\n\n".join(parts) if parts else "no application is in both of them"
