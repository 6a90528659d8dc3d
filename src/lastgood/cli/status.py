"""`lastgood status`: one application in full."""

from typing import Annotated

import typer

from lastgood.cli.apps import applications_table, git_only
from lastgood.cli.call import Call
from lastgood.cli.shared import heading, now, version_line
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, facts, moment, table
from lastgood.core.duration import format_duration
from lastgood.core.status import StatusView
from lastgood.core.value import to_plain

_SICK = {"Degraded", "Missing"}


def status(
    ctx: typer.Context, app: Annotated[str | None, typer.Argument(metavar="[APP]", help="An application")] = None
) -> None:
    """Show one application in full: what is desired, what is running, since when, why, and what is wrong.

    Without APP: all applications, one line each.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        if app is None:
            views = await situation.lastgood.apps()
            if call.json:
                call.print_json(to_plain(views))
            elif views:
                call.print(applications_table(call, views))
            return await remarks(call, situation)
        view = await situation.lastgood.status(app)
        if call.json:
            # Flat as in `apps`, with the rest beside it; `repo` is the name, as there.
            call.print_json({**to_plain(view), **to_plain(view.application)})
        else:
            call.print(status_text(view, call.style))
            if view.application.health in _SICK and view.application.last_good is not None:
                known = view.application.last_good.short
                call.suggest(f"`lastgood rollback {view.application.name}` goes back to {known}, the last good version")
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def status_text(view: StatusView, style: Style) -> str:
    """Lay out one application."""
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
                ("health", f"{style.health(app.health)}  {clean(view.health_message)}".strip()),
                ("sync", style.sync(app.sync)),
                ("observed", moment(app.observed_at, at) if app.observed_at else ""),
                ("desired", version_line(app.desired, at, none="nothing")),
                ("running", version_line(app.running, at, none="unknown" if git_only(app) else "nothing")),
                ("last good", version_line(app.last_good, at, none="unknown" if git_only(app) else "none")),
                ("state", "" if app.state == "followed" else f"{app.state}: {clean(app.message or '')}"),
                ("paused", "unknown" if app.paused is None else pauses or ("yes" if app.paused else "")),
                ("refused", refused),
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
                    ("outcome", f"{style.outcome(run.outcome)}  {clean(run.message)}".strip()),
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
        rows = [
            [f"{clean(r.kind)} {clean(r.name)}", style.health(r.health), clean(r.message or r.reason)]
            for r in view.resources
        ]
        parts.append(table([Column("RESOURCE", least=12), Column("HEALTH"), Column("WHY", least=10)], rows, style))
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
