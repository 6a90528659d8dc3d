"""What the Kubernetes target shows of an application's inside, on a real control plane."""

import asyncio

import pytest

from lastgood.core.errors import TargetFailed, Unknown, UnknownPod
from lastgood.core.pod import PodLogRequest
from lastgood.targets.kubernetes.apply_set import PART_OF, set_id
from twins.clusters import config_map, deployment, ingress, manifests, service
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster


@pytest.fixture
async def shop(corner):
    """A healthy shop of one Deployment of two pods, its Service and its Ingress, and a Secret."""
    target = corner.target()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"k": "hunter2hunter2"}}
    rendered = manifests(
        deployment("web", replicas=2, env={"DATABASE": "mongo-of-the-shop"}),
        service("front", "web"),
        ingress("outside", "front", "shop.example.com", tls=[{"hosts": ["shop.example.com"]}]),
        config_map("settings", a="deeply-buried"),
        secret,
    )
    await target.apply(corner.application(), rendered)
    await until_health(target, "Progressing")  # no controller gives the Ingress an address
    return target


async def whole_tree(target, app="web"):
    """Return the tree once all is healthy but the Ingress, and the slice of its Service sends to both pods."""

    async def look():
        tree = await target.tree(app)
        sick = {node.kind for node in tree.nodes if node.health != "Healthy"}
        return tree if sick == {"Ingress"} and len(edges(tree, "sends")) == 2 else None

    return await eventually(look)


async def pod_of(target, app="web"):
    """Return an application's only pod, once it is heard of: its workload may be heard of before."""

    async def told():
        return (await target.services(app)).services[0].pods

    (pod,) = await eventually(told)
    return pod


def names(tree, kind):
    return [node.name for node in tree.nodes if node.kind == kind]


def edges(tree, leads):
    labels = {node.id: (node.kind, node.name) for node in tree.nodes}
    return {(labels[edge.from_], labels[edge.to]) for edge in tree.edges if edge.leads == leads}


async def test_a_tree_leads_from_the_ingress_to_each_pod(corner, shop):
    """Ingress to Service, Service to slice and Deployment, slice to pods, Deployment to ReplicaSet to pods."""
    tree = await whole_tree(shop)
    (replica_set,), (slice_,), pods = names(tree, "ReplicaSet"), names(tree, "EndpointSlice"), names(tree, "Pod")
    assert edges(tree, "routes") == {(("Ingress", "outside"), ("Service", "front"))}
    assert edges(tree, "selects") == {(("Service", "front"), ("Deployment", "web"))}
    assert edges(tree, "sends") == {(("EndpointSlice", slice_), ("Pod", pod)) for pod in pods}
    assert edges(tree, "owns") == {
        (("Service", "front"), ("EndpointSlice", slice_)),
        (("Deployment", "web"), ("ReplicaSet", replica_set)),
        *((("ReplicaSet", replica_set), ("Pod", pod)) for pod in pods),
    }
    asked = [node.kind for node in tree.nodes if node.asked]
    assert sorted(asked) == ["ConfigMap", "Deployment", "Ingress", "Secret", "Service"]
    assert [node.kind for node in tree.nodes][: len(asked)] == asked
    assert {node.namespace for node in tree.nodes} == {corner.namespace()}
    assert (tree.left_out, tree.trouble) == (0, "")


async def test_a_tree_holds_no_secret(shop):
    """Neither what a Secret or a ConfigMap holds is in it, nor the environment of a container."""
    told = repr(await whole_tree(shop)) + repr(await shop.services("web"))
    for hidden in ("hunter2", "aHVudGVyMg", "deeply-buried", "mongo-of-the-shop"):
        assert hidden not in told


async def test_a_service_tells_its_pods_images_and_addresses(corner, shop):
    """Ready and wanted pods, the image as asked for, the Service inside and the Ingress outside, the pods by name."""
    pods = sorted(names(await whole_tree(shop), "Pod"))
    (told,) = (await shop.services("web")).services
    assert (told.kind, told.name, told.health, told.ready, told.wanted) == ("Deployment", "web", "Healthy", 2, 2)
    assert told.images == ("registry.example.com/shop/web:1",)
    assert [(one.kind, one.address, one.ready, one.wanted) for one in told.endpoints] == [
        ("Service", f"front.{corner.namespace()}.svc:80", 2, 2),
        ("Ingress", "https://shop.example.com/", None, None),
    ]
    assert list(told.pods) == pods


async def test_looking_costs_no_request(shop):
    """Tree and services come from memory."""
    await whole_tree(shop)
    before = shop.connection.requests
    for _ in range(20):
        await shop.tree("web")
        await shop.services("web")
    assert shop.connection.requests == before


async def test_the_inside_is_known_again_after_a_restart(corner, shop):
    """Another agent with the same folder shows the same tree without applying anything."""
    before = await whole_tree(shop)
    await shop.close()
    after = await whole_tree(corner.target())
    assert {(node.id, node.health) for node in after.nodes} == {(node.id, node.health) for node in before.nodes}


async def test_what_was_listed_is_judged_by_the_rules_of_its_kind(corner):
    """A list does not say the version of its items: a paused Deployment is Suspended after a restart, too."""
    target = corner.target()
    await target.apply(corner.application(), manifests(deployment("web", paused=True)))
    await until_health(target, "Suspended")
    await target.close()
    await until_health(corner.target(), "Suspended")


async def test_what_another_application_holds_is_not_looked_into(corner):
    """An application that asks for another's Deployment sees neither its pods nor their logs and events."""
    space, target = corner.namespace(), corner.target()
    await target.apply(corner.application("first", namespace=space), manifests(deployment("web")))
    await until_health(target, "Healthy", "first")
    pod = await pod_of(target, "first")
    greedy = manifests(deployment("web"), config_map("mine"))
    await target.apply(corner.application("second", namespace=space), greedy)
    assert "Pod" not in {node.kind for node in (await target.tree("second")).nodes}
    assert [one.pods for one in (await target.services("second")).services] == [()]
    with pytest.raises(UnknownPod):
        await target.pod_log(PodLogRequest(app="second", pod=pod))
    with pytest.raises(UnknownPod):
        await target.pod_events("second", pod)


async def test_a_label_in_a_template_makes_no_pod_ones_own(corner):
    """A pod belongs to whoever made it, whatever set its labels name."""
    space, target = corner.namespace(), corner.target()
    await target.apply(corner.application("first", namespace=space), manifests(config_map("mine"), deployment("a")))
    lying = deployment("lying")
    lying["spec"]["template"]["metadata"]["labels"][PART_OF] = set_id("first", corner.own)
    await target.apply(corner.application("second", namespace=space), manifests(lying))
    await until_health(target, "Healthy", "second")
    pod = await pod_of(target, "second")
    with pytest.raises(UnknownPod):
        await target.pod_events("first", pod)
    assert pod not in names(await target.tree("first"), "Pod")


async def test_events_of_a_pod_are_told_newest_first(corner, shop):
    """What the scheduler and others said of that very pod, bounded."""
    pod = names(await whole_tree(shop), "Pod")[0]

    async def scheduled():
        found = await shop.pod_events("web", pod)
        return found if "Scheduled" in {one.reason for one in found} else None

    found = await eventually(scheduled)
    assert all(pod in one.message for one in found if one.reason == "Scheduled")
    uid = corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}/pods/{pod}")["metadata"]["uid"]
    for number in range(3):
        event = {
            "metadata": {"name": f"made.{number}"},
            "involvedObject": {"kind": "Pod", "name": pod, "namespace": corner.namespace(), "uid": uid},
            "reason": f"Made{number}",
            "message": "password=hunter2hunter2",
            "type": "Warning",
            "count": number + 1,
            "lastTimestamp": f"2099-01-01T00:00:0{number}Z",
        }
        corner.ask("POST", f"/api/v1/namespaces/{corner.namespace()}/events", event)
    newest = (await shop.pod_events("web", pod))[:3]
    assert [(one.reason, one.count, one.type) for one in newest] == [
        ("Made2", 3, "Warning"),
        ("Made1", 2, "Warning"),
        ("Made0", 1, "Warning"),
    ]
    assert {one.message for one in newest} == {"password=[redacted]"}


async def test_a_log_that_the_node_does_not_give_is_a_clear_answer(shop):
    """There is no kubelet behind these pods: the error names the pod and says why."""
    pod = names(await whole_tree(shop), "Pod")[0]
    with pytest.raises(TargetFailed) as failed:
        await shop.pod_log(PodLogRequest(app="web", pod=pod))
    assert failed.value.message.startswith(f"web on cluster: the log of the pod {pod} cannot be had: ")
    assert len(failed.value.message) > len(f"web on cluster: the log of the pod {pod} cannot be had: ") + 10


async def test_the_end_of_a_log_is_told(corner):
    """As many lines as asked for, then as many bytes, from the end; and of the run before, secrets hidden."""
    target = corner.target()
    await target.apply(corner.application(), manifests(deployment("web", container="talks")))
    await until_health(target, "Healthy")
    pod = await pod_of(target)
    last = await target.pod_log(PodLogRequest(app="web", pod=pod, tail_lines=2))
    assert (last.text, last.cut, last.container, last.namespace) == (
        "line 29\nline 30\n",
        False,
        "talks",
        corner.namespace(),
    )
    few = await target.pod_log(PodLogRequest(app="web", pod=pod, limit_bytes=8))
    assert (few.text, few.cut) == ("line 30\n", True)
    before = await target.pod_log(PodLogRequest(app="web", pod=pod, previous=True))
    assert before.text == "reading settings\nDATABASE_PASSWORD=[redacted]\nKeyError: 'RATES_URL'\n"


async def test_last_words_are_the_end_of_the_log_of_the_run_that_ended(corner):
    """Of a container that waits to be started again: the run before, secrets hidden, asked for once."""
    target = corner.target()
    await target.apply(corner.application(), manifests(deployment("web", behaves="crash-loop", container="talks")))
    await until_health(target, "Degraded")

    async def said():
        return (await target.observe("web")).resources[0].last_words.startswith("reading")

    await eventually(said)
    before = target.connection.requests
    seen = await target.observe("web")
    assert seen.resources[0].last_words == "reading settings\nDATABASE_PASSWORD=[redacted]\nKeyError: 'RATES_URL'\n"
    assert target.connection.requests == before


async def test_a_container_that_is_not_there_is_named(shop):
    """And the error says which there are."""
    pod = names(await whole_tree(shop), "Pod")[0]
    with pytest.raises(Unknown, match="has no container sidecar") as wrong:
        await shop.pod_log(PodLogRequest(app="web", pod=pod, container="sidecar"))
    assert wrong.value.hint == "it has main"


async def test_last_words_are_the_termination_message_where_there_is_no_log(corner):
    """A container that crashes again and again leaves them, though its log cannot be had; it is asked for once."""
    target = corner.target()
    await target.apply(corner.application(), manifests(deployment("web", behaves="crash-loop")))
    seen = await until_health(target, "Degraded")
    assert seen.resources[0].last_words == "KeyError: 'RATES_URL'"
    await asyncio.gather(*(target.observe("web") for _ in range(5)))
    await eventually(lambda: not target._last_words._asking)
    before = target.connection.requests
    for _ in range(5):
        assert (await target.observe("web")).resources[0].last_words == "KeyError: 'RATES_URL'"
    assert target.connection.requests == before
