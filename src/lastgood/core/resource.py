"""What a renderer makes and a target runs: resources, and the images that they name. Pure values."""

from collections.abc import Mapping
from typing import Any

from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.value import Value


class Resource(Value, frozen=True, kw_only=True):
    """One rendered object. manifest: plain JSON, with apiVersion, kind and metadata.name."""

    group: str
    kind: str
    namespace: str | None
    name: str
    manifest: dict[str, Any]


class Rendered(Value, frozen=True, kw_only=True):
    """A version, rendered.

    images: name -> reference (for the process target: artifact -> source revision).
    digest: SHA-256 over the resources: evidence, never identity. warnings: sentences for people.
    origins: what the files that it was rendered from say of where it comes from.
    """

    resources: tuple[Resource, ...]
    images: dict[str, str]
    digest: str
    warnings: tuple[str, ...] = ()
    origins: Origins = NO_ORIGINS


class ImageChange(Value, frozen=True, kw_only=True):
    """An image before and after; None where it is not there. in_registry: None = not checked."""

    name: str
    from_: str | None
    to: str | None
    in_registry: bool | None = None


def image_changes(before: dict[str, str], after: dict[str, str]) -> tuple[ImageChange, ...]:
    """Say which images differ, by name, sorted."""
    return tuple(
        ImageChange(name=name, from_=before.get(name), to=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def annotations_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations of an object that are text; anything else is none."""
    return _texts(manifest, "annotations")


def labels_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of an object that are text; anything else is none."""
    return _texts(manifest, "labels")


def _texts(manifest: Mapping[str, Any], field: str) -> dict[str, str]:
    metadata = manifest.get("metadata")
    found = metadata.get(field) if isinstance(metadata, dict) else None
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}
