"""`lastgood features`: what entered and what left between two versions."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.shared import heading, now, reference, version_line
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, clean, facts, plural, table
from lastgood.core.changelog import changelog
from lastgood.core.dates import relative
from lastgood.core.feature import Feature
from lastgood.core.feature_views import ConfigCommit, FeaturesView
from lastgood.core.resource import ImageChange
from lastgood.core.setting import MOST_SETTINGS, Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.value import to_plain

_MANY = 3


def features(
    ctx: typer.Context,
    app: Annotated[str, typer.Argument(metavar="APP", help="An application")],
    from_: Annotated[str | None, typer.Argument(metavar="[FROM]", help="A VERSION [default: previous]")] = None,
    to: Annotated[str | None, typer.Argument(metavar="[TO]", help="A VERSION [default: current]")] = None,
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a changelog as Markdown [json: beside it]")
    ] = False,
) -> None:
    """Show which pull requests, issues and commits of the source repo lie between two versions, and which settings.

    Where the source revision of an image is not known, that is said, and why. A clone alone reads no source repo.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        view = await situation.lastgood.features(app, from_, to)
        if call.json:
            call.print_json(to_plain(view) | ({"markdown": changelog(view)} if markdown else {}))
        elif markdown:
            call.print(changelog(view).rstrip("\n"))
        else:
            call.print(_text(view, call.style))
        return await remarks(call, situation, app)

    raise typer.Exit(work(call, job))


def _text(view: FeaturesView, style: Style) -> str:
    at = now()
    parts = [facts([("from", version_line(view.from_, at)), ("to", version_line(view.to, at))], style)]
    parts += images_text(view.images, style)
    parts += features_text("entered", view.entered, style)
    parts += features_text("left", view.left, style, left=True)
    parts += unknown_text(view.unknown, style)
    parts += unknown_text(view.recorded, style, title="FROM THE RECORDS")
    if not (view.entered or view.left or view.unknown or view.recorded):
        parts.append("no feature entered or left")
    parts += settings_text(view.settings, style)
    parts += _commits("config commits entered", view.config_entered, style)
    parts += _commits("config commits left", view.config_left, style)
    return "\n\n".join(parts)


def features_text(
    title: str, found: Sequence[Feature], style: Style, *, of: int | None = None, left: bool = False
) -> list[str]:
    """List features under a title; nothing for none. of: how many there are if not all are shown. left: they leave."""
    if not found:
        return []
    at = now()
    rows = [
        [
            clean(one.id),
            clean(one.title),
            remarks_text(one, style, left=left),
            ", ".join(map(clean, one.labels)),
            authors(one),
            relative(one.at, at) if one.at else "unknown",
            clean(one.repo),
        ]
        for one in found
    ]
    columns = [
        Column("FEATURE"),
        Column("TITLE", least=16, wish=28),
        Column("NOTE", least=10, wish=20),
        Column("LABELS", least=8, spare=True),
        Column("BY", least=8),
        Column("MADE", least=8),
        # Where there is but one, it goes first.
        Column("REPO", least=6, spare=len({one.repo for one in found}) == 1),
    ]
    return [f"{heading(f'{title} ({of or len(found)})', style)}\n{table(columns, rows, style)}"]


def images_text(images: Sequence[ImageChange], style: Style) -> list[str]:
    """List images that differ; nothing for none."""
    if not images:
        return []
    rows = [[clean(one.name), reference(one.from_), reference(one.to)] for one in images]
    return [table([Column("IMAGE", least=8), Column("FROM", least=8), Column("TO", least=8)], rows, style)]


def unknown_text(unknown: Sequence[NotKnown], style: Style, *, title: str = "UNKNOWN") -> list[str]:
    """List the images whose features are not known, and why; nothing for none. title: what else is said of them."""
    if not unknown:
        return []
    rows = [[clean(one.image), clean(one.reason)] for one in unknown]
    return [table([Column(title, least=10), Column("WHY", least=20)], rows, style)]


def settings_text(settings: Settings, style: Style, *, most: int = MOST_SETTINGS) -> list[str]:
    """List what else than images changed, or say why nobody looked; nothing for none. most: so many are listed."""
    if settings.unknown:
        return [f"settings unknown: {clean(settings.unknown)}"]
    if not settings.changes:
        return []
    rows = [
        [
            f"{clean(one.kind)}/{clean(one.name)}",
            clean(one.path) or "the whole",
            "hidden" if one.hidden else _value(one.before),
            "hidden" if one.hidden else _value(one.after),
        ]
        for one in settings.changes[:most]
    ]
    columns = [
        Column("RESOURCE", least=12),
        Column("SETTING", least=16),
        Column("FROM", least=6),
        Column("TO", least=6),
    ]
    count = len(settings.changes) + settings.more
    left_out = count - len(rows)
    more = f"\nand {plural(left_out, 'more setting')}" if left_out else ""
    return [f"{heading(f'settings ({count})', style)}\n{table(columns, rows, style)}{more}"]


def _value(text: str | None) -> str:
    return "-" if text is None else clean(text)


def _commits(title: str, commits: Sequence[ConfigCommit], style: Style) -> list[str]:
    if not commits:
        return []
    at = now()
    rows = [
        [one.commit[:7], clean(one.subject), clean(one.author.name), relative(one.committed_at, at)] for one in commits
    ]
    columns = [Column("COMMIT"), Column("SUBJECT", least=16), Column("BY", least=8), Column("MADE", least=8)]
    return [f"{heading(f'{title} ({len(commits)})', style)}\n{table(columns, rows, style)}"]


def remarks_text(feature: Feature, style: Style, *, left: bool = False) -> str:
    """Say what must be seen of a feature beside its title."""
    return style.paint(", ".join(map(clean, feature.remarks(left=left))), "yellow" if feature.breaking else "")


def authors(feature: Feature) -> str:
    """Name a feature's authors, as many as fit a line."""
    names = [clean(one.name) for one in feature.authors]
    return ", ".join(names[:_MANY]) + (" and more" if len(names) > _MANY else "")
