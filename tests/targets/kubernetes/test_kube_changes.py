"""News of a cluster while a release is being applied: what was pushed goes first, and news come all the same."""

import asyncio

import pytest

from lastgood.app.clock import SystemClock
from lastgood.targets.kubernetes import target as target_module
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.target import KubernetesTarget

SET = "applyset-of-web"
TURNS = 50


@pytest.fixture
async def target(tmp_path, monkeypatch):
    """A target whose cluster does not answer; its news are told by the test."""
    monkeypatch.setattr(target_module, "GATHER_S", 0)
    found = KubernetesTarget(
        tmp_path, name="production", access=ClusterAccess(kubeconfig=str(tmp_path / "none")), clock=SystemClock()
    )
    found._apps[SET], found._is_set_up = "web", True
    yield found
    await found.close()


async def next_of(target):
    """Return a task that waits for the next news, once it listens."""
    waiting = asyncio.ensure_future(anext(target.changes()))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    target._cluster.tell(SET)
    return waiting


async def test_news_wait_while_the_cluster_is_asked(target, monkeypatch):
    """They come as soon as no answer is awaited."""
    monkeypatch.setattr(target_module, "GIVES_WAY", 1_000_000)
    target.connection.in_flight = 1
    waiting = await next_of(target)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert not waiting.done()
    target.connection.in_flight = 0
    assert await asyncio.wait_for(waiting, 10) == "web"


async def test_news_wait_for_a_while_only(target, monkeypatch):
    """A cluster that is asked without end is looked at all the same."""
    monkeypatch.setattr(target_module, "GIVES_WAY", 3)
    target.connection.in_flight = 1
    assert await asyncio.wait_for(await next_of(target), 10) == "web"
