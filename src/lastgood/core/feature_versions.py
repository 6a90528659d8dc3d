"""Which of some versions have a feature, by the source revisions of their images.

Awaits the ports Renderer and SourceHistory. Guesses nothing.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lastgood.core.application import Application
from lastgood.core.errors import LastgoodError, UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt, without_stale_charts

if TYPE_CHECKING:
    from lastgood.core.ports import ConfigRepo, Renderer, SourceHistory

# Those that a program renders take longer.
MAX_VERSIONS = 1000
MAX_PROGRAM_VERSIONS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """One version that an application ran.

    at: when it was deployed, None where only Git is known. number: of its record, None where there is none.
    """

    at: dt.datetime | None
    sources: tuple[SourceAt, ...]
    number: int | None = None


async def most_versions(app: Application, repo: "ConfigRepo", commit: str, *, renderer: "Renderer") -> int:
    """Return how many versions of an application may be rendered to answer one question."""
    try:
        kind = await renderer.kind(app, repo, commit)
    except LastgoodError:
        return MAX_PROGRAM_VERSIONS
    return MAX_PROGRAM_VERSIONS if kind in ("helm", "kustomize") else MAX_VERSIONS


async def presences(feature: str, deployed: Sequence[Deployed]) -> tuple[list[Presence], list[UnknownFeature]]:
    """Ask each source repo once for all revisions; put the answers of one version's images and bases together."""
    told = without_stale_charts([one.sources for one in deployed])
    asked: dict[tuple[int, Selection], tuple[SourceHistory, dict[str, None]]] = {}
    for sources in told:
        for source in sources:
            if source.history is not None and source.revision is not None:
                key = (id(source.history), source.selection)
                asked.setdefault(key, (source.history, {}))[1][source.revision] = None
    answers: dict[tuple[int, Selection, str], Presence] = {}
    unknown: list[UnknownFeature] = []
    for (name, selection), (history, revisions) in asked.items():
        try:
            found = await history.presences(feature, list(revisions), selection)
        except UnknownFeature as wrong:
            unknown.append(wrong)
            continue
        except LastgoodError:
            try:
                found = [await _alone(history, feature, revision, selection) for revision in revisions]
            except UnknownFeature as wrong:
                unknown.append(wrong)
                continue
        answers |= {(name, selection, revision): one for revision, one in zip(revisions, found, strict=True)}
    return [_together(sources, answers) for sources in told], unknown


async def _alone(history: "SourceHistory", feature: str, revision: str, selection: Selection) -> Presence:
    """Ask for one revision: another that is gone from its repo must not take the answer along."""
    try:
        return (await history.presences(feature, [revision], selection))[0]
    except UnknownFeature:
        raise
    except LastgoodError as gone:
        return Presence(contains=None, reason=gone.message)


def _together(sources: Sequence[SourceAt], answers: dict[tuple[int, Selection, str], Presence]) -> Presence:
    """Put the answers for a version's images together: those that do not know the feature have no say."""
    known = []
    # What `sources` does not name (a database, a proxy) has a say only where it is all that there is.
    for one in [one for one in sources if one.named] or sources:
        if one.history is None or one.revision is None:
            known.append(Presence(contains=None, reason=f"{one.image}: {one.reason or 'its source is not known'}"))
        elif (answer := answers.get((id(one.history), one.selection, one.revision))) is not None:
            known.append(answer)
    # A service that a feature does not touch says False without a commit; one that has it decides.
    having = [one for one in known if one.contains]
    without = [one for one in known if one.contains is False and not one.beside]
    unsure = [one for one in known if one.contains is None]
    if not known:
        return Presence(contains=None, reason="none of its images comes from a repo that knows it")
    if having and without:
        return Presence(contains=None, via=having[0].via, reason="some of its images have it and some do not")
    if having:
        return having[0]
    return (unsure or without or known)[0]
