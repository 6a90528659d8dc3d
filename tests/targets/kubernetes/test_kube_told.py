"""Who is told what of a cluster: all that changes, or what concerns one application's set."""

import asyncio

import pytest

from lastgood.targets.kubernetes import cluster as cluster_module
from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from lastgood.targets.kubernetes.live_object import live_object


def told(news):
    return sorted(news.take(), key=str)


def test_whoever_waits_for_one_set_is_not_woken_for_another():
    """What concerns all sets wakes everybody; who listens no more is told nothing."""
    cluster = Cluster(Connection(ClusterAccess()))
    everything, mine = cluster.listen(), cluster.listen("mine")
    for set_id in ("mine", "theirs", None):
        cluster.tell(set_id)
    assert told(everything) == [None, "mine", "theirs"]
    assert told(mine) == [None, "mine"]
    cluster.deafen(mine)
    cluster.tell("mine")
    assert (told(everything), told(mine)) == (["mine"], [])


def deployment(version, *, ready=1, wanted=2):
    metadata = {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": str(version)}
    counts = {"replicas": wanted, "updatedReplicas": ready, "readyReplicas": ready, "availableReplicas": ready}
    sent = {"metadata": {**metadata, "labels": {PART_OF: "mine"}}, "spec": {"replicas": wanted}, "status": counts}
    found = live_object({"apiVersion": "apps/v1", "kind": "Deployment", **sent}, ("apps", "Deployment"))
    assert found is not None
    return found


@pytest.fixture
async def progress_told(monkeypatch):
    """Return a function that waits until what is told as progress would be told."""
    monkeypatch.setattr(cluster_module, "PROGRESS_S", 0.01)
    loop = asyncio.get_running_loop()

    async def wait():
        passed = loop.create_future()
        loop.call_later(0.02, passed.set_result, None)
        await passed

    return wait


async def test_progress_is_told_once_and_a_little_later(progress_told):
    """Counts that move ten times are one piece of news; what turns meanwhile is told at once, and counts with it."""
    cluster = Cluster(Connection(ClusterAccess()))
    everything = cluster.listen()
    cluster.live.put(deployment(1, ready=0))
    assert told(everything) == ["mine"]
    for version in range(2, 12):
        cluster.live.put(deployment(version))
    assert told(everything) == []
    await progress_told()
    assert told(everything) == ["mine"]
    cluster.live.put(deployment(12))
    cluster.live.put(deployment(13, ready=2))
    assert told(everything) == ["mine"]
    await progress_told()
    assert told(everything) == []


async def test_where_the_operator_judges_health_nothing_is_mere_progress():
    """What is the same by our rules may be another thing by theirs."""
    cluster = Cluster(Connection(ClusterAccess()), has_own_rules=True)
    everything = cluster.listen()
    for version in range(1, 4):
        cluster.live.put(deployment(version))
        assert told(everything) == ["mine"]


async def test_what_a_look_sees_is_no_news_any_more(progress_told):
    """An apply is looked at by whoever applied; what comes once that look has begun is news again."""
    cluster = Cluster(Connection(ClusterAccess()))
    everything, mine = cluster.listen(), cluster.listen("mine")
    cluster.live.put(deployment(1))
    cluster.tell("theirs")
    cluster.looked_at("mine")
    assert (told(everything), told(mine)) == (["theirs"], ["mine"])
    cluster.live.put(deployment(2))
    cluster.looked_at("mine")
    await progress_told()
    assert told(everything) == []
    cluster.live.put(deployment(3, ready=2))
    assert told(everything) == ["mine"]
    cluster.tell(None)
    cluster.looked_at("mine")
    assert told(everything) == [None]


async def test_whoever_waits_hears_of_what_was_told_before():
    """And of nothing twice."""
    news = Cluster(Connection(ClusterAccess())).listen()
    news.tell("mine")
    await news.come()
    assert told(news) == ["mine"]
    waiting = asyncio.ensure_future(news.come())
    await asyncio.sleep(0)
    assert not waiting.done()
    news.tell("theirs")
    await waiting
    assert told(news) == ["theirs"]
