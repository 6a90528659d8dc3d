"""`lastgood show`: one record of the timeline."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.features import features_text, settings_text
from lastgood.cli.shared import heading, now, person, reference
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, facts, lasted, moment, table
from lastgood.cli.timeline import marks
from lastgood.core.timeline import TimelineEntry
from lastgood.core.value import to_plain


def show(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A commit, version id, nN, current, previous, ...")],
) -> None:
    """Show one record: people, images, resources, health.

    VERSION is a commit (prefix, tag, branch), a version id, `last-good`, `previous`, `current`, `nN` or `@DATE`.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        entry = await situation.lastgood.show(app, version)
        if call.json:
            call.print_json(to_plain(entry))
        else:
            call.print(entry_text(entry, call.style))
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def entry_text(entry: TimelineEntry, style: Style) -> str:
    """Lay out one entry."""
    at = now()
    run, operation = entry.deployment, entry.operation
    ran = {True: "yes", False: "no", None: "unknown"}[entry.ran]
    title = f"{entry.app} n{entry.number}" if entry.number else entry.app
    parts = [
        heading(f"{title}  {entry.short}  {clean(entry.subject)}", style),
        facts(
            [
                ("commit", style.paint(entry.commit, "yellow")),
                ("version", entry.version or "none: the path is not there"),
                ("state", marks(entry)),
                ("back to", f"what {entry.same_as[:7]} had" if entry.same_as else ""),
                ("author", person(entry.author)),
                ("committer", person(entry.committer) if entry.committer != entry.author else ""),
                ("committed", moment(entry.committed_at, at)),
                ("build", clean(entry.build) if entry.build else ""),
                ("ran", ran),
                ("health", style.health(entry.health) if entry.health else ""),
                ("outcome", f"{style.outcome(run.outcome)}  {clean(run.message)}".strip() if run else ""),
                ("trigger", run.trigger if run else ""),
                ("began", moment(run.started_at, at) if run else ""),
                ("ended", moment(run.finished_at, at) if run and run.finished_at else ""),
                ("baked", moment(run.baked_at, at) if run and run.baked_at else ""),
                ("degraded", moment(run.degraded_at, at) if run and run.degraded_at else ""),
                ("refused by", f"the hold {entry.refused_by}" if entry.refused_by else ""),
                ("operation", _operation(entry) if operation else ""),
                ("images", "unknown" if entry.images is None else ""),
            ],
            style,
        ),
    ]
    if entry.body:
        parts.append("\n".join(f"    {clean(line, lines=True)}" if line else "" for line in entry.body.split("\n")))
    parts += _images_text(entry, style)
    parts += features_text("entered", entry.features, style) + features_text("left", entry.features_left, style)
    if entry.features_more:
        parts.append(f"and {entry.features_more} more features, which the record does not keep")
    if entry.features_unknown:
        rows = [[clean(one.image), clean(one.reason)] for one in entry.features_unknown]
        parts.append(table([Column("FEATURES UNKNOWN", least=10), Column("WHY", least=20)], rows, style))
    if entry.settings is not None:
        parts += settings_text(entry.settings, style)
    if entry.inputs:
        rows = [
            [clean(i.path), i.oid[:7], ", ".join(i.shared_with[:5]) + (" ..." if len(i.shared_with) > 5 else "")]  # noqa: PLR2004 - names enough
            for i in entry.inputs
        ]
        parts.append(table([Column("INPUT", least=12), Column("ID"), Column("SHARED WITH", least=8)], rows, style))
    if run is not None and run.phases:
        rows = [
            [
                p.name,
                moment(p.started_at, at),
                lasted((p.finished_at - p.started_at).total_seconds()) if p.finished_at else "",
                clean(p.message),
            ]
            for p in run.phases
        ]
        columns = [Column("PHASE"), Column("BEGAN"), Column("TOOK"), Column("CAME TO", least=8)]
        parts.append(table(columns, rows, style))
    if run is not None and run.resources:
        rows = [[f"{clean(r.kind)} {clean(r.name)}", r.outcome, clean(r.message)] for r in run.resources]
        parts.append(table([Column("RESOURCE", least=12), Column("OUTCOME"), Column("", least=8)], rows, style))
    if run is not None and run.last_words:
        parts.append(f"{heading('last words', style)}\n{clean(run.last_words.rstrip(), lines=True)}")
    return "\n\n".join(parts)


def _images_text(entry: TimelineEntry, style: Style) -> list[str]:
    """Lay out which images changed, and what those that came were built from."""
    parts = []
    if entry.images:
        rows = [[clean(i.name), reference(i.from_), reference(i.to)] for i in entry.images]
        parts.append(table([Column("IMAGE", least=10), Column("FROM", least=8), Column("TO", least=8)], rows, style))
    if entry.built:
        rows = [
            [clean(b.image), b.revision[:7] if b.revision else "unknown", b.how or "", clean(b.repo)]
            for b in entry.built
        ]
        columns = [Column("BUILT", least=10), Column("FROM"), Column("TOLD BY"), Column("REPO", least=10)]
        parts.append(table(columns, rows, style))
    return parts


def _operation(entry: TimelineEntry) -> str:
    operation = entry.operation
    if operation is None:
        return ""
    words: list[str] = [operation.kind]
    if operation.from_ and operation.to:
        words.append(f"from {operation.from_[:7]} to {operation.to[:7]}")
    if operation.despite:
        words.append(f"despite {', '.join(operation.despite)}")
    words.append("(recorded)" if operation.recorded else "(as its trailers claim)")
    reason = f": {clean(operation.reason)}" if operation.reason else ""
    return " ".join(words) + reason
