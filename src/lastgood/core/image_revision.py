"""Which of an image's claims about its source revision may be believed, given the source repo that it should come from.

Pure. Whether the repo has the revision is for the caller to look: what it has not is never believed.
"""

import re

from lastgood.core.forge import web_address
from lastgood.core.image_facts import ClaimPlace, ImageFacts
from lastgood.core.redact import without_credentials
from lastgood.core.value import Value

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


def is_same_repo(source: str, repo: str) -> bool:
    """Say whether two addresses are of one repo: by https or ssh, with `.git` or without, in capitals or not."""
    return _plain(source) == _plain(repo)


def _plain(address: str) -> str:
    address = without_credentials(address.partition("#")[0])
    base = web_address(address).base
    if base is None:
        # A folder: it is itself alone.
        return address.removeprefix("file://").rstrip("/").removesuffix(".git")
    return base.partition("://")[2].lower()
