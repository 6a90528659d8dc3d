"""Which images the workloads among Kubernetes objects run. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from lastgood.core.resource import Resource

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
    found: dict[str, str] = {}
    seen: set[str] = set()
    for resource in resources:
        for container, image in _containers(resource):
            if image in seen:
                continue
            seen.add(image)
            name, version = split_image(image)
            if found.get(name, version) != version:
                name = f"{name} (in {resource.name}/{container})"
            found[name] = version
    return found


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
