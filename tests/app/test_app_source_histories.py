"""From an image to a revision of its source repo: by its tag, in the repos that the operator allows."""

import datetime as dt

import msgspec
import pytest

from lastgood.app.settings import Settings, SourceSettings
from lastgood.app.source_histories import NO_REF, NO_TAG, NOT_NAMED, SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.core.built import Built
from lastgood.core.image_facts import ImageClaim
from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.sources import Source
from lastgood.demo.repos import build_source_repo, git
from lastgood.demo.shop import source_history
from twins.clock import ManualClock

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


class Shop:
    """A real source repo, the declarations that name it, and what is asked of them."""

    def __init__(self, root, *, allowed):
        self.folder = root / "source.git"
        self.url = str(self.folder)
        self.revisions = build_source_repo(self.folder, source_history(), now=NOW)
        self.clock = ManualClock()
        settings = Settings.model_construct(data=root, sources=tuple(SourceSettings(url=url) for url in allowed))
        self.histories = SourceHistories(AllowedSources(settings, lambda _: None), clock=self.clock, role="agent")

    async def locate(self, image, reference, **fields):
        declared = [Source(image="{service}", repo=self.url, paths=("services/{service}.py",), **fields)]
        return await self.histories.locate(declared, image, reference)


@pytest.fixture
async def shop(tmp_path):
    made = Shop(tmp_path, allowed=[str(tmp_path / "source.git"), "https://127.0.0.1:1/gone.git"])
    yield made
    await made.histories.close()


async def test_a_tag_tells_the_revision(shop):
    """An id, the beginning of one, and what stands before a digest; the service's own folders count."""
    gift = shop.revisions["gift"]
    for reference in (gift, gift[:12], f"{gift}@sha256:{'0' * 64}"):
        found = await shop.locate("web", reference)
        assert (found.revision, found.selection.paths, found.reason) == (gift, ("services/web.py",), "")
    second = await shop.locate("web (in web/app)", shop.revisions["start"])
    assert second.revision == shop.revisions["start"]
    assert second.history is found.history


async def test_what_tells_no_revision_is_unknown_with_its_reason(shop):
    """A branch, a digest alone, an image that nothing names, and a repo that is not allowed."""
    assert (await shop.locate("web", "main")).reason.endswith("has no commit and no tag main")
    assert (await shop.locate("web", f"sha256:{'0' * 64}")).reason == "it has a digest and no tag to tell its revision"
    foreign = await shop.locate("registry.example.com/postgres", "16")
    assert (foreign.named, foreign.reason) == (False, "`sources` of lastgood.yaml does not name it")
    declared = [Source(image="web", repo="https://git.example.com/other.git")]
    assert "do not allow the source repo" in (await shop.histories.locate(declared, "web", "v1")).reason


async def test_a_repo_that_cannot_be_reached_is_a_reason_and_not_an_error(shop):
    """The answer is unknown and says what the remote said; the repo is not asked again for each image."""
    declared = [Source(image="web", repo="https://127.0.0.1:1/gone.git")]
    first = await shop.histories.locate(declared, "web", "v1")
    assert first.history is None
    assert "127.0.0.1" in first.reason
    assert (await shop.histories.locate(declared, "web", "v2")).reason == first.reason


async def test_a_revision_that_came_later_is_found_after_a_while(shop):
    """What is not there is not asked of the remote for each question, but again after a minute."""
    gift = shop.revisions["gift"]
    await shop.locate("web", gift)
    git("tag", "v9", gift, folder=shop.folder)
    assert (await shop.locate("web", "v9")).revision is None
    await shop.clock.move(61)
    assert (await shop.locate("web", "v9")).revision == gift


class Tagged:
    """What is asked of a source repo with the tags v1.4.2 and web-2.0."""

    def __init__(self, shop):
        self.shop = shop
        self.gift = shop.revisions["gift"]
        for tag in ("v1.4.2", "web-2.0"):
            git("tag", tag, self.gift, folder=shop.folder)

    async def by_chart(self, version, reference, *, source=None, **fields):
        declared = [Source(image="web", repo=self.shop.url, **fields)]
        claim = ImageClaim(place="chart", revision=version, source=source or self.shop.url)
        (found,) = await self.shop.histories.locate_all(
            declared, {"web": reference}, Origins(charts={"web": (claim,)}), {}
        )
        return found


async def test_a_chart_tells_the_revision_where_nothing_surer_does(shop):
    """By tags with a `v`, without the build, and as `revision` makes them; the image's own tag goes first."""
    tagged = Tagged(shop)
    digest = f"sha256:{'0' * 64}"
    for version, reference in (("1.4.2", digest), ("1.4.2+b7", "build-7"), ("1.4.2", f"1.4.2@{digest}")):
        found = await tagged.by_chart(version, reference)
        assert (found.revision, found.by_chart) == (tagged.gift, True), version
    assert (await tagged.by_chart("2.0", digest, revision="web-{tag}")).revision == tagged.gift
    sure = await tagged.by_chart("1.4.2", shop.revisions["start"])
    assert (sure.revision, sure.by_chart) == (shop.revisions["start"], False)


async def test_a_chart_that_is_not_believed_is_told_of(shop):
    """Another repo, a version that is no tag, a tag that is another version, and one that moves."""
    tagged = Tagged(shop)
    digest = f"sha256:{'0' * 64}"
    other = await tagged.by_chart("1.4.2", digest, source="https://git.example.com/other")
    assert other.reason == f"{NO_TAG}; its chart says that it is built from https://git.example.com/other"
    missing = await tagged.by_chart("9.9", digest)
    assert missing.reason.endswith("has no commit and no tag 9.9, which its chart names as appVersion")
    assert "another version" in (await tagged.by_chart("1.4.2", "1.4.3")).reason
    for tag in ("latest", "main"):
        moving = await tagged.by_chart("1.4.2", tag)
        assert (moving.revision, moving.reason.rpartition("; ")[2]) == (
            None, f"its tag {tag} moves, so its chart does not tell what is under it",
        )  # fmt: skip


def on_record(shop, revision, **changed):
    kept = Built(image="web", reference="v1", repo=shop.url, revision=revision, how="tag")
    return msgspec.structs.replace(kept, **changed)


async def test_a_tag_that_was_moved_tells_of_what_is_deployed_now_and_a_record_of_what_ran(shop):
    """Live, the tag means what it means; on record is what it was. The service's own folders count either way."""
    start, gift = shop.revisions["start"], shop.revisions["gift"]
    git("tag", "v1", start, folder=shop.folder)
    declared = [Source(image="web", repo=shop.url, paths=("services/web.py",))]

    async def located(built):
        (found,) = await shop.histories.locate_all(declared, {"web": "v1"}, NO_ORIGINS, built)
        return found.revision, found.repo, found.how, found.selection.paths

    assert await located({}) == (start, shop.url, "tag", ("services/web.py",))
    git("tag", "-f", "v1", gift, folder=shop.folder)
    await shop.clock.move(61)
    await shop.histories.refresh()
    assert (await located({}))[0] == gift
    kept = {("web", "v1"): on_record(shop, start, how="registry")}
    assert await located(kept) == (start, shop.url, "registry", ("services/web.py",))
    assert (await located({("web", "v2"): on_record(shop, start)}))[0] == gift


async def test_what_is_on_record_is_looked_for_where_sources_says_now_and_then_where_it_was(shop, tmp_path):
    """A repo has another address, another has taken its place, or it has no such commit: then unknown, and why."""
    start, there = shop.revisions["start"], [Source(image="web", repo=shop.url)]
    moved = await shop.histories.locate(there, "web", "v1", (), on_record(shop, start, repo="https://git.example/old"))
    assert (moved.revision, moved.repo) == (start, shop.url)
    elsewhere = [Source(image="web", repo="https://127.0.0.1:1/gone.git", paths=("web",))]
    before = await shop.histories.locate(elsewhere, "web", "v1", (), on_record(shop, start))
    assert (before.revision, before.repo, before.selection.paths) == (start, shop.url, ())
    git("tag", "v1", start, folder=shop.folder)
    gone = await shop.histories.locate(there, "web", "v1", (), on_record(shop, "b" * 40))
    assert (gone.revision, gone.history) == (None, None)
    assert gone.reason.endswith(f"no tag {'b' * 40}, which its deployment record names")
    forbidden = [Source(image="web", repo="https://git.example/new")]
    refused = await shop.histories.locate(
        forbidden, "web", "v1", (), on_record(shop, start, repo="https://x.example/a")
    )
    assert "do not allow the source repo https://git.example/new" in refused.reason
    assert not (await shop.histories.locate((), "web", "v1", (), on_record(shop, start))).named
    base = await shop.histories.locate_base(there, "web", "v1", on_record(shop, start, how="ref"))
    assert (base.revision, base.base, base.how) == (start, True, "ref")


async def test_the_ref_of_a_base_tells_its_revision_and_no_registry_is_asked(shop):
    """As a tag of an image would; the source's paths count. A branch, no ref and no name are unknown, and why."""
    tagged = Tagged(shop)
    shop.histories._images = None  # asking would fail
    declared = [Source(image="github.com/org/{app}//deploy", repo=shop.url, paths=("deploy/{app}",))]

    async def base(name, ref):
        (found,) = await shop.histories.locate_all(declared, {}, Origins(bases={name: ref}), {})
        return found

    name = "github.com/org/web//deploy"
    found = await base(name, "v1.4.2")
    assert (found.revision, found.selection.paths, found.base) == (tagged.gift, ("deploy/web",), True)
    assert (await base(f"{name} (in apps/b)", "v1.4.2")).revision == tagged.gift
    assert (await base(name, "main")).reason.endswith("has no commit and no tag main")
    assert ((await base(name, "")).reason, (await base(name, "")).named) == (NO_REF, True)
    foreign = await base("github.com/org/web//else", "v1")
    assert (foreign.reason, foreign.named) == (NOT_NAMED, False)
    declared[0] = Source(image="github.com/org/web//deploy", repo="https://git.example.com/other.git")
    assert "do not allow the source repo" in (await base(name, "v1")).reason
