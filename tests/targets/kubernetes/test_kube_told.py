"""Who is told what of a cluster: all that changes, or what concerns one application's set."""

from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection


def told(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


def test_whoever_waits_for_one_set_is_not_woken_for_another():
    """What concerns all sets wakes everybody; who listens no more is told nothing."""
    cluster = Cluster(Connection(ClusterAccess()))
    everything, mine = cluster.listen(), cluster.listen("mine")
    for set_id in ("mine", "theirs", None):
        cluster.tell(set_id)
    assert told(everything) == ["mine", "theirs", None]
    assert told(mine) == ["mine", None]
    cluster.deafen(mine)
    cluster.tell("mine")
    assert (told(everything), told(mine)) == (["mine"], [])
