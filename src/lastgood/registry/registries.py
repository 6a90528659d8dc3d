"""The port ImageRegistry, by the OCI distribution protocol: an image's name in, what it says of itself out.

Reads manifests and configurations, never a layer. Knows no source repo, and believes nothing.
"""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from functools import cached_property
from pathlib import Path

import httpx2
from msgspec.structs import replace

from lastgood.core.errors import ImageMissing, NotAllowed, RegistryFailed
from lastgood.core.image_facts import ImageClaim, ImageFacts
from lastgood.core.image_name import ImageName
from lastgood.core.ports import Clock
from lastgood.core.short_memory import ShortMemory
from lastgood.registry.attestations import Attestations
from lastgood.registry.cache import FactsCache
from lastgood.registry.connection import Answer, Connection, NoAnswer, NotThere, has_digest
from lastgood.registry.manifest import ACCEPT, MAX_MANIFEST_BYTES, Malformed, read_labels, read_manifest
from lastgood.registry.rules import RegistryRule, rule_for

TIMEOUT_S = 30.0
MAX_CONFIG_BYTES = 8 * 1024 * 1024
# An index of indexes is allowed; one that never ends is not.
MAX_DEPTH = 3
# For so long a tag is taken to name what it named, and an image that says nothing to say nothing.
KEPT_S = 300.0
MAX_AT_ONCE = 4
_ORDER = ("manifest annotation", "index annotation", "attestation", "label")


class Registries:
    """Asks the registries that the rules name. folder: where facts are kept. timeout_s: for all that an image takes."""

    def __init__(
        self, rules: Sequence[RegistryRule], folder: Path, *, clock: Clock, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._rules = tuple(rules)
        self._cache = FactsCache(folder)
        self._timeout_s = timeout_s
        # A tag may be moved; what an image was built from may be attached to it after it was pushed.
        self._tags: ShortMemory[str] = ShortMemory(clock, KEPT_S)
        self._silent: ShortMemory[ImageFacts] = ShortMemory(clock, KEPT_S)
        # For each registry: one that hangs is in no other's way.
        self._at_once = {rule.host: asyncio.Semaphore(MAX_AT_ONCE) for rule in rules}

    async def known(self, image: ImageName) -> ImageFacts | None:
        """See ImageRegistry.known."""
        if rule_for(self._rules, image.registry) is None:
            return None
        digest = image.digest or self._tags.get(str(image))
        if digest is None:
            return None
        silent = self._silent.get(_key(image, digest))
        return silent if silent is not None else await asyncio.to_thread(self._cache.read, _place(image), digest)

    async def describe(self, image: ImageName) -> ImageFacts:
        """See ImageRegistry.describe."""
        kept = await self.known(image) if rule_for(self._rules, image.registry) is not None else None
        if kept is not None:
            return kept
        async with self._asking(image) as connection:
            facts = await _ask(connection, image)
        await self._keep(image, facts, facts.claims)
        if image.digest is None:
            self._tags.keep(str(image), facts.digest)
        return facts

    async def attest(self, image: ImageName) -> ImageFacts:
        """See ImageRegistry.attest."""
        facts = await self.describe(image)
        if facts.attached is not None:
            return facts
        async with self._asking(image) as connection:
            attestations = Attestations(connection, image.repository, facts.digests)
            attached = await attestations.inside(facts.beside) or await attestations.attached()
        facts = replace(facts, attached=attached)
        await self._keep(image, facts, attached)
        return facts

    @contextlib.asynccontextmanager
    async def _asking(self, image: ImageName) -> AsyncIterator[Connection]:
        """Ask the registry of an image in its turn and in time. Raises NotAllowed, ImageMissing, RegistryFailed."""
        rule = rule_for(self._rules, image.registry)
        if rule is None:
            raise NotAllowed(
                f"the server's settings do not allow the registry {image.registry}",
                action="asking it",
                hint="an operator allows it with [[registries]] in lastgood.toml",
            )
        try:
            async with self._at_once[rule.host], asyncio.timeout(self._timeout_s), self._client() as client:
                yield Connection(rule, client)
        except NotThere as missing:
            raise ImageMissing(registry=image.registry, image=str(image)) from missing
        except TimeoutError as late:
            reason = f"no answer within {self._timeout_s:g} s"
            raise RegistryFailed(registry=image.registry, image=str(image), reason=reason) from late
        except NoAnswer as wrong:
            raise RegistryFailed(registry=image.registry, image=str(image), reason=str(wrong)) from wrong
        except Malformed as wrong:
            reason = f"what it has under that name is {wrong}"
            raise RegistryFailed(registry=image.registry, image=str(image), reason=reason) from wrong

    async def _keep(self, image: ImageName, facts: ImageFacts, claims: Sequence[ImageClaim]) -> None:
        """Keep what was told. claims: those asked for now; without a revision in them the answer counts for a while."""
        key = _key(image, facts.digest)
        if any(claim.revision is not None for claim in claims):
            self._silent.drop(key)
            await asyncio.to_thread(self._cache.write, _place(image), facts)
        else:
            self._silent.keep(key, facts)

    async def examine(self, host: str) -> bool:
        """See whether a registry of the rules answers; return whether it took credentials. Raises RegistryFailed."""
        rule = rule_for(self._rules, host)
        if rule is None:
            raise NotAllowed(action=f"asking the registry {host}")
        words = {"registry": host, "image": ""}
        try:
            async with asyncio.timeout(self._timeout_s), self._client() as client:
                return await Connection(rule, client).knock()
        except TimeoutError as late:
            reason = f"no answer within {self._timeout_s:g} s"
            raise RegistryFailed(f"{host}: {reason}", reason=reason, **words) from late
        except NoAnswer as wrong:
            reason = str(wrong) or "it lets no stranger in"
            raise RegistryFailed(f"{host}: {reason}", reason=reason, **words) from wrong

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What the machine trusts, or SSL_CERT_FILE: a company's own registry is signed by the company."""
        # Reading it takes some 10 ms: only who asks a registry pays for it.
        return ssl.create_default_context()

    def _client(self) -> httpx2.AsyncClient:
        # One for each question: no cookie and no connection outlives it.
        return httpx2.AsyncClient(verify=self._tls, timeout=self._timeout_s, follow_redirects=False)


async def _ask(connection: Connection, image: ImageName) -> ImageFacts:
    """Go from the name to the configuration. Every step but the first has its digest from the step before."""
    claims: list[ImageClaim] = []
    inside: tuple[str, ...] = ()
    answer = await _manifest(connection, image, image.reference, image.digest)
    digest = image.digest or f"sha256:{hashlib.sha256(answer.data).hexdigest()}"
    digests = [digest]
    for depth in range(MAX_DEPTH + 1):
        manifest = read_manifest(answer.data, answer.media_type)
        claims += [manifest.claim] if manifest.claim is not None else []
        if manifest.next is None or not manifest.next_is_manifest:
            break
        if depth == MAX_DEPTH:
            raise Malformed(f"an index nested more than {MAX_DEPTH} deep")
        inner = manifest.next.digest
        inside = manifest.attestations or inside
        digests.insert(0, inner)
        answer = await _manifest(connection, image, inner, inner)
    if manifest.next is not None:
        labels = await connection.blob(image.repository, manifest.next.digest, max_bytes=MAX_CONFIG_BYTES)
        claim = read_labels(_checked(labels, manifest.next.digest).data)
        claims += [claim] if claim is not None else []
    # Of nested indexes the inner one is nearer to the image.
    claims.reverse()
    named = {claim.place for claim in claims if claim.revision is not None}
    claims += await _attested(Attestations(connection, image.repository, digests), inside, named)
    return ImageFacts(
        digest=digest,
        claims=tuple(sorted(claims, key=lambda claim: _ORDER.index(claim.place))),
        # Where nothing named a revision, all was asked for already.
        attached=None if named else (),
        digests=tuple(digests),
        beside=inside if named - {"label"} else (),
    )


async def _attested(
    attestations: Attestations, inside: Sequence[str], named: Collection[str]
) -> tuple[ImageClaim, ...]:
    """Return what attestations say, where the image itself does not say it for sure.

    A label may be the base image's own, so what lies beside the image is read then, too. Whether anything is attached
    from outside has to be asked for: only where nothing else names a revision.
    """
    if any(place != "label" for place in named):
        return ()
    found = await attestations.inside(inside) if inside else ()
    return found or (await attestations.attached() if not named else ())


async def _manifest(connection: Connection, image: ImageName, reference: str, digest: str | None) -> Answer:
    answer = await connection.manifest(image.repository, reference, accept=ACCEPT, max_bytes=MAX_MANIFEST_BYTES)
    return _checked(answer, digest)


def _checked(answer: Answer, digest: str | None) -> Answer:
    if digest is not None and not has_digest(answer.data, digest):
        raise NoAnswer(f"what it sent is not what the digest {digest[:19]}... names")
    return answer


def _place(image: ImageName) -> str:
    return f"{image.registry}/{image.repository}"


def _key(image: ImageName, digest: str) -> str:
    return f"{_place(image)}@{digest}"
