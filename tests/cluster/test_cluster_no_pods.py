"""What the cluster makes no pods for is told within seconds, with the cluster's own reason."""

import pytest

from twins.clusters import config_map, manifests
from twins.processes import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stages")]

QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}


def job(name, *, account=None, **annotations):
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example.com/job:1"}]}
    pod |= {"serviceAccountName": account} if account else {}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}


HOOK = {"argocd.argoproj.io/hook": "PreSync"}
WAVE = {"argocd.argoproj.io/sync-wave": "-1"}
NO_ACCOUNT = 'serviceaccount "missing" not found'
NO_ROOM = "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0"


@pytest.mark.parametrize(
    ("account", "annotations", "why"),
    [("missing", HOOK, NO_ACCOUNT), (None, HOOK, NO_ROOM), ("missing", WAVE, NO_ACCOUNT)],
)
async def test_a_job_that_gets_no_pods_says_why_and_goes_on_once_it_gets_them(corner, account, annotations, why):
    """It is in the way of the version, and not its fault; the Job stays, and what waits for it is tried again."""
    app, target, space = corner.application(), corner.target(), f"/api/v1/namespaces/{corner.namespace()}"
    if account is None:
        corner.ask("POST", f"{space}/resourcequotas", QUOTA)
    version = manifests(config_map("a"), job("migrate", account=account, **annotations))
    result = await target.apply(app, version)
    assert not result.complete
    assert result.fault == "way"
    assert "Job migrate gets no pods: " in result.message
    assert why in result.message
    assert (await target.observe("web")).may_go_on is False
    if account is None:
        corner.ask("DELETE", f"{space}/resourcequotas/none")
    else:
        corner.ask("POST", f"{space}/serviceaccounts", {"metadata": {"name": account}})

    async def may_go_on():
        return (await target.observe("web")).may_go_on

    await eventually(may_go_on)
    assert (await target.apply(app, version)).complete


def workload(kind):
    labels = {"app": "web"}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "registry.example.com/a:1"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": pod} | ({"serviceName": "web"} if kind[0] == "S" else {})
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_a_workload_that_gets_no_pods_is_degraded_until_it_gets_them(corner, kind):
    """Nothing in it says so, only the cluster's events."""
    app, target, space = corner.application(), corner.target(), f"/api/v1/namespaces/{corner.namespace()}"
    corner.ask("POST", f"{space}/resourcequotas", QUOTA)
    assert (await target.apply(app, manifests(workload(kind)))).complete

    async def is_degraded():
        seen = await target.observe("web")
        return seen.health == "Degraded" and seen

    seen = await eventually(is_degraded)
    assert "it gets no pods: " in seen.message
    assert NO_ROOM.partition(",")[0] in seen.message
    assert seen.resources[0].reason == "FailedCreate"
    corner.ask("DELETE", f"{space}/resourcequotas/none")

    async def is_healthy():
        return (await target.observe("web")).health == "Healthy"

    await eventually(is_healthy, within_s=90)
