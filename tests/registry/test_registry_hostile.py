"""Whatever answers in a registry's place: it is bounded, told apart, and gets no secret that is not its own."""

import asyncio
import base64
import datetime as dt
import json

import pytest

from lastgood.app.clock import SystemClock
from lastgood.core.errors import ImageMissing, NotAllowed, RegistryFailed
from lastgood.core.image_facts import ImageClaim
from lastgood.core.image_name import ImageName, parse_image_name
from lastgood.registry.registries import MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, Registries
from lastgood.registry.rules import RegistryRule
from twins.certificates import self_signed
from twins.images import CONFIG, INDEX, MANIFEST, REVISION, Part, config, index, manifest, platform, words
from twins.raw_http import RawServer, answer

USER, PASSWORD = "robot", "correct horse"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LABELS = config(words(revision=REVISION))
PLAIN = manifest(LABELS)


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


@pytest.fixture
async def other():
    async with RawServer() as other:
        yield other


@pytest.fixture
def docker_config(tmp_path, server):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"auths": {server.host: {"auth": BASIC.removeprefix("Basic ")}}}))
    return file


def registries(server, tmp_path, **rule) -> Registries:
    timeout_s = rule.pop("timeout_s", 5.0)
    made = RegistryRule(host=server.host, url=server.url, **rule)
    return Registries([made], tmp_path / "images", clock=SystemClock(), timeout_s=timeout_s)


def named(server, reference: str = ":1") -> ImageName:
    return parse_image_name(f"{server.host}/shop/web{reference}")


def has(server, *parts: Part, tag: str = "1") -> None:
    """Let a server have parts; the last one has the tag."""
    for part in parts:
        where = "manifests" if part.kind in {INDEX, MANIFEST} else "blobs"
        server.says[f"/v2/shop/web/{where}/{part.digest}"] = answer(part.data, kind=part.kind)
    server.says[f"/v2/shop/web/manifests/{tag}"] = answer(parts[-1].data, kind=parts[-1].kind)


async def test_annotations_come_before_labels_and_the_inner_before_the_outer(server, tmp_path):
    """An index, its linux/amd64 manifest and its labels each say something; the surest comes first."""
    inner = manifest(LABELS, annotations=words(revision="b" * 40, created="2026-03-01T10:00:00+02:00"))
    arm = manifest(config(words(revision="c" * 40)))
    attests = manifest(config(words(revision="d" * 40)))
    is_one = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    outer = index(
        attests.descriptor(**is_one, **platform("amd64")),
        arm.descriptor(**platform("arm64")),
        inner.descriptor(**platform("amd64")),
        annotations=words(source="https://u:pw@git.example.com/shop/web?token=1", url="javascript:alert(1)"),
    )
    has(server, LABELS, inner, outer)

    facts = await registries(server, tmp_path).describe(named(server))

    created = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)
    assert facts.digest == outer.digest
    assert facts.claims == (
        ImageClaim(place="manifest annotation", revision="b" * 40, created_at=created),
        ImageClaim(place="index annotation", source="https://git.example.com/shop/web"),
        ImageClaim(place="label", revision=REVISION),
    )


async def test_what_was_told_under_a_digest_is_never_asked_again(server, tmp_path):
    """A pinned image is asked for once, by whichever tag or process; a tag again only when its time is over."""
    has(server, LABELS, PLAIN)
    first = registries(server, tmp_path)
    facts = await first.describe(named(server))
    assert await first.describe(named(server)) == facts
    assert len(server.asked) == 2

    assert await registries(server, tmp_path).describe(named(server, f"@{PLAIN.digest}")) == facts
    assert len(server.asked) == 2
    assert await registries(server, tmp_path).describe(named(server)) == facts
    assert len(server.asked) == 4


async def test_a_damaged_file_of_the_cache_is_asked_for_anew(server, tmp_path):
    """Half a file, or one about another image, is none."""
    has(server, LABELS, PLAIN)
    facts = await registries(server, tmp_path).describe(named(server))
    (file,) = (tmp_path / "images" / "3").iterdir()
    for damage in (file.read_bytes()[:30], file.read_bytes().replace(PLAIN.digest.encode(), LABELS.digest.encode())):
        file.write_bytes(damage)
        assert await registries(server, tmp_path).describe(named(server, f"@{PLAIN.digest}")) == facts
    assert len(server.asked) == 6


async def test_a_registry_that_nobody_allowed_is_not_asked(server, other, tmp_path):
    """The operator's list decides; the hint says where it is."""
    with pytest.raises(NotAllowed) as refused:
        await registries(server, tmp_path).describe(named(other))
    assert "[[registries]]" in refused.value.hint
    assert other.asked == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(MANIFEST, b"<html>"), "is no manifest"),
        (Part(MANIFEST, b"[" * 100_000), "is no manifest"),
        (Part(MANIFEST, b"{}"), "a manifest without a configuration"),
        (Part("text/html", PLAIN.data), "of the kind text/html, which is not read"),
        (Part(INDEX, PLAIN.data), "not of the kind that its header says"),
        (Part(MANIFEST, index().data), "not of the kind that its header says"),
        (manifest(LABELS, manifests=[]), "not of the kind that its header says"),
        (Part(INDEX, index().data[:-1] + b', "config": ' + json.dumps(LABELS.descriptor()).encode() + b"}"), "at once"),
        (Part(MANIFEST, PLAIN.data.replace(b"sha256:", b"sha256:../")), "that is no digest"),
        (index(*[PLAIN.descriptor()] * 1001), "more than 1000 manifests"),
        (Part(MANIFEST, b" " * (MAX_MANIFEST_BYTES + 1)), f"more than {MAX_MANIFEST_BYTES} bytes"),
    ],
)  # fmt: skip
async def test_what_is_no_manifest_is_said_so(server, tmp_path, part, said):
    """Another kind, two kinds at once, too deep, too many, too long: each has its reason, and nothing is kept."""
    server.says["/v2/shop/web/manifests/1"] = answer(part.data, kind=part.kind)
    with pytest.raises(RegistryFailed) as failed:
        await registries(server, tmp_path).describe(named(server))
    assert said in failed.value.message
    assert not (tmp_path / "images").exists()


async def test_an_index_that_never_ends_does(server, tmp_path):
    """Indexes in indexes are followed three deep."""
    parts = [PLAIN]
    for _ in range(4):
        parts.append(index(parts[-1].descriptor()))
    has(server, LABELS, *parts)
    with pytest.raises(RegistryFailed, match="nested more than 3 deep"):
        await registries(server, tmp_path).describe(named(server))
    has(server, *parts[:-1])
    assert (await registries(server, tmp_path).describe(named(server))).digest == parts[-2].digest


@pytest.mark.parametrize("which", [PLAIN, LABELS])
async def test_content_that_its_digest_does_not_name_is_refused(server, tmp_path, which):
    """A pinned manifest, and a configuration that a manifest names, are exactly that or nothing."""
    has(server, LABELS, PLAIN)
    where = "manifests" if which is PLAIN else "blobs"
    server.says[f"/v2/shop/web/{where}/{which.digest}"] = answer(which.data + b" ", kind=which.kind)
    with pytest.raises(RegistryFailed, match="is not what the digest sha256:"):
        await registries(server, tmp_path).describe(named(server, f":1@{PLAIN.digest}"))


async def test_answers_without_an_end_are_given_up(server, tmp_path):
    """Neither a body that goes on for ever nor one that stops halfway holds anybody up."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + CONFIG.encode() + b"\r\n\r\n"
    has(server, LABELS, PLAIN)
    path = f"/v2/shop/web/blobs/{LABELS.digest}"
    server.held.add(path)
    server.says[path] = head + b" " * (MAX_CONFIG_BYTES + 1)
    with pytest.raises(RegistryFailed, match=f"more than {MAX_CONFIG_BYTES} bytes"):
        await registries(server, tmp_path, timeout_s=30).describe(named(server))
    server.says[path] = head + LABELS.data
    with pytest.raises(RegistryFailed, match=r"in time|no answer within"):
        await registries(server, tmp_path, timeout_s=0.3).describe(named(server))


async def test_compressed_answers_are_refused(server, tmp_path):
    """None was asked for: what unpacks to gigabytes never gets to."""
    server.says["/v2/shop/web/manifests/1"] = answer(b"x", kind=MANIFEST, Content_Encoding="gzip")
    with pytest.raises(RegistryFailed, match="compressed"):
        await registries(server, tmp_path).describe(named(server))
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (answer(status=404), ImageMissing, "has no image"),
        (answer(status=401), ImageMissing, "or does not show it"),
        (answer(status=403), ImageMissing, "or does not show it"),
        (answer(status=429), RegistryFailed, "asked too often"),
        (answer(b"secret", status=500), RegistryFailed, "HTTP status 500"),
        (b"HTTP/1.1 ?\r\n\r\n", RegistryFailed, "does not tell about the image"),
        (b"", RegistryFailed, "does not tell about the image"),
    ],
)
async def test_refusals_are_told_apart(server, tmp_path, said, kind, reason):
    """Missing is one error, failing another; what a body says is not repeated."""
    server.says["/v2/shop/web/manifests/1"] = said
    with pytest.raises(RegistryFailed) as failed:
        await registries(server, tmp_path).describe(named(server))
    assert type(failed.value) is kind
    assert reason in failed.value.message
    assert "secret" not in failed.value.message


def guarded(part: Part, wanted: str, **headers: str):
    """Answer with a part whoever has the header, and ask all others for it."""
    return lambda asked: (
        answer(part.data, kind=part.kind)
        if asked.headers.get("authorization") == wanted
        else answer(status=401, **headers)
    )


async def test_a_token_is_asked_for_once_with_the_scope_that_is_needed(server, other, tmp_path, docker_config):
    """The password goes to the address that gives tokens, the token to the registry; the scope is ours."""
    demand = f'Bearer realm="{other.url}/token?a=1",service="reg",scope="repository:shop/web:push,pull,delete"'
    for path, part in (("manifests/1", PLAIN), (f"blobs/{LABELS.digest}", LABELS)):
        server.says[f"/v2/shop/web/{path}"] = guarded(part, "Bearer abc.def", WWW_Authenticate=demand)
    other.says["/token"] = answer(b'{"token": "abc.def"}')

    facts = await registries(server, tmp_path, docker_config=docker_config).describe(named(server))

    assert facts.claims[0].revision == REVISION
    assert [one.headers.get("authorization") for one in other.asked] == [BASIC]
    assert other.asked[0].target == "/token?a=1&service=reg&scope=repository%3Ashop%2Fweb%3Apull"
    assert BASIC not in {one.headers.get("authorization") for one in server.asked}


async def test_a_redirect_takes_no_authorization_to_another_host(server, other, tmp_path, docker_config):
    """Storage behind a registry gets the address and nothing else; another http address is not followed at all."""
    has(server, LABELS, PLAIN)
    server.says["/v2/shop/web/manifests/1"] = guarded(PLAIN, BASIC, WWW_Authenticate='Basic realm="r"')
    blob = f"/v2/shop/web/blobs/{LABELS.digest}"
    server.says[blob] = answer(status=307, Location=f"{server.url}/stored")
    server.says["/stored"] = guarded(LABELS, BASIC)
    asking = registries(server, tmp_path, docker_config=docker_config)
    assert (await asking.describe(named(server))).claims

    server.says[blob] = answer(status=307, Location=f"{other.url}/stored?signature=abc")
    with pytest.raises(RegistryFailed, match="not https") as failed:
        await registries(server, tmp_path / "2", docker_config=docker_config).describe(named(server))
    assert other.asked == []
    assert "signature" not in failed.value.message


async def test_storage_elsewhere_gets_no_authorization(server, tmp_path, docker_config, monkeypatch):
    """A blob may be at another host, by https: it is read there without a word of who asks."""
    made = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    blob = f"/v2/shop/web/blobs/{LABELS.digest}"
    async with RawServer(certificate=made) as storage:
        server.says["/v2/shop/web/manifests/1"] = guarded(PLAIN, BASIC, WWW_Authenticate='Basic realm="r"')
        server.says[blob] = answer(status=307, Location=f"{storage.url}/stored?signature=abc")
        storage.says["/stored"] = answer(LABELS.data, kind=LABELS.kind)

        facts = await registries(server, tmp_path, docker_config=docker_config).describe(named(server))

        assert facts.claims[0].revision == REVISION
        assert [one.target for one in storage.asked] == ["/stored?signature=abc"]
        assert [one.headers.get("authorization") for one in storage.asked] == [None]
        assert server.asked[-1].headers["authorization"] == BASIC

        storage.says["/stored"] = answer(status=401, WWW_Authenticate='Basic realm="r"')
        with pytest.raises(RegistryFailed, match=r"sends on to 127\.0\.0\.1, which asks who we are"):
            await registries(server, tmp_path / "2", docker_config=docker_config).describe(named(server))
        assert len(storage.asked) == 2


async def test_a_registry_by_https_leads_nowhere_in_the_clear(server, tmp_path, monkeypatch):
    """Neither a redirect nor an address for tokens makes anything of https into http, and no stranger's seal counts."""
    made = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    async with RawServer(certificate=made) as secure:
        path = "/v2/shop/web/manifests/1"
        secure.says[path] = answer(status=307, Location=f"{server.url}{path}")
        with pytest.raises(RegistryFailed, match="redirects to an address that is not https"):
            await registries(secure, tmp_path).describe(named(secure))
        secure.says[path] = answer(status=401, WWW_Authenticate=f'Bearer realm="{server.url}/token"')
        with pytest.raises(RegistryFailed, match="tokens given at an address that is not https"):
            await registries(secure, tmp_path).describe(named(secure))
        assert server.asked == []
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(RegistryFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await registries(secure, tmp_path).describe(named(secure))


async def test_redirects_end(server, tmp_path):
    """A circle of redirects is left after five."""
    path = "/v2/shop/web/manifests/1"
    server.says[path] = answer(status=302, Location=path)
    with pytest.raises(RegistryFailed, match="more than 5 times"):
        await registries(server, tmp_path).describe(named(server))
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("demand", "said", "reason"),
    [
        ('Bearer realm="ftp://x/"', b"", "not https"),
        ('Bearer realm="http://a:b@{host}/token"', b"", "not https"),
        ("Bearer", b"", "not https"),
        ('Bearer realm="http://127.0.0.1:1/token"', b"", "127.0.0.1, which gives its tokens: "),
        ('Bearer realm="{url}/token"', answer(b"{}"), "answers without one"),
        ('Bearer realm="{url}/token"', answer(b'{"token": "a\\r\\nX-Evil: 1"}'), "answers without one"),
        ('Bearer realm="{url}/token"', answer(b"[" * 50_000), "answers without one"),
        ('Bearer realm="{url}/token"', answer(b" " * 70_000), "more than 65536 bytes"),
        ('Bearer realm="{url}/token"', answer(status=302, Location="/token"), "HTTP status 302"),
        ('Bearer realm="{url}/token"', answer(status=401), "does not accept the credentials of"),
        ('Basic realm="r"', b"", "does not accept the credentials of"),
    ],
)
async def test_demands_that_cannot_be_met_say_why(server, tmp_path, docker_config, demand, said, reason):
    """No credentials in the clear unless the operator chose it, no header made by a token, never the password."""
    written = demand.replace("{url}", server.url).replace("{host}", server.host)
    server.says["/v2/shop/web/manifests/1"] = answer(status=401, WWW_Authenticate=written)
    server.says["/token"] = said
    with pytest.raises(RegistryFailed) as failed:
        await registries(server, tmp_path, docker_config=docker_config).describe(named(server))
    assert reason in failed.value.message
    assert PASSWORD not in str(failed.value.as_json())
    assert BASIC.removeprefix("Basic ") not in str(failed.value.as_json())


async def test_many_images_are_asked_for_a_few_at_a_time(server, tmp_path):
    """Ten at once all answer, each with its own facts."""
    for number in range(10):
        has(server, made := config(words(version=str(number))), manifest(made), tag=str(number))
    asking = registries(server, tmp_path)
    found = await asyncio.gather(*(asking.describe(named(server, f":{number}")) for number in range(10)))
    assert [one.claims[0].version for one in found] == [str(number) for number in range(10)]
