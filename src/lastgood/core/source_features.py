"""What entered and left between two versions of an application, by the source revisions of their images and bases.

Awaits the ports Renderer, Sources and SourceHistory. Where a revision is not known, says so and why, and
guesses nothing.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lastgood.core.application import Application
from lastgood.core.asked_image import plain_name
from lastgood.core.built import NOT_BUILT, BuiltAt, How
from lastgood.core.commit import Person
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.errors import LastgoodError
from lastgood.core.feature import Feature
from lastgood.core.feature_range import FeatureChanges
from lastgood.core.mailmap import unique
from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.source_commit import Selection
from lastgood.core.sources import Source
from lastgood.core.value import Value

if TYPE_CHECKING:
    # The ports are made of what stands here.
    from lastgood.core.ports import ConfigRepo, Renderer, SourceHistory, Sources

NO_SOURCES = "source repos are not read here; a running server reads them (`--server URL`)"
_LONG = re.compile(r"\b([0-9a-f]{7})[0-9a-f]{33,57}\b")
ONE_ONLY = "only one of the two versions has it"
STALE_CHART = "its chart has the same appVersion with another image of that name, so it does not tell them apart"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceAt:
    """Where an image or a base of one version comes from.

    image: its name without tag or digest; reference: what follows it. base: whether it is a base of a kustomization
    in another repo; then these are its name and its ref (see `git_base`). history, revision: None where that is not
    known, and reason says why. named: whether `sources` names it. repo: the source repo's address. how: what tells the
    revision. shared: whether a chart told that revision of another image of that name in a record.
    """

    image: str
    reference: str = ""
    history: "SourceHistory | None" = None
    revision: str | None = None
    selection: Selection = dataclasses.field(default_factory=Selection)
    reason: str = ""
    named: bool = True
    base: bool = False
    repo: str = ""
    how: How | None = None
    shared: bool = False

    @property
    def by_chart(self) -> bool:
        """Whether only its chart tells the revision."""
        return self.how == "chart"


class NotKnown(Value, frozen=True, kw_only=True):
    """What has features that are not known, and why. image: the name of an image, or of a base by Git ref.

    named: whether `sources` names it: of a database or a proxy that it does not name, nobody expects features.
    """

    image: str
    reason: str
    named: bool = True


class Between(Value, frozen=True, kw_only=True):
    """What lies between two versions, newest first within each repo. unknown: images and bases that are not known.

    committed: when the commits of what entered were made, seconds since 1970, by their ids. recorded: images whose
    features deployment records alone tell, and why no source repo does.
    """

    entered: tuple[Feature, ...] = ()
    left: tuple[Feature, ...] = ()
    committed: dict[str, int] = {}
    unknown: tuple[NotKnown, ...] = ()
    recorded: tuple[NotKnown, ...] = ()


async def locate_images(
    sources: "Sources | None",
    declared: Sequence[Source],
    images: Mapping[str, str],
    origins: Origins,
    built: BuiltAt = NOT_BUILT,
) -> list[SourceAt]:
    """Say of each rendered image (name -> reference) where it comes from, then of each base among the origins.

    sources: None where no source repo is read. declared: `sources` of lastgood.yaml. built: what records know of what
    ran; the rest is asked now.
    """
    if sources is None:
        found = [SourceAt(image=name, reference=images[name], reason=NO_SOURCES) for name in images]
        bases = origins.bases
        return found + [SourceAt(image=n, reference=bases[n], reason=NO_SOURCES, base=True) for n in bases]
    located = await sources.locate_all(declared, images, origins, built.of(images, origins.bases))
    return [
        dataclasses.replace(one, shared=one.by_chart and built.is_shared(one.image, one.reference, one.revision))
        for one in located
    ]


async def locate_version(
    app: Application,
    repo: "ConfigRepo",
    commit: str,
    *,
    renderer: "Renderer",
    sources: "Sources | None",
    declared: Sequence[Source],
    built: BuiltAt = NOT_BUILT,
) -> list[SourceAt]:
    """Say where the images and bases of a version come from. built: see `locate_images`.

    Of a version that does not render the images are not known, and the bases are those that it declares.
    """
    try:
        rendered = await renderer.render(app, repo, commit)
    except LastgoodError as wrong:
        unknown = SourceAt(image=app.name, reason=f"what {commit[:7]} runs is not known: {wrong.message}")
        return [unknown, *await locate_images(sources, declared, {}, await declared_origins(app, repo, commit), built)]
    return await locate_images(sources, declared, rendered.images, rendered.origins, built)


async def declared_origins(app: Application, repo: "ConfigRepo", commit: str) -> Origins:
    """Return what is known of the origins of a version that does not render: its bases, where they can be read."""
    try:
        return Origins(bases=(await inputs_at(app, repo, commit)).bases)
    except LastgoodError:
        return NO_ORIGINS


def without_stale_charts(versions: Sequence[Sequence[SourceAt]]) -> list[tuple[SourceAt, ...]]:
    """Take back what charts say of images that changed while their charts' appVersion stayed: nobody keeps it up."""
    told: dict[tuple[str, str | None], set[str]] = {}
    for one in (one for version in versions for one in version if one.by_chart):
        told.setdefault((one.image, one.revision), set()).add(one.reference)
    return [
        tuple(
            SourceAt(image=one.image, reference=one.reference, reason=STALE_CHART)
            if one.by_chart and (one.shared or len(told[one.image, one.revision]) > 1)
            else one
            for one in version
        )
        for version in versions
    ]


async def features(old: Sequence[SourceAt], new: Sequence[SourceAt]) -> Between:
    """Compare two versions, image by image and base by base; a feature of several is shown once."""
    old, new = without_stale_charts([old, new])
    before = {one.image: one for one in old}
    # Where an image is there in two versions, the second one is named after its container.
    ran, runs = ({(plain_name(one.image), one.reference) for one in some if one.reference} for some in (old, new))
    entered: list[Feature] = []
    left: list[Feature] = []
    unknown: list[NotKnown] = []
    committed: dict[str, int] = {}
    for here in new:
        there = before.pop(here.image, None)
        if there is None and (plain_name(here.image), here.reference) in ran:
            continue
        if there is None:
            unknown.append(NotKnown(image=here.image, reason=ONE_ONLY, named=here.named))
        elif here.reference and there.reference == here.reference and not _was_moved(there, here):
            continue
        elif isinstance(found := await _between(there, here), NotKnown):
            unknown.append(found)
        else:
            entered += found.entered
            left += found.left
            committed |= found.committed
    gone = [one for one in before.values() if (plain_name(one.image), one.reference) not in runs]
    unknown += [NotKnown(image=one.image, reason=ONE_ONLY, named=one.named) for one in gone]
    return Between(entered=_once(entered), left=_once(left), unknown=tuple(unknown), committed=committed)


def _was_moved(old: SourceAt, new: SourceAt) -> bool:
    """Say whether two images of one name and tag are known to be built from different revisions, by what they say.

    A record keeps what a tag meant. A chart says of the same image what it likes.
    """
    if "@" in new.reference or old.by_chart or new.by_chart or old.history is not new.history:
        return False
    return None not in (old.revision, new.revision) and old.revision != new.revision


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
    reason = one.reason or "its source revision is not known"
    # Two versions are compared, and either may be the one of which it is not known.
    which = _LONG.sub(r"\1", one.reference)
    if which not in reason:
        reason = f"{which}: {reason}"
    return NotKnown(image=one.image, reason=reason, named=one.named)


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
        labels=tuple(dict.fromkeys((*one.labels, *other.labels))),
        takes_back=tuple(dict.fromkeys((*one.takes_back, *other.takes_back))),
        brings_back=tuple(dict.fromkeys((*one.brings_back, *other.brings_back))),
        merge=one.merge or other.merge,
        git_title=one.git_title or other.git_title,
    )
