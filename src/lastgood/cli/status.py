"""`lastgood status`: one application in full."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from lastgood.cli.apps import git_only, print_applications
from lastgood.cli.call import Call
from lastgood.cli.judged import MAX_MESSAGE, Judged, counted, judged_table
from lastgood.cli.shared import heading, now, version_line
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, cut, facts, moment, table, wrapped
from lastgood.core.application import ApplicationView
from lastgood.core.duration import format_duration
from lastgood.core.health_words import badness, in_words
from lastgood.core.observation import ResourceHealth
from lastgood.core.status import StatusView, WaitingRequest
from lastgood.core.value import to_plain

_SICK = {"Degraded", "Missing"}
# So many resources are listed whatever their health; of more, at most so many that are not well.
FEW = 12
MOST = 30
# The columns before a fact: the longest name, and two.
_FACTS = 13
_LEAST = 30


def status(
    ctx: typer.Context,
    app: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application")] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all resources, also those that are Healthy")] = False,
) -> None:
    """Show one application in full: what is desired, what is running, since when, why, and what is wrong.

    Without APP: all applications, one line each. Of many resources the Healthy ones are counted; --all lists them.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        if app is None:
            views = await situation.lastgood.apps()
            if call.json:
                call.print_json(to_plain(views))
            elif views:
                print_applications(call, views)
            return await remarks(call, situation)
        view = await situation.lastgood.status(app)
        if call.json:
            # Flat as in `apps`, with the rest beside it; `repo` is the name, as there.
            call.print_json({**to_plain(view), **to_plain(view.application)})
        else:
            call.print(status_text(view, call.style, everything=everything))
            if view.application.health in _SICK and view.application.last_good is not None:
                known = view.application.last_good.short
                # What is gone from Git has no last good version to go back to by itself: the plan wants to be told.
                to = f" --to {known}" if view.application.state == "removed" else ""
                again = f"`lastgood rollback {view.application.name}{to}`"
                call.suggest(f"{again} goes back to {known}, the last good version")
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def status_text(view: StatusView, style: Style, *, everything: bool = False) -> str:
    """Lay out one application. everything: also the resources that are Healthy, however many there are."""
    app, at = view.application, now()
    pauses = "; ".join(f"{p.scope} {p.name or ''} by {clean(p.by)}: {clean(p.reason)}".strip(": ") for p in view.pauses)
    refused = ""
    if app.refused is not None:
        commit = app.refused.commit[:7]
        hold = next((one for one in view.holds if one.id == app.refused.hold), None)
        # While the hold is in force, a press would be refused as well.
        refused = (
            f"{commit} by the hold {app.refused.hold[:8]}, which has ended; `lastgood retry {app.name}` lets it go"
            if hold is None
            else f"{commit} by a hold: {clean(hold.reason) or 'no reason given'};"
            f" `lastgood unhold {app.name} {commit}` ends it"
        )
    parts = [
        heading(app.name, style),
        facts(
            [
                ("health", _why(app.health or "unknown", _unwell(view) or view.health_message, style, style.health)),
                ("sync", _why(app.sync or "unknown", view.sync_message or _behind(app), style, style.sync)),
                ("observed", moment(app.observed_at, at) if app.observed_at else ""),
                ("desired", version_line(app.desired, at, none="nothing")),
                ("running", version_line(app.running, at, none="unknown" if git_only(app) else "nothing")),
                ("last good", version_line(app.last_good, at, none="unknown" if git_only(app) else "none")),
                ("state", "" if app.state == "followed" else f"{app.state}: {clean(app.message or '')}"),
                ("paused", "unknown" if app.paused is None else pauses or ("yes" if app.paused else "")),
                ("refused", refused),
                *[("waiting", text) for text in waiting_lines(view.waiting, at)],
                ("group", app.group),
                ("environment", app.environment or ""),
                ("destination", app.destination),
                ("where", f"{app.path} on {app.branch} of {app.repo}, {app.renderer}"),
                ("policy", _policy(view)),
                *[("warning", style.paint(clean(text), "yellow")) for text in view.further_warnings],
            ],
            style,
        ),
    ]
    if view.deployment is not None:
        run = view.deployment
        parts.append(
            f"{heading('last deployment', style)}\n"
            + facts(
                [
                    ("number", f"n{run.number}  {run.commit.short} {clean(run.commit.subject)}"),
                    ("outcome", _why(run.outcome, run.message, style, style.outcome)),
                    ("trigger", run.trigger),
                    ("began", moment(run.started_at, at)),
                    ("ended", moment(run.finished_at, at) if run.finished_at else ""),
                    ("baked", moment(run.baked_at, at) if run.baked_at else ""),
                    ("last words", clean(run.last_words, lines=True).strip()),
                ],
                style,
            )
        )
    if view.resources:
        parts.append(_resources(view.resources, style, everything=everything))
    if view.left:
        rows = [[f"{clean(r.kind)} {clean(r.name)}", clean(r.message)] for r in view.left]
        parts.append(table([Column("NOT DELETED", least=12), Column("WHY", least=10)], rows, style))
    if view.holds:
        rows = [
            [h.version[:7], (h.commit or "")[:7], moment(h.since, at), clean(h.by), clean(h.reason)] for h in view.holds
        ]
        columns = [
            Column("HELD"), Column("COMMIT"), Column("SINCE"), Column("BY", least=8), Column("REASON", least=8),
        ]  # fmt: skip
        parts.append(table(columns, rows, style))
    return "\n\n".join(parts)


def waiting_lines(waiting: Sequence[WaitingRequest], at: dt.datetime) -> list[str]:
    """Say of each pull request that is waited for what it does, where it is, whose and since when."""
    return [
        f"{clean(one.title) or one.kind}: {clean(one.url)} is not merged yet"
        f" ({clean(one.by)}, {moment(one.since, at)}){f'; {clean(one.message)}' if one.message else ''}"
        for one in waiting
    ]


def _why(word: str, message: str, style: Style, paint: Callable[[str], str]) -> str:
    """Put why beside a word; what does not fit the line goes on below."""
    lines = wrapped(f"{word} {cut(clean(message), MAX_MESSAGE)}", max(style.width - _FACTS - 1, _LEAST))
    told = "\n".join(lines)
    return f"{paint(word)}  {told.removeprefix(word).lstrip(' ')}".rstrip()


def _behind(app: ApplicationView) -> str:
    """Say that another version is asked for than runs."""
    desired, running = app.desired, app.running
    if app.sync != "OutOfSync" or desired is None or running is None or desired.version == running.version:
        return ""
    return f"{running.short or 'a version'} runs, and {desired.short or 'another'} is asked for"


def _unwell(view: StatusView) -> str:
    """Count the resources where some are unwell: which, and why, their list says."""
    healths = [one.health for one in view.resources]
    return "" if set(healths) <= {"Healthy"} else counted(healths, Style(width=0, color=False))


def _resources(resources: Sequence[ResourceHealth], style: Style, *, everything: bool) -> str:
    """List what is not well, the worst first, and count the rest where there is much of it."""
    things = [
        Judged(one.health, (f"{one.kind} {one.name}",), in_words(one.health, one.reason, one.message))
        for one in sorted(resources, key=lambda one: badness(one.health))
    ]
    unwell = [one for one in things if one.health != "Healthy"]
    shown = things if everything or len(things) <= FEW else unwell[:MOST]
    told = [judged_table(["HEALTH", "RESOURCE", "WHY"], shown, style)] if shown else []
    if rest := [one.health for one in things[len(shown) :]]:
        told.append(f"{'and' if shown else 'resources:'} {counted(rest, style)}; `--all` lists them")
    return "\n".join(told)


def _policy(view: StatusView) -> str:
    policy = view.policy
    words = [f"bake {format_duration(policy.bake_s)}"]
    words.append("prune" if policy.prune else "no prune")
    words.append("self-heal" if policy.self_heal else "no self-heal")
    if policy.reason_required:
        words.append("reason required")
    if policy.auto_rollback:
        # Whoever reads this at night must not wait for it.
        words.append("auto_rollback is on, which this version does not do yet: a person goes back")
    return ", ".join(words)
