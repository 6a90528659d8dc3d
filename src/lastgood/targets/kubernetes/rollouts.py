"""Read how an application's Argo Rollouts stand, from what is in memory. Pure."""

from typing import Any

from lastgood.core.rollout import LiveRollout, RolloutVersion
from lastgood.targets.kubernetes.health.live import read_time
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.memory import Applied
from lastgood.targets.kubernetes.reading import at, text

ROLLOUT: GroupKind = ("argoproj.io", "Rollout")
REPLICA_SET: GroupKind = ("apps", "ReplicaSet")
HASH = "rollouts-pod-template-hash"
MAX_VERSIONS = 100


def live_rollouts(applied: Applied, live: Live) -> list[LiveRollout]:
    """Return the Rollouts that the application asked for and that are there."""
    found = (live.get(one.key) for one in applied.objects if one.key[0] == ROLLOUT)
    return [_read(one, live) for one in found if one is not None]


def _read(one: LiveObject, live: Live) -> LiveRollout:
    manifest = one.manifest
    # Its controller writes the generation as text; an old one speaks of what was asked for before.
    seen = str(at(manifest, "status", "observedGeneration")) == str(at(manifest, "metadata", "generation"))
    made = [child for child in live.children(one.uid) if child.key[0] == REPLICA_SET][:MAX_VERSIONS]
    return LiveRollout(
        name=one.name,
        namespace=one.namespace,
        stable=text(manifest, "status", "stableRS") if seen else "",
        current=text(manifest, "status", "currentPodHash") if seen else "",
        versions=tuple(version for child in made if (version := _version(child.manifest)) is not None),
    )


def _version(manifest: dict[str, Any]) -> RolloutVersion | None:
    named = text(manifest, "metadata", "labels", HASH)
    created_at = read_time(at(manifest, "metadata", "creationTimestamp"))
    template = at(manifest, "spec", "template")
    if not named or created_at is None:
        return None
    return RolloutVersion(hash=named, template=template if isinstance(template, dict) else None, created_at=created_at)
