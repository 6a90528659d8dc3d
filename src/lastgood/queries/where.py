"""Which environments contain a feature, since when, and through which commit.

Awaits the port SourceHistory. Deployments and the source revisions of their images are given; guesses nothing.
"""

import contextlib
import dataclasses
from collections.abc import Sequence

from lastgood.core.asked_image import AskedImage, asked_image
from lastgood.core.errors import UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed, presences
from lastgood.core.feature_views import WhereEntry
from lastgood.core.source_features import SourceAt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """An application in its environment, with what it ran, newest first; the first is what runs now.

    whole: whether nothing that it ran is left out.
    """

    environment: str | None
    app: str
    deployed: tuple[Deployed, ...]
    whole: bool = True


async def where(feature: str, places: Sequence[Place]) -> list[WhereEntry]:
    """Say for each application whether what it runs contains a feature, or the revision that an image was built from.

    Raises UnknownFeature if no source repo of any of them knows it, and it is no image that one of them ran.
    """
    image = asked_image(feature)
    ran = [one for place in places for one in _ran(image, place)] if image is not None else []
    if image is None or not ran:
        return await _where(feature, places)
    revision = next((one.revision for one in ran if one.revision is not None), None)
    entries: Sequence[WhereEntry | None] = [None] * len(places)
    if revision is not None:
        # Of a repo that is away the images themselves still tell something.
        with contextlib.suppress(UnknownFeature):
            entries = await _where(revision, places)
    names = {one.image for one in ran}
    return [_of_image(image, names, place, entry) for place, entry in zip(places, entries, strict=True)]


def _ran(image: AskedImage, place: Place) -> list[SourceAt]:
    return [one for version in place.deployed for one in version.sources if image.fits(one.image, one.reference)]


def _of_image(image: AskedImage, names: set[str], place: Place, entry: WhereEntry | None) -> WhereEntry:
    """Answer for an image: its revision speaks, where it is known; else what runs it has it. names: what fits."""
    if entry is not None and entry.contains is not None:
        return entry
    runs = [any(image.fits(one.image, one.reference) for one in version.sources) for version in place.deployed]
    contains, since, reason = None, None, "it has not run yet"
    if runs and runs[0]:
        same = runs.index(False) if False in runs else len(runs)
        contains, reason = True, "it runs this very image"
        since = place.deployed[same - 1].at if same < len(runs) or place.whole else None
    elif entry is not None:
        return entry
    elif runs and any(one.image in names for one in place.deployed[0].sources):
        reason = "it runs another image of that name, and the revision of the one asked for is not known"
    elif runs:
        contains, reason = False, "it runs no image of that name"
        unknown = [one.reason for one in place.deployed[0].sources if not one.reference and one.reason]
        if unknown:
            contains, reason = None, unknown[0]
    return WhereEntry(
        environment=place.environment, app=place.app, contains=contains, since=since, via=None, reason=reason
    )


async def _where(feature: str, places: Sequence[Place]) -> list[WhereEntry]:
    entries = []
    missing: list[UnknownFeature] = []
    for place in places:
        found, unknown = await presences(feature, place.deployed)
        missing += unknown
        now = found[0] if found else Presence(contains=None, reason="it has not run yet")
        same = next((n for n, one in enumerate(found) if one.contains is not now.contains), len(found))
        known = now.contains is not None and (same < len(found) or place.whole)
        entries.append(
            WhereEntry(
                environment=place.environment,
                app=place.app,
                contains=now.contains,
                since=place.deployed[same - 1].at if known else None,
                via=now.via,
                reason=now.reason,
            )
        )
    if missing and all(entry.contains is None for entry in entries):
        raise missing[0]
    return entries
