"""Make the resource tree of an application from what is in memory: who was made from whom, who leads where. Pure."""

import datetime as dt
from typing import Any

from lastgood.core.errors import MalformedResource
from lastgood.core.resource_tree import Leads, TreeEdge, TreeNode, node_id
from lastgood.targets.kubernetes.addresses import (
    ENDPOINT_SLICE,
    INGRESS,
    ROUTES,
    SERVICE,
    backends,
    pods_in,
    selects,
)
from lastgood.targets.kubernetes.family import Family
from lastgood.targets.kubernetes.finished import ENDED, SAID
from lastgood.targets.kubernetes.health import HealthVerdict, OwnRules, health_of, workload_health
from lastgood.targets.kubernetes.health.live import read_time
from lastgood.targets.kubernetes.held_up import held_up
from lastgood.targets.kubernetes.kinds import POD
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.pod_reader import containers_to_read
from lastgood.targets.kubernetes.pod_spec import images_of, labels_of, pod_labels, runs_pods
from lastgood.targets.kubernetes.pods import newest_pods
from lastgood.targets.kubernetes.reading import at

MAX_NODES = 2_000
MAX_EDGES = 10_000
MAX_CONTAINERS = 50
# By this label a slice that somebody writes himself says whose endpoints it has.
OF_SERVICE = "kubernetes.io/service-name"
MISSING = "it is not in the cluster"


def make_tree(
    family: Family, *, now: dt.datetime, rules: OwnRules | None, trouble: str = ""
) -> tuple[tuple[TreeNode, ...], tuple[TreeEdge, ...], int]:
    """Return nodes, edges and how many nodes were left out. trouble: why what is known may be old, "" if it is not."""
    keys = list(dict.fromkeys([*family.roots, *family.objects]))
    kept = dict.fromkeys(keys[:MAX_NODES])
    manifests: dict[Key, dict[str, Any]] = {}
    nodes = []
    for key in kept:
        one = family.objects.get(key)
        if one is None:
            nodes.append(_missing(key, trouble, done=key in family.done))
            continue
        manifests[key] = one.manifest
        nodes.append(_node(one, manifests[key], family, now=now, rules=rules, trouble=trouble))
    runs = {key: pod_labels(one) for key, one in manifests.items() if runs_pods(one) and _is_top(one)}
    slices = {key: labels_of(one) for key, one in manifests.items() if key[0] == ENDPOINT_SLICE and _is_top(one)}
    edges: dict[TreeEdge, None] = {}
    for key, manifest in manifests.items():
        made = family.children(family.objects[key].uid)
        owns: list[tuple[Key, Leads]] = [(child.key, "owns") for child in made]
        for to, leads in [*owns, *_leads(key, manifest, runs, slices)]:
            if to in kept and len(edges) < MAX_EDGES:
                edges[TreeEdge(from_=_id(key), to=_id(to), leads=leads)] = None
    return tuple(nodes), tuple(edges), len(keys) - len(kept)


def health_in(
    one: LiveObject, manifest: dict[str, Any], family: Family, *, now: dt.datetime, rules: OwnRules | None
) -> HealthVerdict:
    """Say how an object is, together with the newest pods that were made from it."""
    try:
        if one.key[0] == POD:
            return health_of(manifest, now=now, own=rules)
        found = workload_health(manifest, newest_pods(one, manifest, family), now=now, own=rules)
        return held_up(found, one, manifest, family).verdict
    except MalformedResource as wrong:
        return HealthVerdict(health="Unknown", reason="Malformed", message=wrong.message)


def _node(
    one: LiveObject,
    manifest: dict[str, Any],
    family: Family,
    *,
    now: dt.datetime,
    rules: OwnRules | None,
    trouble: str,
) -> TreeNode:
    (group, kind), namespace, name = one.key
    found = (
        HealthVerdict(health="Unknown", reason="OutOfReach", message=trouble)
        if trouble
        else health_in(one, manifest, family, now=now, rules=rules)
    )
    return TreeNode(
        id=_id(one.key),
        group=group,
        kind=kind,
        namespace=namespace or None,
        name=name,
        asked=one.key in family.asked,
        health=found.health,
        reason=found.reason,
        message=found.message,
        created_at=read_time(at(manifest, "metadata", "creationTimestamp")),
        images=images_of(manifest),
        labels=labels_of(manifest),
        leaving=one.is_being_deleted,
        containers=containers_to_read(manifest)[:MAX_CONTAINERS] if one.key[0] == POD else (),
    )


def _missing(key: Key, trouble: str, *, done: bool) -> TreeNode:
    (group, kind), namespace, name = key
    return TreeNode(
        id=_id(key),
        group=group,
        kind=kind,
        namespace=namespace or None,
        name=name,
        asked=True,
        health="Unknown" if trouble else "Healthy" if done else "Missing",
        reason="OutOfReach" if trouble else ENDED if done else "Missing",
        message=trouble or (SAID if done else MISSING),
    )


def _leads(
    key: Key, manifest: dict[str, Any], runs: dict[Key, dict[str, str]], slices: dict[Key, dict[str, str]]
) -> list[tuple[Key, Leads]]:
    """Return where an object leads beside what it owns.

    runs: workloads, and the labels of their pods. slices: EndpointSlices that no Service owns, and their labels.
    """
    kind, namespace, name = key
    if kind == ENDPOINT_SLICE:
        return [((POD, space, pod), "sends") for space, pod in pods_in(manifest)]
    if kind == INGRESS or kind in ROUTES:
        return [((SERVICE, space, service), "routes") for space, service, _ in backends(manifest, kind)]
    if kind == SERVICE:
        taken = [other for other, labels in runs.items() if other[1] == namespace and selects(manifest, labels)]
        written = [other for other, labels in slices.items() if (other[1], labels.get(OF_SERVICE)) == (namespace, name)]
        return [*((other, "selects") for other in taken), *((other, "sends") for other in written)]
    return []


def _is_top(manifest: dict[str, Any]) -> bool:
    """Say whether nothing else made it: a Service leads to a Deployment, and not to each of its ReplicaSets."""
    return not at(manifest, "metadata", "ownerReferences")


def _id(key: Key) -> str:
    (group, kind), namespace, name = key
    return node_id(group, kind, namespace or None, name)
