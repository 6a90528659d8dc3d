"""What images say of themselves, read from a real registry: as a stranger, by password, by token, by digest."""

import base64
import datetime as dt
import json

import pytest

from lastgood.app.clock import SystemClock
from lastgood.app.image_claims import ImageClaims
from lastgood.app.settings import Settings, SourceSettings
from lastgood.app.source_histories import SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.core.carried import built_from
from lastgood.core.errors import ImageMissing, RegistryFailed
from lastgood.core.image_name import parse_image_name
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.sources import Source
from lastgood.demo.repos import build_source_repo
from lastgood.demo.shop import source_history
from lastgood.registry.registries import Registries
from lastgood.registry.rules import RegistryRule
from twins.images import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    REVISION,
    config,
    index,
    manifest,
    platform,
    words,
)
from twins.raw_http import RawServer, answer
from twins.registry_server import PASSWORD, SERVICE, USER, RegistryServer, TokenSigner, with_passwords

pytestmark = pytest.mark.programs

SOURCE = "https://git.example.com/shop/web"
LABELS = config(words(revision=REVISION, source=SOURCE))
PLAIN = manifest(LABELS)
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@pytest.fixture
async def server(registry_program, tmp_path):
    async with RegistryServer(registry_program, tmp_path / "open") as server:
        yield server


@pytest.fixture
async def stored(registry_program, tmp_path):
    """Return the folder of a registry that held PLAIN as `shop/web:1`, and is stopped."""
    async with RegistryServer(registry_program, tmp_path / "stored") as server:
        await server.push("shop/web", LABELS, PLAIN, tags=["1"])
    return tmp_path / "stored"


def registries(server, folder, **rule) -> Registries:
    rules = [RegistryRule(host=server.host, url=server.url, **rule)]
    return Registries(rules, folder / "images", clock=SystemClock())


def named(server, reference):
    return parse_image_name(f"{server.host}/shop/web{reference}")


def docker_config(folder, server, *, password=PASSWORD):
    file = folder / "config.json"
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    return file


async def test_a_pinned_image_leads_to_its_commit(server, tmp_path):
    """From a digest in a config repo by a label in a registry to a commit that the source repo really has."""
    source = tmp_path / "source.git"
    gift = build_source_repo(source, source_history(), now=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))["gift"]
    labels = config(words(revision=gift))
    image = manifest(labels)
    await server.push("shop/web", labels, image, tags=["1"])
    settings = Settings.model_construct(data=tmp_path, sources=(SourceSettings(url=str(source)),))
    clock = SystemClock()
    claims = ImageClaims(registries(server, tmp_path), clock=clock)
    allowed = AllowedSources(settings, lambda _: None)
    histories = SourceHistories(allowed, clock=clock, role="agent", images=claims)
    declared = [Source(image=f"{server.host}/shop/{{service}}", repo=str(source))]

    found = await histories.locate(declared, f"{server.host}/shop/web", image.digest)
    await histories.close()

    assert (found.revision, found.reason) == (gift, "")


async def test_a_tag_that_was_pushed_again_leaves_what_ran(server, tmp_path):
    """Asked now, the registry tells of the image that is there now; what is on record is from before."""
    source = tmp_path / "source.git"
    revisions = build_source_repo(source, source_history(), now=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    settings = Settings.model_construct(data=tmp_path, sources=(SourceSettings(url=str(source)),))
    name = f"{server.host}/shop/web"
    declared = [Source(image=f"{server.host}/shop/{{service}}", repo=str(source))]

    async def located(release, built):
        """Look with an empty memory, as after the five minutes that a tag's answer is kept."""
        clock = SystemClock()
        claims = ImageClaims(registries(server, tmp_path / release), clock=clock)
        histories = SourceHistories(AllowedSources(settings, lambda _: None), clock=clock, role="agent", images=claims)
        (found,) = await histories.locate_all(declared, {name: "stable"}, NO_ORIGINS, built)
        await histories.close()
        return found

    for release in ("start", "gift"):
        labels = config(words(revision=revisions[release]))
        await server.push("shop/web", labels, manifest(labels), tags=["stable"])
        found = await located(release, {})
        assert (found.revision, found.how) == (revisions[release], "registry")
        if release == "start":
            kept = {(one.image, one.reference): one for one in built_from([found], {})}
    ran = await located("later", kept)
    assert (ran.revision, ran.how, ran.reason) == (revisions["start"], "registry", "")


@pytest.mark.parametrize(("kind", "of_config"), [(PLAIN.kind, LABELS.kind), (DOCKER_MANIFEST, DOCKER_CONFIG)])
async def test_labels_are_read_by_tag_and_by_digest(server, tmp_path, kind, of_config):
    """An image as OCI writes it and as Docker does; what the digest names is the same image."""
    labels = config(words(revision=REVISION, source=SOURCE), kind=of_config)
    image = manifest(labels, kind=kind)
    await server.push("shop/web", labels, image, tags=["1"])

    by_tag = await registries(server, tmp_path).describe(named(server, ":1"))
    by_digest = await registries(server, tmp_path / "new").describe(named(server, f"@{image.digest}"))

    assert by_tag == by_digest
    assert by_tag.digest == image.digest
    assert [(one.place, one.revision, one.source) for one in by_tag.claims] == [("label", REVISION, SOURCE)]


@pytest.mark.parametrize(("outer", "inner"), [(index().kind, PLAIN.kind), (DOCKER_LIST, DOCKER_MANIFEST)])
async def test_a_list_of_images_is_read_through(server, tmp_path, outer, inner):
    """Of several platforms linux/amd64 is read; the digest is the list's, which pods are pinned to."""
    arm_labels, amd_labels = config(words(revision="c" * 40)), config(words(revision=REVISION))
    arm, amd = manifest(arm_labels, kind=inner), manifest(amd_labels, kind=inner)
    both = index(arm.descriptor(**platform("arm64")), amd.descriptor(**platform("amd64")), kind=outer)
    await server.push("shop/web", arm_labels, amd_labels, arm, amd, both, tags=["1"])

    for reference in (":1", f"@{both.digest}"):
        facts = await registries(server, tmp_path / reference[1:3]).describe(named(server, reference))
        assert (facts.digest, [one.revision for one in facts.claims]) == (both.digest, [REVISION])


async def test_annotations_come_before_labels(server, tmp_path):
    """A label may be the base image's; whoever annotated the manifest meant this image."""
    image = manifest(LABELS, annotations=words(revision="a" * 40))
    await server.push("shop/web", LABELS, image, tags=["1"])
    facts = await registries(server, tmp_path).describe(named(server, ":1"))
    assert [(one.place, one.revision) for one in facts.claims] == [
        ("manifest annotation", "a" * 40),
        ("label", REVISION),
    ]


async def test_an_image_without_labels_says_nothing(server, tmp_path):
    """That is no error: it has a digest, and claims nothing."""
    bare = config(None)
    image = manifest(bare)
    await server.push("shop/web", bare, image, tags=["1"])
    facts = await registries(server, tmp_path).describe(named(server, ":1"))
    assert (facts.digest, facts.claims) == (image.digest, ())


async def test_what_is_not_there_is_missing(server, tmp_path):
    """A tag, a digest and a repository that nobody pushed."""
    await server.push("shop/web", LABELS, PLAIN, tags=["1"])
    asking = registries(server, tmp_path)
    for image in (named(server, ":2"), named(server, f"@{LABELS.digest}"), parse_image_name(f"{server.host}/no/one:1")):
        with pytest.raises(ImageMissing):
            await asking.describe(image)


async def test_a_digest_outlives_the_registry(registry_program, tmp_path, stored):
    """What was told under a digest is known for ever, also in a later process; a tag is not."""
    async with RegistryServer(registry_program, stored) as server:
        facts = await registries(server, tmp_path).describe(named(server, ":1"))
    assert await registries(server, tmp_path).describe(named(server, f":1@{PLAIN.digest}")) == facts
    with pytest.raises(RegistryFailed):
        await registries(server, tmp_path).describe(named(server, ":1"))


async def test_a_password_lets_in(registry_program, tmp_path, stored):
    """With credentials the image is told of; a stranger and a wrong password get nothing, each with its reason."""
    async with RegistryServer(registry_program, stored, auth=with_passwords(tmp_path)) as server:
        right = docker_config(tmp_path, server)
        facts = await registries(server, tmp_path, docker_config=right).describe(named(server, ":1"))
        assert facts.claims[0].revision == REVISION
        assert await registries(server, tmp_path, docker_config=right).examine(server.host) is True

        with pytest.raises(ImageMissing):
            await registries(server, tmp_path / "2").describe(named(server, ":1"))
        wrong = docker_config(tmp_path, server, password="mistaken")
        with pytest.raises(RegistryFailed, match="does not accept the credentials of") as refused:
            await registries(server, tmp_path / "3", docker_config=wrong).describe(named(server, ":1"))
        assert "mistaken" not in str(refused.value.as_json())


async def test_a_token_lets_in(registry_program, tmp_path, stored):
    """The registry takes the token that was signed for this repository, and for no other; some give strangers one."""
    signer = TokenSigner(tmp_path)
    now = dt.datetime.now(dt.UTC)
    async with RawServer() as tokens:
        signed = {"token": signer.token("shop/web", now=now)}
        tokens.says["/token"] = lambda asked: (
            answer(json.dumps(signed).encode()) if asked.headers.get("authorization") == BASIC else answer(status=401)
        )
        auth = signer.auth(f"{tokens.url}/token")
        async with RegistryServer(registry_program, stored, auth=auth) as server:
            asking = registries(server, tmp_path, docker_config=docker_config(tmp_path, server))
            facts = await asking.describe(named(server, ":1"))
            assert facts.claims[0].revision == REVISION
            assert len(tokens.asked) == 1
            assert tokens.asked[0].target == (
                f"/token?service={SERVICE.replace(' ', '+')}&scope=repository%3Ashop%2Fweb%3Apull"
            )
            with pytest.raises(RegistryFailed, match="do not reach so far"):
                await asking.describe(parse_image_name(f"{server.host}/shop/api:1"))
            with pytest.raises(ImageMissing):
                await registries(server, tmp_path / "2").describe(named(server, ":1"))

            tokens.says["/token"] = answer(json.dumps(signed).encode())
            facts = await registries(server, tmp_path / "3").describe(named(server, ":1"))
            assert facts.claims[0].revision == REVISION
            assert "authorization" not in tokens.asked[-1].headers
