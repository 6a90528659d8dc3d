"""Which of some versions have a feature, by the source revisions of their images.

Awaits the ports Renderer and SourceHistory. Guesses nothing.
"""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lastgood.core.application import Application
from lastgood.core.asked_feature import asked_feature
from lastgood.core.chain import ChainImage
from lastgood.core.commit import Commit
from lastgood.core.deployment import Deployment
from lastgood.core.errors import LastgoodError, UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.nearest import nearest
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt, without_stale_charts

if TYPE_CHECKING:
    from lastgood.core.ports import ConfigRepo, Renderer, SourceHistory

# Those that a program renders take longer.
MAX_VERSIONS = 1000
MAX_PROGRAM_VERSIONS = 40
# An answer names so many of a version's images.
MAX_IMAGES = 20
MAX_NEAREST = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """One version that an application ran.

    at: when it was deployed, None where only Git is known. number: of its record, None where there is none. commit: of
    the config repo, that asked for it. run: the record itself. held: whether the version is on hold now.
    """

    at: dt.datetime | None
    sources: tuple[SourceAt, ...]
    number: int | None = None
    commit: Commit | None = None
    run: Deployment | None = None
    held: bool = False


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


async def unknown_feature(
    feature: str, sources: Iterable[SourceAt], *, app: str | None = None, tags: Iterable[str] = ()
) -> UnknownFeature:
    """Make the error that none of the source repos of some images knows a feature, with the nearest names.

    tags: of images, where one could be meant; the nearest of them where no feature's name is near.
    """
    asked = asked_feature(feature)
    histories = {(id(one.history), one.selection): one for one in sources if one.history is not None}
    repos: dict[str, bool] = {}
    names: list[str] = []
    for one in histories.values():
        if one.history is not None:
            repos[one.history.repo] = asked.is_in(one.history.web)
            with contextlib.suppress(LastgoodError):
                names += await one.history.nearest(feature, one.selection)
    repo, near = ", ".join(repos), list(dict.fromkeys(names))[:MAX_NEAREST] or list(nearest(asked.text, tags))
    hint = f"did you mean {', '.join(near)}?" if near else None
    if repos and not any(repos.values()):
        other = f"{asked.host}/{asked.path}".lstrip("/")
        message = f"{other} is no source repo of what runs here, which is built from {repo}"
        return UnknownFeature(message, app=app, feature=feature, repo=repo, nearest=near)
    return UnknownFeature(hint=hint, app=app, feature=asked.text, repo=repo or "any source repo", nearest=near)


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
    known: list[tuple[SourceAt, Presence]] = []
    # What `sources` does not name (a database, a proxy) has a say only where it is all that there is.
    for one in [one for one in sources if one.named] or sources:
        if one.history is None or one.revision is None:
            reason = f"{one.image}: {one.reason or 'its source is not known'}"
            known.append((one, Presence(contains=None, reason=reason)))
        elif (answer := answers.get((id(one.history), one.selection, one.revision))) is not None:
            known.append((one, answer))
    # A service that a feature does not touch says False without a commit; one that has it decides.
    having = [pair for pair in known if pair[1].contains]
    without = [pair for pair in known if pair[1].contains is False and not pair[1].beside]
    unsure = [pair for pair in known if pair[1].contains is None]
    if not known:
        return Presence(contains=None, reason="none of its images comes from a repo that knows it", elsewhere=True)
    if having and without:
        reason = "some of its images have it and some do not"
        return Presence(contains=None, via=having[0][1].via, reason=reason, images=_images(having))
    decides = having or unsure or without or known
    return replace(decides[0][1], images=_images(decides))


def _images(pairs: Sequence[tuple[SourceAt, Presence]]) -> tuple[ChainImage, ...]:
    return tuple(image_of(source) for source, _ in pairs[:MAX_IMAGES])


def image_of(source: SourceAt) -> ChainImage:
    """Return an image or a base of a version as an answer names it."""
    return ChainImage(name=source.image, reference=source.reference, revision=source.revision, base=source.base)
