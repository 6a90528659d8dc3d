"""What a renderer makes and a target runs: resources, and the images that they name. Pure values."""

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
