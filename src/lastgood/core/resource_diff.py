"""Compare two renders resource by resource, as text for people, secrets taken out first. Pure."""

import difflib
from collections.abc import Sequence
from typing import Any

from lastgood.core.manifest_text import manifest_text
from lastgood.core.plan import PlannedResource
from lastgood.core.redact import REDACTED, redact_plain
from lastgood.core.resource import Resource

MAX_DIFF_CHARS = 100_000
_COPY = "kubectl.kubernetes.io/last-applied-configuration"

_Key = tuple[str, str, str, str]


def resource_changes(before: Sequence[Resource], after: Sequence[Resource]) -> tuple[PlannedResource, ...]:
    """Return what changes between two renders, by kind and name; unchanged resources are left out.

    A value that differs but is a secret shows as changed with an empty diff.
    """
    old, new = {_key(r): r for r in before}, {_key(r): r for r in after}
    changed = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if a is not None and b is not None and a.manifest == b.manifest:
            continue
        shown = b if b is not None else a
        if shown is None:
            continue
        changed.append(
            PlannedResource(
                group=shown.group,
                kind=shown.kind,
                namespace=shown.namespace,
                name=shown.name,
                change="added" if a is None else "removed" if b is None else "modified",
                diff=_diff(a, b),
            )
        )
    return tuple(changed)


def _key(resource: Resource) -> _Key:
    return (resource.group, resource.kind, resource.namespace or "", resource.name)


def _diff(a: Resource | None, b: Resource | None) -> str:
    old, new = _lines(a), _lines(b)
    text = "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=3))[2:])
    return text if len(text) <= MAX_DIFF_CHARS else text[:MAX_DIFF_CHARS] + "\n... (more)"


def _lines(resource: Resource | None) -> list[str]:
    if resource is None:
        return []
    return manifest_text(_without_copy(redact_plain(resource.manifest)), sort_keys=True).splitlines()


def _without_copy(manifest: dict[str, Any]) -> dict[str, Any]:
    """Hide the whole Secret that `kubectl apply` keeps in an annotation of it, in a manifest taken from a cluster."""
    metadata = manifest.get("metadata")
    if manifest.get("kind") != "Secret" or not isinstance(metadata, dict):
        return manifest
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict) or _COPY not in annotations:
        return manifest
    return manifest | {"metadata": metadata | {"annotations": annotations | {_COPY: REDACTED}}}
