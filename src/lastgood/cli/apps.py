"""`lastgood apps`: the applications, one line each."""

import typer

from lastgood.cli.call import Call
from lastgood.cli.judged import MANY, counted
from lastgood.cli.shared import now, short
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, ago, clean, plural, short_hashes, stamp, table
from lastgood.core.application import ApplicationView
from lastgood.core.value import to_plain

COLUMNS = [
    Column("APPLICATION", least=16, wish=32, inside=True),
    Column("HEALTH"),
    Column("SYNC"),
    Column("NOW"),
    Column("LAST GOOD"),
    Column("STATE", least=6, wish=24),
    Column("AGE"),
    Column("SINCE", spare=True),
]


def apps(ctx: typer.Context) -> None:
    """List the applications, one line each.

    Health, sync, the version now, the last known good one, holds and pauses. What Git alone cannot know is "unknown".
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        views = await situation.lastgood.apps()
        if call.json:
            call.print_json(to_plain(views))
        elif views:
            print_applications(call, views)
        else:
            call.tell("no applications")
        return await remarks(call, situation)

    raise typer.Exit(work(call, job))


def print_applications(call: Call, views: list[ApplicationView]) -> None:
    """Print applications; of many it is said below how many are unwell."""
    call.print(applications_table(call, views))
    if len(views) > MANY and not any(git_only(view) for view in views):
        healths = [view.health or "Unknown" for view in views]
        call.tell(f"{plural(len(views), 'application')}: {counted(healths, call.error_style)}")


def applications_table(call: Call, views: list[ApplicationView]) -> str:
    """Lay out applications."""
    style, at = call.style, now()
    hashes = short_hashes([v.commit for view in views for v in (view.desired, view.running, view.last_good) if v])
    rows = []
    for view in views:
        since = view.updated_at
        rows.append(
            [
                clean(view.name),
                style.health(view.health),
                style.sync(view.sync),
                _now(view, hashes),
                short(view.last_good, hashes) if view.last_good or git_only(view) else "none",
                style.paint(_state(view), "yellow"),
                ago(since, at).removesuffix(" ago") if since else "unknown",
                stamp(since, at) if since else "",
            ]
        )
    return table(COLUMNS, rows, style)


def git_only(view: ApplicationView) -> bool:
    """Say whether Git alone answered: then nobody knows what is paused, good or running."""
    return view.paused is None


def _now(view: ApplicationView, hashes: dict[str, str]) -> str:
    """Say what runs; while another version is wanted, both. Git alone knows what is wanted, and not what runs."""
    desired, running = view.desired, view.running
    if git_only(view):
        return short(desired, hashes) if desired else "nothing"
    runs = short(running, hashes) if running else "nothing"
    if desired is None or (running is not None and running.version == desired.version):
        return runs
    return f"{runs} -> {short(desired, hashes)}"


def _state(view: ApplicationView) -> str:
    words = []
    if view.state != "followed":
        words.append(view.state)
    if view.paused:
        words.append("paused")
    if view.refused:
        words.append("refused")
    if view.held:
        words.append(f"{view.held} held")
    return ", ".join(words)
