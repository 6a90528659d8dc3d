"""What `lastgood doctor` finds out about a cluster, on a real control plane with accounts of few rights."""

import asyncio
import contextlib

import pytest
import yaml

from lastgood.app.doctor_cluster import examine_cluster
from lastgood.app.settings import DestinationSettings
from lastgood.core.errors import TargetFailed
from lastgood.targets.kubernetes.connection import ClusterAccess
from twins.clusters import config_map, deployment, manifests
from twins.processes import eventually

pytestmark = pytest.mark.cluster


async def examined(corner, kubeconfig, **settings):
    """Ask as the command does, which has no loop of its own running."""
    said = DestinationSettings(type="kubernetes", kubeconfig=str(kubeconfig), namespace=corner.own, **settings)
    return await asyncio.to_thread(examine_cluster, "production", said, corner.root)


def apply(corner, rules):
    """Do what `kubectl apply` does with the rules as they are printed."""
    for one in yaml.safe_load_all(rules):
        corner.create(one)


async def test_an_administrator_lacks_nothing(corner):
    """One line: reachable, the version, whom the cluster takes us for."""
    found = await examined(corner, corner.cluster.kubeconfig)
    assert (found.outcome, found.rules) == ("ok", "")
    assert "reachable; Kubernetes v" in found.detail
    assert found.detail.endswith("it may do all that lastgood needs")


async def test_what_is_missing_is_printed_as_rules_that_suffice(corner):
    """An account without rights: the rules are applied as printed, and then it lacks nothing and can deploy."""
    user, token = corner.account("agent")
    kubeconfig = corner.kubeconfig({"token": token})
    found = await examined(corner, kubeconfig)
    assert found.outcome == "wrong"
    assert f", as {user}; it may not " in found.detail
    role, binding = yaml.safe_load_all(found.rules)
    assert (role["kind"], binding["subjects"][0]["name"]) == ("ClusterRole", "agent")
    assert all("*" not in rule[key] for rule in role["rules"] for key in ("apiGroups", "resources", "verbs"))

    apply(corner, found.rules)

    async def nothing_missing():
        return (await examined(corner, kubeconfig)).outcome == "ok"

    await eventually(nothing_missing)
    target = corner.target(access=ClusterAccess(kubeconfig=str(kubeconfig)))
    app = corner.application()
    assert (await target.apply(app, manifests(deployment("web"), config_map("a"), config_map("b")))).complete
    assert (await target.apply(app, manifests(deployment("web"), config_map("a")))).complete
    assert (await target.observe("web")).sync == "Synced"
    assert sorted(await target.prune("web")) == ["ConfigMap a", "Deployment web"]


async def test_a_kind_that_an_application_waits_for_is_asked_about(corner):
    """Its record sends people to the doctor: the rules that are printed there let it go on."""
    _, token = corner.account("agent")
    kubeconfig = corner.kubeconfig({"token": token})
    apply(corner, (await examined(corner, kubeconfig)).rules)

    async def outcome_is(outcome):
        return (await examined(corner, kubeconfig)).outcome == outcome

    await eventually(lambda: outcome_is("ok"))
    folder = "clusters/production"
    target = corner.target(folder, access=ClusterAccess(kubeconfig=str(kubeconfig)))
    app, version = corner.application(), manifests(config_map("a"), quota("small"))
    with pytest.raises(TargetFailed, match="`lastgood doctor` says which rules are missing"):
        await target.apply(app, version)
    found = await examined(corner, kubeconfig)
    assert found.outcome == "wrong"
    assert "it may not list, watch resourcequotas; get, create, patch, update, delete resourcequotas" in found.detail
    apply(corner, found.rules)
    await eventually(lambda: outcome_is("ok"))

    async def goes_on():
        with contextlib.suppress(TargetFailed):
            return (await target.apply(app, version)).complete

    await eventually(goes_on, within_s=30)
    assert list((corner.root / folder).glob("*.waiting")) == []


def quota(name):
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": {"pods": "9"}}}


async def test_one_right_that_is_missing_is_named_alone(corner):
    """Whoever may do all but delete CronJobs is told just that, as a warning: nothing there needs it yet."""
    user, token = corner.account("agent")
    kubeconfig = corner.kubeconfig({"token": token})
    role, binding = yaml.safe_load_all((await examined(corner, kubeconfig)).rules)
    for rule in role["rules"]:
        if "cronjobs" in rule["resources"] and "delete" in rule["verbs"]:
            rule["resources"].remove("cronjobs")
            verbs = [verb for verb in rule["verbs"] if verb != "delete"]
            role["rules"].append({**rule, "resources": ["cronjobs"], "verbs": verbs})
            break
    corner.create(role)
    corner.create(binding)

    async def one_missing():
        return (await examined(corner, kubeconfig)).outcome == "warn"

    await eventually(one_missing)
    found = await examined(corner, kubeconfig)
    assert found.detail.endswith(f", as {user}; it may not delete cronjobs.batch")
    lacking = next(yaml.safe_load_all(found.rules))["rules"]
    assert lacking == [{"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["delete"]}]


async def test_logs_and_events_that_may_not_be_read_are_named_with_their_rules(corner):
    """Deployments go on without them; what cannot be shown is said, and the rules that are printed suffice."""
    user, token = corner.account("agent")
    kubeconfig = corner.kubeconfig({"token": token})
    role, binding = yaml.safe_load_all((await examined(corner, kubeconfig)).rules)
    for rule in role["rules"]:
        rule["resources"] = [one for one in rule["resources"] if one not in ("pods/log", "events")]
    role["rules"] = [rule for rule in role["rules"] if rule["resources"]]
    corner.create(role)
    corner.create(binding)

    async def few_missing():
        return (await examined(corner, kubeconfig)).outcome == "warn"

    await eventually(few_missing)
    found = await examined(corner, kubeconfig)
    assert found.detail.endswith(f", as {user}; it may not get pods/log; list events")
    assert found.hint.startswith("why something fails there cannot be shown in full; `lastgood doctor --rules ")
    assert next(yaml.safe_load_all(found.rules))["rules"] == [
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    ]
    apply(corner, found.rules)

    async def nothing_missing():
        return (await examined(corner, kubeconfig)).outcome == "ok"

    await eventually(nothing_missing)


async def test_who_acts_as_others_needs_to_impersonate_and_not_to_apply(corner):
    """With `act_as` the rights to apply are those accounts' own; lastgood's are to look, and to be them."""
    _, token = corner.account("agent")
    acts = "system:serviceaccount:{namespace}:deployer"
    found = await examined(corner, corner.kubeconfig({"token": token}), act_as=acts)
    role, _, space, inside, bound = yaml.safe_load_all(found.rules)
    rules = role["rules"]
    assert [rule["resources"] for rule in rules if "impersonate" in rule["verbs"]] == [["serviceaccounts"]]
    core = {"apiGroups": [""], "resources": ["namespaces"]}
    assert [rule for rule in rules if {"create", "patch", "update", "delete"} & set(rule["verbs"])] == [
        {**core, "resourceNames": [corner.own], "verbs": ["get", "patch"]},
        {**core, "verbs": ["list", "watch", "create"]},
    ]
    assert (space["kind"], space["metadata"]["name"]) == ("Namespace", corner.own)
    assert (inside["kind"], inside["metadata"]["namespace"]) == ("Role", corner.own)
    writes = ["get", "create", "patch", "update", "delete"]
    assert inside["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": writes}]
    assert (bound["kind"], bound["metadata"]["namespace"]) == ("RoleBinding", corner.own)
    assert (bound["roleRef"]["kind"], bound["roleRef"]["name"]) == ("Role", inside["metadata"]["name"])
    by_name = await examined(corner, corner.kubeconfig({"token": token}), act_as="deployer@example.com")
    rules = next(yaml.safe_load_all(by_name.rules))["rules"]
    person = {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}
    assert {**person, "resourceNames": ["deployer@example.com"]} in rules


@pytest.mark.parametrize(
    ("user", "place", "why"),
    [
        ({"token": "nobody-knows-it"}, {}, "does not accept our credentials"),
        ({"tokenFile": "not-there"}, {}, "the credentials cannot be read: Token file"),
        ({"token": "x"}, {"server": "https://127.0.0.1:1"}, "cannot be reached"),
        ({"token": "x"}, {"certificate-authority-data": None}, "certificate"),
    ],
)
async def test_a_cluster_that_is_not_reached_says_why(corner, user, place, why):
    """Each way in which a kubeconfig does not lead to its cluster is told from the others, at once."""
    found = await examined(corner, corner.kubeconfig(user, **place))
    assert found.outcome == "wrong"
    assert why in found.detail
    assert "nobody-knows-it" not in found.detail


@pytest.mark.parametrize("text", ["{", "[]", "a: &a [*a, *a", "just text", "clusters: []", '{"contexts": 7}'])
async def test_a_kubeconfig_that_is_damaged_is_a_finding(corner, text):
    """What is no kubeconfig ends in a sentence, not in a traceback."""
    file = corner.root / "damaged"
    file.write_text(text)
    found = await examined(corner, file)
    assert (found.outcome, "kubeconfig" in found.detail) == ("wrong", True)


async def test_a_context_without_a_user_is_a_finding(corner):
    """It is said what the kubeconfig lacks."""
    file = corner.kubeconfig({})
    said = yaml.safe_load(file.read_text())
    del said["contexts"][0]["context"]["user"]
    file.write_text(yaml.safe_dump(said))
    assert "names no user" in (await examined(corner, file)).detail
