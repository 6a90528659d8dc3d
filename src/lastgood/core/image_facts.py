"""What an image says of itself: from which revision of which source it was built, and when. Pure values.

Whoever built the image wrote it; nothing here is proven.
"""

import datetime as dt
from typing import Literal

from lastgood.core.redact import redact, without_credentials
from lastgood.core.sources import address_is_safe
from lastgood.core.value import Value

_LONGEST = 500

# Where a claim stands. Only labels are handed down from a base image to what is built on it; a chart stands beside it.
ClaimPlace = Literal["manifest annotation", "index annotation", "attestation", "label", "chart"]


class ImageClaim(Value, frozen=True, kw_only=True):
    """What one part of an image says; None: nothing of that.

    revision: as written, mostly a commit's id. source: an address of the code, without credentials. version: its
    name for people. url: a web page of the image, often that of its build or release. created_at: when it was built.
    """

    place: ClaimPlace
    revision: str | None = None
    source: str | None = None
    version: str | None = None
    url: str | None = None
    created_at: dt.datetime | None = None


class ImageFacts(Value, frozen=True, kw_only=True):
    """What a registry has under an image's name.

    digest: of what the name led to. claims: the surest first, labels last: a label may be the base
    image's own, so its `source` has to fit before its `revision` means anything. Empty: the image says nothing.
    attached: what attestations claim that were asked for because none of these was believed; None: not asked for.
    digests: of the image and of what leads to it, which an attestation may be about. beside: of the manifests in its
    index that attest something of it and were not read.
    """

    digest: str
    claims: tuple[ImageClaim, ...] = ()
    attached: tuple[ImageClaim, ...] | None = None
    digests: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def text_of_claim(value: str | None) -> str | None:
    """Return text that may be shown: short, printable, no secret; None for any other."""
    text = (value or "").strip()
    return text if text and len(text) <= _LONGEST and text.isprintable() and redact(text) == text else None


def source_of_claim(value: str | None) -> str | None:
    """Return the address of a source repo without credentials, None for what is none."""
    text = (value or "").strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        return None
    shown = without_credentials(text)
    return shown if address_is_safe(shown) else None
