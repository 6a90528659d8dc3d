"""Read manifests, indexes and configurations of images, and what they claim. Pure; every byte is hostile.

Source: the OCI image specification (manifest, index, config, annotations) and Docker's image manifest, version 2.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from lastgood.core.forge import is_page
from lastgood.core.image_facts import ClaimPlace, ImageClaim, source_of_claim, text_of_claim
from lastgood.core.image_name import is_digest

INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
MANIFESTS = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
# Other artifacts (charts, signatures) have configurations of other kinds, without labels.
_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
MAX_MANIFESTS = 1_000
MAX_ATTESTATIONS = 10
_TITLES = "org.opencontainers.image."


class Malformed(Exception):
    """Not what the media type promises; its text says what, in a few words."""


class _Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """Names content by its digest."""

    media_type: str
    digest: str
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str | None = None
    manifests: list[Descriptor] | None = None
    layers: list[Descriptor] | None = None
    config: Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Settings(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)


class _Config(msgspec.Struct, frozen=True):
    config: _Settings | None = None


class Manifest(msgspec.Struct, frozen=True):
    """Where to read on (None: nothing more is told), whether that is another manifest, and the claims of this one.

    attestations: digests of the manifests beside that one which attest how it was built.
    """

    next: Descriptor | None
    next_is_manifest: bool
    claim: ImageClaim | None
    attestations: tuple[str, ...] = ()


def read_manifest(data: bytes, media_type: str) -> Manifest:
    """Read a manifest or an index: of an index, the image for linux/amd64, or else its first. Raises Malformed."""
    document = _decode(data, _Document, "manifest")
    if media_type not in INDEXES | MANIFESTS:
        raise Malformed(f"of the kind {media_type or '(none)'}, which is not read")
    # What reads as one thing by its header and as another by itself could be shown as the one and run as the other.
    if document.media_type not in {None, media_type} or (document.manifests is None) is (media_type in INDEXES):
        raise Malformed("not of the kind that its header says")
    if document.manifests is None:
        return _of_manifest(document)
    if document.config is not None:
        raise Malformed("a manifest and an index at once")
    return _of_index(document, document.manifests)


def read_labels(data: bytes) -> ImageClaim | None:
    """Read what an image's configuration claims in its labels. Raises Malformed."""
    config = _decode(data, _Config, "configuration").config
    return claim_of((config.labels if config is not None else None) or {}, "label")


def read_descriptors(data: bytes, name: str) -> tuple[Descriptor, ...]:
    """Return what a manifest (name: `layers`) or an index (`manifests`) leads to. Raises Malformed."""
    document = _decode(data, _Document, "manifest")
    found = (document.layers if name == "layers" else document.manifests) or []
    return tuple(one for one in found[:MAX_MANIFESTS] if is_digest(one.digest))


def claim_of(words: Mapping[str, str], place: ClaimPlace) -> ImageClaim | None:
    """Take the claims among annotations or labels; None where there is none that can be shown."""
    made = ImageClaim(
        place=place,
        revision=text_of_claim(words.get(f"{_TITLES}revision")),
        source=source_of_claim(words.get(f"{_TITLES}source")),
        version=text_of_claim(words.get(f"{_TITLES}version")),
        url=page_of(words.get(f"{_TITLES}url")),
        created_at=_time(words.get(f"{_TITLES}created")),
    )
    return made if made != ImageClaim(place=place) else None


def _of_manifest(document: _Document) -> Manifest:
    config = document.config
    if config is None:
        raise Malformed("a manifest without a configuration")
    return Manifest(
        next=_checked(config) if config.media_type in _CONFIGS else None,
        next_is_manifest=False,
        claim=claim_of(document.annotations or {}, "manifest annotation"),
    )


def _of_index(document: _Document, manifests: list[Descriptor]) -> Manifest:
    if len(manifests) > MAX_MANIFESTS:
        raise Malformed(f"an index of more than {MAX_MANIFESTS} manifests")
    images = [one for one in manifests if one.media_type in INDEXES | MANIFESTS and not _is_attestation(one)]
    chosen = next((one for one in images if _is_usual(one.platform)), images[0] if images else None)
    words = {**(document.annotations or {}), **((chosen.annotations or {}) if chosen is not None else {})}
    return Manifest(
        next=_checked(chosen) if chosen is not None else None,
        next_is_manifest=True,
        claim=claim_of(words, "index annotation"),
        attestations=tuple(
            one.digest
            for one in manifests
            if chosen is not None and _is_attestation(one) and _attests(one) == chosen.digest and is_digest(one.digest)
        )[:MAX_ATTESTATIONS],
    )


def _attests(one: Descriptor) -> str:
    return (one.annotations or {}).get("vnd.docker.reference.digest", "")


def _is_attestation(one: Descriptor) -> bool:
    # BuildKit puts its attestations beside the images, for a platform that nothing runs on.
    return (one.annotations or {}).get("vnd.docker.reference.type") == "attestation-manifest"


def _is_usual(platform: _Platform | None) -> bool:
    return platform is not None and (platform.os, platform.architecture) == ("linux", "amd64")


def _checked(descriptor: Descriptor) -> Descriptor:
    if not is_digest(descriptor.digest):
        raise Malformed("pointing to something that is no digest")
    return descriptor


def _decode(data: bytes, kind: type[Any], what: str) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed(f"no {what}") from None


def page_of(value: str | None) -> str | None:
    """Return the address of a web page, None for what is none."""
    text = text_of_claim(value)
    return text if text is not None and is_page(text) else None


def _time(value: str | None) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat((value or "")[:64])
        return at.astimezone(dt.UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
