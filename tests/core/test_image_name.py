"""Names of images: read as container engines read them, and nothing else is taken for one."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lastgood.core.image_name import ImageName, is_registry_host, parse_image_name

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA512 = "sha512:" + "0123456789abcdef" * 8


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "latest", None),
        ("nginx:1.27", "docker.io", "library/nginx", "1.27", None),
        ("docker.io/nginx", "docker.io", "library/nginx", "latest", None),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", "latest", None),
        ("bitnami/redis:7", "docker.io", "bitnami/redis", "7", None),
        ("localhost/web", "localhost", "web", "latest", None),
        ("localhost:5000/web:1", "localhost:5000", "web", "1", None),
        ("ghcr.io/shop/web:v1.2.3", "ghcr.io", "shop/web", "v1.2.3", None),
        ("host:5000/web", "host:5000", "web", "latest", None),
        ("Host/web", "Host", "web", "latest", None),
        ("[2001:db8::1]:5000/web", "[2001:db8::1]:5000", "web", "latest", None),
        (f"ghcr.io/shop/web@{SHA256}", "ghcr.io", "shop/web", None, SHA256),
        (f"ghcr.io/shop/web:1@{SHA256}", "ghcr.io", "shop/web", "1", SHA256),
        (f"web@{SHA512}", "docker.io", "library/web", None, SHA512),
        ("a.b/c__d/e---f/g.h_i:_", "a.b", "c__d/e---f/g.h_i", "_", None),
        # A single word is never a host: `host:5000` is the image `host` with the tag `5000`.
        ("host:5000", "docker.io", "library/host", "5000", None),
    ],
)
def test_names_are_read_as_container_engines_read_them(text, registry, repository, tag, digest):
    """Registry, repository, tag and digest, with what is meant where a part is left out."""
    expected = ImageName(registry=registry, repository=repository, tag=tag, digest=digest)
    assert parse_image_name(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " nginx",
        "nginx\n",
        "nginx:",
        "nginx:a b",
        "nginx:.1",
        "nginx:-1",
        "Nginx",
        "shop/Web",
        "ghcr.io/",
        "ghcr.io//web",
        "ghcr.io/../web",
        "ghcr.io/shop/.web",
        "ghcr.io/a___b",
        "ghcr.io/web?x=1",
        "https://ghcr.io/web",
        "user:secret@ghcr.io/web",
        "ghcr.io:/web",
        "ghcr.io:0/web",
        "ghcr.io:65536/web",
        "ghcr.io:123456/web",
        "-x.y/web",
        "ghcr.io/web@sha256:abc",
        f"ghcr.io/web@{SHA256.upper()}",
        f"ghcr.io/web@{SHA256}@{SHA256}",
        "ghcr.io/web@md5:" + "a" * 32,
        "0123456789abcdef" * 4,
        "ghcr.io/" + "a" * 256,
        "ghcr.io/web:" + "a" * 129,
        "a" * 256 + ".b/web",
        "ghcr.io/w\u0435b",
        "nginx:\uff11",
    ],
)
def test_what_no_registry_could_be_asked_for_is_no_name(text):
    """Wrong letters, empty parts, URLs, dots that climb, digests of another length: None, never a guess."""
    assert parse_image_name(text) is None


_parts = st.from_regex(re.compile(r"[a-z0-9]+([._]|__|-{1,3})?[a-z0-9]+", re.ASCII), fullmatch=True)
_hosts = st.sampled_from(["docker.io", "ghcr.io", "localhost", "localhost:5000", "10.0.0.1:443", "[::1]:80", "Hub"])
_tags = st.none() | st.from_regex(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII), fullmatch=True)


@settings(deadline=None)
@given(_hosts, st.lists(_parts.filter(lambda part: len(part) < 60), min_size=1, max_size=3), _tags, st.booleans())
def test_every_name_is_read_again_as_itself(host, parts, tag, pinned):
    """Written in full, a name is the same name; one that is written with its registry keeps all its parts."""
    text = f"{host}/{'/'.join(parts)}{f':{tag}' if tag else ''}{f'@{SHA256}' if pinned else ''}"
    name = parse_image_name(text)
    assert name is not None
    assert (name.registry, name.digest) == (host, SHA256 if pinned else None)
    assert name.repository.removeprefix("library/") == "/".join(parts).removeprefix("library/")
    assert name.tag == (tag if tag or pinned else "latest")
    assert name.reference == (SHA256 if pinned else tag or "latest")
    assert parse_image_name(str(name)) == name


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[a-zA-Z0-9/:@._\[\]-]{0,60}", fullmatch=True))
@example("a" * 10_000)
@example("a-" * 100 + "!")
@example("a." * 120 + "/" + "-" * 250)
def test_hostile_text_is_read_quickly_and_never_made_into_a_path_that_climbs(text):
    """Whatever the text: None or a name whose parts are safe in a URL, and soon."""
    begun = time.process_time()
    name = parse_image_name(text)
    assert time.process_time() - begun < 0.5
    if name is not None:
        assert is_registry_host(name.registry)
        assert all(part not in {"", ".", ".."} for part in name.repository.split("/"))
        assert not set(f"{name.repository}{name.tag}") & set("?#%\\@ ")
        assert parse_image_name(str(name)) == name
