"""Find the provenance that is attached to an image in its registry, in each of the ways in which that is done.

BuildKit puts it into the image's index; others attach it as a referrer, or under a tag made from the digest. What is
not there, or is nothing that can be read, says nothing: an image has to be told of with and without it. A registry
that fails is not one that has nothing: that raises NoAnswer.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence

from lastgood.core.image_facts import ImageClaim
from lastgood.core.image_name import is_digest
from lastgood.registry.connection import Answer, Connection, NotThere, TooLarge, has_digest
from lastgood.registry.manifest import (
    ACCEPT,
    MAX_MANIFEST_BYTES,
    Descriptor,
    Malformed,
    read_descriptors,
)
from lastgood.registry.provenance import STATEMENT, is_provenance, read_provenance

MAX_STATEMENT_BYTES = 4 * 1024 * 1024
# Each costs a request or two, while somebody waits.
MAX_MANIFESTS_READ = 4
MAX_STATEMENTS_READ = 6
# A tag has 128 characters at most, so the specification cuts the digest in it.
_MAX_TAG_DIGITS = 64
# Kinds that say nothing of what an artifact is: of its configuration, which registries show where it names none itself,
# and some where it does.
_MUTE = frozenset({"", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"})
_PREDICATE = ("in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType")


class Attestations:
    """Reads what is attached to one image. digests: of its manifest and of the index that leads to it."""

    def __init__(self, connection: Connection, repository: str, digests: Sequence[str]) -> None:
        self._connection = connection
        self._repository = repository
        self._digests = tuple(dict.fromkeys(digests))
        self._manifests = MAX_MANIFESTS_READ
        self._statements = MAX_STATEMENTS_READ

    async def inside(self, manifests: Sequence[str]) -> tuple[ImageClaim, ...]:
        """Return what the attestation manifests of the image's own index claim."""
        for digest in manifests:
            claims = await self._of_manifest(digest)
            if claims:
                return claims
        return ()

    async def attached(self) -> tuple[ImageClaim, ...]:
        """Return what is attached from outside: by the referrers API, by its fallback tag, or as cosign does."""
        for digest in self._digests:
            async for one in self._referrers(digest):
                claims = await self._of_manifest(one.digest)
                if claims:
                    return claims
            claims = await self._of_manifest(f"{_tag(digest)}.att")
            if claims:
                return claims
        return ()

    async def _referrers(self, digest: str) -> AsyncIterator[Descriptor]:
        answer = await self._get(self._connection.referrers(self._repository, digest, max_bytes=MAX_MANIFEST_BYTES))
        if answer is None:
            answer = await self._manifest(_tag(digest))
        for one in _descriptors(answer, "manifests"):
            kind, predicate = one.artifact_type or "", _predicate(one)
            # Some registries do not say of what kind an artifact is: then it has to be looked at.
            if is_provenance(STATEMENT if kind in _MUTE else kind, predicate):
                yield one

    async def _of_manifest(self, reference: str) -> tuple[ImageClaim, ...]:
        if self._manifests == 0:
            return ()
        self._manifests -= 1
        for layer in _descriptors(await self._manifest(reference), "layers"):
            if not is_provenance(layer.media_type, _predicate(layer)) or self._statements == 0:
                continue
            self._statements -= 1
            blob = await self._get(self._connection.blob(self._repository, layer.digest, max_bytes=MAX_STATEMENT_BYTES))
            if blob is None or not has_digest(blob.data, layer.digest):
                continue
            try:
                claims = read_provenance(blob.data, set(self._digests))
            except Malformed:
                continue
            if claims:
                return claims
        return ()

    async def _manifest(self, reference: str) -> Answer | None:
        asked = self._connection.manifest(self._repository, reference, accept=ACCEPT, max_bytes=MAX_MANIFEST_BYTES)
        answer = await self._get(asked)
        if answer is not None and is_digest(reference) and not has_digest(answer.data, reference):
            return None
        return answer

    @staticmethod
    async def _get(asked: Awaitable[Answer]) -> Answer | None:
        try:
            return await asked
        except (NotThere, TooLarge):
            return None


def _tag(digest: str) -> str:
    """Return the tag under which what belongs to a digest stands where a registry knows no referrers."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}-{digits[:_MAX_TAG_DIGITS]}"


def _descriptors(answer: Answer | None, name: str) -> Sequence[Descriptor]:
    if answer is None:
        return ()
    try:
        return read_descriptors(answer.data, name)
    except Malformed:
        return ()


def _predicate(one: Descriptor) -> str | None:
    annotations = one.annotations or {}
    return next((annotations[name] for name in _PREDICATE if name in annotations), None)
