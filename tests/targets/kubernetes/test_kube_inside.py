"""The inside of an application as the Kubernetes target makes it from what is in memory: tables, no cluster."""

import datetime as dt

import pytest

from lastgood.core.errors import Unknown
from lastgood.targets.kubernetes import tree as tree_module
from lastgood.targets.kubernetes.addresses import backends, counted, selects, service_endpoints
from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from lastgood.targets.kubernetes.family import Family, belongs
from lastgood.targets.kubernetes.last_words import LAST_WORDS_BYTES, LastWords, end_of, ended_run
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.memory import Applied, Asked
from lastgood.targets.kubernetes.pod_reader import container_to_read, containers_to_read
from lastgood.targets.kubernetes.pod_spec import images_of, pod_labels, runs_pods
from lastgood.targets.kubernetes.services import make_services
from lastgood.targets.kubernetes.tree import make_tree
from lastgood.targets.kubernetes.trouble import Unreachable

NOW = dt.datetime(2026, 11, 19, 14, 32, tzinfo=dt.UTC)
SET = "applyset-of-web"
INGRESS = ("networking.k8s.io", "Ingress")
HTTP_ROUTE = ("gateway.networking.k8s.io", "HTTPRoute")


def made(group, kind, name, *, owner=None, part_of=None, namespace="shop", **body):
    """Return an object as a watch keeps it, owned by another one."""
    owners = [{"uid": owner.uid, "controller": True, "name": owner.name}] if owner else []
    metadata = {"name": name, "namespace": namespace, "uid": f"{kind}-{name}", "resourceVersion": "1"}
    metadata |= {"labels": {PART_OF: part_of} if part_of else {}, "ownerReferences": owners}
    version = f"{group}/v1" if group else "v1"
    sent = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    found = live_object(sent, (group, kind))
    assert found is not None
    return found


def family_of(*objects, asked=(), kinds=()):
    live = Live(lambda _: None)
    for one in objects:
        live.put(one)
    applied = Applied(
        namespaces=["shop"],
        app="web",
        set_id=SET,
        digest="d",
        objects=[Asked(key=key, wanted=b"") for key in asked],
        kinds=list(kinds),
    )
    return Family(applied, live), applied, live


def shown(family, **words):
    nodes, edges, left_out = make_tree(family, now=NOW, rules=None, **words)
    return nodes, {(edge.from_, edge.to, edge.leads) for edge in edges}, left_out


# the tree


def test_what_is_missing_is_a_node():
    """What Git asks for and the cluster lacks is Missing, with the id that it will have."""
    family, _, _ = family_of(asked=[(("apps", "Deployment"), "shop", "web")])
    (node,), edges, left_out = shown(family)
    assert (node.id, node.asked, node.health, node.created_at) == ("apps/Deployment/shop/web", True, "Missing", None)
    assert (edges, left_out) == (set(), 0)


def test_while_the_cluster_is_out_of_reach_every_health_is_unknown():
    """What is kept in memory may be old then; it is shown all the same."""
    one = made("", "ConfigMap", "settings", part_of=SET)
    family, _, _ = family_of(one, asked=[one.key, (("", "Secret"), "shop", "key")])
    nodes, _, _ = shown(family, trouble="no route to host")
    assert {(node.health, node.message) for node in nodes} == {("Unknown", "no route to host")}
    workload = (("apps", "Deployment"), "shop", "web")
    (service,), _ = make_services(family_of(asked=[workload])[0], now=NOW, rules=None, trouble="no route")
    assert (service.health, service.message) == ("Unknown", "no route")


def test_owners_in_a_circle_end():
    """A cluster that lies about owners does not keep us busy."""
    first = made("", "ConfigMap", "a", part_of=SET)
    second = made("", "Pod", "b", owner=first)
    liar = made("", "Pod", "c", owner=second)
    back = made("", "Pod", "b", owner=liar)
    family, applied, live = family_of(first, back, liar, asked=[first.key])
    assert [node.name for node in shown(family)[0]] == ["a"]
    assert not belongs(liar, applied, live)


def test_a_node_with_two_owners_is_one_node():
    """And has an edge from each."""
    first, second = (made("", "ConfigMap", name, part_of=SET) for name in "ab")
    pod = made("", "Pod", "p", owner=first)
    both = live_object(
        {
            "metadata": {
                "name": "p",
                "namespace": "shop",
                "uid": pod.uid,
                "ownerReferences": [{"uid": first.uid}, {"uid": second.uid}],
            }
        },
        ("", "Pod"),
    )
    family, _, _ = family_of(first, second, both, asked=[first.key, second.key])
    nodes, edges, _ = shown(family)
    assert [node.name for node in nodes] == ["a", "b", "p"]
    assert edges == {(f"/ConfigMap/shop/{name}", "/Pod/shop/p", "owns") for name in "ab"}


def test_a_tree_too_large_says_how_much_is_left_out(monkeypatch):
    """What Git asks for comes first; no edge leads out of what is told."""
    monkeypatch.setattr(tree_module, "MAX_NODES", 3)
    root = made("apps", "ReplicaSet", "rs", part_of=SET)
    pods = [made("", "Pod", f"p{number}", owner=root) for number in range(5)]
    family, _, _ = family_of(root, *pods, asked=[root.key])
    nodes, edges, left_out = shown(family)
    assert [node.name for node in nodes] == ["rs", "p0", "p1"]
    assert (len(edges), left_out) == (2, 3)


def test_a_service_leads_to_the_endpoints_that_somebody_wrote_for_it():
    """By the label that names it, in its namespace; what its controller made is owned, and told as that alone."""
    services = [made("", "Service", name, part_of=SET) for name in ("outside", "web")]
    slices = {"outside-1": services[0], "outside-2": services[0], "other": services[1]}
    found = [
        made("discovery.k8s.io", "EndpointSlice", name, part_of=SET, owner=of if name == "outside-2" else None)
        for name, of in slices.items()
    ]
    labelled = [_labelled(one, slices[one.name].name) for one in found]
    family, _, _ = family_of(*services, *labelled, asked=[one.key for one in (*services, *labelled)])
    edges = [(from_.split("/")[-1], to.split("/")[-1], leads) for from_, to, leads in shown(family)[1]]
    assert sorted(edges) == [
        ("outside", "outside-1", "sends"),
        ("outside", "outside-2", "owns"),
        ("web", "other", "sends"),
    ]


def _labelled(one, service):
    sent = one.manifest
    sent["metadata"]["labels"]["kubernetes.io/service-name"] = service
    again = live_object(sent, one.key[0])
    assert again is not None
    return again


def test_what_nobody_asks_for_any_more_is_told_apart():
    """An object of the set that left Git and stays is a node that is not asked for."""
    one = made("", "PersistentVolumeClaim", "data", part_of=SET)
    family, _, _ = family_of(one, kinds=[("", "PersistentVolumeClaim")])
    assert [(node.name, node.asked) for node in shown(family)[0]] == [("data", False)]


@pytest.mark.parametrize(
    ("part_of", "ours"), [(SET, True), ("applyset-of-another", False), (None, False)], ids=["ours", "another's", "none"]
)
def test_a_pod_belongs_to_who_holds_its_owner(part_of, ours):
    """What is asked for and held by another application, or by nobody, opens nothing."""
    owner = made("apps", "ReplicaSet", "rs", part_of=part_of)
    pod = made("", "Pod", "p", owner=owner, part_of=SET)
    family, applied, live = family_of(owner, pod, asked=[owner.key])
    assert belongs(pod, applied, live) is ours
    assert (pod.key in family.objects) is ours


# what objects say


@pytest.mark.parametrize(
    ("manifest", "images", "labels", "runs"),
    [
        ({"kind": "Pod", "spec": {"containers": [{"image": "a:1"}]}}, ("a:1",), {}, True),
        (
            {
                "kind": "Deployment",
                "spec": {
                    "template": {
                        "metadata": {"labels": {"app": "web", "n": 1}},
                        "spec": {
                            "containers": [{"image": "a:1", "env": [{"name": "X", "value": "secret"}]}, {"image": "b"}],
                            "initContainers": [{"image": "init"}, {"image": "a:1"}],
                        },
                    }
                },
            },
            ("a:1", "b", "init"),
            {"app": "web"},
            True,
        ),
        (
            {
                "kind": "CronJob",
                "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "c"}]}}}}},
            },
            ("c",),
            {},
            True,
        ),
        ({"kind": "Rollout", "spec": {"replicas": 2, "workloadRef": {"name": "web"}}}, (), {}, True),
        ({"kind": "ConfigMap"}, (), {}, False),
        ({"kind": "Pod", "spec": []}, (), {}, False),
        ({"kind": "Deployment", "spec": {"replicas": True, "template": {"spec": {"containers": "x"}}}}, (), {}, False),
        ({"kind": "Pod", "spec": {"containers": [1, {"image": 2}, {}]}}, (), {}, False),
    ],
)
def test_images_and_labels_of_pods(manifest, images, labels, runs):
    """Found wherever a kind keeps them; what is not as it should be is as good as not there."""
    assert (images_of(manifest), pod_labels(manifest), runs_pods(manifest)) == (images, labels, runs)


@pytest.mark.parametrize(
    ("selector", "labels", "taken"),
    [
        ({"app": "web"}, {"app": "web", "tier": "front"}, True),
        ({"app": "web", "tier": "back"}, {"app": "web"}, False),
        ({}, {"app": "web"}, False),
        (None, {"app": "web"}, False),
        ("app", {"app": "web"}, False),
    ],
)
def test_a_service_takes_what_its_selector_says(selector, labels, taken):
    """One without a selector takes nothing: somebody else writes its endpoints."""
    assert selects({"spec": {"selector": selector}}, labels) is taken


def _ingress(**spec):
    return {"metadata": {"name": "i", "namespace": "shop"}, "spec": spec}


def _to(name):
    return {"service": {"name": name, "port": {"number": 80}}}


@pytest.mark.parametrize(
    ("kind", "manifest", "found"),
    [
        (INGRESS, _ingress(defaultBackend=_to("all")), [("shop", "all", "")]),
        (
            INGRESS,
            _ingress(
                tls=[{"hosts": ["a.example.com"]}],
                rules=[
                    {
                        "host": host,
                        "http": {"paths": [{"path": "/", "backend": _to("web")}, {"path": "/x", "backend": {}}]},
                    }
                    for host in ("a.example.com", "b.example.com")
                ],
            ),
            [("shop", "web", "https://a.example.com/"), ("shop", "web", "http://b.example.com/")],
        ),
        (
            HTTP_ROUTE,
            _ingress(
                hostnames=["a.example.com"],
                rules=[
                    {
                        "matches": [{"path": {"value": "/cart"}}],
                        "backendRefs": [
                            {"name": "cart", "port": 80},
                            {"name": "far", "namespace": "other"},
                            {"name": "bucket", "group": "cloud.example.com", "kind": "Bucket"},
                        ],
                    }
                ],
            ),
            [("shop", "cart", "a.example.com/cart"), ("other", "far", "a.example.com/cart")],
        ),
        (HTTP_ROUTE, _ingress(rules=[{"backendRefs": [{"name": "cart"}]}]), [("shop", "cart", "")]),
        (INGRESS, _ingress(rules="all", tls=[{"hosts": 5}]), []),
        (HTTP_ROUTE, _ingress(rules=[{"backendRefs": [{"name": 5}, None]}], hostnames=[{}]), []),
        (("", "ConfigMap"), _ingress(defaultBackend=_to("all")), []),
    ],
)
def test_where_an_ingress_or_a_route_leads(kind, manifest, found):
    """To Services, under the addresses that it has outside."""
    assert backends(manifest, kind) == found


def _service(**body):
    return {"metadata": {"name": "web", "namespace": "shop"}, **body}


@pytest.mark.parametrize(
    ("service", "addresses"),
    [
        (_service(spec={"ports": [{"port": 80}, {"port": 443}]}), ["web.shop.svc:80", "web.shop.svc:443"]),
        (
            _service(
                spec={"ports": [{"port": 80}], "type": "LoadBalancer"},
                status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}, {}]}},
            ),
            ["web.shop.svc:80", "192.0.2.1:80", "lb.example.com:80"],
        ),
        (_service(spec={"type": "ExternalName", "externalName": "db.example.com"}), ["db.example.com"]),
        (_service(spec={"ports": [{"port": "http"}, 7]}), []),
        (_service(spec=None), []),
    ],
)
def test_addresses_of_a_service(service, addresses):
    """Its name in the cluster for each port, then what it has outside."""
    assert [one.address for one in service_endpoints(service, [])] == addresses


def test_ends_in_two_slices_count_once():
    """An end is a pod; one that does not say whether it is ready is, as the API has it."""

    def end(uid, **conditions):
        return {"targetRef": {"kind": "Pod", "uid": uid}, "addresses": ["10.0.0.1"], "conditions": conditions}

    def slice_of(name, *ends):
        return made("discovery.k8s.io", "EndpointSlice", name, endpoints=list(ends))

    four = slice_of("four", end("a", ready=True), end("b", ready=False), end("c"))
    six = slice_of("six", end("a", ready=True), end("b", ready=False), "nothing")
    assert counted([four, six]) == (2, 3)


# last words


def _status(*, state=None, last=None, ready=False, restarts=3, name="main"):
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "state": state or {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": last} if last else {},
    }


def _pod(*statuses, key="containerStatuses"):
    return {"metadata": {"name": "p", "namespace": "shop", "uid": "u"}, "status": {key: list(statuses)}}


BAD = {"exitCode": 1, "message": "no settings"}


@pytest.mark.parametrize(
    ("pods", "found"),
    [
        ([_pod(_status(last=BAD))], ("main", 3, True, "no settings")),
        ([_pod(_status(state={"terminated": BAD}, restarts=0))], ("main", 0, False, "no settings")),
        ([_pod(_status(state={"running": {}}, last=BAD))], ("main", 3, True, "no settings")),
        ([_pod(_status(last={"exitCode": 0, "signal": 9}))], ("main", 3, True, "")),
        ([_pod(_status(last=BAD, name="init"), key="initContainerStatuses")], ("init", 3, True, "no settings")),
        ([_pod(_status(ready=True)), _pod(_status(last=BAD, name="b"))], ("b", 3, True, "no settings")),
        ([_pod(_status(ready=True, last=BAD))], None),
        ([_pod(_status(state={"terminated": {"exitCode": 0}}))], None),
        ([_pod(_status(state={"terminated": {"exitCode": 0}}, last=BAD))], None),
        ([_pod(_status(state={"waiting": {"reason": "ImagePullBackOff"}}))], None),
        ([_pod({"state": 5, "lastState": [], "restartCount": -1}, 7)], None),
        ([{"status": None}, {}], None),
        ([], None),
    ],
)
def test_which_run_is_asked_about(pods, found):
    """That of the first container that is not ready and ended badly; `previous` where it was started again since."""
    run = ended_run(pods)
    assert (run and (run.container, run.restarts, run.previous, run.message)) == found


def test_the_end_of_a_message_is_bounded_and_without_secrets():
    """Hidden first and cut then: half a secret has no name by which it could be known."""
    told = end_of("x" * 100 + "\nTOKEN=" + "s" * 5000)
    assert told.endswith("TOKEN=[redacted]")
    assert "sss" not in told
    assert len(end_of("é" * 5000).encode()) <= LAST_WORDS_BYTES


async def test_a_pod_that_is_gone_is_asked_about_once():
    """The container's own message stands in, who listens is told, and the same run is not asked about again."""
    cluster = Cluster(Connection(ClusterAccess(kubeconfig="/nowhere")))
    words, news = LastWords(cluster), cluster.listen()
    run = ended_run([_pod(_status(last=BAD))])
    assert words.of(run) == "no settings"
    assert await words.ask([run], SET) is True
    assert news.take() == {SET}
    assert words.of(run) == "no settings"
    assert await words.ask([run], SET) is False
    await words.close()


@pytest.mark.parametrize("content", ["just text", "[1, 2]", "a: [", "clusters: 5"])
async def test_a_damaged_kubeconfig_is_trouble_of_the_destination(tmp_path, content):
    """And no error of ours, whatever stands in the file."""
    (tmp_path / "config").write_text(content)
    connection = Connection(ClusterAccess(kubeconfig=str(tmp_path / "config")))
    with pytest.raises(Unreachable, match="kubeconfig"):
        await connection.request("GET", "/version", repeat=False)


# which container


@pytest.mark.parametrize(
    ("spec", "annotations", "wanted", "found"),
    [
        ({"containers": [{"name": "a"}, {"name": "b"}]}, {}, None, "a"),
        ({"containers": [{"name": "a"}, {"name": "b"}]}, {"kubectl.kubernetes.io/default-container": "b"}, None, "b"),
        ({"containers": [{"name": "a"}]}, {"kubectl.kubernetes.io/default-container": "gone"}, None, "a"),
        ({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]}, {}, "i", "i"),
        ({"containers": [{"name": "a"}]}, {}, "b", None),
        ({"containers": [{"name": "a"}]}, {}, "", None),
        ({"containers": []}, {}, None, None),
    ],
)
def test_which_container_is_read(spec, annotations, wanted, found):
    """The one that is named; else the pod's default, else its first."""
    pod = {"metadata": {"name": "p", "annotations": annotations}, "spec": spec}
    if found is None:
        with pytest.raises(Unknown):
            container_to_read(pod, wanted)
    else:
        assert container_to_read(pod, wanted) == found


def test_all_containers_that_have_a_log_are_named():
    """Its default first, then those that run, those that came before them, and those that somebody added."""
    spec = {
        "containers": [{"name": "a"}, {"name": "b"}],
        "initContainers": [{"name": "i"}, {}, {"name": 3}],
        "ephemeralContainers": [{"name": "e"}],
    }
    pod = {"metadata": {"name": "p", "annotations": {"kubectl.kubernetes.io/default-container": "b"}}, "spec": spec}
    assert containers_to_read(pod) == ("b", "a", "i", "e")
