"""Say what holds a StatefulSet up. Pure, over what is in memory.

Its controller gives no pod the new version while one of an earlier version is not ready, however long that lasts: also
where the earlier version is the bad one, and the new one the way back. So Kubernetes documents it ("forced rollback").
"""

from typing import Any

import msgspec

from lastgood.targets.kubernetes.family import Children
from lastgood.targets.kubernetes.health import WorkloadHealth
from lastgood.targets.kubernetes.health.verdict import progressing
from lastgood.targets.kubernetes.kinds import POD
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.reading import mappings, text

STATEFUL_SET = ("apps", "StatefulSet")
_HASH = "controller-revision-hash"


def held_up(found: WorkloadHealth, one: LiveObject, manifest: dict[str, Any], live: Children) -> WorkloadHealth:
    """Return how a workload is, with the pod that its controller waits for, if it is a StatefulSet and there is one."""
    pod = _waits_for(one, manifest, live) if found.verdict.health == "Progressing" else None
    if pod is None:
        return found
    said = (
        f"{found.verdict.message}; its controller waits for the pod {pod.name} of an earlier version, which is not "
        f"ready: if it stays so, `kubectl delete pod {pod.name} -n {pod.namespace}` lets it go on"
    )
    return msgspec.structs.replace(found, verdict=progressing(found.verdict.reason, said, since=found.verdict.since))


def _waits_for(one: LiveObject, manifest: dict[str, Any], live: Children) -> LiveObject | None:
    new = text(manifest, "status", "updateRevision")
    if one.key[0] != STATEFUL_SET or not new or text(manifest, "spec", "podManagementPolicy") == "Parallel":
        return None
    if text(manifest, "spec", "updateStrategy", "type") == "OnDelete":
        return None
    pods = [child for child in live.children(one.uid) if child.key[0] == POD and not child.is_being_deleted]
    return next((pod for pod in pods if _is_old(pod.manifest, new) and not _is_ready(pod.manifest)), None)


def _is_old(pod: dict[str, Any], new: str) -> bool:
    return text(pod, "metadata", "labels", _HASH) not in {"", new}


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = mappings(pod, "status", "conditions")
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
