"""Which pods are those of a workload's newest version, found by owners and revisions. Pure, over what is in memory."""

from typing import Any

from lastgood.targets.kubernetes.family import Children
from lastgood.targets.kubernetes.finished import JOB
from lastgood.targets.kubernetes.kinds import POD
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.reading import at, mappings, text

REPLICA_SET = ("apps", "ReplicaSet")
CRON_JOB = ("batch", "CronJob")
_HASH = "controller-revision-hash"
# Of the template alone; the API server writes the first, and the controller the second.
_GENERATION, _POD_GENERATION = "deprecated.daemonset.template.generation", "pod-template-generation"


def newest_pods(one: LiveObject, manifest: dict[str, Any], live: Children) -> list[dict[str, Any]]:
    """Return the pods that a workload's present version made; its older ones go, however they are.

    manifest: the workload's, as kept. None where its controller has not seen that version yet.
    """
    status = manifest.get("status")
    seen = status.get("observedGeneration") if isinstance(status, dict) else None
    if seen is not None and seen != manifest["metadata"].get("generation"):
        return []
    if one.key[0] == ("apps", "Deployment"):
        sets = [child for child in live.children(one.uid) if child.key[0] == REPLICA_SET]
        newest = [child for child in sets if one.revision is None or child.revision == one.revision]
        return [pod.manifest for child in newest for pod in _pods(child, live)]
    if one.key[0] == CRON_JOB:
        template = at(manifest, "spec", "jobTemplate", "spec", "template", "spec")
        runs = [child for child in live.children(one.uid) if child.key[0] == JOB and _runs(child, template)]
        return [pod.manifest for child in runs for pod in _pods(child, live)]
    pods = [pod.manifest for pod in _pods(one, live)]
    update = status.get("updateRevision") if isinstance(status, dict) else None
    if one.key[0] == ("apps", "StatefulSet") and isinstance(update, str):
        return [pod for pod in pods if _label(pod, _HASH) == update]
    generation = text(manifest, "metadata", "annotations", _GENERATION)
    on_delete = text(manifest, "spec", "updateStrategy", "type") == "OnDelete"
    if one.key[0] == ("apps", "DaemonSet") and generation and not on_delete:
        return [pod for pod in pods if _label(pod, _POD_GENERATION) == generation]
    return pods


def looked_at(one: LiveObject, live: Children) -> tuple[LiveObject, ...]:
    """Return an object and all objects that say something of its pods: while these are the same, so are its pods."""
    made = live.children(one.uid)
    between = [child for child in made if child.key[0] in (REPLICA_SET, JOB)]
    return (one, *made, *(pod for child in between for pod in live.children(child.uid)))


def _runs(job: LiveObject, template: Any) -> bool:
    """Say whether a run of a CronJob is under way and was begun as its version says now."""
    manifest = job.manifest
    ended = any(
        said.get("type") in ("Complete", "Failed") and said.get("status") == "True"
        for said in mappings(manifest, "status", "conditions")
    )
    return not ended and at(manifest, "spec", "template", "spec") == template


def _pods(owner: LiveObject, live: Children) -> list[LiveObject]:
    return [child for child in live.children(owner.uid) if child.key[0] == POD and not child.is_being_deleted]


def _label(manifest: dict[str, Any], name: str) -> str | None:
    labels = manifest["metadata"].get("labels")
    value = labels.get(name) if isinstance(labels, dict) else None
    return value if isinstance(value, str) else None
