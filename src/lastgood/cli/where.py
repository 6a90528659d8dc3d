"""`lastgood where`: which applications contain a feature."""

from typing import Annotated

import typer

from lastgood.cli.call import Call
from lastgood.cli.chain import chain_text, labels_text
from lastgood.cli.shared import MAX_SUBJECT, heading, now
from lastgood.cli.situation import Situation, remarks, work
from lastgood.cli.text import Column, Style, ago, clean, cut, stamp, table
from lastgood.core.feature_views import WhereEntry
from lastgood.core.value import to_plain

_WORDS = {True: "yes", False: "no", None: "unknown"}
# Words may mean another feature in each repo.
_MOST_ASKED = 3
_COLORS = {True: "green", False: "red", None: "yellow"}


def where(
    ctx: typer.Context,
    feature: Annotated[
        str,
        typer.Argument(
            metavar="FEATURE", help="PR-481, #12, ABC-12, a commit, the web page of one, an image, or words of a title"
        ),
    ],
) -> None:
    """Say of each application whether what it runs contains a feature, since when, and through which commit.

    A pull request that was reverted is not contained, and is again once its revert is reverted. Of an image
    (`web:1.4.2`, `web@sha256:...`) the revision counts that it was built from; where that is not known, who runs it.
    A tag alone (`v1.4.2`) is an image's, too, where nothing else is called so.
    `-v` shows how it got there: pull request, source commit, image, config commit, deployment, and what it left with.
    """
    call: Call = ctx.find_root().obj

    async def job(situation: Situation) -> int:
        entries = await situation.lastgood.where(feature)
        if call.json:
            call.print_json(to_plain(entries))
        else:
            asked = "".join(f"{line}\n" for line in _asked(entries, call.style))
            call.print(f"{asked}{_text(entries, call.style)}" if entries else "no applications")
            chains = [chain_text(one, now(), call.style) for one in entries] if call.verbose else []
            call.print("".join(f"\n{text}\n" for text in chains if text))
        return await remarks(call, situation)

    raise typer.Exit(work(call, job))


def _asked(entries: list[WhereEntry], style: Style) -> list[str]:
    """Say what was asked for, as far as anybody knows: with its title, and the source repo that it is of."""
    found = [one.chain.feature for one in entries if one.chain is not None and one.chain.feature is not None]
    titles = {(one.repo, one.id): f"{cut(clean(one.title), MAX_SUBJECT)}{labels_text(one)}" for one in found}
    lines = [f"{heading(clean(name), style)}  {title}, in {clean(repo)}" for (repo, name), title in titles.items()]
    return [*lines[:_MOST_ASKED], ""] if lines else []


def _text(entries: list[WhereEntry], style: Style) -> str:
    at = now()
    several = len({one.chain.feature.repo for one in entries if one.chain and one.chain.feature}) > 1
    rows = [
        [
            clean(one.environment or ""),
            clean(one.app),
            style.paint(_WORDS[one.contains], _COLORS[one.contains]),
            ago(one.since, at) if one.since else "",
            stamp(one.since, at) if one.since else "",
            f"n{one.deployment}" if one.deployment is not None else "",
            one.via[:7] if one.via else "",
            clean(one.reason),
        ]
        for one in entries
    ]
    columns = [
        Column("ENVIRONMENT", least=8),
        Column("APPLICATION"),
        Column("CONTAINS"),
        Column("SINCE"),
        Column("", spare=True),
        Column("WITH"),
        Column("THROUGH"),
        Column("WHY", least=12),
    ]
    if several:
        columns.insert(3, Column("REPO", least=6))
        repos = [clean(one.chain.feature.repo) if one.chain and one.chain.feature else "" for one in entries]
        rows = [[*row[:3], repo, *row[3:]] for row, repo in zip(rows, repos, strict=True)]
    return table(columns, rows, style)
