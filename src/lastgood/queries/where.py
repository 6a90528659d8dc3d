"""Which environments contain a feature, since when, and through which commit; which version is the newest without it.

Awaits the port SourceHistory. Deployments and the source revisions of their images are given; guesses nothing.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from lastgood.core.errors import UnknownFeature, UnknownVersion
from lastgood.core.feature_presence import Presence
from lastgood.core.ports import SourceHistory
from lastgood.core.source_commit import Selection
from lastgood.core.value import Value
from lastgood.queries.features import SourceAt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """One version that an application ran. at: when it was deployed, None where only Git is known."""

    at: dt.datetime | None
    sources: tuple[SourceAt, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """An application in its environment, with what it ran, newest first; the first is what runs now."""

    environment: str | None
    app: str
    deployed: tuple[Deployed, ...]


class WhereEntry(Value, frozen=True, kw_only=True):
    """One line of `where`. since: when the oldest deployment began from which on the answer has been this one."""

    environment: str | None
    app: str
    contains: bool | None
    since: dt.datetime | None
    via: str | None
    reason: str


async def where(feature: str, places: Sequence[Place]) -> list[WhereEntry]:
    """Say for each application whether what it runs contains a feature.

    Raises UnknownFeature if no source repo of any of them knows it.
    """
    entries = []
    missing: list[UnknownFeature] = []
    for place in places:
        found, unknown = await _presences(feature, place.deployed)
        missing += unknown
        now = found[0] if found else Presence(contains=None, reason="it has not run yet")
        since = None
        for deployed, presence in zip(place.deployed, found, strict=True):
            if presence.contains is not now.contains:
                break
            since = deployed.at
        entries.append(
            WhereEntry(
                environment=place.environment,
                app=place.app,
                contains=now.contains,
                since=since if now.contains is not None else None,
                via=now.via,
                reason=now.reason,
            )
        )
    if missing and all(entry.contains is None for entry in entries):
        raise missing[0]
    return entries


async def newest(feature: str, deployed: Sequence[Deployed], *, contains: bool) -> int | None:
    """Return the first of some versions, newest first, that is known to have a feature or known not to have it.

    A version of which that is not known, or that has only a part of it, is none. Raises UnknownFeature.
    """
    found, unknown = await _presences(feature, deployed)
    if unknown and all(one.contains is None for one in found):
        raise unknown[0]
    return next((n for n, one in enumerate(found) if one.contains is contains), None)


async def _presences(feature: str, deployed: Sequence[Deployed]) -> tuple[list[Presence], list[UnknownFeature]]:
    """Ask each source repo once for all revisions; put the answers of one version's images together."""
    asked: dict[tuple[int, Selection], tuple[SourceHistory, dict[str, None]]] = {}
    for one in deployed:
        for source in one.sources:
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
        except UnknownVersion:
            found = [await _alone(history, feature, revision, selection) for revision in revisions]
        answers |= {(name, selection, revision): one for revision, one in zip(revisions, found, strict=True)}
    return [_together(one.sources, answers) for one in deployed], unknown


async def _alone(history: SourceHistory, feature: str, revision: str, selection: Selection) -> Presence:
    """Ask for one revision: another that is gone from its repo must not take the answer along."""
    try:
        return (await history.presences(feature, [revision], selection))[0]
    except UnknownVersion as gone:
        return Presence(contains=None, reason=gone.message)


def _together(sources: Sequence[SourceAt], answers: dict[tuple[int, Selection, str], Presence]) -> Presence:
    """Put the answers for a version's images together: those that do not know the feature have no say."""
    known = []
    for one in sources:
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
