"""How a feature came to an application: from its source repo by image, config commit and deployment to what runs.

Awaits the ports SourceHistory and Store. What is not known is said, with the reason; nothing is guessed.
"""

import dataclasses
from collections.abc import Sequence

from lastgood.core.build_link import build_link
from lastgood.core.chain import Chain, ChainConfig, ChainDeployment, ChainImage, ChainSource, Origin
from lastgood.core.errors import LastgoodError
from lastgood.core.feature import Feature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed, image_of
from lastgood.core.ports import Store
from lastgood.core.source_features import SourceAt

NO_RECORDS = "deployments are not on record here; a running server records them (`--server URL`)"
NOT_SURE_BEFORE = "whether the version before it had it is not known"
NOT_SURE_AFTER = "whether the version after it had it is not known"
NOT_WHOLE = "not all versions before it were looked at"
NO_BUILD = "neither the commit nor an image nor a forge names one"
NO_BUILD_YET = "the commit names none, and what its images name has not been looked at yet"
NO_BUILD_HERE = "the commit names none, and images are asked by a server"
# What is not known where it is not known with which version a feature came.
_PARTS = ("build", "images", "config", "deployment")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stay:
    """The last time that an application had a feature, as places in what it ran, newest first.

    began: the version with which it came; None where that is not known, and why says why not. ended: the one with which
    it went; None where it is still there, or that is not known (unsure).
    """

    began: int | None
    ended: int | None = None
    why: str = ""
    unsure: bool = False


def last_stay(found: Sequence[Presence], *, whole: bool) -> Stay | None:
    """Say when an application had a feature last; None: in no version that is known. whole: nothing is left out."""
    newest = next((n for n, one in enumerate(found) if one.contains), None)
    if newest is None:
        return None
    oldest = newest
    while oldest + 1 < len(found) and found[oldest + 1].contains:
        oldest += 1
    why = ""
    if oldest + 1 == len(found):
        why = "" if whole else NOT_WHOLE
    elif found[oldest + 1].contains is None and not found[oldest].asked:
        # The very image that is asked for is new there, whatever the one before it was built from.
        why = NOT_SURE_BEFORE
    gone = newest > 0 and found[newest - 1].contains is False
    return Stay(
        began=oldest if not why else None,
        ended=newest - 1 if gone else None,
        why=why,
        unsure=newest > 0 and not gone,
    )


class Chains:
    """Tells the chains of one question. feature: what was asked; source: of an image, what it was built from."""

    def __init__(
        self, feature: str, *, store: Store | None, source: SourceAt | None = None, image: bool = False
    ) -> None:
        self._feature = feature
        self._store = store
        self._source = source
        self._image = image

    async def chain(
        self,
        deployed: Sequence[Deployed],
        found: Sequence[Presence],
        *,
        whole: bool,
        repo: str,
        path: str,
        recorded: tuple[Feature, str] | None = None,
    ) -> Chain | None:
        """Tell how the feature came to one application; None where it does not concern it, or nothing runs there.

        deployed: what it ran, newest first. found: whether each of them has it. recorded: the feature as the records
        have it, and why no source repo is asked.
        """
        stay = last_stay(found, whole=whole)
        if not found or (stay is None and (found[0].beside or (found[0].contains is None and not found[0].images))):
            return None
        unknown: dict[str, str] = {}
        came = deployed[stay.began] if stay is not None and stay.began is not None else None
        went = deployed[stay.ended] if stay is not None and stay.ended is not None else None
        images = found[stay.began].images if stay is not None and stay.began is not None else ()
        feature, pull, source = await self._origin(came or deployed[0], images or found[0].images, unknown, recorded)
        if stay is None and (not whole or any(one.contains is None for one in found)):
            unsure = next((one.reason for one in found if one.contains is None), NOT_WHOLE)
            unknown |= dict.fromkeys((*_PARTS, "left"), unsure)
        elif stay is not None and came is None:
            unknown |= dict.fromkeys(_PARTS, stay.why)
        if stay is not None and stay.unsure:
            unknown["left"] = NOT_SURE_AFTER
        return Chain(
            feature=feature,
            pull_request=pull,
            source=source,
            build=await self._build(came, unknown),
            images=images,
            config=_config(came, repo, path),
            deployment=await self._deployment(came, "deployment", unknown),
            left_config=_config(went, repo, path),
            left=await self._deployment(went, "left", unknown),
            held=came is not None and came.held,
            unknown=unknown,
            taken_out=found[0].via or found[0].out if stay is None and not unknown.keys() & set(_PARTS) else None,
        )

    async def _origin(
        self,
        version: Deployed,
        images: Sequence[ChainImage],
        unknown: dict[str, str],
        recorded: tuple[Feature, str] | None,
    ) -> tuple[Feature | None, Feature | None, ChainSource | None]:
        """Return the feature, its pull request and its commit in the source repo, as far as they are known."""
        if recorded is not None:
            feature, why = recorded
            pull = feature if feature.kind == "pull_request" else None
            unknown |= dict.fromkeys(("source",) if pull is not None else ("pull_request", "source"), why)
            return feature, pull, None
        origin = await self._from_source(version, images, unknown)
        return (None, None, None) if origin is None else (origin.feature, origin.pull_request, origin.source)

    async def _from_source(
        self, version: Deployed, images: Sequence[ChainImage], unknown: dict[str, str]
    ) -> Origin | None:
        """Ask the source repos of a version where the feature comes from, those of the images that have it first."""
        asked: list[tuple[SourceAt, str, str | None]] = []
        why = ""
        if self._image:
            one = self._source
            if one is not None and one.history is not None and one.revision is not None:
                asked = [(one, one.revision, one.revision)]
            why = one.reason if one is not None else ""
        else:
            for one in sorted(version.sources, key=lambda one: image_of(one) not in images):
                asked.append((one, self._feature, one.revision))
                why = why or one.reason
        for one, text, revision in asked:
            if one.history is None or revision is None:
                continue
            for at in (revision, None):
                try:
                    return await one.history.origin(text, at, one.selection)
                except LastgoodError as wrong:
                    why = wrong.message
        unknown |= dict.fromkeys(("pull_request", "source"), why or "its source repo is not known")
        return None

    async def _build(self, came: Deployed | None, unknown: dict[str, str]) -> str | None:
        if came is None or came.commit is None:
            return None
        page = build_link(came.commit.message)
        if page is not None:
            return page
        if self._store is None or came.run is None:
            unknown["build"] = NO_BUILD_HERE
            return None
        kept = (await self._store.carried([came.run.id])).get(came.run.id)
        if kept is None or kept.build is None:
            unknown["build"] = NO_BUILD_YET if kept is None else NO_BUILD
            return None
        return kept.build

    async def _deployment(self, version: Deployed | None, part: str, unknown: dict[str, str]) -> ChainDeployment | None:
        if version is None:
            return None
        run = version.run
        if run is None:
            unknown[part] = NO_RECORDS
            return None
        asked = await self._store.operation(run.operation) if self._store is not None and run.operation else None
        return ChainDeployment(
            number=run.number,
            outcome=run.outcome,
            trigger=run.trigger,
            started_at=run.started_at,
            finished_at=run.finished_at,
            reason=asked.reason if asked is not None else "",
        )


def _config(version: Deployed | None, repo: str, path: str) -> ChainConfig | None:
    if version is None or version.commit is None:
        return None
    commit = version.commit
    return ChainConfig(
        repo=repo,
        path=path or ".",
        commit=commit.oid,
        subject=commit.subject,
        author=commit.author,
        committed_at=commit.committed_at,
    )
