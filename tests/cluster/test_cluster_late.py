"""What is decided while the watches tell nothing yet, on a real control plane: no old state counts for the new one."""

import pytest

from twins.clusters import annotated, config_map, definition_of, deployment, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

READY = [{"type": "Ready", "status": "True"}]


def path_of(corner, name):
    return f"/api/v1/namespaces/{corner.namespace()}/configmaps/{name}"


@pytest.fixture
def late(corner, way):
    """Return a target that begins anew where another one was, and hears of no change after its lists."""
    way.fails(lambda asked: asked.is_watch, times=None, slow=True)

    def begin():
        return corner.target(access=way.access)

    return begin


async def test_what_was_protected_a_moment_ago_is_not_pruned(corner, late):
    """A person's word on an object counts from when it was written; what lost it goes with the next deployment."""
    app, kept = corner.application(), config_map("kept")
    await corner.target().apply(app, manifests(kept, config_map("goes"), config_map("stays")))
    target = late()
    await target.observe("web")
    there = annotated(corner.ask("GET", path_of(corner, "kept")), **{"argocd.argoproj.io/sync-options": "Prune=false"})
    corner.ask("PUT", path_of(corner, "kept"), there)
    result = await target.apply(app, manifests(config_map("stays")))
    assert result.complete, result.message
    assert {one.name: one.outcome for one in result.resources if one.name != "stays"} == {
        "kept": "left",
        "goes": "removed",
    }
    assert corner.ask("GET", path_of(corner, "kept")) is not None
    assert corner.ask("GET", path_of(corner, "goes")) is None


async def test_what_was_made_anew_by_hand_goes_with_its_application(corner, late):
    """It is told as deleted only where that very object is gone: else it would run on, and nobody would know of it."""
    await corner.target().apply(corner.application(), manifests(config_map("settings")))
    target = late()
    await target.observe("web")
    there = corner.ask("GET", path_of(corner, "settings"))
    corner.ask("DELETE", path_of(corner, "settings"))
    metadata = {"name": "settings", "labels": there["metadata"]["labels"]}
    corner.ask("POST", path_of(corner, "settings").rpartition("/")[0], {"metadata": metadata})
    assert await target.prune("web") == ["ConfigMap settings"]
    assert corner.ask("GET", path_of(corner, "settings")) is None


async def test_what_was_made_a_moment_ago_goes_with_its_application(corner, late):
    """As by an apply whose answer never came: no watch told of it, and forgotten it would run on."""
    app, first = corner.application(), corner.target()
    await first.apply(app, manifests(config_map("settings")))
    target = late()
    await target.observe("web")
    await first.apply(app, manifests(config_map("settings"), config_map("more")))
    assert (await target.going("web")).goes == ("ConfigMap settings", "ConfigMap more")
    assert await target.prune("web") == ["ConfigMap more", "ConfigMap settings"]
    assert corner.ask("GET", path_of(corner, "more")) is None


async def test_what_is_applied_in_another_version_is_not_healthy_as_it_was_before(corner, way, late):
    """A watch tells of it in the version that the server prefers; what it told of before the apply says nothing."""
    group = f"{corner.mark}.example.com"
    app, definition = corner.application(), definition_of(group, "v1", "v1beta1")
    corner.everywhere.append(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")
    for version in definition["spec"]["versions"]:
        version["subresources"] = {"status": {}}

    def version(size):
        metadata = {"name": "one"}
        one = {"apiVersion": f"{group}/v1beta1", "kind": "Widget", "metadata": metadata, "spec": {"size": size}}
        return manifests(definition, one)

    first = corner.target()
    assert (await first.apply(app, version(1))).complete
    path = f"/apis/{group}/v1/namespaces/{corner.namespace()}/widgets/one"
    there = corner.ask("GET", path)
    corner.ask("PUT", f"{path}/status", {**there, "status": {"observedGeneration": 1, "conditions": READY}})
    await until_health(first, "Healthy")

    target = late()
    assert (await target.observe("web")).health == "Healthy"
    assert (await target.apply(app, version(2))).complete
    way.asked.clear()
    seen = await target.observe("web")
    assert (seen.health, seen.sync) == ("Progressing", "Synced")
    assert [one for one in way.asked if one.is_dry_run] == []
    result = await target.apply(app, version(2))
    assert {one.outcome for one in result.resources} == {"unchanged"}


async def test_a_webhook_that_came_while_something_was_sent_is_asked_about(corner, way):
    """What was sent before it came was not seen by it: that it is equal is not taken for granted under the new one."""
    app, target = corner.application(), corner.target(access=way.access)
    hooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    corner.everywhere.append(f"{hooks}/late-{corner.mark}")
    await target.apply(app, manifests(config_map("other")))
    ask, marks, key = target.connection.ask, target._cluster.marks, (("", "ConfigMap"), app.namespace, "settings")

    async def and_then_it_comes(method, path, **words):
        answer = await ask(method, path, **words)
        if method == "PATCH" and path.endswith("/settings"):
            before = marks.of(key)
            corner.ask("POST", hooks, {"metadata": {"name": f"late-{corner.mark}"}, "webhooks": []})
            await eventually(lambda: marks.of(key) != before)
        return answer

    target.connection.ask = and_then_it_comes
    await target.apply(app, manifests(config_map("other"), config_map("settings")))
    target.connection.ask = ask
    way.asked.clear()
    assert (await until_health(target, "Healthy")).sync == "Synced"
    assert {one.path for one in way.asked if one.is_dry_run} >= {path_of(corner, "settings")}


async def test_what_a_policy_did_is_drift_once_it_has_gone_however_soon_that_was_looked_at(corner):
    """For a moment the API server goes by a policy that it has told is gone; what it says then does not count for good.

    Nor does what it says before it goes by one that came.
    """
    app, target = corner.application(), corner.target()
    policies = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
    name = f"late-{corner.mark}"
    change = 'Object{data: {"color": "mirrored"}}'
    policy = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": corner.namespace()}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
                ],
            },
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}}],
        },
    }
    binding = {"metadata": {"name": name}, "spec": {"policyName": name}}
    corner.everywhere += [f"{policies}/{name}", f"{policies.replace('policies', 'policybindings')}/{name}"]
    wanted = manifests(config_map("settings", color="blue"))
    await target.apply(app, wanted)
    marks, key = target._cluster.marks, (("", "ConfigMap"), app.namespace, "settings")

    async def synced():
        return (await target.observe("web")).sync == "Synced"

    async def drifted():
        return not await synced()

    def remade(method, path, body=None):
        before = marks.of(key)
        corner.ask(method, path, body)
        return eventually(lambda: marks.of(key) != before)

    await remade("POST", policies, policy)
    await remade("POST", policies.replace("policies", "policybindings"), binding)
    await eventually(drifted)
    await target.apply(app, wanted)
    await eventually(synced)
    await remade("DELETE", f"{policies}/{name}")
    await eventually(drifted)


async def test_what_was_deleted_before_our_answer_came_is_missing(corner):
    """A watch may tell that an object is gone before the answer that it was made is read: then it is gone."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("other")))
    ask, live, key = target.connection.ask, target._cluster.live, (("", "ConfigMap"), corner.namespace(), "settings")

    async def and_then_it_goes(method, path, **words):
        answer = await ask(method, path, **words)
        if method == "PATCH" and path.endswith("/settings"):
            await eventually(lambda: live.get(key) is not None)
            corner.ask("DELETE", path)
            await eventually(lambda: live.get(key) is None)
        return answer

    target.connection.ask = and_then_it_goes
    await target.apply(app, manifests(config_map("other"), config_map("settings")))
    target.connection.ask = ask
    seen = await target.observe("web")
    assert (seen.health, seen.drift) == ("Missing", "ConfigMap settings is missing")


@pytest.mark.usefixtures("stages")
async def test_the_way_back_from_a_daemon_set_that_crashes_is_never_degraded(corner):
    """Its pods are replaced node by node; those of the version before say nothing of the one that comes."""

    def version(**words):
        found = deployment("web", **words)
        spec = {name: value for name, value in found["spec"].items() if name in ("selector", "template")}
        return manifests({**found, "kind": "DaemonSet", "spec": spec})

    app, target = corner.application(), corner.target()
    await target.apply(app, version(behaves="crash-loop"))
    await until_health(target, "Degraded")
    assert (await target.apply(app, version(image="registry.example.com/shop/web:2"))).complete
    seen = set()

    async def is_healthy():
        seen.add((await target.observe("web")).health)
        return "Healthy" in seen

    await eventually(is_healthy)
    assert seen <= {"Progressing", "Healthy"}

    async def pods():
        return (await target.services("web")).services[0].pods

    assert await eventually(pods)
