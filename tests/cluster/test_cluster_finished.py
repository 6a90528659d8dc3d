"""Jobs that end well and go by their own TTL, on a real control plane: they are done, and run once for each version."""

import asyncio

import pytest

from twins.clusters import config_map, manifests
from twins.processes import eventually, until_health

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stages")]

GONE = "it completed, and went as its ttlSecondsAfterFinished asks for"


def job(*, image="job:1", ttl_s=0, **annotations):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": f"registry.example.com/{image}"}]}
    template = {"metadata": {"annotations": annotations}, "spec": pod}
    spec = {"backoffLimit": 0, "ttlSecondsAfterFinished": ttl_s, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": spec}


def there(corner):
    return corner.ask("GET", f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/once")


async def until_told_gone(target):
    async def is_told():
        seen = await target.observe("web")
        return seen if [r.message for r in seen.resources if r.kind == "Job"] == [GONE] else None

    return await eventually(is_told)


async def until_it_went(corner, uid=None):
    async def went():
        found = there(corner)
        return found is None or (uid is not None and found["metadata"]["uid"] != uid)

    await eventually(went)


@pytest.mark.parametrize("ttl_s", [0, 1])
async def test_a_job_that_went_by_its_ttl_is_done(corner, ttl_s):
    """It is Healthy and no drift, also for the next agent; only another Job under its name runs."""
    app, target = corner.application(), corner.target()
    wanted = manifests(job(ttl_s=ttl_s), config_map("settings", a="1"))
    assert (await target.apply(app, wanted)).complete
    await until_it_went(corner)
    for one in (target, corner.target()):
        seen = await until_told_gone(one)
        assert (seen.health, seen.sync, seen.drift) == ("Healthy", "Synced", "")
        node = next(node for node in (await one.tree("web")).nodes if node.kind == "Job")
        assert (node.health, node.message) == ("Healthy", GONE)
        (service,) = (await one.services("web")).services
        assert (service.health, service.message) == ("Healthy", GONE)
    target = one

    changed = manifests(job(ttl_s=ttl_s), config_map("settings", a="2"))
    for occasion in ("upgrade", "heal"):
        result = await target.apply(app, changed, occasion=occasion)
        told = next((one.outcome, one.message) for one in result.resources if one.kind == "Job")
        assert (result.complete, told, there(corner)) == (True, ("unchanged", GONE), None)
    assert (await target.apply(app, manifests(job(image="job:2"), config_map("settings", a="2")))).complete
    await until_it_went(corner)
    assert (await until_health(target, "Healthy", "web")).sync == "Synced"


async def test_a_job_that_was_deleted_before_it_ended_is_missing(corner):
    """Also under the name of one that had ended: it runs again with the next apply."""
    app, target = corner.application(), corner.target()
    wanted = manifests(job(**{"lastgood.test/delay": "600s"}))
    assert (await target.apply(app, wanted)).complete
    corner.ask("DELETE", f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/once?propagationPolicy=Background")
    assert (await until_health(target, "Missing", "web")).sync == "OutOfSync"
    assert (await target.apply(app, wanted, occasion="heal")).complete
    assert there(corner) is not None


async def test_a_wave_goes_on_after_a_job_that_went_at_once(corner):
    """Nobody has to look while it stands there."""
    app, target = corner.application(), corner.target()
    first = job()
    first["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "-1"}
    wanted = manifests(first, config_map("late"))
    async with asyncio.timeout(30):
        result = await target.apply(app, wanted)
    assert result.complete, result.message
    await until_it_went(corner)
    assert (await until_health(target, "Healthy", "web")).sync == "Synced"
    assert (await target.apply(app, wanted)).complete
    assert there(corner) is None
