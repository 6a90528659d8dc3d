"""What the Kubernetes target promises beyond every target's promises, on a real control plane."""

import asyncio
import contextlib

import pytest

from lastgood.core.application import IgnoredDrift, Policy
from lastgood.core.errors import TargetFailed
from lastgood.targets.kubernetes.apply_set import PART_OF, set_id
from lastgood.targets.kubernetes.live_object import content_digest
from twins.clusters import annotated, config_map, definition_of, deployment, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

ARGO = "argocd.argoproj.io"


def outcomes(result):
    return {f"{one.kind} {one.name}": one.outcome for one in result.resources}


def messages(result):
    return {f"{one.kind} {one.name}": one.message for one in result.resources}


def job(name, *, behaves=None, **annotations):
    pod = {"metadata": {"annotations": {"lastgood.test/behaves": behaves} if behaves else {}}}
    pod["spec"] = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example.com/job:1"}]}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": pod, "backoffLimit": 0}}


def stateful_set(name):
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "m", "image": "registry.example.com/m:1"}]}}
    spec = {"serviceName": name, "replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


def way(manifest, **spec):
    return {**manifest, "spec": {**manifest["spec"], **spec}}


def path_of(corner, kind, name, namespace=None):
    base = "/api/v1" if kind in ("configmaps", "secrets") else "/apis/apps/v1"
    return f"{base}/namespaces/{namespace or corner.namespace()}/{kind}/{name}"


# what belongs to an application
async def test_what_was_copied_into_another_namespace_is_left_alone(corner):
    """With all its labels, as `kubectl get -o yaml` gives it; what stands in the set's own namespaces goes."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("settings", a="1")))
    labels = corner.ask("GET", path_of(corner, "configmaps", "settings"))["metadata"]["labels"]
    there = corner.namespace("debug")
    for namespace, name in ((there, "settings"), (corner.namespace(), "copied")):
        copy = config_map(name)
        copy["metadata"]["labels"] = labels
        corner.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", copy)

    async def is_seen():
        return (await target.observe("web")).message

    assert "ConfigMap copied is there and nobody asks for it" in await eventually(is_seen)
    assert "settings" not in await is_seen()
    result = await target.apply(app, manifests(config_map("settings", a="2")))
    assert outcomes(result) == {"ConfigMap settings": "applied", "ConfigMap copied": "removed"}
    assert await target.prune("web") == ["ConfigMap settings"]
    assert corner.ask("GET", path_of(corner, "configmaps", "settings", there)) is not None


async def test_what_an_application_leaves_in_its_former_namespace_is_deleted(corner):
    """Also where the move failed half-way at first, and by another agent that remembers."""
    target, before = corner.target(), corner.application()
    await target.apply(before, manifests(config_map("settings"), config_map("left")))
    moved = corner.application(namespace=corner.namespace("moved"))
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad"}, "data": {"a": {}}}
    assert not (await target.apply(moved, manifests(config_map("settings"), bad))).complete
    await target.close()
    again = corner.target()
    result = await again.apply(moved, manifests(config_map("settings")))
    assert result.complete
    assert corner.ask("GET", path_of(corner, "configmaps", "left", before.namespace)) is None
    assert corner.ask("GET", path_of(corner, "configmaps", "settings", before.namespace)) is None
    assert corner.ask("GET", path_of(corner, "configmaps", "settings", moved.namespace)) is not None


async def test_what_is_applied_is_an_apply_set(corner):
    """Every object has the set's label; the parent names the kinds; the id is the one that the convention gives."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web"), config_map("settings", a="1")))
    parent = corner.ask("GET", path_of(corner, "configmaps", "lastgood.web", corner.own))
    mine = set_id("web", corner.own)
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == mine
    assert (
        parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Deployment.apps"
    )
    assert parent["metadata"]["annotations"]["applyset.kubernetes.io/additional-namespaces"] == corner.namespace()
    for kind, name in (("deployments", "web"), ("configmaps", "settings")):
        assert corner.ask("GET", path_of(corner, kind, name))["metadata"]["labels"][PART_OF] == mine


async def test_our_namespace_is_made_anew_where_somebody_deleted_it(corner):
    """No application waits for a person then, and what stands for a set stands again with its next change."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("settings", a="1")))
    corner.ask("DELETE", f"/api/v1/namespaces/{corner.own}")

    async def is_gone():
        return corner.ask("GET", f"/api/v1/namespaces/{corner.own}") is None

    await eventually(is_gone)
    assert (await target.apply(corner.application("late"), manifests(config_map("settings")))).complete
    assert (await target.apply(app, manifests(config_map("settings", a="2")))).complete
    for name in ("late", "web"):
        assert corner.ask("GET", path_of(corner, "configmaps", f"lastgood.{name}", corner.own)) is not None


@pytest.mark.parametrize("how", ["deleted", "unlabelled", "namespace"])
async def test_a_parent_that_somebody_deleted_is_written_anew(corner, how):
    """At once and as it was, by whoever looks: else other tools would take the objects for nobody's."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("settings", a="1"), deployment("web")))
    path = path_of(corner, "configmaps", "lastgood.web", corner.own)
    before = corner.ask("GET", path)
    if how == "deleted":
        corner.ask("DELETE", path)
    elif how == "namespace":
        corner.ask("DELETE", f"/api/v1/namespaces/{corner.own}")
    else:
        corner.ask("PUT", path, {**before, "metadata": {**before["metadata"], "labels": {}}})

    async def stands():
        assert (await target.observe("web")).sync == "Synced"
        there = (corner.ask("GET", path) or {"metadata": {}})["metadata"]
        anew = how == "unlabelled" or there.get("uid") != before["metadata"]["uid"]
        return anew and bool(there.get("labels"))

    await eventually(stands)
    now = corner.ask("GET", path)["metadata"]
    assert (now["labels"], now["annotations"]) == (before["metadata"]["labels"], before["metadata"]["annotations"])
    assert await target.prune("web") == ["ConfigMap settings", "Deployment web"]
    assert (await target.observe("web")).health == "Missing"
    assert corner.ask("GET", path) is None


async def test_two_applications_that_claim_one_object_are_told_so(corner):
    """The second is refused that object alone, the first is told, and nothing of it changes."""
    space, target = corner.namespace(), corner.target()
    first = corner.application("first", namespace=space)
    second = corner.application("second", namespace=space)
    await target.apply(first, manifests(config_map("settings", of="first")))
    result = await target.apply(second, manifests(config_map("settings", of="second"), config_map("mine")))
    assert outcomes(result) == {"ConfigMap settings": "failed", "ConfigMap mine": "applied"}
    assert "belongs to the application first" in messages(result)["ConfigMap settings"]
    assert corner.ask("GET", path_of(corner, "configmaps", "settings"))["data"] == {"of": "first"}
    seen = await until_health(target, "Healthy", "first")
    assert seen.sync == "Synced"
    assert "claimed by second too" in seen.message
    await target.apply(second, manifests(config_map("mine")))
    assert "claimed" not in (await target.observe("first")).message


async def test_what_moves_to_another_application_is_handed_over(corner):
    """Whoever stops asking for it leaves it to who asks, which takes it as it is: nothing is deleted and made anew."""
    space, target = corner.namespace(), corner.target()
    first, second = (corner.application(name, namespace=space) for name in ("first", "second"))
    await target.apply(first, manifests(config_map("settings", of="first"), config_map("own")))
    path = path_of(corner, "configmaps", "settings")
    uid = corner.ask("GET", path)["metadata"]["uid"]
    assert not (await target.apply(second, manifests(config_map("settings", of="second")))).complete
    assert (await target.observe("second")).may_go_on is False
    result = await target.apply(first, manifests(config_map("own")))
    assert result.complete
    assert messages(result)["ConfigMap settings"] == "left Git and stays: second asks for it now, and takes it over"
    assert (await target.observe("second")).may_go_on is True
    assert (await target.apply(second, manifests(config_map("settings", of="second")))).complete
    now = corner.ask("GET", path)
    assert (now["metadata"]["uid"], now["data"], now["metadata"]["labels"][PART_OF]) == (
        uid,
        {"of": "second"},
        set_id("second", corner.own),
    )
    seen = await target.observe("first")
    assert (seen.sync, seen.left) == ("Synced", ())


async def test_what_moves_with_one_commit_is_handed_over_too(corner):
    """Nothing is deleted before the others that a head concerns have asked, and who asks waits until it is let go."""
    space, target = corner.namespace(), corner.target()
    first, second = (corner.application(name, namespace=space) for name in ("first", "second"))
    await target.apply(first, manifests(config_map("settings", of="first"), config_map("own")))
    path = path_of(corner, "configmaps", "settings")
    uid = corner.ask("GET", path)["metadata"]["uid"]
    second_asks = []

    async def others():
        second_asks.append(
            asyncio.create_task(target.apply(second, manifests(config_map("settings", of="second"), config_map("new"))))
        )
        await asyncio.wait(second_asks, timeout=0.5)

    result = await target.apply(first, manifests(config_map("own")), before_deleting=others)
    assert messages(result)["ConfigMap settings"] == "left Git and stays: second asks for it now, and takes it over"
    assert (await second_asks[0]).complete
    now = corner.ask("GET", path)
    assert (now["metadata"]["uid"], now["data"]) == (uid, {"of": "second"})


async def to_be_swapped(corner, target):
    """Apply two applications; return their versions that swap an object, and the objects' paths and uids."""
    space = corner.namespace()
    first, second = (corner.application(name, namespace=space) for name in ("first", "second"))
    await target.apply(first, manifests(config_map("a"), config_map("x")))
    await target.apply(second, manifests(config_map("b"), config_map("y")))
    paths = [path_of(corner, "configmaps", name) for name in "xy"]
    before = [corner.ask("GET", path)["metadata"]["uid"] for path in paths]
    swapped = (
        (first, manifests(config_map("a"), config_map("y"))),
        (second, manifests(config_map("b"), config_map("x"))),
    )
    return swapped, paths, before


async def test_two_applications_may_swap_objects(corner):
    """Each waits for what the other has and asks for no more: whoever is next takes it, and nothing is made anew."""
    target = corner.target()
    swapped, paths, before = await to_be_swapped(corner, target)
    results = [await target.apply(app, version) for app, version in swapped]
    assert [one.complete for one in results] == [False, True]
    assert (await target.observe("first")).may_go_on is True
    assert (await target.apply(*swapped[0])).complete
    assert [corner.ask("GET", path)["metadata"]["uid"] for path in paths] == before
    for app in ("first", "second"):
        assert (await target.observe(app)).sync == "Synced"


async def test_two_applications_may_swap_objects_at_the_same_time(corner):
    """Who has to let go first is not waited for by the other one, which has it soon after."""
    target = corner.target()
    swapped, paths, before = await to_be_swapped(corner, target)
    results = await asyncio.gather(*(target.apply(app, version) for app, version in swapped))
    assert sorted(one.complete for one in results) == [False, True]
    for app, version in swapped:
        assert (await target.apply(app, version)).complete
    assert [corner.ask("GET", path)["metadata"]["uid"] for path in paths] == before


@pytest.mark.parametrize("prune", [True, False])
async def test_an_application_that_was_renamed_takes_over_from_the_forgotten_one(corner, prune):
    """Taking the old one away deletes only what nobody else asks for; letting it go deletes nothing."""
    space, target = corner.namespace(), corner.target()
    old, new = (corner.application(name, namespace=space) for name in ("old", "new"))
    await target.apply(old, manifests(config_map("settings", a="1"), config_map("gone")))
    uid = corner.ask("GET", path_of(corner, "configmaps", "settings"))["metadata"]["uid"]
    assert not (await target.apply(new, manifests(config_map("settings", a="1")))).complete
    going = await target.going("old")
    assert (going.goes, going.stays) == (("ConfigMap gone",), ("ConfigMap settings",))
    if prune:
        assert await target.prune("old") == ["ConfigMap gone"]
    else:
        await target.let_go("old")
    assert (corner.ask("GET", path_of(corner, "configmaps", "gone")) is None) is prune
    assert corner.ask("GET", path_of(corner, "configmaps", "lastgood.old", corner.own)) is None
    assert (await target.observe("new")).may_go_on is True
    assert (await target.apply(new, manifests(config_map("settings", a="1")))).complete
    assert corner.ask("GET", path_of(corner, "configmaps", "settings"))["metadata"]["uid"] == uid
    assert (await target.observe("new")).sync == "Synced"


async def test_an_agent_that_lost_its_memory_still_knows_whose_an_object_is(corner):
    """The claim stands in the cluster: another agent with an empty folder refuses to take the object."""
    space = corner.namespace()
    await corner.target().apply(corner.application("first", namespace=space), manifests(config_map("settings")))
    other = corner.target("elsewhere")
    result = await other.apply(corner.application("second", namespace=space), manifests(config_map("settings", a="2")))
    assert "belongs to the application first" in messages(result)["ConfigMap settings"]


async def test_the_way_of_rolling_out_goes_back_too(corner):
    """What the API server filled in for another way is in nobody's way, and nothing of it or of ours stays behind."""
    app, target = corner.application(), corner.target()
    one, many = deployment("one"), stateful_set("many")
    away = [one, many]
    back = [way(one, strategy={"type": "Recreate"}), way(many, updateStrategy={"type": "OnDelete"})]
    paths = [path_of(corner, "deployments", "one"), path_of(corner, "statefulsets", "many")]
    assert (await target.apply(app, manifests(*away))).complete
    for _ in range(2):
        result = await target.apply(app, manifests(*back))
        assert result.complete, result.message
        specs = [corner.ask("GET", path)["spec"] for path in paths]
        assert (specs[0]["strategy"], specs[1]["updateStrategy"]) == ({"type": "Recreate"}, {"type": "OnDelete"})
        assert (await target.observe("web")).sync == "Synced"
        assert (await target.apply(app, manifests(*away))).complete
        specs = [corner.ask("GET", path)["spec"] for path in paths]
        assert (specs[0]["strategy"]["type"], specs[1]["updateStrategy"]["type"]) == ("RollingUpdate", "RollingUpdate")
    # And what somebody changed so by hand is drift.
    await target.apply(app, manifests(*back))
    there = corner.ask("GET", paths[0])
    corner.ask("PUT", paths[0], way(there, strategy={"type": "RollingUpdate"}))

    async def is_drift():
        return "Deployment one was changed" in (await target.observe("web")).drift

    await eventually(is_drift)
    assert (await target.apply(app, manifests(*back))).complete
    assert corner.ask("GET", paths[0])["spec"]["strategy"] == {"type": "Recreate"}


# deleting


async def test_precious_kinds_stay_unless_the_operator_allows(corner):
    """A volume claim that left Git stays and is named; with the operator's word it goes."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    app, path = corner.application(), f"/api/v1/namespaces/{corner.namespace()}/persistentvolumeclaims/data"
    target = corner.target()
    await target.apply(app, manifests(claim, config_map("a")))
    result = await target.apply(app, manifests(config_map("a")))
    assert result.complete
    assert result.message == "left Git and stays: PersistentVolumeClaim data"
    assert outcomes(result)["PersistentVolumeClaim data"] == "left"
    told = messages(result)["PersistentVolumeClaim data"]
    assert '`may_delete` of the destination in lastgood.toml, with "PersistentVolumeClaim" in it' in told
    assert corner.ask("GET", path)["metadata"].get("deletionTimestamp") is None
    seen = await target.observe("web")
    assert (seen.sync, seen.left) == ("Synced", ("PersistentVolumeClaim data",))
    # Nor does it go with the whole application.
    going = await target.going("web")
    assert (going.goes, going.stays) == (("ConfigMap a",), ("PersistentVolumeClaim data",))
    assert await target.prune("web") == ["ConfigMap a"]
    assert corner.ask("GET", path)["metadata"].get("deletionTimestamp") is None
    await target.apply(app, manifests(claim, config_map("a")))
    allowed = corner.target(may_delete=frozenset({"PersistentVolumeClaim"}))
    result = await allowed.apply(app, manifests(config_map("a", b="2")))
    # A finalizer of the cluster's own holds it for a moment.
    assert outcomes(result)["PersistentVolumeClaim data"] == "deleting"
    assert "kubernetes.io/pvc-protection" in messages(result)["PersistentVolumeClaim data"]

    async def is_gone():
        return (await allowed.observe("web")).sync == "Synced"

    await eventually(is_gone)


@pytest.mark.parametrize(
    "annotations",
    [
        {f"{ARGO}/sync-options": "Prune=false"},
        {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
        {"helm.sh/resource-policy": "keep"},
    ],
)
async def test_what_asks_to_be_kept_is_kept(corner, annotations):
    """The words of Argo CD, Flux and Helm for it are heard."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(annotated(config_map("kept"), **annotations), config_map("a")))
    result = await target.apply(app, manifests(config_map("a")))
    assert messages(result)["ConfigMap kept"].startswith("left Git and stays: its annotations or labels ask for it; ")
    assert (await target.observe("web")).left == ("ConfigMap kept",)
    assert corner.ask("GET", path_of(corner, "configmaps", "kept")) is not None


async def test_what_asks_to_be_left_alone_is_left_alone(corner):
    """Flux's words for it: nothing of it is put back or is drift, and what was added with kubectl stays."""
    app, target = corner.application(), corner.target()
    names = {"IfNotPresent": "once", "Ignore": "ignored", "Merge": "merged"}
    policy = "kustomize.toolkit.fluxcd.io/ssa"
    first = [annotated(config_map(name, a="1"), **{policy: asked}) for asked, name in names.items()]
    await target.apply(app, manifests(*first))
    by_hand = {"a": "hand", "added": "hand"}
    for name in names.values():
        await write(target, path_of(corner, "configmaps", name), {"data": by_hand}, "kubectl-patch")
    second = [annotated(config_map(name, a="2"), **{policy: asked}) for asked, name in names.items()]
    assert (await target.apply(app, manifests(*second))).complete
    there = {name: corner.ask("GET", path_of(corner, "configmaps", name))["data"] for name in names.values()}
    assert there == {"once": by_hand, "ignored": by_hand, "merged": {"a": "2", "added": "hand"}}

    async def heard():
        live = {one.name: one.digest for one in target._cluster.live.of_kind(("", "ConfigMap"))}
        return all(live.get(n) == content_digest(corner.ask("GET", path_of(corner, "configmaps", n))) for n in there)

    await eventually(heard)
    assert (await target.observe("web")).sync == "Synced"


async def test_a_job_that_cannot_change_is_made_anew_where_it_asks_for_it(corner):
    """The API server dumps the whole template before it says so."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(job("once")))
    other = job("once", **{"kustomize.toolkit.fluxcd.io/force": "enabled"})
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/job:2"
    result = await target.apply(app, manifests(other))
    assert messages(result)["Job once"].startswith("deleted and made anew")
    del other["metadata"]["annotations"]
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/job:3"
    result = await target.apply(app, manifests(other))
    assert messages(result)["Job once"].startswith("spec.template cannot be changed: ")
    assert "Force=true" in messages(result)["Job once"]


async def test_what_another_made_is_never_pruned(corner):
    """An object without the set's label is nobody's business, whatever it is called."""
    app, target = corner.application(), corner.target()
    stranger = config_map("stranger")
    corner.ask("POST", f"/api/v1/namespaces/{corner.namespace()}/configmaps", stranger)
    await target.apply(app, manifests(config_map("a"), config_map("b")))
    await target.apply(app, manifests(config_map("a")))
    assert await target.prune("web") == ["ConfigMap a"]
    assert corner.ask("GET", path_of(corner, "configmaps", "stranger")) is not None
    assert corner.ask("GET", path_of(corner, "configmaps", "lastgood.web", corner.own)) is None


@pytest.mark.usefixtures("stages")
async def test_what_a_controller_made_is_not_taken_for_ours(corner):
    """A Service's EndpointSlices carry its labels, and so the set's: they are neither drift nor pruned."""
    app, target = corner.application(), corner.target()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    await target.apply(app, manifests(deployment("web"), service))
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{corner.namespace()}/endpointslices"

    def made():
        return [one["metadata"]["uid"] for one in corner.ask("GET", slices)["items"]]

    before = await eventually(made)
    seen = await until_health(target, "Healthy")
    assert seen.sync == "Synced", seen.message
    result = await target.apply(app, manifests(deployment("web", env={"A": "1"}), service))
    assert outcomes(result) == {"Service web": "unchanged", "Deployment web": "applied"}
    assert made() == before


# fields


@pytest.mark.parametrize(
    ("manager", "operation"),
    [
        ("kubectl-client-side-apply", "Update"),
        ("helm", "Update"),
        ("argocd-controller", "Apply"),
        ("kustomize-controller", "Apply"),
    ],
)
async def test_a_field_that_an_earlier_tool_set_goes_when_git_no_longer_has_it(corner, manager, operation):
    """What kubectl, Helm, Argo CD and Flux set before is ours on adoption, so that going back takes it out."""
    app, target = corner.application(), corner.target()
    with_bad = config_map("settings", good="1", bad="2")
    base = f"/api/v1/namespaces/{corner.namespace()}/configmaps"
    if operation == "Update":
        corner.ask("POST", f"{base}?fieldManager={manager}", with_bad)
    else:
        await target.connection.request(
            "PATCH",
            f"{base}/settings",
            params={"fieldManager": manager},
            body=with_bad,
            content_type="application/apply-patch+yaml",
        )
    result = await target.apply(app, manifests(config_map("settings", good="1")))
    assert f"took over what earlier tools managed: {manager}" in messages(result)["ConfigMap settings"]
    assert corner.ask("GET", f"{base}/settings")["data"] == {"good": "1"}


async def test_a_field_that_our_own_version_set_goes_with_the_next(corner):
    """Going back really takes out what the bad version added."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("settings", good="1", bad="2")))
    await target.apply(app, manifests(config_map("settings", good="1")))
    assert corner.ask("GET", path_of(corner, "configmaps", "settings"))["data"] == {"good": "1"}


async def test_what_was_put_in_place_whole_is_taken_out_once_it_is_merged_again(corner):
    """`Replace=true` writes as another kind of manager than an apply: what it set goes all the same."""
    app, target = corner.application(), corner.target()
    settings = config_map("settings", good="1")
    await target.apply(app, manifests(settings))
    whole = annotated(config_map("settings", good="1", bad="2"), **{f"{ARGO}/sync-options": "Replace=true"})
    await target.apply(app, manifests(whole))
    await target.apply(app, manifests(settings))
    there = corner.ask("GET", path_of(corner, "configmaps", "settings"))
    assert there["data"] == {"good": "1"}
    assert "annotations" not in there["metadata"]


@pytest.mark.parametrize("take_over", [True, False])
async def test_a_conflict_names_the_other_manager(corner, take_over):
    """Taken over or left alone, as the operator says; either way the other's name is told."""
    app, target = corner.application(), corner.target(take_over=take_over)
    base = f"/api/v1/namespaces/{corner.namespace()}/configmaps"
    corner.ask("POST", f"{base}?fieldManager=somebody", config_map("settings", a="theirs"))
    result = await target.apply(app, manifests(config_map("settings", a="ours")))
    assert "somebody" in messages(result)["ConfigMap settings"]
    assert ".data.a" in messages(result)["ConfigMap settings"]
    assert result.complete is take_over
    assert corner.ask("GET", f"{base}/settings")["data"] == {"a": "ours" if take_over else "theirs"}


async def test_a_field_that_cannot_change_is_named_and_forced_only_where_allowed(corner):
    """The error has the field; with Force=true the object is deleted and made anew."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web")))
    other = deployment("web")
    other["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    result = await target.apply(app, manifests(other))
    assert not result.complete
    assert "spec.selector" in messages(result)["Deployment web"]
    assert "Force=true" in messages(result)["Deployment web"]
    before = corner.ask("GET", path_of(corner, "deployments", "web"))["metadata"]["uid"]
    forced = annotated(other, **{f"{ARGO}/sync-options": "Force=true"})
    assert (await target.apply(app, manifests(forced))).complete
    assert corner.ask("GET", path_of(corner, "deployments", "web"))["metadata"]["uid"] != before


async def test_what_takes_more_with_it_is_made_anew_only_where_the_operator_allows_that(corner):
    """Force=true stands in the repo; what may be deleted with all that hangs on it is the operator's to say."""
    app, target = corner.application(), corner.target()
    forced = {f"{ARGO}/sync-options": "Force=true"}

    def claim(mode):
        spec = {"accessModes": [mode], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}}
        metadata = {"name": "data", "annotations": forced}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}

    await target.apply(app, manifests(claim("ReadWriteOnce")))
    path = f"/api/v1/namespaces/{corner.namespace()}/persistentvolumeclaims/data"
    uid = corner.ask("GET", path)["metadata"]["uid"]
    changed = manifests(claim("ReadWriteMany"))
    result = await target.apply(app, changed)
    assert not result.complete
    assert 'with "PersistentVolumeClaim" in `may_delete`' in messages(result)["PersistentVolumeClaim data"]
    assert corner.ask("GET", path)["metadata"]["uid"] == uid
    await target.close()
    allowing = corner.target(may_delete=frozenset({"PersistentVolumeClaim"}))
    assert (await allowing.apply(app, changed)).complete
    assert corner.ask("GET", path)["metadata"]["uid"] != uid


# order


async def test_a_definition_and_its_objects_come_in_one_version(corner):
    """The definition goes first and is waited for; the object of its kind follows in the same pass."""
    group = f"t{corner.mark}.example.com"
    definition = definition_of(group)
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 3}}
    space = f"made-{corner.mark}"
    corner.namespaces.append(space)
    target = corner.target(may_delete=frozenset({"CustomResourceDefinition"}))
    app = corner.application(namespace=space)
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    result = await target.apply(app, manifests(widget, definition, made))
    assert result.complete, result.message
    assert [f"{one.kind} {one.name}" for one in result.resources] == [
        f"Namespace {space}",
        f"CustomResourceDefinition widgets.{group}",
        "Widget one",
    ]
    assert corner.ask("GET", f"/apis/{group}/v1/namespaces/{space}/widgets/one")["spec"] == {"size": 3}
    await target.prune("web")
    corner.ask("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}")


async def test_charts_are_told_of_kinds_that_came_later_and_not_of_those_that_went(corner):
    """Whoever brings them; also where the target knew the cluster before."""
    group = f"t{corner.mark}.example.com"
    target, kinds = corner.target(), "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    async def is_told():
        return f"{group}/v1/Widget" in (await target.facts()).api_versions

    async def is_not_told():
        return not await is_told()

    await target.apply(corner.application(), manifests(config_map("settings", a="1")))
    assert not await is_told()
    corner.ask("POST", kinds, definition_of(group))
    assert await eventually(is_told)
    corner.ask("DELETE", f"{kinds}/widgets.{group}")
    assert await eventually(is_not_told)


@pytest.mark.usefixtures("stages")
async def test_what_is_deleted_by_hand_while_a_wave_waits_is_not_the_versions_fault(corner):
    """It is told at once, not when the time is over, and the next apply makes it anew and goes on."""
    app, target = corner.application(), corner.target()
    slow = annotated(deployment("slow", behaves="never-ready"), **{f"{ARGO}/sync-wave": "-1"})
    applying = asyncio.create_task(target.apply(app, manifests(slow, config_map("late"))))
    path = path_of(corner, "deployments", "slow")

    async def is_waited_for():
        there = corner.ask("GET", path)
        return there is not None and there["status"].get("replicas") == 1

    await eventually(is_waited_for)
    corner.ask("DELETE", path)
    async with asyncio.timeout(50):
        result = await applying
    assert (result.complete, result.fault) == (False, "target")
    assert "wave -1 is not healthy (Deployment slow is Missing: it is not in the cluster)" in result.message
    ready = annotated(deployment("slow"), **{f"{ARGO}/sync-wave": "-1"})
    assert (await target.apply(app, manifests(ready, config_map("late")))).complete


@pytest.mark.usefixtures("stages")
async def test_a_job_that_ends_and_goes_keeps_no_wave_waiting(corner):
    """It was seen to have ended; that its neighbour takes longer makes nothing of it."""
    quick = annotated(job("quick"), **{f"{ARGO}/sync-wave": "-1"})
    quick["spec"]["ttlSecondsAfterFinished"] = 0
    slow = annotated(deployment("slow", behaves="slow-start"), **{f"{ARGO}/sync-wave": "-1"})
    slow["spec"]["template"]["metadata"]["annotations"]["lastgood.test/delay"] = "5s"
    result = await corner.target().apply(corner.application(), manifests(quick, slow, config_map("late")))
    assert result.complete, result.message
    await eventually(lambda: corner.ask("GET", f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/quick") is None)


@pytest.mark.usefixtures("stages")
async def test_a_wave_waits_for_the_one_before_it(corner):
    """What never becomes ready keeps the later wave from being begun, and the result says so."""
    app, target = corner.application(), corner.target()
    early = deployment("early", behaves="crash-loop")
    late = annotated(deployment("late"), **{f"{ARGO}/sync-wave": "1"})
    result = await target.apply(app, manifests(late, early))
    assert outcomes(result) == {"Deployment early": "applied"}
    assert not result.complete
    assert "wave 0 is not healthy" in result.message
    assert "CrashLoopBackOff" in result.message
    mended = await target.apply(app, manifests(late, deployment("early")))
    assert outcomes(mended) == {"Deployment early": "applied", "Deployment late": "applied"}
    assert mended.complete


async def test_an_apply_that_fails_half_way_says_what_was_done_and_the_next_goes_on(corner):
    """The neighbour of a refused object is applied; the next attempt sends only what is not done."""
    app, target = corner.application(), corner.target()
    wrong = deployment("wrong")
    del wrong["spec"]["selector"]
    result = await target.apply(app, manifests(config_map("a"), wrong))
    assert outcomes(result) == {"ConfigMap a": "applied", "Deployment wrong": "failed"}
    assert "spec.selector" in result.message
    assert "done: ConfigMap a" in result.message
    again = await target.apply(app, manifests(config_map("a"), deployment("wrong")))
    assert outcomes(again) == {"ConfigMap a": "unchanged", "Deployment wrong": "applied"}


# hooks


@pytest.mark.usefixtures("stages")
async def test_a_hook_runs_before_the_rest_and_again_with_the_next_version(corner):
    """PreSync: the job ends before the version is applied; a new version runs it anew."""
    app, target = corner.application(), corner.target()
    hook = job("migrate", **{f"{ARGO}/hook": "PreSync"})
    result = await target.apply(app, manifests(config_map("a"), hook), occasion="install")
    assert [f"{one.kind} {one.name}" for one in result.resources] == ["Job migrate", "ConfigMap a"]
    jobs = f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/migrate"
    first = corner.ask("GET", jobs)["metadata"]["uid"]
    assert (await target.observe("web")).sync == "Synced"
    await target.apply(app, manifests(config_map("a", b="2"), hook), occasion="upgrade")
    assert corner.ask("GET", jobs)["metadata"]["uid"] != first


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("hook", [{f"{ARGO}/hook": "PreSync"}, {"helm.sh/hook": "pre-install"}])
async def test_a_hook_that_comes_before_finds_the_versions_own_namespace_and_kinds(corner, hook):
    """What it may live in comes before it where it is not there yet; all else comes after."""
    space, group = f"own-{corner.mark}", f"hooks-{corner.mark}.example.com"
    corner.namespaces.append(space)
    definition = definition_of(group)
    corner.everywhere.append(
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    )
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "a", "annotations": hook}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
    version = manifests(config_map("rest"), namespace, definition, job("migrate", **hook), widget)
    app, target = corner.application(namespace=space), corner.target()
    result = await target.apply(app, version, occasion="install")
    assert result.complete, result.message
    assert [one.kind for one in result.resources] == [
        "Namespace", "CustomResourceDefinition", "Job", "Widget", "ConfigMap",
    ]  # fmt: skip


@pytest.mark.usefixtures("stages")
async def test_a_namespace_that_is_there_has_its_turn_after_the_hooks(corner):
    """A hook that fails leaves it as it is, whoever made it."""
    app, target = corner.application(), corner.target()
    space = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": corner.namespace(), "labels": {"new": "yes"}},
    }
    bad = job("migrate", behaves="evicted", **{f"{ARGO}/hook": "PreSync"})
    result = await target.apply(app, manifests(config_map("a"), space, bad))
    assert outcomes(result) == {"Job migrate": "failed"}
    assert "new" not in corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}")["metadata"]["labels"]


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_comes_with_the_version_has_its_turn_among_the_waves(corner):
    """As Argo CD has it: what comes in a later wave may need what the hook did."""
    app, target = corner.application(), corner.target()
    seed = job("seed", behaves="evicted", **{f"{ARGO}/hook": "Sync", f"{ARGO}/sync-wave": "1"})
    early, late = config_map("early"), annotated(config_map("late"), **{f"{ARGO}/sync-wave": "2"})
    result = await target.apply(app, manifests(early, late, seed))
    assert "the hook Job seed failed" in result.message
    assert corner.ask("GET", path_of(corner, "configmaps", "early")) is not None
    assert corner.ask("GET", path_of(corner, "configmaps", "late")) is None
    seed = job("seed", **{f"{ARGO}/hook": "Sync", f"{ARGO}/sync-wave": "1"})
    assert (await target.apply(app, manifests(early, late, seed))).complete
    assert corner.ask("GET", path_of(corner, "configmaps", "late")) is not None


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_comes_with_the_version_does_not_wait_for_what_comes_beside_it(corner):
    """The objects of its own wave may become healthy only by what it does; it goes once all has come to its end."""
    app, target = corner.application(), corner.target()
    door = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "door"}}
    door["spec"] = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    seed = job("seed", **{f"{ARGO}/hook": "Sync", f"{ARGO}/hook-delete-policy": "HookSucceeded"})
    late = annotated(config_map("late"), **{f"{ARGO}/sync-wave": "1"})
    applying = asyncio.create_task(target.apply(app, manifests(door, seed, late)))
    space = corner.namespace()
    seeded, place = jobs_of(corner, "seed"), f"/api/v1/namespaces/{space}/services/door"

    def has_run():
        there = corner.ask("GET", seeded)
        return there is not None and there.get("status", {}).get("succeeded") == 1

    await eventually(has_run)
    assert corner.ask("GET", path_of(corner, "configmaps", "late")) is None
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    corner.ask("PUT", f"{place}/status", {**corner.ask("GET", place), "status": status})
    assert (await applying).complete
    assert corner.ask("GET", path_of(corner, "configmaps", "late")) is not None
    assert corner.ask("GET", seeded) is None


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_fails_keeps_the_version_out(corner):
    """Nothing of the version is applied, SyncFail hooks run, and the message names the hook."""
    app, target = corner.application(), corner.target()
    bad = job("migrate", behaves="evicted", **{f"{ARGO}/hook": "PreSync"})
    tell = job("tell", **{f"{ARGO}/hook": "SyncFail", f"{ARGO}/hook-delete-policy": "HookSucceeded"})
    result = await target.apply(app, manifests(config_map("a"), bad, tell))
    assert outcomes(result) == {"Job migrate": "failed", "Job tell": "applied"}
    assert "the hook Job migrate failed" in result.message
    assert corner.ask("GET", path_of(corner, "configmaps", "a")) is None


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("policy", ["BeforeHookCreation", "HookFailed"])
async def test_the_last_words_of_a_hook_that_fails_are_kept(corner, policy):
    """They say why, also where the hook's policy takes it away at once."""
    app, target = corner.application(), corner.target()
    bad = job("migrate", behaves="crash-loop", **{f"{ARGO}/hook": "PreSync", f"{ARGO}/hook-delete-policy": policy})
    result = await target.apply(app, manifests(config_map("a"), bad))
    assert not result.complete
    assert result.last_words == "migrate: KeyError: 'RATES_URL'"


@pytest.mark.usefixtures("stages")
async def test_the_last_words_of_a_wave_that_is_not_healthy_are_kept(corner):
    """What comes after it was not begun, so nobody looks at the version once more: the apply tells them."""
    app, target = corner.application(), corner.target()
    bad = deployment("web", behaves="crash-loop")
    bad["metadata"]["annotations"] = {f"{ARGO}/sync-wave": "-1"}
    result = await target.apply(app, manifests(config_map("a"), bad))
    assert "wave -1 is not healthy" in result.message
    assert result.last_words == "web: KeyError: 'RATES_URL'"


def account(name, **annotations):
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "annotations": annotations}}


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("behaves", [None, "evicted"])
async def test_what_a_hook_needs_stays_until_all_of_its_moment_have_run(corner, behaves):
    """As with Helm: the account is there for the Job, has no weight either, and goes after it, also if that fails."""
    app, target = corner.application(), corner.target()
    asked = {"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"}
    migrate = job("admission-create", behaves=behaves, **asked)
    migrate["spec"]["template"]["spec"]["serviceAccountName"] = "admission"
    result = await target.apply(
        app, manifests(config_map("a"), migrate, account("admission", **asked)), occasion="install"
    )
    assert [f"{one.kind} {one.name}" for one in result.resources][:2] == [
        "ServiceAccount admission",
        "Job admission-create",
    ]
    assert result.complete is (behaves is None)
    assert corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}/serviceaccounts/admission") is None
    there = corner.ask("GET", f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/admission-create")
    assert (there is None) is (behaves is None)


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_came_to_grief_is_in_nobodys_way(corner):
    """Its policy leaves it there for people to look at; the way back, and another try, run the hook anew."""
    app, target = corner.application(), corner.target()
    asked = {f"{ARGO}/hook": "PreSync", f"{ARGO}/hook-delete-policy": "HookSucceeded"}
    good, bad = job("migrate", **asked), job("migrate", behaves="evicted", **asked)
    bad["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/job:2"
    jobs = f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/migrate"
    await target.apply(app, manifests(good, config_map("a", v="1")))
    assert not (await target.apply(app, manifests(bad, config_map("a", v="2")))).complete
    first = corner.ask("GET", jobs)["metadata"]["uid"]
    assert not (await target.apply(app, manifests(bad, config_map("a", v="2")))).complete
    assert corner.ask("GET", jobs)["metadata"]["uid"] != first
    result = await target.apply(app, manifests(good, config_map("a", v="1")), occasion="return")
    assert result.complete, result.message
    assert corner.ask("GET", jobs) is None


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_its_policy_leaves_is_run_again_only_where_it_changed(corner):
    """It is deleted where it fails, so one that is there is one that has run."""
    app, target = corner.application(), corner.target()
    once = job("once", **{f"{ARGO}/hook": "PreSync", f"{ARGO}/hook-delete-policy": "HookFailed"})
    jobs = f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/once"
    await target.apply(app, manifests(once, config_map("a", v="1")))
    first = corner.ask("GET", jobs)["metadata"]["uid"]
    await target.apply(app, manifests(once, config_map("a", v="2")))
    assert corner.ask("GET", jobs)["metadata"]["uid"] == first
    once["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/job:2"
    assert (await target.apply(app, manifests(once, config_map("a", v="3")))).complete
    assert corner.ask("GET", jobs)["metadata"]["uid"] != first


def jobs_of(corner, name):
    return f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/{name}"


def uid_of(corner, name):
    there = corner.ask("GET", jobs_of(corner, name))
    return there["metadata"]["uid"] if there is not None else None


def behaves_well(corner, name):
    """Let the pod of a Job end as any other."""
    pods = f"/api/v1/namespaces/{corner.namespace()}/pods"
    for pod in corner.ask("GET", f"{pods}?labelSelector=job-name%3D{name}")["items"]:
        pod["metadata"]["annotations"].clear()
        corner.ask("PUT", f"{pods}/{pod['metadata']['name']}", pod)


async def kill(attempt, target):
    attempt.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await attempt
    await target.close()


@pytest.mark.usefixtures("stages")
async def test_killed_while_a_hook_runs_that_run_is_waited_for(corner):
    """Neither what has ended nor what runs is begun anew; what they need goes at the end, and the version comes."""
    app, target = corner.application(), corner.target()
    asked = {"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"}
    version = manifests(
        account("admission", **asked),
        job("a", **asked, **{"helm.sh/hook-weight": "1"}),
        job("b", behaves="never-ready", **asked, **{"helm.sh/hook-weight": "2"}),
        config_map("rest"),
    )
    attempt = asyncio.create_task(target.apply(app, version, occasion="install"))
    begun = await eventually(lambda: uid_of(corner, "b")), uid_of(corner, "a")
    for _ in range(2):
        await kill(attempt, target)
        target = corner.target()
        attempt = asyncio.create_task(target.apply(app, version, occasion="install"))
        live = target._cluster.live
        await eventually(lambda live=live: live.get((("batch", "Job"), corner.namespace(), "b")))
    assert (uid_of(corner, "b"), uid_of(corner, "a")) == begun
    behaves_well(corner, "b")
    assert (await attempt).complete
    assert uid_of(corner, "a") is uid_of(corner, "b") is None


@pytest.mark.usefixtures("stages")
async def test_a_hook_that_came_to_grief_while_nobody_looked_is_run_anew(corner):
    """The next attempt does not wait for what never comes."""
    app, target = corner.application(), corner.target()
    version = manifests(config_map("rest"), job("migrate", behaves="never-ready", **{f"{ARGO}/hook": "PreSync"}))
    attempt = asyncio.create_task(target.apply(app, version))
    first = await eventually(lambda: uid_of(corner, "migrate"))
    await kill(attempt, target)
    there = corner.ask("GET", jobs_of(corner, "migrate"))
    # Whatever its controller wrote meanwhile.
    unconditional = {**there["metadata"], "resourceVersion": None}
    late = {**there, "metadata": unconditional, "spec": {**there["spec"], "activeDeadlineSeconds": 1}}
    corner.ask("PUT", jobs_of(corner, "migrate"), late)

    def has_failed():
        conditions = corner.ask("GET", jobs_of(corner, "migrate"))["status"].get("conditions", [])
        return any(one["type"] == "Failed" for one in conditions)

    await eventually(has_failed)
    target = corner.target()
    attempt = asyncio.create_task(target.apply(app, version))
    await eventually(lambda: uid_of(corner, "migrate") not in (None, first))
    await kill(attempt, target)


@pytest.mark.usefixtures("stages")
async def test_killed_before_it_is_on_record_that_all_was_done_no_hook_runs_twice(corner):
    """The same deployment is gone on with by another agent; another one with the same version runs its hooks."""
    app = corner.application()
    version = manifests(config_map("a"), job("migrate", **{f"{ARGO}/hook": "PreSync"}))
    assert (await corner.target().apply(app, version, attempt=1)).complete
    first = uid_of(corner, "migrate")
    target = corner.target()
    assert (await target.apply(app, version, attempt=1)).complete
    assert uid_of(corner, "migrate") == first
    assert (await target.apply(app, version, attempt=2)).complete
    assert uid_of(corner, "migrate") != first


@pytest.mark.usefixtures("stages")
async def test_healing_runs_no_hooks(corner):
    """Drift is mended without running a migration."""
    app, target = corner.application(), corner.target()
    hook = job("migrate", **{"helm.sh/hook": "pre-install,pre-upgrade"})
    await target.apply(app, manifests(config_map("a"), hook), occasion="install")
    jobs = f"/apis/batch/v1/namespaces/{corner.namespace()}/jobs/migrate"
    first = corner.ask("GET", jobs)["metadata"]["uid"]
    corner.ask("DELETE", path_of(corner, "configmaps", "a"))
    await eventually(lambda: not_synced(target))
    result = await target.apply(app, manifests(config_map("a"), hook), occasion="heal")
    assert outcomes(result) == {"ConfigMap a": "applied"}
    assert corner.ask("GET", jobs)["metadata"]["uid"] == first


async def not_synced(target):
    return (await target.observe("web")).sync == "OutOfSync"


# drift


@pytest.mark.usefixtures("stages")
async def test_a_status_that_changes_costs_no_request(corner):
    """What only its controllers write is not asked about."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web")))
    await until_health(target, "Healthy")
    before = target.connection.requests
    for _ in range(20):
        assert (await target.observe("web")).sync == "Synced"
    assert target.connection.requests == before


async def test_a_change_by_hand_is_drift_with_the_name_of_who_made_it(corner):
    """The dry run decides, and the observation says whose change it was."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("settings", a="1")))
    await target.connection.request(
        "PATCH",
        path_of(corner, "configmaps", "settings"),
        params={"fieldManager": "kubectl-edit"},
        body={"data": {"a": "changed"}},
        content_type="application/merge-patch+json",
    )
    await eventually(lambda: not_synced(target))
    assert "ConfigMap settings was changed, last by kubectl-edit" in (await target.observe("web")).message
    await target.apply(app, manifests(config_map("settings", a="1")), occasion="heal")
    assert (await target.observe("web")).sync == "Synced"


@pytest.mark.usefixtures("stages")
async def test_what_an_autoscaler_decides_is_not_drift(corner):
    """Replicas that a HorizontalPodAutoscaler set stay, through a heal and the next version; it gone, Git says them."""
    app, target = corner.application(), corner.target()
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    await target.apply(app, manifests(deployment("web"), scaler))

    async def scaled():
        return corner.ask("GET", path_of(corner, "deployments", "web"))["spec"]["replicas"] == 2

    await eventually(scaled, within_s=60)

    async def in_sync():
        return (await target.observe("web")).sync == "Synced"

    await eventually(in_sync)
    await target.apply(app, manifests(deployment("web", image="registry.example.com/shop/web:2"), scaler))
    live = corner.ask("GET", path_of(corner, "deployments", "web"))
    assert live["spec"]["replicas"] == 2
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")
    await eventually(in_sync)
    corner.ask("DELETE", f"/apis/autoscaling/v2/namespaces/{corner.namespace()}/horizontalpodautoscalers/web")

    async def is_gone():
        seen = await target.observe("web")
        return [one.health for one in seen.resources if one.kind == "HorizontalPodAutoscaler"] == ["Missing"]

    await eventually(is_gone)
    await target.apply(app, manifests(deployment("web", image="registry.example.com/shop/web:2")))
    live = corner.ask("GET", path_of(corner, "deployments", "web"))
    assert live["spec"]["replicas"] == 1


async def test_what_an_autoscaler_does_between_our_look_and_our_write_stays(corner, way):
    """Also before a watch tells of it: a version that goes out never takes running pods away."""
    app, target = corner.application(), corner.target(access=way.access)
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 5, "scaleTargetRef": ref},
    }
    await target.apply(app, manifests(deployment("web"), scaler))
    place, scaled = path_of(corner, "deployments", "web"), []

    def scales(asked):
        # As our write arrives, and the API server has not yet seen it.
        if asked.method == "PATCH" and asked.path == place and not asked.is_dry_run and not scaled:
            now = corner.ask("GET", f"{place}/scale")
            scaled.append(corner.ask("PUT", f"{place}/scale", {**now, "spec": {"replicas": 3}}))
        return False

    way.fails(scales)
    result = await target.apply(app, manifests(deployment("web", image="registry.example.com/shop/web:2"), scaler))
    live = corner.ask("GET", place)
    assert scaled
    assert live["spec"]["replicas"] == 3
    assert live["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")
    assert outcomes(result)["Deployment web"] == "applied"


def write(target, path, body, manager):
    return target.connection.request(
        "PATCH", path, params={"fieldManager": manager}, body=body, content_type="application/merge-patch+json"
    )


IGNORING = (
    IgnoredDrift(
        kind="ConfigMap", name="settings", pointers=("/data/theirs", "/metadata/annotations/example.com~1note")
    ),
    IgnoredDrift(kind="ConfigMap", managers=("injector",)),
    IgnoredDrift(kind="Secret", group="", pointers=("/data/rotated",)),
)


async def test_what_is_ignored_is_no_drift_also_after_a_restart(corner):
    """By pointer and by manager, in a Secret too; what else changes of the same objects is drift all the same."""
    app, target = corner.application(ignore_drift=IGNORING), corner.target()
    settings, key = path_of(corner, "configmaps", "settings"), path_of(corner, "secrets", "key")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key"},
        "stringData": {"a": "1", "rotated": "1"},
    }
    version = manifests(config_map("settings", theirs="1", injected="1", ours="1"), secret)
    await target.apply(app, version)
    note = {"metadata": {"annotations": {"example.com/note": "x"}}}
    await write(target, settings, {"data": {"theirs": "2"}, **note}, "kubectl-edit")
    await write(target, settings, {"data": {"injected": "2"}}, "injector")
    await write(target, key, {"stringData": {"rotated": "2"}}, "rotator")
    changed = {"theirs": "2", "injected": "2", "ours": "1"}

    async def heard():
        live = target._cluster.live.of_kind(("", "ConfigMap"))
        digests = {one.name: one.digest for one in live if one.namespace == corner.namespace()}
        return digests.get("settings") == content_digest(corner.ask("GET", settings))

    await eventually(heard)
    assert (await target.observe("web")).message == ""
    await target.close()
    again = corner.target()
    assert (await again.observe("web")).sync == "Synced"
    await again.apply(app, version, occasion="heal")
    assert corner.ask("GET", settings)["data"] == changed
    await write(again, settings, {"data": {"ours": "2"}}, "kubectl-edit")
    await eventually(lambda: not_synced(again))
    assert (await again.observe("web")).drift.endswith(": .data.ours")
    await write(again, key, {"stringData": {"a": "2"}}, "rotator")

    async def both():
        return "Secret key was changed, last by rotator" in (await again.observe("web")).drift

    await eventually(both)


async def test_a_rule_that_is_gone_ignores_nothing_any_more(corner):
    """What it covered is drift again once the application is applied without it."""
    target, settings = corner.target(), path_of(corner, "configmaps", "settings")
    version = manifests(config_map("settings", theirs="1"))
    await target.apply(corner.application(ignore_drift=IGNORING), version)
    await write(target, settings, {"data": {"theirs": "2"}}, "kubectl-edit")
    await target.apply(corner.application(), version)
    assert corner.ask("GET", settings)["data"] == {"theirs": "1"}


async def test_a_secret_is_compared_without_being_kept(corner):
    """A changed Secret is drift; its content is neither in memory nor on disk."""
    app, target = corner.application(), corner.target()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key"},
        "stringData": {"key": "hunter2-hunter2"},
    }
    await target.apply(app, manifests(secret))
    assert (await target.observe("web")).sync == "Synced"
    for file in (corner.root / "target").iterdir():
        assert b"hunter2" not in file.read_bytes()
    assert all(b"aHVudGVyMi1odW50ZXIy" not in one.kept for one in target._cluster.live.of_kind(("", "Secret")))
    await target.connection.request(
        "PATCH",
        path_of(corner, "secrets", "key"),
        body={"stringData": {"key": "changed"}},
        content_type="application/merge-patch+json",
    )
    await eventually(lambda: not_synced(target))


async def test_what_leaves_the_plain_part_of_a_secret_goes(corner):
    """A key of `stringData` that a version no longer has is gone from the cluster."""
    app, target = corner.application(), corner.target()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "1", "b": "2"}}
    await target.apply(app, manifests(secret))
    await target.apply(app, manifests({**secret, "stringData": {"a": "1"}}))
    assert corner.ask("GET", path_of(corner, "secrets", "key"))["data"] == {"a": "MQ=="}


# being away and coming back


@pytest.mark.usefixtures("stages")
async def test_a_restart_applies_nothing_and_asks_once_for_each_kind(corner):
    """All states are known again from lists alone."""
    target = corner.target()
    for number in range(8):
        await target.apply(corner.application(f"app{number}"), manifests(deployment("web"), config_map("a")))
    for number in range(8):
        await until_health(target, "Healthy", f"app{number}")
    await target.close()
    again = corner.target()
    for number in range(8):
        seen = await again.observe(f"app{number}")
        assert (seen.health, seen.sync) == ("Healthy", "Synced")
    asked_for_8 = again.connection.requests
    kinds = len(again._cluster._watches)
    assert asked_for_8 <= 2 * kinds + 8


@pytest.mark.usefixtures("stages")
async def test_a_cluster_that_is_away_is_unknown_and_comes_back(corner, own_cluster):
    """The API server stops: Unknown with the reason, an apply fails without harm; it is back: all goes on."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web")))
    await until_health(target, "Healthy")
    own_cluster.stop_api_server()
    try:
        seen = await until_health(target, "Unknown")
        assert "cannot be reached" in seen.message or "not answer" in seen.message
        with pytest.raises(TargetFailed):
            await target.apply(app, manifests(deployment("web", image="registry.example.com/shop/web:2")))
    finally:
        own_cluster.start_api_server()
    await until_health(target, "Healthy")
    assert (await target.apply(app, manifests(deployment("web", image="registry.example.com/shop/web:2")))).complete
    # The cluster's own controllers take their time to find the server again.
    await until_health(target, "Healthy", within_s=90)


async def test_a_change_while_the_watch_was_away_is_not_lost(corner):
    """What was deleted while nobody listened is missing afterwards."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("a"), config_map("b")))
    await target.close()
    corner.ask("DELETE", path_of(corner, "configmaps", "b"))
    again = corner.target()
    seen = await again.observe("web")
    assert (seen.health, seen.sync) == ("Missing", "OutOfSync")


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("after", range(1, 7))
async def test_killed_in_the_middle_of_an_apply_the_next_one_does_the_rest(corner, after):
    """Ended after any request: another agent on the same folder completes the version, and prunes what left."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("old"), config_map("a")))
    ask, left = target.connection.ask, [after]

    async def few(*args, **words):
        if not left[0]:
            raise asyncio.CancelledError
        left[0] -= 1
        return await ask(*args, **words)

    target.connection.ask = few
    version = manifests(config_map("a", b="2"), config_map("new"), deployment("web"))
    with contextlib.suppress(asyncio.CancelledError):
        await target.apply(app, version)
    target.connection.ask = ask
    await target.close()
    again = corner.target()
    assert (await again.apply(app, version)).complete
    seen = await until_health(again, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", version.digest)
    assert corner.ask("GET", path_of(corner, "configmaps", "old")) is None


# health


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize(
    ("behaves", "reason"), [("crash-loop", "CrashLoopBackOff"), ("image-pull", "ImagePullBackOff")]
)
async def test_bad_news_is_fast(corner, behaves, reason):
    """Degraded with the kubelet's reason within seconds, long before the progress deadline."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web", behaves=behaves)))
    seen = await until_health(target, "Degraded")
    assert reason in seen.message


async def test_without_pruning_nothing_is_deleted(corner):
    """A policy that does not prune leaves what left Git, and that is no drift."""
    app = corner.application(policy=Policy(prune=False))
    target = corner.target()
    await target.apply(app, manifests(config_map("a"), config_map("gone")))
    result = await target.apply(app, manifests(config_map("a")))
    assert messages(result)["ConfigMap gone"].startswith("left Git and stays: prune is off; ")
    assert (await target.observe("web")).sync == "Synced"
