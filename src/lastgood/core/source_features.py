"""What entered and what left between two versions of an application, by the source revisions of their images.

Awaits the ports Renderer, Sources and SourceHistory. Where an image's revision is not known, says so and why, and
guesses nothing.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lastgood.core.application import Application
from lastgood.core.commit import Person
from lastgood.core.errors import LastgoodError
from lastgood.core.feature import Feature
from lastgood.core.feature_range import FeatureChanges
from lastgood.core.mailmap import unique
from lastgood.core.source_commit import Selection
from lastgood.core.sources import Source
from lastgood.core.value import Value

if TYPE_CHECKING:
    # The ports are made of what stands here.
    from lastgood.core.ports import ConfigRepo, Renderer, SourceHistory, Sources

NO_SOURCES = "source repos are not read here; a running server reads them (`--server URL`)"
ONE_ONLY = "only one of the two versions has it"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceAt:
    """Where an image of one version comes from. image: its name without tag or digest; reference: what follows it.

    history, revision: None where that is not known, and reason says why. named: whether `sources` names the image.
    """

    image: str
    reference: str = ""
    history: "SourceHistory | None" = None
    revision: str | None = None
    selection: Selection = dataclasses.field(default_factory=Selection)
    reason: str = ""
    named: bool = True


class NotKnown(Value, frozen=True, kw_only=True):
    """An image whose features are not known, and why."""

    image: str
    reason: str


class Between(Value, frozen=True, kw_only=True):
    """What lies between two versions, newest first within each repo. unknown: images that nothing is known of.

    committed: when the commits of what entered were made, seconds since 1970, by their ids.
    """

    entered: tuple[Feature, ...] = ()
    left: tuple[Feature, ...] = ()
    committed: dict[str, int] = {}
    unknown: tuple[NotKnown, ...] = ()


async def locate_images(
    sources: "Sources | None", declared: Sequence[Source], images: Mapping[str, str]
) -> list[SourceAt]:
    """Say of each rendered image (name -> reference) where it comes from.

    sources: None where no source repo is read. declared: `sources` of lastgood.yaml.
    """
    if sources is None:
        return [SourceAt(image=name, reference=images[name], reason=NO_SOURCES) for name in images]
    return await sources.locate_all(declared, images)


async def locate_version(
    app: Application,
    repo: "ConfigRepo",
    commit: str,
    *,
    renderer: "Renderer",
    sources: "Sources | None",
    declared: Sequence[Source],
) -> list[SourceAt]:
    """Say where the images of a version come from; a version that does not render has one that is not known."""
    try:
        images = (await renderer.render(app, repo, commit)).images
    except LastgoodError as wrong:
        return [SourceAt(image=app.name, reason=f"what {commit[:7]} runs is not known: {wrong.message}")]
    return await locate_images(sources, declared, images)


async def features(old: Sequence[SourceAt], new: Sequence[SourceAt]) -> Between:
    """Compare two versions, image by image; a feature of several images is shown once."""
    before = {one.image: one for one in old}
    entered: list[Feature] = []
    left: list[Feature] = []
    unknown: list[NotKnown] = []
    committed: dict[str, int] = {}
    for here in new:
        there = before.pop(here.image, None)
        if there is None:
            unknown.append(NotKnown(image=here.image, reason=ONE_ONLY))
        elif here.reference and there.reference == here.reference:
            continue
        elif isinstance(found := await _between(there, here), NotKnown):
            unknown.append(found)
        else:
            entered += found.entered
            left += found.left
            committed |= found.committed
    unknown += [NotKnown(image=image, reason=ONE_ONLY) for image in before]
    return Between(entered=_once(entered), left=_once(left), unknown=tuple(unknown), committed=committed)


async def _between(old: SourceAt, new: SourceAt) -> NotKnown | FeatureChanges:
    if new.history is None or new.revision is None:
        return _not_known(new)
    if old.history is None or old.revision is None:
        return _not_known(old)
    if new.history is not old.history:
        return NotKnown(image=new.image, reason="it is built from another source repo than before")
    if old.revision == new.revision:
        return FeatureChanges()
    try:
        return await new.history.features(old.revision, new.revision, new.selection)
    except LastgoodError as gone:
        # The commit is gone, or the index cannot be read: what is asked for beside it is shown all the same.
        return NotKnown(image=new.image, reason=gone.message)


def _not_known(one: SourceAt) -> NotKnown:
    return NotKnown(image=one.image, reason=one.reason or "its source revision is not known")


def _once(found: Iterable[Feature]) -> tuple[Feature, ...]:
    by_id: dict[tuple[str, str], Feature] = {}
    for one in found:
        known = by_id.get((one.repo, one.id))
        by_id[one.repo, one.id] = one if known is None else _joined(known, one)
    return tuple(by_id.values())


def _joined(one: Feature, other: Feature) -> Feature:
    people: list[Person] = [*one.authors, *other.authors]
    return Feature(
        id=one.id,
        repo=one.repo,
        kind=one.kind,
        title=one.title,
        url=one.url,
        authors=unique(people),
        commits=tuple(dict.fromkeys((*one.commits, *other.commits))),
        type=one.type or other.type,
        breaking=one.breaking or other.breaking,
        at=max((at for at in (one.at, other.at) if at is not None), default=None),
    )
