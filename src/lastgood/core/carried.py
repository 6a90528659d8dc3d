"""What a deployment carried: the features that entered and left with it, as they are kept beside its record. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from lastgood.core.asked_feature import asked_feature
from lastgood.core.built import Built, Key
from lastgood.core.commit import Person
from lastgood.core.commit_facts import read_facts
from lastgood.core.feature import Feature
from lastgood.core.mailmap import unique
from lastgood.core.source_features import Between, NotKnown, SourceAt
from lastgood.core.value import Value

# A record is kept for ever and shown as a whole: of a first look at years of work its newest features are enough.
MOST_FEATURES = 500
MOST_COMMITS = 100
MOST_TIMES = 1_000
# Of a commit so many digits are searched.
KEPT_DIGITS = 12
MOST_BUILT = 200
# Names and addresses come from a config repo.
LONGEST_BUILT = 1_000


class Carried(Value, frozen=True, kw_only=True):
    """The features of one deployment record, newest first. deployment: the record's id.

    committed: when the commits of what entered were made, seconds since 1970, newest first, at most MOST_TIMES.
    unknown: images and bases that were not known then. more: how many features beyond MOST_FEATURES are left out.
    again_at: when to look again, because what was not known may come to be known; None: this is how it stays.
    build: the page of the build of an image that entered with it: as the image names it, else as a forge does.
    built: what the images and bases that it changed were found to be built from.
    """

    deployment: int
    found_at: dt.datetime
    entered: tuple[Feature, ...] = ()
    left: tuple[Feature, ...] = ()
    unknown: tuple[NotKnown, ...] = ()
    more: int = 0
    committed: tuple[int, ...] = ()
    again_at: dt.datetime | None = None
    build: str | None = None
    built: tuple[Built, ...] = ()


def carried(
    deployment: int,
    found: Between,
    *,
    at: dt.datetime,
    again_at: dt.datetime | None = None,
    build: str | None = None,
    built: tuple[Built, ...] = (),
) -> Carried:
    """Make what is kept of what lies between two versions: bounded, because a source repo is anybody's."""
    entered, left = found.entered[:MOST_FEATURES], found.left[:MOST_FEATURES]
    return Carried(
        deployment=deployment,
        found_at=at,
        entered=tuple(_bounded(one) for one in entered),
        left=tuple(_bounded(one) for one in left),
        unknown=found.unknown,
        more=len(found.entered) - len(entered) + len(found.left) - len(left),
        committed=tuple(sorted(found.committed.values(), reverse=True)[:MOST_TIMES]),
        again_at=again_at,
        build=build,
        built=built,
    )


def built_from(found: Sequence[SourceAt], known: Mapping[Key, Built]) -> tuple[Built, ...]:
    """Make what is kept of where images and bases come from. known: what the record has, which stays as it is."""
    each = [
        known.get((one.image, one.reference))
        or Built(image=one.image, reference=one.reference, repo=one.repo, revision=one.revision, how=one.how)
        for one in found
        if one.named or (one.image, one.reference) in known
    ]
    return tuple(one for one in each if len(one.image + one.reference + one.repo) <= LONGEST_BUILT)[:MOST_BUILT]


def of_kind(features: Iterable[Feature], kind: str) -> tuple[dict[str, Any], ...]:
    """Return the features of one kind as the timeline's `pull_requests` and `issues` show them."""
    return tuple({"id": f.id, "repo": f.repo, "title": f.title, "url": f.url} for f in features if f.kind == kind)


def committers(features: Iterable[Feature]) -> tuple[Person, ...]:
    """Return who wrote what is in some features, each person once."""
    return unique([person for feature in features for person in feature.authors])


def searched(text: str) -> str:
    """Return what to look for in the text that a record is found by, for all features that `is_meant` may mean."""
    asked = asked_feature(text).text
    subject = read_facts(asked)
    wanted = asked.lstrip("#!") if subject.pull is None else f"PR-{subject.pull}"
    path, _, number = wanted.rpartition("#")
    # A pull request is kept without its repo before it.
    wanted = number if "/" in path and number.isdecimal() else wanted
    return wanted[:KEPT_DIGITS] if is_hash(wanted) else wanted


def is_hash(word: str) -> bool:
    """Say whether a word may be (a part of) a commit's id."""
    return not set(word.casefold()) - set("0123456789abcdef")


def _bounded(feature: Feature) -> Feature:
    return msgspec.structs.replace(feature, commits=feature.commits[:MOST_COMMITS])
