"""Which images the workloads among Kubernetes objects run. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lastgood.core.image_facts import ImageClaim
from lastgood.core.resource import Resource

# Records keep what is said, for ever: of more images, and by more charts, it is not known.
MAX_CLAIMED = 500
MAX_CLAIMS = 20
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_POD_PATHS = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
# Deployments, Jobs and their like, built in or not, keep a pod's template here.
_TEMPLATE_PATH = ("spec", "template", "spec")


def images_of(resources: Iterable[Resource]) -> dict[str, str]:
    """Return the images of all containers: the image's name without tag -> its tag or digest, `latest` without one.

    An image that runs in several versions at once has its name followed by ` (in WORKLOAD/CONTAINER)` for each
    version after the first.
    """
    return {name: version for name, version, _ in _named(resources)}


def claims_of(
    resources: Sequence[Resource], said: Sequence[tuple[ImageClaim, ...]]
) -> dict[str, tuple[ImageClaim, ...]]:
    """Return what is said of each image, by its name as `images_of` has it. said: of the images of each resource."""
    found: dict[str, tuple[ImageClaim, ...]] = {}
    for name, _, n in _named(resources):
        if said[n] and (name in found or len(found) < MAX_CLAIMED):
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *said[n])))[:MAX_CLAIMS]
    return found


def _named(resources: Iterable[Resource]) -> Iterator[tuple[str, str, int]]:
    """Yield the name and version of each container's image, with the number of its resource, from 0."""
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for n, resource in enumerate(resources):
        for container, image in _containers(resource):
            name, version = split_image(image)
            if image not in names:
                if found.get(name, version) != version:
                    name = f"{name} (in {resource.name}/{container})"
                found[name] = version
                names[image] = name
            yield names[image], version, n


def split_image(image: str) -> tuple[str, str]:
    """Split an image's reference into its name and what follows it: `tag`, `tag@sha256:...` or `sha256:...`.

    `host:5000/web` has a port and no tag.
    """
    named, _, digest = image.partition("@")
    folder, slash, last = named.rpartition("/")
    last, _, tag = last.partition(":")
    version = f"{tag}@{digest}" if tag and digest else tag or digest
    return folder + slash + last, version or "latest"


def _containers(resource: Resource) -> Iterator[tuple[str, str]]:
    pod: Any = resource.manifest
    for step in _POD_PATHS.get((resource.group, resource.kind), _TEMPLATE_PATH):
        pod = pod.get(step) if isinstance(pod, dict) else None
    if not isinstance(pod, dict):
        return
    for key in _CONTAINERS:
        containers = pod.get(key)
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, dict) and isinstance(container.get("image"), str) and container["image"]:
                yield str(container.get("name")), container["image"]
