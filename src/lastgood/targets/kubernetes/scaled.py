"""Whose replicas a HorizontalPodAutoscaler decides: what Git says of them is neither applied nor drift. Pure."""

from typing import Any

from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key

AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")


def is_scaled(manifest: dict[str, Any], key: Key, live: Live) -> bool:
    """Say whether a manifest has replicas that an autoscaler decides."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict) or "replicas" not in spec:
        return False
    (_, kind), namespace, name = key
    for one in live.of_kind(AUTOSCALER):
        if one.namespace != namespace:
            continue
        spec = one.manifest.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
        if isinstance(target, dict) and (target.get("kind"), target.get("name")) == (kind, name):
            return True
    return False


def with_replicas_of(there: dict[str, Any] | None, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a scaled object with the replicas that are there.

    there: as the API server has it now: what a watch told last may be older than what the autoscaler did a moment ago.
    Left out, the field would fall back to 1 where nobody else manages it; said as it is, nothing changes.
    """
    now = there.get("spec") if there is not None else None
    replicas = now.get("replicas") if isinstance(now, dict) else None
    if not isinstance(replicas, int):
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
