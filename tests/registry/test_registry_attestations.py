"""Provenance that is attached to an image in each of the known ways: found where it is needed, and never in the way."""

import hashlib

import pytest

from lastgood.app.clock import SystemClock
from lastgood.core.errors import RegistryFailed
from lastgood.core.image_facts import ImageClaim
from lastgood.core.image_name import parse_image_name
from lastgood.registry.registries import Registries
from lastgood.registry.rules import RegistryRule
from twins.clock import ManualClock
from twins.images import (
    BUNDLE,
    INDEX,
    MANIFEST,
    REVISION,
    STATEMENT,
    attestation,
    bundled,
    config,
    index,
    manifest,
    platform,
    provenance,
    words,
    written,
)
from twins.raw_http import RawServer, answer
from twins.registry_server import RegistryServer

SOURCE = "https://git.example.com/shop/web"
SILENT = config()
PLAIN = manifest(SILENT)
FOUND = (ImageClaim(place="attestation", revision=REVISION, source=SOURCE),)


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


def registries(server, folder, *, clock=None) -> Registries:
    rule = RegistryRule(host=server.host, url=server.url)
    return Registries([rule], folder / "images", clock=clock or SystemClock(), timeout_s=5.0)


def named(server, reference=":1"):
    return parse_image_name(f"{server.host}/shop/web{reference}")


def has(server, *parts, **tags) -> None:
    """Let a server have parts, and names for some of them (`_` for `-` and `.`)."""
    for part in parts:
        where = "manifests" if part.kind in {INDEX, MANIFEST} else "blobs"
        server.says[f"/v2/shop/web/{where}/{part.digest}"] = answer(part.data, kind=part.kind)
    for tag, part in tags.items():
        server.says[f"/v2/shop/web/manifests/{tag.removeprefix('t')}"] = answer(part.data, kind=part.kind)


def refers(server, digest, *manifests) -> None:
    attached = index(*manifests)
    server.says[f"/v2/shop/web/referrers/{digest}"] = answer(attached.data, kind=INDEX)


def beside(image, statement):
    """Return an index as BuildKit makes it: the image, and what attests it for a platform that nothing runs on."""
    attests = attestation(statement)
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest}
    both = index(
        image.descriptor(**platform("amd64")), attests.descriptor(annotations=marks, **platform("unknown", "unknown"))
    )
    return attests, both


async def test_what_buildkit_puts_beside_the_image_is_read(server, tmp_path):
    """Also where a label names a revision, which may be the base image's own."""
    labels = config(words(revision="b" * 40))
    for settings, more in ((SILENT, ()), (labels, (ImageClaim(place="label", revision="b" * 40),))):
        image = manifest(settings)
        statement = written(STATEMENT, provenance(image.digest, SOURCE, REVISION))
        attests, both = beside(image, statement)
        has(server, settings, image, statement, attests, both, t1=both)
        facts = await registries(server, tmp_path / settings.digest[-4:]).describe(named(server))
        assert (facts.digest, facts.claims) == (both.digest, (*FOUND, *more))


async def test_what_refers_to_the_image_is_read(server, tmp_path):
    """A sigstore bundle by the referrers API, of the kind that its descriptor says; others are not fetched."""
    statement = written(BUNDLE, bundled(provenance(PLAIN.digest, SOURCE, REVISION)))
    attests = attestation(statement)
    sbom = manifest(config(words(title="an inventory")))
    has(server, SILENT, PLAIN, statement, attests, sbom, t1=PLAIN)
    refers(
        server, PLAIN.digest,
        sbom.descriptor(artifactType="application/spdx+json"), attests.descriptor(artifactType=BUNDLE),
    )  # fmt: skip
    assert (await registries(server, tmp_path).describe(named(server))).claims == FOUND
    assert not any(path.endswith(sbom.digest) for path in server.paths)


@pytest.mark.parametrize("kind", ["application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"])
async def test_an_artifact_of_the_kind_of_its_configuration_is_looked_at(server, tmp_path, kind):
    """Registries show it where a manifest names no kind, some where it does; a predicate still tells it apart."""
    statement = written(STATEMENT, provenance(PLAIN.digest, SOURCE, REVISION))
    attests = attestation(statement)
    scan = manifest(config(words(title="a scan")))
    has(server, SILENT, PLAIN, statement, attests, scan, t1=PLAIN)
    scanned = {"in-toto.io/predicate-type": "https://cosign.sigstore.dev/attestation/vuln/v1"}
    refers(
        server, PLAIN.digest, scan.descriptor(artifactType=kind, annotations=scanned),
        attests.descriptor(artifactType=kind),
    )  # fmt: skip
    assert (await registries(server, tmp_path).describe(named(server))).claims == FOUND
    assert not any(path.endswith(scan.digest) for path in server.paths)


@pytest.mark.parametrize("way", ["fallback", "cosign"])
async def test_what_stands_under_a_tag_made_of_the_digest_is_read(server, tmp_path, way):
    """Where the registry knows no referrers: the tag of the specification, and that of cosign."""
    statement = written(STATEMENT, provenance(PLAIN.digest, SOURCE, REVISION))
    attests = attestation(statement)
    tag = f"t{PLAIN.digest.replace(':', '-')}"
    attached = index(attests.descriptor(artifactType=STATEMENT))
    under = {tag: attached} if way == "fallback" else {f"{tag}.att": attests}
    has(server, SILENT, PLAIN, statement, attests, t1=PLAIN, **under)
    assert (await registries(server, tmp_path).describe(named(server))).claims == FOUND


@pytest.mark.parametrize("place", ["manifest", "label"])
async def test_an_image_that_says_it_itself_costs_no_request_more(server, tmp_path, place):
    """An annotation is asked no further, a label only beside it."""
    said = words(revision=REVISION)
    settings = config(said if place == "label" else None)
    image = manifest(settings, annotations=said if place == "manifest" else None)
    has(server, settings, image, t1=image)
    facts = await registries(server, tmp_path).describe(named(server))
    assert [claim.revision for claim in facts.claims] == [REVISION]
    assert len(server.asked) == 2


async def test_what_cannot_be_read_is_not_in_the_way(server, tmp_path):
    """Errors, damage and statements on other images leave an image that says nothing, within a few requests."""
    other = written(STATEMENT, provenance("sha256:" + "9" * 64, SOURCE, REVISION))
    damaged = written(STATEMENT, {"no": "statement"})
    some = [attestation(one, annotations={"n": str(n)}) for n, one in enumerate([other, damaged] * 20)]
    has(server, SILENT, PLAIN, damaged, *some, t1=PLAIN)
    server.says[f"/v2/shop/web/blobs/{other.digest}"] = answer(b"{}", kind=STATEMENT)
    refers(server, PLAIN.digest, *[one.descriptor(artifactType=STATEMENT) for one in some])
    tag = PLAIN.digest.replace(":", "-")
    server.says[f"/v2/shop/web/manifests/{tag}.att"] = answer(b"{" * 5_000_000, kind=MANIFEST)
    facts = await registries(server, tmp_path).describe(named(server))
    assert (facts.digest, facts.claims) == (PLAIN.digest, ())
    assert len(server.asked) <= 16


@pytest.mark.parametrize("part", ["referrers/{digest}", "manifests/{tag}", "manifests/{tag}.att"])
async def test_a_registry_that_fails_is_not_one_that_has_nothing(server, tmp_path, part):
    """Else its minute of trouble would be remembered as an image that says nothing."""
    has(server, SILENT, PLAIN, t1=PLAIN)
    path = "/v2/shop/web/" + part.format(digest=PLAIN.digest, tag=PLAIN.digest.replace(":", "-"))
    server.says[path] = answer(status=503)
    asking = registries(server, tmp_path)
    with pytest.raises(RegistryFailed, match="HTTP status 503"):
        await asking.describe(named(server))
    server.says[path] = answer(status=404)
    assert (await asking.describe(named(server))).claims == ()


@pytest.mark.parametrize("status", [400, 405, 501])
async def test_a_registry_that_knows_no_referrers_says_so_in_its_own_way(server, tmp_path, status):
    """The tag of the specification is looked at then."""
    statement = written(STATEMENT, provenance(PLAIN.digest, SOURCE, REVISION))
    attests = attestation(statement)
    tag = f"t{PLAIN.digest.replace(':', '-')}"
    has(server, SILENT, PLAIN, statement, attests, t1=PLAIN, **{tag: index(attests.descriptor(artifactType=STATEMENT))})
    server.says[f"/v2/shop/web/referrers/{PLAIN.digest}"] = answer(status=status)
    assert (await registries(server, tmp_path).describe(named(server))).claims == FOUND


async def test_the_tag_of_a_long_digest_is_cut(server, tmp_path):
    """A tag has 128 characters at most; the specification cuts the digest's at 64."""
    digest = f"sha512:{hashlib.sha512(PLAIN.data).hexdigest()}"
    statement = written(STATEMENT, provenance(digest, SOURCE, REVISION))
    attests = attestation(statement)
    tag = f"tsha512-{digest.removeprefix('sha512:')[:64]}"
    has(server, SILENT, statement, attests, **{tag: index(attests.descriptor(artifactType=STATEMENT))})
    server.says[f"/v2/shop/web/manifests/{digest}"] = answer(PLAIN.data, kind=MANIFEST)
    assert (await registries(server, tmp_path).describe(named(server, f"@{digest}"))).claims == FOUND


async def test_what_is_attached_later_is_found(server, tmp_path):
    """An image that says nothing is asked again after a while, one that said something never."""
    clock = ManualClock()
    has(server, SILENT, PLAIN, t1=PLAIN)
    asking = registries(server, tmp_path, clock=clock)
    pinned = named(server, f"@{PLAIN.digest}")
    assert (await asking.describe(pinned)).claims == ()
    statement = written(STATEMENT, provenance(PLAIN.digest, SOURCE, REVISION))
    attests = attestation(statement)
    has(server, statement, attests)
    refers(server, PLAIN.digest, attests.descriptor(artifactType=STATEMENT))
    asked = len(server.asked)
    assert (await asking.describe(pinned)).claims == ()
    assert len(server.asked) == asked

    await clock.move(300)
    assert (await asking.describe(pinned)).claims == FOUND
    asked = len(server.asked)
    await clock.move(300)
    assert (await asking.describe(pinned)).claims == FOUND
    assert len(server.asked) == asked


@pytest.mark.programs
async def test_a_real_registry_leads_to_the_provenance(registry_program, tmp_path):
    """Beside the image in its index, and under the fallback tag."""
    async with RegistryServer(registry_program, tmp_path / "open") as server:
        statement = written(STATEMENT, provenance(PLAIN.digest, SOURCE, REVISION))
        attests, both = beside(PLAIN, statement)
        empty = written("application/vnd.oci.empty.v1+json", {})
        await server.push("shop/web", SILENT, empty, statement, PLAIN, attests, both, tags=["1"])
        assert (await registries(server, tmp_path / "a").describe(named(server))).claims == FOUND

        attached = index(attests.descriptor(artifactType=STATEMENT))
        fallback = PLAIN.digest.replace(":", "-")
        await server.push("shop/web", SILENT, PLAIN, tags=["2"])
        await server.push("shop/web", empty, statement, attests, attached, tags=[fallback])
        assert (await registries(server, tmp_path / "b").describe(named(server, ":2"))).claims == FOUND
