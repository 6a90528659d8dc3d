"""`lastgood timeline`: history, newest first, of one application or of everything."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.shared import heading, now
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.status import waiting_lines
from lastgood.cli.text import Column, Style, absolute, ago, clean, short_hashes, stamp, table
from lastgood.core.dates import parse_date
from lastgood.core.errors import CommandLineWrong
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.value import to_plain
from lastgood.core.words import Outcome

# As many as fit a screen; scripts get all.
SHOWN = 30
_OUTCOMES = Outcome.__args__  # type: ignore[attr-defined]  # a Literal keeps its words there


def timeline(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application; without one, everything")] = None,
    environment: Annotated[str | None, typer.Option(metavar="E", help="Only applications of this environment")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Not older: 2h, 2026-11-20, '3 days ago'")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Not newer")] = None,
    outcome: Annotated[str | None, typer.Option(metavar="WORD", help=", ".join(_OUTCOMES))] = None,
    author: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Part of a name or address: the author's, a source author's")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Words in subject, body, hash, image, feature, source commit, setting"),
    ] = None,
    feature: Annotated[
        str | None, typer.Option(metavar="F", help="Carried PR-481, #12, ABC-12, a commit, words")
    ] = None,
    image: Annotated[str | None, typer.Option(metavar="TEXT", help="Part of an image that changed")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help=f"At most N [text: {SHOWN}]")] = None,
) -> None:
    """Show history, newest first, of one application or, without APP, of everything.

    An entry is a deployment, or a version without one. BACK TO names an earlier commit with the same version.
    """
    call: Call = ctx.find_root().obj
    if outcome is not None and outcome not in _OUTCOMES:
        raise CommandLineWrong(f"--outcome {outcome} is not known", hint=f"it is one of {', '.join(_OUTCOMES)}")
    filters = {"--author": author, "--search": search, "--feature": feature, "--image": image}
    not_empty({"--environment": environment, **filters})
    local = now().astimezone()
    query = TimelineQuery(
        app=app,
        environment=environment,
        since=date_option("--since", since, local, end=False),
        until=date_option("--until", until, local, end=True),
        outcome=outcome,
        author=author,
        search=search,
        image=image,
        feature=feature,
        limit=limit if call.json or limit is not None else SHOWN + 1,
    )

    async def job(situation: Situation) -> int:
        entries = await situation.lastgood.timeline(query)
        shown = entries if limit is not None or call.json else entries[:SHOWN]
        if call.json:
            call.print_json(to_plain(entries))
        elif shown:
            parts = [waiting_text(shown, call.style, everything=app is None)]
            parts.append(timeline_table(call, shown, everything=app is None))
            call.print("\n\n".join(filter(None, parts)))
            if len(shown) < len(entries):
                call.tell(f"older ones are not shown: `--limit {SHOWN * 4}` or `--since` shows them")
        else:
            call.tell(_nothing(query, local))
        if await _ends_shallow(situation, app, shown):
            call.note("this clone is shallow and ends here; `git fetch --unshallow` brings the rest")
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def _nothing(query: TimelineQuery, at: dt.datetime) -> str:
    """Say that there is nothing, and why where the dates alone tell."""
    if query.since is not None and query.since > at:
        return f"nothing matches: --since {absolute(query.since)} lies in the future"
    if query.since is not None and query.until is not None and query.since > query.until:
        return f"nothing matches: --since {absolute(query.since)} is after --until {absolute(query.until)}"
    return "nothing matches"


async def _ends_shallow(situation: Situation, app: str | None, shown: list[TimelineEntry]) -> bool:
    """Say whether older entries are missing because the clone is shallow: it may hide all there are."""
    if shown or situation.clone is None:
        return bool(shown) and shown[-1].truncated
    return await situation.clone.ends_shallow(app)


def not_empty(options: Mapping[str, str | None]) -> None:
    """Raise CommandLineWrong for an option that is given and empty: whoever gave it did not mean all."""
    for option, text in options.items():
        if text is not None and not text.strip():
            raise CommandLineWrong(f"{option} is empty", hint=f"leave {option} out to see all")


def date_option(option: str, text: str | None, at: dt.datetime, *, end: bool) -> dt.datetime | None:
    """Read the date of an option. Raises CommandLineWrong with the option's name."""
    if text is None:
        return None
    try:
        return parse_date(text, now=at, day="end" if end else "start")
    except CommandLineWrong as wrong:
        raise CommandLineWrong(f"{option}: {wrong.message}", hint=wrong.hint) from wrong


def waiting_text(entries: list[TimelineEntry], style: Style, *, everything: bool) -> str:
    """List what waits in pull requests for these applications; "" where nothing does."""
    lines = [
        f"  {clean(entry.app) + '  ' if everything else ''}{text}"
        for entry in entries
        for text in waiting_lines(entry.waiting, now())
    ]
    return "\n".join([heading("waiting", style), *lines]) if lines else ""


def timeline_table(call: Call, entries: list[TimelineEntry], *, everything: bool) -> str:
    """Lay out entries, one line each."""
    style, at = call.style, now()
    hashes = short_hashes([entry.commit for entry in entries] + [entry.same_as for entry in entries])
    columns = [
        Column("APPLICATION", least=12, wish=24),
        Column("NO"),
        Column("COMMIT", look="yellow"),
        Column("WHEN"),
        Column("", spare=True),
        Column("OUTCOME"),
        Column("STATE", least=7, wish=14),
        Column("BACK TO", look="yellow"),
        Column("SUBJECT", least=12, wish=24),
        Column("AUTHOR", least=6, wish=12, spare=True),
    ]
    rows = []
    for entry in entries:
        when = entry.deployment.started_at if entry.deployment else entry.committed_at
        rows.append(
            [
                clean(entry.app) if everything else "",
                f"n{entry.number}" if entry.number else "",
                hashes[entry.commit],
                ago(when, at),
                stamp(when, at),
                style.outcome(entry.deployment.outcome if entry.deployment else None),
                marks(entry),
                hashes[entry.same_as] if entry.same_as else "",
                clean(entry.subject),
                clean(entry.author.name),
            ]
        )
    return table(columns, rows, style)


def marks(entry: TimelineEntry) -> str:
    """Say in few words what is special about an entry."""
    words = []
    if entry.current:
        words.append("current")
    if entry.last_good:
        words.append("last good")
    if entry.refused_by:
        words.append("refused")
    elif entry.held:
        words.append("held")
    if entry.version is None:
        words.append("removed")
    if entry.operation is not None and not entry.runs_anew:
        words.append(entry.operation.kind)
    elif entry.deployment is not None and entry.deployment.trigger != "commit":
        words.append(entry.deployment.trigger)
    if entry.deployment is None and entry.ran is False and not entry.refused_by:
        words.append("did not run")
    return ", ".join(words)
