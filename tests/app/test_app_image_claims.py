"""From an image whose tag tells nothing to a revision: what the image says in its registry, as far as believed."""

import asyncio
import datetime as dt

import pytest

from lastgood.app import image_claims
from lastgood.app.image_claims import AGAIN_S, ImageClaims
from lastgood.app.settings import Settings, SourceSettings
from lastgood.app.source_histories import NO_TAG, SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.core.image_name import parse_image_name
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.source_features import SourceAt
from lastgood.core.sources import Source
from lastgood.demo.repos import build_source_repo
from lastgood.demo.shop import source_history
from lastgood.registry.registries import KEPT_S, Registries
from lastgood.registry.rules import RegistryRule
from twins.clock import ManualClock
from twins.images import STATEMENT, Part, attestation, config, index, manifest, platform, provenance, words, written
from twins.raw_http import RawServer, answer

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


class Shop:
    """A real source repo, a server in a registry's place, and what is asked of both."""

    def __init__(self, root, server, *, wait_s=20.0):
        self.folder = root / "source.git"
        self.revisions = build_source_repo(self.folder, source_history(), now=NOW)
        self.url = str(self.folder)
        self.server = server
        self.clock = ManualClock()
        settings = Settings.model_construct(data=root, sources=(SourceSettings(url=self.url),))
        rules = [RegistryRule(host=server.host, url=server.url)]
        self.claims = ImageClaims(Registries(rules, root / "images", clock=self.clock), clock=self.clock, wait_s=wait_s)
        allowed = AllowedSources(settings, lambda _: None)
        self.histories = SourceHistories(allowed, clock=self.clock, role="agent", images=self.claims)

    def push(self, tag="1", *, labels=None, annotations=None) -> Part:
        """Put an image into the registry; return its manifest."""
        inner = config(labels)
        image = manifest(inner, annotations=annotations)
        self.server.says[f"/v2/shop/web/blobs/{inner.digest}"] = answer(inner.data, kind=inner.kind)
        for name in (tag, image.digest):
            self.server.says[f"/v2/shop/web/manifests/{name}"] = answer(image.data, kind=image.kind)
        return image

    def attest(self, image: Part, source: str, revision: str) -> None:
        """Attach a statement of its provenance to an image, under the tag that cosign takes."""
        checkout = {"metadata": {"buildkit_metadata": {"vcs": {"source": source, "revision": revision}}}}
        said = provenance(image.digest, "https://git.example.com/base/tools", "c" * 40, runDetails=checkout)
        statement = written(STATEMENT, said)
        holder = attestation(statement)
        tag = f"{image.digest.replace(':', '-')}.att"
        self.server.says[f"/v2/shop/web/blobs/{statement.digest}"] = answer(statement.data, kind=statement.kind)
        self.server.says[f"/v2/shop/web/manifests/{tag}"] = answer(holder.data, kind=holder.kind)

    async def build_of(self, reference, *, name="shop/web"):
        declared = [Source(image="{host}:{port}/shop/{service}", repo=self.url)]
        return await self.histories.build_of(declared, f"{self.server.host}/{name}", reference)

    async def locate(self, reference, *, name="shop/web", **fields):
        declared = [Source(image="{host}:{port}/shop/{service}", repo=self.url, **fields)]
        return await self.histories.locate(declared, f"{self.server.host}/{name}", reference)


@pytest.fixture
async def shop(tmp_path, server):
    made = Shop(tmp_path, server)
    yield made
    await made.histories.close()


async def test_a_label_tells_the_revision_where_the_tag_does_not(shop):
    """A digest alone, and a tag that names nothing in the source repo; the answer for a digest is kept."""
    gift = shop.revisions["gift"]
    image = shop.push("build-17", labels=words(revision=gift))
    for reference in ("build-17", image.digest, f"build-17@{image.digest}"):
        found = await shop.locate(reference)
        assert (found.revision, found.reason) == (gift, "")
        assert found.history is not None
    assert len(shop.server.asked) == 2


async def test_the_build_of_an_image_is_the_page_that_it_names(shop):
    """Of a claim that is believed: not a base image's, and not the page of the repo itself; of a tag that stays."""
    gift, page = shop.revisions["gift"], "https://ci.example.com/runs/481"
    image = shop.push("17", labels=words(revision=gift, url=page))
    assert await shop.build_of("17") == page
    assert await shop.build_of(image.digest) == page
    foreign = shop.push("18", labels=words(revision=gift, source="https://git.example.com/base/images", url=page))
    own = shop.push("19", labels=words(revision=gift, url=f"{shop.url}.git"))
    script = shop.push("20", labels=words(revision=gift, url="javascript:alert(1)"))
    for tag in (foreign.digest, own.digest, script.digest, "main", "latest", "none-such"):
        assert await shop.build_of(tag) is None, tag
    assert await shop.build_of("17", name="other/web/deeper") is None


async def test_images_are_asked_for_side_by_side(shop, monkeypatch):
    """One that is slow delays no other; the order is that of the images."""
    together = asyncio.Barrier(2)

    async def locate(_declared, name, reference, _charts, _built):
        await together.wait()
        return SourceAt(image=name, reference=reference)

    monkeypatch.setattr(shop.histories, "locate", locate)
    async with asyncio.timeout(60):
        found = await shop.histories.locate_all((), {"web": "1", "cart": "2"}, NO_ORIGINS, {})
    assert [(one.image, one.reference) for one in found] == [("web", "1"), ("cart", "2")]


async def test_a_tag_that_tells_asks_no_registry(shop):
    """The tag comes first: a registry is not even asked."""
    assert (await shop.locate(shop.revisions["gift"])).revision == shop.revisions["gift"]
    assert shop.server.asked == []


async def test_a_claim_about_another_repo_is_not_believed(shop):
    """A base image's label is no news of this image, also where the repo has such a commit; a full id stands alone."""
    gift = shop.revisions["gift"]
    foreign = shop.push(labels=words(revision=gift, source="https://git.example.com/base/images"))
    found = await shop.locate(foreign.digest)
    assert found.revision is None
    assert found.reason == f"{NO_TAG}; its label says that it is built from https://git.example.com/base/images"

    absent = shop.push(labels=words(revision="b" * 40))
    assert (await shop.locate(absent.digest)).reason.endswith(f"no tag {'b' * 40}, which its label names")

    annotated = shop.push(labels=words(revision="b" * 40), annotations=words(revision=gift))
    assert (await shop.locate(annotated.digest)).revision == gift
    beside = shop.push(labels=words(revision=gift), annotations=words(revision="b" * 40))
    assert (await shop.locate(beside.digest)).revision == gift


async def test_where_nobody_knows_both_reasons_are_given(shop):
    """What the tag lacks and what the registry said; a silent image, a missing one, a registry not allowed."""
    silent = shop.push("2")
    assert (await shop.locate(silent.digest)).reason == f"{NO_TAG}; it says nothing of its source revision"
    missing = (await shop.locate("3")).reason
    assert "has no commit and no tag 3; " in missing
    assert f"has no image {shop.server.host}/shop/web:3" in missing
    declared = [Source(image="ghcr.io/{owner}/{service}", repo=shop.url)]
    refused = await shop.histories.locate(declared, "ghcr.io/shop/web", silent.digest)
    assert refused.reason == f"{NO_TAG}; the server's settings do not allow the registry ghcr.io"


async def test_a_tag_that_moves_is_not_asked_for(shop):
    """`latest`, and a tag like a branch: what stands under it now need not be what ran."""
    gift = shop.revisions["gift"]
    shop.push("main", labels=words(revision=gift))
    image = shop.push("latest", labels=words(revision=gift))
    for tag in ("main", "latest"):
        found = await shop.locate(tag)
        assert (found.revision, f"its tag {tag} moves" in found.reason) == (None, True)
    assert shop.server.asked == []
    assert (await shop.locate(f"latest@{image.digest}")).revision == gift


async def test_an_artifact_of_a_process_asks_no_registry(shop):
    """A single word is no image of anybody's but Docker's own: the reason is the tag's alone."""
    found = await shop.histories.locate([Source(image="web", repo=shop.url)], "web", "nothing")
    assert found.reason.endswith("has no commit and no tag nothing")


async def test_a_failure_is_not_asked_for_again_at_once(shop):
    """A registry that fails is left alone for a minute, for that image."""
    path = "/v2/shop/web/manifests/9"
    shop.server.says[path] = answer(status=500)
    first = await shop.locate("9")
    assert first.reason.endswith("HTTP status 500")
    assert (await shop.locate("9")).reason == first.reason
    assert shop.server.paths == [path]
    shop.push("9", labels=words(revision=shop.revisions["gift"]))
    await shop.clock.move(AGAIN_S + 1)
    assert (await shop.locate("9")).revision == shop.revisions["gift"]


async def test_nobody_waits_long_for_a_slow_registry(tmp_path, server):
    """Patience is for a registry, not for each image; what comes later is known later, and cached answers at once."""
    shop = Shop(tmp_path, server, wait_s=0.2)
    digests = [f"sha256:{number:064x}" for number in range(20)]
    for digest in digests:
        server.held.add(f"/v2/shop/web/manifests/{digest}")
        server.says[f"/v2/shop/web/manifests/{digest}"] = b"HTTP/1.1 200 OK\r\n"
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for digest in digests:
        reason = (await shop.locate(digest)).reason
        assert reason == f"{NO_TAG}; {server.host} has not answered yet; it is asked on"
    # Twenty times the patience would be four seconds.
    assert loop.time() - begun < 2
    await shop.histories.close()


async def test_questions_under_way_are_bounded(tmp_path, server, monkeypatch):
    """Names of images come from a repo: there is an end to how many are asked for at once."""
    monkeypatch.setattr(image_claims, "MAX_ASKED", 3)
    shop = Shop(tmp_path, server, wait_s=0.0)
    names = [parse_image_name(f"{server.host}/shop/web:{number}") for number in range(4)]
    for name in names:
        server.held.add(f"/v2/shop/web/manifests/{name.tag}")
        server.says[f"/v2/shop/web/manifests/{name.tag}"] = b"HTTP/1.1 200 OK\r\n"
    said = [await shop.claims.describe(name) for name in names]
    assert said[2].endswith("it is asked on")
    assert said[3] == f"{server.host} is asked about it after 3 other images"
    await shop.claims.close()


async def test_an_attestation_is_asked_for_where_a_label_is_not_believed(shop):
    """A base image's label names a revision of its own; what is attached to the image itself counts by the same rules.

    The answer is kept: what it costs is asked once.
    """
    gift = shop.revisions["gift"]
    base = words(revision=gift, source="https://git.example.com/base/images")
    foreign = shop.push(labels=base)
    shop.attest(foreign, "https://git.example.com/other", "d" * 40)
    refused = await shop.locate(foreign.digest)
    assert refused.revision is None
    assert refused.reason == (
        f"{NO_TAG}; its label says that it is built from https://git.example.com/base/images; "
        "its attestation says that it is built from https://git.example.com/other"
    )

    image = shop.push("2", labels=base, annotations=words(version="2"))
    shop.attest(image, f"file://{shop.url}", gift)
    before = len(shop.server.asked)
    found = await shop.locate(image.digest)
    assert (found.revision, found.reason) == (gift, "")
    # The image and its configuration; referrers, the tag in their place, cosign's tag, and the statement.
    assert len(shop.server.asked) - before == 6
    assert (await shop.locate(image.digest)).revision == gift
    assert len(shop.server.asked) - before == 6


async def test_where_nothing_is_attached_that_is_known_for_a_while(shop):
    """Each question about an image that is not believed would else be three more; a build may attest later."""
    image = shop.push(labels=words(revision="b" * 40))
    first = await shop.locate(image.digest)
    assert first.reason.endswith("which its label names")
    questions = len(shop.server.asked)
    assert (await shop.locate(image.digest)).reason == first.reason
    assert len(shop.server.asked) == questions

    shop.attest(image, f"file://{shop.url}", shop.revisions["gift"])
    await shop.clock.move(KEPT_S + 1)
    assert (await shop.locate(image.digest)).revision == shop.revisions["gift"]


async def test_what_buildkit_put_beside_an_annotated_image_is_read_at_last(shop):
    """An annotation comes before it, but not one that is about another repo."""
    gift = shop.revisions["gift"]
    image = shop.push(annotations=words(revision="b" * 40, source="https://git.example.com/base/images"))
    checkout = {"metadata": {"buildkit_metadata": {"vcs": {"source": f"file://{shop.url}", "revision": gift}}}}
    statement = written(STATEMENT, provenance(image.digest, "https://git.example.com/x", "c" * 40, runDetails=checkout))
    attests = attestation(statement)
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest}
    both = index(image.descriptor(**platform("amd64")), attests.descriptor(annotations=marks))
    shop.server.says[f"/v2/shop/web/blobs/{statement.digest}"] = answer(statement.data, kind=statement.kind)
    for part in (attests, both):
        shop.server.says[f"/v2/shop/web/manifests/{part.digest}"] = answer(part.data, kind=part.kind)
    assert (await shop.locate(both.digest)).revision == gift
    assert not [path for path in shop.server.paths if "referrers" in path]
