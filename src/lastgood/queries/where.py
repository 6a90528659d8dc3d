"""Which environments contain a feature, since when, and through which commit.

Awaits the port SourceHistory. Deployments and the source revisions of their images are given; guesses nothing.
"""

import dataclasses
from collections.abc import Sequence

from lastgood.core.errors import UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed, presences
from lastgood.core.feature_views import WhereEntry


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
    """Say for each application whether what it runs contains a feature.

    Raises UnknownFeature if no source repo of any of them knows it.
    """
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
