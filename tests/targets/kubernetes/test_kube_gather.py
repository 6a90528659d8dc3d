"""What is told when: a workload's own news at once, its pods' later, or with the workload's if those come first."""

import asyncio

import pytest

from lastgood.targets.kubernetes import gather
from lastgood.targets.kubernetes.gather import Gathered, News

TURNS = 50
AT_ONCE, NEVER_S = 0.0, 1_000_000.0


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(gather, "GATHER_S", AT_ONCE)
    return asyncio.Queue()


async def gives_way():
    """Nothing else goes first."""


def told_later(monkeypatch, seconds):
    monkeypatch.setattr(gather, "MADE_S", seconds)


async def turns():
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def next_of(gathered):
    return await asyncio.wait_for(gathered.next(), 10)


async def test_what_comes_together_is_told_once(queue):
    """However often a set is told of, and beside others."""
    for set_id in ("web", "web", None, "cart", "web"):
        queue.put_nowait(News(set_id))
    assert await next_of(Gathered(queue, gives_way=gives_way)) == {"web", "cart", None}
    assert queue.empty()


async def test_a_pod_that_its_workload_says_nothing_of_is_news_in_the_end(queue, monkeypatch):
    """So a crash is seen while its Deployment still waits."""
    told_later(monkeypatch, AT_ONCE)
    queue.put_nowait(News("web", is_made=True))
    assert await next_of(Gathered(queue, gives_way=gives_way)) == {"web"}


async def test_pods_wait_for_what_their_workload_says(queue, monkeypatch):
    """Its news answer theirs; those of another application do not, and are not held up by them."""
    told_later(monkeypatch, NEVER_S)
    gathered = Gathered(queue, gives_way=gives_way)
    for _ in range(3):
        queue.put_nowait(News("web", is_made=True))
    waiting = asyncio.ensure_future(gathered.next())
    await turns()
    assert not waiting.done()
    queue.put_nowait(News("cart"))
    assert await asyncio.wait_for(waiting, 10) == {"cart"}
    queue.put_nowait(News("web"))
    assert await next_of(gathered) == {"web"}
    assert not gathered._later


async def test_the_first_change_of_a_pod_says_when(queue, monkeypatch):
    """Pods that change on and on are looked at all the same."""
    told_later(monkeypatch, NEVER_S)
    gathered = Gathered(queue, gives_way=gives_way)
    queue.put_nowait(News("web", is_made=True))
    waiting = asyncio.ensure_future(gathered.next())
    await turns()
    due = dict(gathered._later)
    queue.put_nowait(News("web", is_made=True))
    await turns()
    assert gathered._later == due
    gathered._later["web"] = 0.0
    assert await asyncio.wait_for(waiting, 10) == {"web"}
