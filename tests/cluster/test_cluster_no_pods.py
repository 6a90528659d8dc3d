"""A hook whose pods the cluster refuses to make is told within seconds, with the cluster's own reason."""

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
