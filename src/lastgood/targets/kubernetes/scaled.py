"""Whose replicas a HorizontalPodAutoscaler decides: what Git says of them is neither applied nor drift. Pure."""

from typing import Any

from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key

AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")


def with_scaled_replicas(manifest: dict[str, Any], key: Key, live: Live) -> dict[str, Any]:
    """Return the manifest with the replicas that are there now, where an autoscaler decides them.

    Left out, the field would fall back to 1 where nobody else manages it; said as it is, nothing changes.
    """
    spec = manifest.get("spec")
    if not isinstance(spec, dict) or "replicas" not in spec:
        return manifest
    there = live.get(key)
    if there is None or not _is_scaled(key, live):
        return manifest
    now = there.manifest.get("spec")
    replicas = now.get("replicas") if isinstance(now, dict) else None
    if not isinstance(replicas, int) or replicas == spec["replicas"]:
        return manifest
    return {**manifest, "spec": {**spec, "replicas": replicas}}


def _is_scaled(key: Key, live: Live) -> bool:
    (_, kind), namespace, name = key
    for one in live.of_kind(AUTOSCALER):
        if one.namespace != namespace:
            continue
        spec = one.manifest.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
        if isinstance(target, dict) and (target.get("kind"), target.get("name")) == (kind, name):
            return True
    return False
