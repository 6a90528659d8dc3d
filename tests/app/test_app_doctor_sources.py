"""What `lastgood doctor` says of source repos, registries, and where the images of the applications come from."""

import asyncio
import datetime as dt
import os
from pathlib import Path

import pytest

from lastgood.app import doctor_sources
from lastgood.app.doctor_sources import examine_sources
from lastgood.app.settings import read_settings
from lastgood.app.source_histories import NO_REF
from lastgood.demo.repos import build_source_repo
from lastgood.demo.shop import source_history
from lastgood.git.mirror import MirrorConfigRepo
from twins.git_fixtures import git
from twins.images import config, manifest, words
from twins.raw_http import RawServer, answer

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec: {{containers: [{{name: app, image: "{image}"}}]}}
"""


@pytest.fixture
async def server():
    async with RawServer() as server:
        server.says["/v2/"] = answer(b"{}")
        yield server


class World:
    """A config repo as a server fetched it, a source repo, and the server's settings."""

    def __init__(self, root: Path, server: RawServer) -> None:
        self.root, self.server = root, server
        self.source = root / "source.git"
        self.revisions = build_source_repo(self.source, source_history(), now=NOW)
        self.file = root / "lastgood.toml"
        self.file.write_text(
            f'data = "data"\n[[repos]]\nname = "shop"\nurl = "{root / "config"}"\n'
            f'[[sources]]\nurl = "{self.source}"\n'
            f'[[registries]]\nhost = "{server.host}"\nurl = "{server.url}"\n'
        )

    async def fetched(self, images: dict[str, str], *, patterns=("shop/{service}",), bases="") -> None:
        """Let the config repo run these images, and let the server have fetched it."""
        folder = self.root / "config"
        sources = "".join(
            f'  - image: "{self.server.host}/{pattern}"\n    repo: "{self.source}"\n' for pattern in patterns
        )
        if bases:
            sources += f'  - {{image: "{bases}", repo: "{self.source}"}}\n'
        folder.mkdir(exist_ok=True)
        (folder / "lastgood.yaml").write_text(
            'version: 1\napplications:\n  - {name: "{app}", path: "apps/{app}", destination: there}\nsources:\n'
            + sources
        )
        for name, image in images.items():
            (folder / "apps" / name).mkdir(parents=True)
            (folder / "apps" / name / "pod.yaml").write_text(POD.format(name=name, image=image))
        git(folder, "init", "-q", "--initial-branch=main", ".")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "Run the shop")
        mirror = MirrorConfigRepo(self.root / "data" / "mirrors" / "shop.git", str(folder), "shop")
        await mirror.fetch("main")

    async def says(self) -> list[tuple[str, str, str]]:
        """Return what doctor says: name, outcome, detail."""
        found = await asyncio.to_thread(examine_sources, read_settings(self.file))
        return [(one.name, one.outcome, one.detail) for one in found]


@pytest.fixture
def world(tmp_path, server):
    return World(tmp_path, server)


async def test_each_source_says_whether_its_images_tell_their_revision(world, server):
    """By tag and by label; where one does not, which and why; a pattern that fits nothing is told of, too."""
    gift = world.revisions["gift"]
    labels = config(words(revision=gift))
    image = manifest(labels)
    server.says[f"/v2/shop/web/manifests/{image.digest}"] = answer(image.data, kind=image.kind)
    server.says[f"/v2/shop/web/blobs/{labels.digest}"] = answer(labels.data, kind=labels.kind)
    running = {"a": f"{server.host}/shop/web@{image.digest}", "b": f"{server.host}/shop/api:{gift}", "c": "redis:7"}
    await world.fetched(running, patterns=("shop/{service}", "old/{service}"))
    head = git(world.source, "rev-parse", "HEAD")
    assert await world.says() == [
        ("source", "ok", f"{world.source} is reachable; it is at {head[:7]}"),
        (f"registry {server.host}", "ok", "it answers; asked as a stranger"),
        ("images of shop", "ok", f"{server.host}/shop/{{service}}: 2 of 2 tell their revision"),
        ("images of shop", "warn", f"{server.host}/old/{{service}} fits no image and no base of any application"),
    ]


async def test_what_was_kept_of_an_image_counts_while_its_registry_is_away(world, server):
    """The server knows what stands under a digest for ever, and so does doctor."""
    labels = config(words(revision=world.revisions["gift"]))
    image = manifest(labels)
    server.says[f"/v2/shop/web/manifests/{image.digest}"] = answer(image.data, kind=image.kind)
    server.says[f"/v2/shop/web/blobs/{labels.digest}"] = answer(labels.data, kind=labels.kind)
    await world.fetched({"a": f"{server.host}/shop/web@{image.digest}"})
    known = ("images of shop", "ok", f"{server.host}/shop/{{service}}: 1 of 1 tell their revision")
    assert (await world.says())[-1] == known
    server.says = {}
    _, registry, images = await world.says()
    assert (registry[1], images) == ("wrong", known)


async def test_an_image_that_tells_nothing_is_named_with_the_reason(world, server):
    """The first of them stands for all."""
    await world.fetched({"a": f"{server.host}/shop/web:{world.revisions['gift']}", "b": f"{server.host}/shop/api:9"})
    name, outcome, detail = (await world.says())[-1]
    assert (name, outcome) == ("images of shop", "warn")
    assert f"1 of 2 tell their revision; {server.host}/shop/api (9) does not: " in detail
    assert f"has no image {server.host}/shop/api:9" in detail


async def test_what_does_not_answer_is_wrong(world, server, tmp_path):
    """A source repo that is gone and a registry that is none each say why."""
    server.says["/v2/"] = answer(status=404)
    world.file.write_text(world.file.read_text().replace(f'"{world.source}"', f'"{tmp_path / "gone.git"}"'))
    source, registry, images = await world.says()
    assert (source[1], registry[1]) == ("wrong", "wrong")
    assert "gone.git" in source[2]
    assert registry[2] == f"{server.host}: it answers with HTTP status 404"
    assert images == ("images of shop", "warn", "not looked at: the repo was not fetched yet")


async def test_mirrors_of_another_account_are_left_alone(world, server, monkeypatch):
    """A file of root's in a mirror would keep the server from it."""
    await world.fetched({"a": f"{server.host}/shop/web:1"})
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert (await world.says())[-1][2] == "not looked at: the mirrors are another account's"


async def test_what_takes_too_long_is_given_up(world, server, monkeypatch):
    """Somebody waits in front of it."""
    await world.fetched({"a": f"{server.host}/shop/web:1"})
    path = "/v2/shop/web/manifests/1"
    server.held.add(path)
    server.says[path] = b"HTTP/1.1 200 OK\r\n"
    monkeypatch.setattr(doctor_sources, "ALL_S", 0.5)
    assert (await world.says())[-1][2] == "not looked at: it takes longer than 0.5 s"


async def test_bases_are_looked_at_also_where_nothing_can_be_rendered(world):
    """Their patterns count like those of images; one without a ref is told of."""
    gift = world.revisions["gift"]
    for app, query in (("b", f"?ref={gift}"), ("c", "")):
        (world.root / "config" / "apps" / app).mkdir(parents=True)
        text = f"resources: ['https://github.com/shop/{app}//deploy{query}']\n"
        (world.root / "config" / "apps" / app / "kustomization.yaml").write_text(text)
    await world.fetched({}, patterns=("shop/{service}",), bases="github.com/shop/{service}//deploy")
    *_, image, base = await world.says()
    assert image[1] == "warn"
    said = f"1 of 2 tell their revision; github.com/shop/c//deploy does not: {NO_REF}"
    assert base == ("images of shop", "warn", f"github.com/shop/{{service}}//deploy: {said}")


async def test_a_file_without_credentials_for_the_registry_is_told(world, server):
    """Whoever names a file means it to count; the registry's answer to a stranger does not show that it does not."""
    world.file.write_text(world.file.read_text().replace("[[registries]]", '[[registries]]\ndocker_config = "dc.json"'))
    file = world.file.parent / "dc.json"
    file.write_text('{"auths": {"other.example.com": {"username": "a", "password": "hush"}}}')
    detail = f"it answers; asked as a stranger, for {file} has no credentials for it"
    assert (f"registry {server.host}", "warn", detail) in await world.says()
