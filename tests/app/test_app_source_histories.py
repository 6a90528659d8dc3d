"""From an image to a revision of its source repo: by its tag, in the repos that the operator allows."""

import datetime as dt

import pytest

from lastgood.app.settings import Settings, SourceSettings
from lastgood.app.source_histories import SourceHistories
from lastgood.app.sources import AllowedSources
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
