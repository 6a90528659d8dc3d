"""Which of an image's claims about its source revision may be believed, given the source repo that it should come from.

Pure. Whether the repo has the revision is for the caller to look: what it has not is never believed.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from lastgood.core.forge import web_address
from lastgood.core.image_facts import ClaimPlace, ImageClaim, ImageFacts
from lastgood.core.redact import without_credentials
from lastgood.core.value import Value

# A tag that is a version itself: then no other version can be meant.
_VERSION = re.compile(r"[vV]?[0-9]+(?:\.[0-9]+)+(?:[-+_].*)?")
_FULL_ID = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")


class Claimed(Value, frozen=True, kw_only=True):
    """A revision to look for in the source repo, and where the image says so. page: of the image's build or release."""

    revision: str
    place: ClaimPlace
    page: str | None = None


class Claims(Value, frozen=True, kw_only=True):
    """What may be believed, the surest first; reason: why the others (or all, or none there) may not."""

    believed: tuple[Claimed, ...] = ()
    reason: str = ""


def claimed_revisions(facts: ImageFacts, repo: str) -> Claims:
    """Sort an image's claims. repo: the address that `sources` of lastgood.yaml gives.

    A label is handed down from a base image, which may be built from anything: so a claim that names a `source` counts
    only where that is this repo, and one that names none only by a full commit id, which no other repo has by chance.
    """
    believed: list[Claimed] = []
    reason = ""
    for claim in facts.claims:
        if claim.revision is None:
            continue
        if claim.source is not None and not is_same_repo(claim.source, repo):
            reason = reason or f"its {claim.place} says that it is built from {claim.source}"
        elif claim.source is None and _FULL_ID.fullmatch(claim.revision) is None:
            said = f"names no source beside the revision {claim.revision[:100]}, which is no full commit id"
            reason = reason or f"its {claim.place} {said}"
        else:
            # Many name the repo's own page there, which tells nothing of this image.
            page = claim.url if claim.url is not None and not is_same_repo(claim.url, repo) else None
            believed.append(Claimed(revision=claim.revision, place=claim.place, page=page))
    return Claims(believed=tuple(believed), reason=reason or "it says nothing of its source revision")


def chart_versions(claims: Sequence[ImageClaim], repo: str, tag: str) -> tuple[tuple[str, ...], str]:
    """Return the names by which to look for what a chart says that its image was built from; else why there are none.

    claims: of the charts that rendered the image, see `chart_claims`. repo: the address that `sources` of
    lastgood.yaml gives. tag: of the image, "" where it has none. A chart is beside the image, so it has to name the
    repo, and a tag that is another version contradicts it.
    """
    names: dict[str, None] = {}
    reason = ""
    for claim in claims:
        version = claim.revision or ""
        called = _called(version)
        if claim.source is None:
            reason = reason or f"its chart names no source beside the appVersion {version[:100]}"
        elif not is_same_repo(claim.source, repo):
            reason = reason or f"its chart says that it is built from {claim.source}"
        elif _VERSION.fullmatch(tag) and tag not in {one.replace("+", "_") for one in called}:
            reason = f"its chart has the appVersion {version[:100]}, and its tag is another version"
        else:
            names |= dict.fromkeys(called)
    return tuple(names), "" if names else reason


def _called(version: str) -> tuple[str, ...]:
    """Return a version's names, as it is written first: with the build or without, with a `v` in front or without."""
    written = dict.fromkeys((version, version.partition("+")[0]))
    both = [(one, one[1:] if re.match("[vV][0-9]", one) else f"v{one}") for one in written]
    return tuple(dict.fromkeys(name for pair in both for name in pair))


def is_same_repo(source: str, repo: str) -> bool:
    """Say whether two addresses are of one repo: by https or ssh, with `.git` or without, in capitals or not.

    A port says how a repo is reached, and not which one it is: a forge has one for ssh and another one for its pages.
    """
    return _plain(source) == _plain(repo)


def _plain(address: str) -> str:
    address = without_credentials(address.partition("#")[0])
    base = web_address(address).base
    if base is None:
        # A folder: it is itself alone.
        return address.removeprefix("file://").rstrip("/").removesuffix(".git")
    parts = urlsplit(base.lower())
    return f"{parts.hostname}{parts.path}"
