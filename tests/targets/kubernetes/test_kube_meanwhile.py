"""What happens to an application while it is looked at: the look is about what was asked for before."""

import pytest

from lastgood.app.clock import SystemClock
from lastgood.targets.kubernetes import target as target_module
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.memory import Applied, Memory
from lastgood.targets.kubernetes.observe import Look
from lastgood.targets.kubernetes.target import KubernetesTarget

OLD = Applied(app="web", set_id="applyset-of-web", digest="old", installed="old")
NEW = Applied(app="web", set_id="applyset-of-web", digest="new", installed="new")


@pytest.fixture
async def target(tmp_path, monkeypatch):
    """A target that has applied OLD, and finds something equal at each look; `meanwhile` is done during a look."""
    found = KubernetesTarget(
        tmp_path, name="production", access=ClusterAccess(kubeconfig=str(tmp_path / "none")), clock=SystemClock()
    )
    found._applied, found._is_set_up, found.meanwhile = {}, True, lambda: None

    async def follow(_kinds):
        return

    async def look(_applied, **_how):
        found.meanwhile()
        return Look(differing=[], unknown=[], changed=True)

    monkeypatch.setattr(found._cluster, "follow", follow)
    monkeypatch.setattr(target_module, "look", look)
    found._write(OLD)
    yield found
    await found.close()


async def test_a_look_does_not_bring_back_what_was_asked_for_before(target, tmp_path):
    """What is applied while a look waits for its answers stays what is asked for, here and on disk."""
    target.meanwhile = lambda: target._write(NEW)
    await target.observe("web")
    assert target._applied["web"] is NEW
    assert Memory(tmp_path).read_all() == [NEW]


async def test_a_look_does_not_bring_back_what_was_taken_away(target, tmp_path):
    """An application that is forgotten while a look waits claims nothing afterwards."""

    def forget():
        del target._applied["web"]
        target._memory.forget("web")

    target.meanwhile = forget
    await target.observe("web")
    assert target._applied == {}
    assert Memory(tmp_path).read_all() == []


async def test_what_a_look_found_equal_is_kept(target, tmp_path):
    """Where nothing happened meanwhile, the next start asks nothing again."""
    target._memory.forget("web")
    await target.observe("web")
    assert Memory(tmp_path).read_all() == [OLD]
