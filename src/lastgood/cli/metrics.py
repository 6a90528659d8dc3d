"""`lastgood metrics`: the figures of delivery (DORA)."""

import textwrap
from collections.abc import Sequence
from typing import Annotated, cast, get_args

import typer

from lastgood.cli.call import Call
from lastgood.cli.shared import heading, now
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, facts, lasted, plural, table
from lastgood.cli.timeline import date_option, not_empty
from lastgood.core.errors import CommandLineWrong
from lastgood.core.figures import LEAST, Division, FiguresPart, FiguresQuery, FiguresView, Share, Spread, Week
from lastgood.core.value import to_plain

_DAY_S = 86_400.0
_DAYS_FROM_S = 2 * _DAY_S
_LEAST_WIDTH = 20
_BY: tuple[str, ...] = get_args(Division)


def metrics(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application; without one, all")] = None,
    environment: Annotated[str | None, typer.Option(metavar="E", help="Only applications of this environment")] = None,
    group: Annotated[str | None, typer.Option(metavar="G", help="Only applications of this group")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="From when on [default: 13 weeks]")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Until when [default: now]")] = None,
    by: Annotated[str | None, typer.Option(metavar="WORD", help=f"Each by itself, too: {', '.join(_BY)}")] = None,
) -> None:
    """Show the DORA figures: lead time, frequency, recovery time, change fail rate and rework rate.

    Healed drift and superseded attempts are no deployments; a rollback closes the failure that it answers.
    """
    call: Call = ctx.find_root().obj
    not_empty({"APP": app, "--environment": environment, "--group": group})
    local = now().astimezone()
    if by is not None and by not in _BY:
        raise CommandLineWrong(f"--by {by} is not known", hint=f"it is one of {', '.join(_BY)}")
    query = FiguresQuery(
        app=app,
        environment=environment,
        group=group,
        since=date_option("--since", since, local, end=False),
        until=date_option("--until", until, local, end=True),
        by=cast("Division | None", by),
    )

    async def job(situation: Situation) -> int:
        view = await situation.lastgood.figures(query)
        if call.json:
            call.print_json(to_plain(view))
        else:
            call.print(_text(view, call.style))
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def _text(view: FiguresView, style: Style) -> str:
    found = view.figures
    days = max((found.until - found.since).days, 1)
    opened = f"; {found.open} open" if found.open else ""
    rows = [
        ("period", f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d} ({plural(days, 'day')})"),
        ("of", ", ".join(clean(one) for one in (view.app, view.environment, view.group) if one) or "everything"),
    ]
    figures = {
        "deployments": f"{found.deployments}, {found.deployments_per_day:.2f} a day",
        "lead_time": _spread(found.lead_time, "commit", "deployment", "without known commits"),
        "recovery_time": _spread(found.recovery_time, "failure", "failure", "without a known begin") + opened,
        "change_fail_rate": _share(found.change_fail_rate),
        "rework_rate": _share(found.rework_rate),
    }
    room = max(style.width - max(map(len, figures)) - 2, _LEAST_WIDTH)
    for name, told in figures.items():
        about = textwrap.wrap(clean(view.definitions.get(name, "")), room)
        lines = (*textwrap.wrap(told, room), *(style.paint(line, "dim") for line in about))
        rows.append((name.replace("_", " "), "\n".join(lines)))
    blocks = [facts(rows, style), f"{heading('by weeks', style)}\n{_weeks(found.weeks, style)}"]
    if view.parts:
        blocks.insert(1, _parts(view.parts, style))
    return "\n\n".join(blocks)


def _parts(parts: Sequence[FiguresPart], style: Style) -> str:
    rows = [
        [
            clean(part.name) or "-",
            str(part.figures.deployments),
            _percent(part.figures.change_fail_rate),
            _percent(part.figures.rework_rate),
            _seconds(part.figures.lead_time.median_s),
            _seconds(part.figures.recovery_time.median_s),
            str(part.figures.open),
            str(part.figures.lead_time.left_out + part.figures.recovery_time.left_out),
        ]
        for part in parts
    ]
    words = ("DEPLOYMENTS", "FAILED", "REWORK", "LEAD TIME", "RECOVERY TIME", "OPEN", "LEFT OUT")
    return table([Column("OF", least=10), *map(Column, words)], rows, style)


def _percent(one: Share) -> str:
    return "-" if one.share is None else f"{one.share:.1%}"


def _weeks(weeks: Sequence[Week], style: Style) -> str:
    rows = [
        [
            f"{week.start:%Y-%m-%d}",
            str(week.deployments),
            str(week.failed),
            _seconds(week.lead_time.median_s),
            _seconds(week.recovery_time.median_s),
        ]
        for week in weeks
    ]
    columns = [Column("FROM"), Column("DEPLOYMENTS"), Column("FAILED"), Column("LEAD TIME"), Column("RECOVERY TIME")]
    return table(columns, rows, style)


def _spread(one: Spread, of: str, left_out: str, why: str) -> str:
    without = f"; left out: {plural(one.left_out, left_out)} {why}" if one.left_out else "; left out: none"
    count = plural(one.count, of)
    if one.median_s is None or one.p90_s is None:
        return f"not known: {count}, fewer than {LEAST}{without}"
    return f"median {_seconds(one.median_s)}, 90th percentile {_seconds(one.p90_s)}, of {count}{without}"


def _share(one: Share) -> str:
    if one.share is None:
        return f"not known: {one.count} of {plural(one.of, 'deployment')}, fewer than {LEAST}"
    return f"{one.share:.1%}, {one.count} of {one.of}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return lasted(seconds) if seconds < _DAYS_FROM_S else f"{seconds / _DAY_S:.1f} days"
