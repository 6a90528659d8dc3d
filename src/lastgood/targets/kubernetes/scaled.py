"""Whose replicas a HorizontalPodAutoscaler decides: what Git says of them is neither applied nor drift. Pure."""

from typing import Any

from lastgood.targets.kubernetes.live import Live

AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")


def scaled(live: Live) -> frozenset[tuple[str | None, str, str]]:
    """Return what the autoscalers of a cluster decide about: namespace, kind and name of each."""
    found = set()
    for one in live.of_kind(AUTOSCALER):
        spec = one.manifest.get("spec")
        target = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
        if isinstance(target, dict):
            found.add((one.namespace, str(target.get("kind")), str(target.get("name"))))
    return frozenset(found)


def says_replicas(manifest: dict[str, Any]) -> bool:
    """Say whether a manifest has a number of replicas."""
    spec = manifest.get("spec")
    return isinstance(spec, dict) and "replicas" in spec


def with_replicas_of(there: dict[str, Any] | None, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest that says replicas with those that are there.

    there: as the API server has it now: what a watch told last may be older than what the autoscaler did a moment ago.
    Left out, the field would fall back to 1 where nobody else manages it; said as it is, nothing changes.
    """
    now = there.get("spec") if there is not None else None
    replicas = now.get("replicas") if isinstance(now, dict) else None
    if not isinstance(replicas, int):
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
