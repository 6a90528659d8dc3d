"""Read build provenance (SLSA, in in-toto statements), and what it claims of an image's source. Pure; all is hostile.

A signature around it is not checked: what it says is a claim like a label's, only that it is made for this very image.
Sources: the specifications of in-toto attestations, DSSE envelopes, sigstore bundles, SLSA provenance 0.2 and 1, and
what BuildKit and the builders of forges write by them.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from typing import Any, TypeVar

import msgspec

from lastgood.core.image_facts import ImageClaim, source_of_claim, text_of_claim
from lastgood.registry.manifest import Malformed, page_of

STATEMENT = "application/vnd.in-toto+json"
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_BUNDLE = re.compile(r"application/vnd\.dev\.sigstore\.bundle[.+]?[\w.+;=-]*json[\w.+;=-]*")
_PREDICATES = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_URL_SAFE = str.maketrans("-_", "+/")
_SCHEMES = frozenset({"https", "http", "ssh", "git"})
MAX_CLAIMS = 5
_MAX_MATERIALS = 1_000
_Kind = TypeVar("_Kind")


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    payload_type: str
    payload: str


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    dsse_envelope: _Envelope


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] = {}


class _Statement(msgspec.Struct, frozen=True, rename="camel"):
    predicate_type: str
    subject: list[_Subject]
    predicate: dict[str, Any]


def is_provenance(media_type: str, predicate_type: str | None) -> bool:
    """Say whether content of a kind may hold provenance. predicate_type: where an annotation names it."""
    kind = media_type in {STATEMENT, _ENVELOPE} or _BUNDLE.fullmatch(media_type) is not None
    return kind and (predicate_type is None or predicate_type.startswith("https://slsa.dev/provenance/"))


def read_provenance(data: bytes, subjects: Collection[str]) -> tuple[ImageClaim, ...]:
    """Return what a statement claims, the surest first, at most MAX_CLAIMS.

    data: a statement by itself, in a DSSE envelope, or in a sigstore bundle. subjects: the digests of the image; a
    statement on anything else says nothing of it. Raises Malformed.
    """
    statement = _statement(data)
    if statement.predicate_type not in _PREDICATES:
        return ()
    made_for = {f"{kind}:{digest}" for subject in statement.subject for kind, digest in subject.digest.items()}
    if not made_for & set(subjects):
        return ()
    said = statement.predicate
    url = page_of(_words(said, "runDetails", "metadata", "invocationId"))
    found: dict[tuple[str, str], ImageClaim] = {}
    for address, revision in _sources(said):
        source, commit = source_of_claim(address), text_of_claim(revision)
        if source is not None and commit is not None and _COMMIT.fullmatch(commit):
            claim = ImageClaim(place="attestation", revision=commit, source=source, url=url)
            found.setdefault((source, commit), claim)
        if len(found) == MAX_CLAIMS:
            break
    return tuple(found.values())


def _statement(data: bytes) -> _Statement:
    bundle = _decode(data, _Bundle)
    envelope = bundle.dsse_envelope if bundle is not None else _decode(data, _Envelope)
    if envelope is not None:
        if envelope.payload_type != STATEMENT:
            raise Malformed("an envelope around something else than a statement")
        try:
            # Either alphabet is allowed.
            data = b64decode(envelope.payload.translate(_URL_SAFE), validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("an envelope whose content cannot be read") from None
    statement = _decode(data, _Statement)
    if statement is None:
        raise Malformed("no statement")
    return statement


def _decode(data: bytes, kind: type[_Kind]) -> _Kind | None:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None


def _sources(said: dict[str, Any]) -> Iterator[tuple[str | None, str | None]]:
    """Yield addresses and commits: first what the builder says that it built, then what went into it."""
    for metadata in (
        _at(said, "runDetails", "metadata", "buildkit_metadata"),
        _at(said, "metadata", "https://mobyproject.org/buildkit@v1#metadata"),
    ):
        yield _words(metadata, "vcs", "source"), _words(metadata, "vcs", "revision")
    for place in (
        _at(said, "buildDefinition", "externalParameters", "configSource"),
        _at(said, "invocation", "configSource"),
    ):
        yield from _material(place)
    for materials in (_at(said, "buildDefinition", "resolvedDependencies"), said.get("materials")):
        for one in materials[:_MAX_MATERIALS] if isinstance(materials, list) else ():
            yield from _material(one)


def _material(one: Any) -> Iterator[tuple[str | None, str | None]]:
    """Yield a material if it is a commit: `git+https://host/repo@refs/heads/main` with the digest of a commit."""
    uri = _words(one, "uri")
    revision = _words(one, "digest", "gitCommit") or _words(one, "digest", "sha1")
    if uri is None or revision is None:
        return
    address = uri.removeprefix("git+").partition("#")[0]
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    if scheme not in _SCHEMES:
        return
    yield f"{scheme}{separator}{host}{slash}{path.partition('@')[0]}", revision


def _at(value: Any, *names: str) -> Any:
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _words(value: Any, *names: str) -> str | None:
    found = _at(value, *names)
    return found if isinstance(found, str) else None
