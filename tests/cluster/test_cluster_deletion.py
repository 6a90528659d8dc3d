"""What runs when an application is deleted, on a real control plane: hooks before and after, in order, and failing."""

import json

import pytest

from lastgood.core.errors import TargetFailed
from lastgood.core.leaving import Leaving
from twins.agent_world import World
from twins.clusters import config_map, manifests
from twins.processes import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stages")]

ARGO = "argocd.argoproj.io"
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""
PATIENCE = 10_000


def job(name, *, behaves=None, **annotations):
    pod = {"metadata": {"annotations": {"lastgood.test/behaves": behaves} if behaves else {}}}
    pod["spec"] = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example.com/job:1"}]}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": pod, "backoffLimit": 0}}


def there(corner, kind, name):
    base = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
    return corner.ask("GET", f"{base}/namespaces/{corner.namespace()}/{kind}/{name}")


async def succeeded(corner, name):
    """Wait until a Job's pods are counted, which comes after the word that it succeeded."""
    await eventually(lambda: there(corner, "jobs", name)["status"].get("succeeded") == 1)


def watched(target):
    """Return the list of what the target asks the cluster to write, as it does: `PATCH backup`, `DELETE a`."""
    asked, ask = [], target.connection.ask

    async def noted(method, path, **words):
        if method != "GET" and "/namespaces/lastgood" not in path:
            asked.append(f"{method} {path.rpartition('/')[2]}")
        return await ask(method, path, **words)

    target.connection.ask = noted
    return asked


HOOKS = {
    "argo": (
        job("backup", **{f"{ARGO}/hook": "PreDelete", f"{ARGO}/sync-wave": "2"}),
        job("announce", **{f"{ARGO}/hook": "PreDelete", f"{ARGO}/sync-wave": "1"}),
        job("sweep", **{f"{ARGO}/hook": "PostDelete", f"{ARGO}/hook-delete-policy": "HookSucceeded"}),
    ),
    "helm": (
        job("backup", **{"helm.sh/hook": "pre-delete", "helm.sh/hook-weight": "2"}),
        job("announce", **{"helm.sh/hook": "pre-delete", "helm.sh/hook-weight": "1"}),
        job("sweep", **{"helm.sh/hook": "post-delete", "helm.sh/hook-delete-policy": "hook-succeeded"}),
    ),
}


@pytest.mark.parametrize("words", HOOKS)
async def test_hooks_of_the_deletion_run_around_it_in_their_order(corner, words):
    """Not with a version, and at the deletion by weight; what they leave is by their policy, and is no object of it."""
    app, target = corner.application(), corner.target()
    check = job("check", **{"helm.sh/hook": "test"})
    version = manifests(config_map("a"), config_map("b"), job("own"), *HOOKS[words], check)
    result = await target.apply(app, version, occasion="install")
    assert [f"{one.kind} {one.name}" for one in result.resources] == ["ConfigMap a", "ConfigMap b", "Job own"]
    asked = watched(target)
    assert await target.prune("web", leaving=Leaving(app=app, rendered=version)) == [
        "ConfigMap a",
        "ConfigMap b",
        "Job own",
    ]
    order = [one for one in asked if "lastgood" not in one]
    assert order[:2] == ["PATCH announce", "PATCH backup"]
    assert order[-2:] == ["PATCH sweep", "DELETE sweep"]
    assert set(order[2:-2]) == {"DELETE own", "DELETE a", "DELETE b"}
    await succeeded(corner, "backup")
    assert there(corner, "jobs", "sweep") is None
    assert there(corner, "jobs", "check") is None


async def test_a_hook_that_fails_before_the_deletion_stops_it(corner):
    """Nothing is deleted and the hooks after it do not run; said is which failed; once it works, all goes on."""
    app, target = corner.application(), corner.target()
    first = job("announce", **{f"{ARGO}/hook": "PreDelete", f"{ARGO}/sync-wave": "-1"})
    bad = job("backup", behaves="evicted", **{f"{ARGO}/hook": "PreDelete"})
    last = job("sweep", **{f"{ARGO}/hook": "PostDelete"})
    version = manifests(config_map("a"), first, bad, last)
    await target.apply(app, version, occasion="install")
    with pytest.raises(TargetFailed) as failed:
        await target.prune("web", leaving=Leaving(app=app, rendered=version))
    assert "the hook Job backup failed" in str(failed.value)
    assert "nothing was deleted" in str(failed.value)
    assert there(corner, "configmaps", "a") is not None
    assert there(corner, "jobs", "sweep") is None
    announced = there(corner, "jobs", "announce")["metadata"]["uid"]

    mended = manifests(config_map("a"), first, job("backup", **{f"{ARGO}/hook": "PreDelete"}), last)
    assert await target.prune("web", leaving=Leaving(app=app, rendered=mended)) == ["ConfigMap a"]
    assert there(corner, "jobs", "announce")["metadata"]["uid"] == announced
    await succeeded(corner, "sweep")


async def test_a_hook_that_fails_after_the_deletion_is_told_with_what_was_deleted(corner):
    """The objects are gone and named; asked again, only that hook runs once more."""
    app, target = corner.application(), corner.target()
    before = job("backup", **{"helm.sh/hook": "pre-delete"})
    bad = job("sweep", behaves="evicted", **{"helm.sh/hook": "post-delete"})
    version = manifests(config_map("a"), before, bad)
    await target.apply(app, version, occasion="install")
    with pytest.raises(TargetFailed, match=r"the hook Job sweep failed .*; deleted: ConfigMap a"):
        await target.prune("web", leaving=Leaving(app=app, rendered=version))
    assert there(corner, "configmaps", "a") is None
    backed_up = there(corner, "jobs", "backup")["metadata"]["uid"]
    mended = manifests(config_map("a"), before, job("sweep", **{"helm.sh/hook": "post-delete"}))
    assert await target.prune("web", leaving=Leaving(app=app, rendered=mended)) == []
    assert there(corner, "jobs", "backup")["metadata"]["uid"] == backed_up
    await succeeded(corner, "sweep")


async def test_what_waits_for_a_finalizer_keeps_the_hooks_after_it_waiting(corner, monkeypatch):
    """A hook after the deletion counts on everything being gone; what is not is named with what it waits for."""
    monkeypatch.setattr("lastgood.targets.kubernetes.send.GONE_S", 1.0)
    app, target = corner.application(), corner.target()
    stuck = config_map("a")
    stuck["metadata"]["finalizers"] = ["example.com/waits"]
    version = manifests(stuck, job("sweep", **{"helm.sh/hook": "post-delete"}))
    await target.apply(app, version, occasion="install")
    with pytest.raises(TargetFailed) as failed:
        await target.prune("web", leaving=Leaving(app=app, rendered=version))
    assert "ConfigMap a: it was deleted and is not gone after 1 s; it waits for example.com/waits" in str(failed.value)
    assert "the hooks after the deletion were not begun" in str(failed.value)
    assert there(corner, "jobs", "sweep") is None
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/a"
    corner.ask("PUT", path, {**corner.ask("GET", path), "metadata": {"name": "a"}})


@pytest.mark.parametrize("restarted", [False, True])
async def test_forgetting_runs_the_hooks_of_what_ran(corner, restarted):
    """The folder is gone from Git, so the version that ran says what runs at its deletion, also to a new agent."""
    world = World()
    target = corner.target(clock=world.clock)
    world.other_targets = {"web": target}
    hook = job("backup", **{f"{ARGO}/hook": "PreDelete"})
    files = {"apps/web/a.json": json.dumps(config_map("a")), "apps/web/hook.json": json.dumps(hook)}
    await world.release({"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace()), **files})
    await world.start()
    try:
        await world.run_until("web", "succeeded", looks=PATIENCE)
        await world.release(dict.fromkeys(files))
        await world.look()
        if restarted:
            await world.stop()
            await world.start()
        shown = await world.agent.forget("web", prune=True, dry_run=True)
        assert (shown.pruned, shown.hooks) == (("ConfigMap a",), ("Job backup (before deletion)",))
        assert there(corner, "jobs", "backup") is None
        done = await world.agent.forget("web", prune=True)
        assert (done.pruned, done.hooks) == (("ConfigMap a",), ("Job backup (before deletion)",))
        await succeeded(corner, "backup")
        assert there(corner, "configmaps", "a") is None
    finally:
        await world.stop()
