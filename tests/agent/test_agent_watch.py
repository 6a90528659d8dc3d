"""A local repo is watched: a push is noticed at once, also in a repo that came later or was replaced."""

import asyncio

import pytest

from lastgood.agent.watch import local_repo, watch_repo
from lastgood.app.clock import SystemClock

PATIENCE_S = 60


@pytest.fixture
async def seen(tmp_path):
    """Set at each change that was noticed in the repo tmp_path/config.git."""
    noticed = asyncio.Event()
    watching = asyncio.create_task(watch_repo(tmp_path / "config.git", noticed.set, clock=SystemClock()))
    yield noticed
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


def push(repo, content):
    (repo / "refs" / "heads").mkdir(parents=True, exist_ok=True)
    (repo / "refs" / "heads" / "main").write_text(content)


async def noticed_while_pushed(seen, repo):
    """Push again and again until it is noticed: when the watch begins is nobody's to see."""
    async with asyncio.timeout(PATIENCE_S):
        for count in range(10_000):
            push(repo, str(count))
            try:
                await asyncio.wait_for(seen.wait(), 0.1)
                break
            except TimeoutError:
                continue
    seen.clear()


async def test_a_repo_that_comes_later_or_is_replaced_is_watched(seen, tmp_path):
    """Missing at the start, made, moved away and made anew: pushes are noticed each time."""
    repo = tmp_path / "config.git"
    await noticed_while_pushed(seen, repo)
    repo.rename(tmp_path / "former.git")
    await noticed_while_pushed(seen, repo)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("https://git.example.com/shop.git", False),
        ("git@git.example.com:shop.git", False),
        ("/srv/shop.git", True),
        ("file:///srv/shop.git", True),
    ],
)
def test_only_repos_of_this_machine_are_watched(url, local):
    """A path or a file URL names a folder; everything else is polled."""
    assert (local_repo(url) is not None) == local
