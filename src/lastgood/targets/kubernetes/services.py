"""List what an application runs, from what is in memory: workloads with their pods, images and addresses. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from lastgood.core.errors import MalformedResource
from lastgood.core.service import Endpoint, ServiceView
from lastgood.targets.kubernetes.addresses import (
    ENDPOINT_SLICE,
    INGRESS,
    MAX_ADDRESSES,
    ROUTES,
    SERVICE,
    backends,
    selects,
    service_endpoints,
)
from lastgood.targets.kubernetes.family import Family
from lastgood.targets.kubernetes.finished import ENDED, SAID
from lastgood.targets.kubernetes.health import HealthVerdict, OwnRules, WorkloadHealth, workload_health
from lastgood.targets.kubernetes.held_up import held_up
from lastgood.targets.kubernetes.kinds import POD
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.pod_spec import images_of, labels_of, pod_labels, runs_pods
from lastgood.targets.kubernetes.pods import newest_pods
from lastgood.targets.kubernetes.reading import text

MAX_SERVICES = 500
MAX_PODS = 100
# Gone, a workload is still known by its kind.
_WORKLOADS = frozenset(
    {
        POD,
        *(("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
        *(("batch", kind) for kind in ("Job", "CronJob")),
    }
)


def make_services(
    family: Family, *, now: dt.datetime, rules: OwnRules | None, trouble: str = ""
) -> tuple[tuple[ServiceView, ...], int]:
    """Return the services and how many were left out. trouble: why what is known may be old, "" where it is not."""
    manifests = {key: family.objects[key].manifest for key in family.asked if key in family.objects}
    found = [key for key in family.asked if key[0] in _WORKLOADS or runs_pods(manifests.get(key, {}))]
    made = [_service(key, manifests, family, now=now, rules=rules, trouble=trouble) for key in found[:MAX_SERVICES]]
    return tuple(made), len(found) - len(made)


def _service(
    key: Key,
    manifests: Mapping[Key, dict[str, Any]],
    family: Family,
    *,
    now: dt.datetime,
    rules: OwnRules | None,
    trouble: str,
) -> ServiceView:
    (group, kind), namespace, name = key
    one = family.objects.get(key)
    if one is None:
        return ServiceView(
            group=group,
            kind=kind,
            namespace=namespace or None,
            name=name,
            health="Unknown" if trouble else "Healthy" if key in family.done else "Missing",
            reason="OutOfReach" if trouble else ENDED if key in family.done else "Missing",
            message=trouble or (SAID if key in family.done else "it is not in the cluster"),
        )
    manifest = manifests[key]
    pods = [manifest] if key[0] == POD else newest_pods(one, manifest, family)
    health = held_up(_health(manifest, pods, now=now, rules=rules), one, manifest, family)
    said = HealthVerdict(health="Unknown", reason="OutOfReach", message=trouble) if trouble else health.verdict
    return ServiceView(
        group=group,
        kind=kind,
        namespace=namespace or None,
        name=name,
        health=said.health,
        reason=said.reason,
        message=said.message,
        ready=health.ready,
        wanted=health.wanted,
        restarts=health.restarts,
        images=images_of(manifest),
        endpoints=_endpoints(namespace, pod_labels(manifest), manifests, family),
        labels=labels_of(manifest),
        pods=tuple(sorted(text(pod, "metadata", "name") for pod in pods))[:MAX_PODS],
    )


def _health(
    manifest: dict[str, Any], pods: list[dict[str, Any]], *, now: dt.datetime, rules: OwnRules | None
) -> WorkloadHealth:
    try:
        return workload_health(manifest, pods, now=now, own=rules)
    except MalformedResource as wrong:
        unknown = HealthVerdict(health="Unknown", reason="Malformed", message=wrong.message)
        return WorkloadHealth(verdict=unknown, own=unknown)


def _endpoints(
    namespace: str, labels: dict[str, str], manifests: Mapping[Key, dict[str, Any]], family: Family
) -> tuple[Endpoint, ...]:
    """Return the addresses of the Services that take a workload's pods, then of what leads to these from outside."""
    found: list[Endpoint] = []
    mine: set[tuple[str, str]] = set()
    for key, manifest in manifests.items():
        if key[0] == SERVICE and key[1] == namespace and selects(manifest, labels):
            mine.add((key[1], key[2]))
            found += service_endpoints(manifest, _slices(family.objects[key], family))
    for (kind, _, name), manifest in manifests.items():
        if kind == INGRESS or kind in ROUTES:
            found += [
                Endpoint(kind=kind[1], name=name, address=address)
                for space, to, address in backends(manifest, kind)
                if address and (space, to) in mine
            ]
    return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]


def _slices(service: LiveObject, family: Family) -> list[LiveObject]:
    return [one for one in family.children(service.uid) if one.key[0] == ENDPOINT_SLICE]
