"""What a real cluster refuses of a version: whose fault that is, what its application is told, when it may go on."""

import itertools

import pytest

from lastgood.core.errors import TargetRefused
from lastgood.targets.kubernetes import cluster, hindrances
from lastgood.targets.kubernetes.apply_set import ID, PARENT_TYPE, PART_OF
from twins.clusters import annotated, config_map, definition_of, deployment, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True)
def _asked_at_once(monkeypatch):
    monkeypatch.setattr(hindrances, "back_off", lambda *_, **_more: 0.0)


def path_of(corner, name, *, app="web"):
    return f"/api/v1/namespaces/{corner.namespace(app)}/configmaps/{name}"


async def until(target, may_go_on, app="web"):
    async def is_so():
        return (await target.observe(app)).may_go_on is may_go_on

    await eventually(is_so)


def of(seen, name):
    return next(one for one in seen.resources if one.name == name)


async def test_who_loses_a_claim_is_told_who_has_the_object_until_it_is_let_go(corner):
    """It is neither healthy nor changed by hand: it belongs to another application; once let go, it may be had."""
    space, target = corner.namespace(), corner.target()
    # By name the loser comes first: whoever reads what is remembered finds it before the owner.
    first, second = corner.application("owner", namespace=space), corner.application("loser", namespace=space)
    await target.apply(first, manifests(config_map("settings", of="owner"), config_map("kept")))
    wanted = manifests(config_map("settings", of="loser"), config_map("mine"))
    assert (await target.apply(second, wanted)).fault == "way"
    for one in (target, corner.target()):
        seen = await one.observe("loser")
        told = "it belongs to the application owner; take it out of one of the two"
        told += ", or `lastgood forget owner` if that is gone from Git"
        assert (seen.health, seen.sync, seen.may_go_on) == ("Degraded", "OutOfSync", False)
        assert (of(seen, "settings").reason, of(seen, "settings").message) == ("Claimed", told)
        assert seen.drift == f"ConfigMap settings was not applied: {told}"
        assert of(seen, "mine").health == "Healthy"
        assert "is claimed by loser too" in (await one.observe("owner")).message
    again = corner.target()
    assert (await again.apply(first, manifests(config_map("settings", of="still"), config_map("kept")))).complete
    await again.apply(first, manifests(config_map("kept")))
    await until(again, True, "loser")
    assert (await again.apply(second, wanted)).complete
    assert (await until_health(again, "Healthy", "loser")).may_go_on is None


async def test_an_object_of_a_set_that_is_not_ours_is_not_taken(corner):
    """Another lastgood on this cluster, or another tool: its set stands in the cluster, and nobody steals."""
    app, theirs = corner.application(), corner.target("theirs")
    wanted = manifests(config_map("settings", of="ours"))
    await theirs.apply(app, manifests(config_map("settings", of="theirs")))
    ours = {"namespace": f"{corner.own}-2"}
    corner.everywhere.append(f"/api/v1/namespaces/{ours['namespace']}")
    target = corner.target("ours", **ours)
    assert (await target.apply(app, wanted)).fault == "way"
    told = f"it belongs to another set, whose parent is the ConfigMap {corner.own}/lastgood.web; take it out of one of"
    for one in (target, corner.target("ours", **ours)):
        seen = await one.observe("web")
        assert (seen.health, seen.may_go_on, of(seen, "settings").reason) == ("Degraded", False, "Claimed")
        assert of(seen, "settings").message.startswith(told)
    assert (await theirs.observe("web")).sync == "Synced"
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"of": "theirs"}
    # What stood for the set has gone, and with it whoever had its objects.
    corner.ask("DELETE", f"/api/v1/namespaces/{corner.own}/configmaps/lastgood.web")
    assert (await target.apply(app, wanted)).complete
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"of": "ours"}


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
async def test_an_object_of_a_set_whose_parent_is_a_custom_resource_is_not_taken(corner, scope, monkeypatch):
    """Which kinds may stand for sets, their definitions say; once the parent is gone, its objects may be had."""
    monkeypatch.setattr(cluster, "STRANGER_S", 0.5)
    group, set_id = f"{corner.mark}.example.com", "applyset-somebodys-own-v1"
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = definition_of(group, scope=scope)
    definition["metadata"]["labels"] = {PARENT_TYPE: "true"}
    corner.everywhere.append(f"{definitions}/widgets.{group}")
    corner.ask("POST", definitions, definition)
    path = f"{definitions}/widgets.{group}"

    async def is_served():
        said = corner.ask("GET", path).get("status", {}).get("conditions") or []
        return any((one["type"], one["status"]) == ("Established", "True") for one in said)

    await eventually(is_served)
    base = f"/apis/{group}/v1" + (f"/namespaces/{corner.namespace()}" if scope == "Namespaced" else "")
    parent = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "set", "labels": {ID: set_id}}}
    corner.ask("POST", f"{base}/widgets", parent)
    theirs = config_map("settings", of="theirs")
    theirs["metadata"]["labels"] = {PART_OF: set_id}
    corner.ask("POST", f"/api/v1/namespaces/{corner.namespace()}/configmaps", theirs)
    target, wanted = corner.target(), manifests(config_map("settings", of="ours"))
    app = corner.application()
    assert (await target.apply(app, wanted)).fault == "way"
    named = f"{corner.namespace()}/set" if scope == "Namespaced" else "set"
    told = f"it belongs to another set, whose parent is the Widget {named}; take it out of one of the two"
    assert of(await target.observe("web"), "settings").message == told
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"of": "theirs"}
    corner.ask("DELETE", f"{base}/widgets/set")
    await until(target, True)
    assert (await target.apply(app, wanted)).complete
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"of": "ours"}


async def test_who_loses_a_field_is_told_who_manages_it_until_it_is_let_go(corner):
    """The object is in the cluster, and is not the application's; once its manager is gone, it may be had."""
    app, target = corner.application(), corner.target(take_over=False)
    base = f"/api/v1/namespaces/{corner.namespace()}/configmaps"
    corner.ask("POST", f"{base}?fieldManager=somebody", config_map("settings", a="theirs"))
    wanted = manifests(config_map("settings", a="ours"))
    result = await target.apply(app, wanted)
    assert (result.complete, result.fault) == (False, "way")
    seen = await target.observe("web")
    assert (seen.health, seen.sync, seen.may_go_on) == ("Degraded", "OutOfSync", False)
    assert of(seen, "settings").reason == "Conflict"
    assert of(seen, "settings").message.startswith(".data.a is managed by somebody; ")
    await until(corner.target(take_over=False), False)
    # Another policy of the operator would take it.
    await until(corner.target(take_over=True), True)
    corner.ask("DELETE", path_of(corner, "settings"))
    await until(target, True)
    assert (await target.apply(app, wanted)).complete
    assert (await until_health(target, "Healthy")).may_go_on is None


@pytest.mark.usefixtures("stages")
async def test_what_cannot_be_changed_is_the_versions_fault_and_what_runs_stays_healthy(corner):
    """The old object runs on; the new one may come once somebody deletes it."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(deployment("web")))
    await until_health(target, "Healthy")
    other = deployment("web")
    other["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    result = await target.apply(app, manifests(other))
    assert (result.complete, result.fault) == (False, "version")
    seen = await target.observe("web")
    assert (seen.health, seen.sync, seen.may_go_on) == ("Healthy", "OutOfSync", False)
    assert seen.message.startswith("not as asked for: Deployment web was not applied: spec.selector cannot be changed")
    corner.ask("DELETE", f"/apis/apps/v1/namespaces/{corner.namespace()}/deployments/web")
    await until(target, True)


@pytest.mark.parametrize(
    ("objects", "fault", "told"),
    [
        ([annotated(config_map("bad name"))], "version", "metadata.name"),
        ([{**config_map("a"), "data": {"a": 1}}], "version", "data.a"),
        ([{**config_map("a"), "metadata": {"name": "a", "namespace": "nowhere"}}], "way", "nowhere"),
        ([{"apiVersion": "x.example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}], "way", "no kind Thing"),
    ],
)
async def test_whose_fault_a_refusal_is(corner, objects, fault, told):
    """An object that no cluster takes is the version's fault; what this one lacks is in the way, and may come."""
    target = corner.target()
    result = await target.apply(corner.application(), manifests(*objects))
    assert (result.complete, result.fault) == (False, fault)
    assert told in result.message, result.message
    assert (await target.observe("web")).may_go_on is False


async def test_a_namespace_that_comes_lets_a_version_go_on(corner):
    """What is in the way is asked for, and found gone."""
    target, space = corner.target(), f"late-{corner.mark}"
    await target.apply(corner.application(namespace=space), manifests(config_map("a")))
    await until(target, False)
    corner.ask("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    corner.namespaces.append(space)
    await until(target, True)


async def test_a_namespace_that_comes_lets_a_version_with_a_secret_go_on(corner):
    """Whether the namespace is there can be asked without the content, which is kept nowhere; of a TLS Secret, too."""
    target, space = corner.target(), f"late-{corner.mark}"
    hidden = "c2VjcmV0LW9mLXRoZS1zaG9w"
    objects = (
        secret("plain", word=hidden),
        secret("tls", of_type="kubernetes.io/tls", **{"tls.crt": hidden, "tls.key": ""}),
    )
    await target.apply(corner.application(namespace=space), manifests(*objects))
    await until(target, False)
    assert hidden.encode() not in b"".join(file.read_bytes() for file in corner.root.rglob("*.msgpack"))
    corner.ask("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    corner.namespaces.append(space)
    await until(target, True)


async def test_a_secret_that_is_wrong_itself_is_not_asked_for_without_its_content(corner):
    """Without it the cluster would take it, and it would be tried again and again; also where a policy forbids it."""
    target = corner.target()
    wrong = secret("plain", **{"no key": "eA=="})
    assert (await target.apply(corner.application(), manifests(wrong))).fault == "version"
    for _ in range(3):
        assert (await target.observe("web")).may_go_on is False
    policies, space = "/apis/admissionregistration.k8s.io/v1", corner.namespace()
    policy, binding = f"{policies}/validatingadmissionpolicies", f"{policies}/validatingadmissionpolicybindings"
    corner.everywhere += [f"{policy}/{corner.mark}", f"{binding}/{corner.mark}"]
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}
    secrets = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
    no_data = {"expression": "!has(object.data)", "message": "not here", "reason": "Forbidden"}
    told = {"matchConstraints": {"resourceRules": [secrets], **here}, "validations": [no_data]}
    corner.ask("POST", policy, {"metadata": {"name": corner.mark}, "spec": told})
    bound = {"policyName": corner.mark, "validationActions": ["Deny"]}
    corner.ask("POST", binding, {"metadata": {"name": corner.mark}, "spec": bound})

    async def is_forbidden():
        result = await target.apply(corner.application(), manifests(secret(f"plain-{next(numbers)}", a="eA==")))
        return not result.complete and result.fault == "way"

    numbers = itertools.count()
    await eventually(is_forbidden)
    for _ in range(3):
        assert (await target.observe("web")).may_go_on is False


def secret(name, *, of_type="Opaque", **data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": of_type, "data": data}


@pytest.mark.usefixtures("stages")
async def test_a_wave_that_is_not_healthy_is_the_versions_fault_until_it_is(corner, monkeypatch):
    """What comes after it was not begun, and may be once it is healthy."""
    target = corner.target()
    bad = annotated(deployment("web", behaves="crash-loop"), **{"argocd.argoproj.io/sync-wave": "-1"})
    result = await target.apply(corner.application(), manifests(bad, config_map("a")))
    assert (result.complete, result.fault) == (False, "version"), result.message
    assert (await target.observe("web")).may_go_on is False
    monkeypatch.setattr(target, "_is_healthy", lambda _key: True)
    target._hindrances._is_healthy = target._is_healthy
    assert (await target.observe("web")).may_go_on is True


async def test_an_empty_version_is_the_versions_fault(corner):
    """It is refused as what it is; what an earlier version was refused says nothing of it, also after a restart."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(annotated(config_map("bad name"))))
    assert (await target.observe("web")).may_go_on is False
    with pytest.raises(TargetRefused):
        await target.apply(app, manifests())
    for one in (target, corner.target()):
        assert (await one.observe("web")).may_go_on is None
