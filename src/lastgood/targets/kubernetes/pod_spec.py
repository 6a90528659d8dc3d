"""What an object says of the pods that it makes, or that it is: images and labels, and nothing secret. Pure."""

from typing import Any

from lastgood.targets.kubernetes.reading import at, mappings, text, texts

MAX_IMAGES = 50
MAX_LABELS = 50
MAX_CHARS = 500
_TEMPLATES = (("spec", "template"), ("spec", "jobTemplate", "spec", "template"))


def images_of(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the images of an object's containers, each once: init containers last."""
    spec = _pod(manifest).get("spec")
    found = [text(one, "image")[:MAX_CHARS] for key in ("containers", "initContainers") for one in mappings(spec, key)]
    return tuple(dict.fromkeys(one for one in found if one))[:MAX_IMAGES]


def runs_pods(manifest: dict[str, Any]) -> bool:
    """Say whether an object is a workload: it has containers, or a number of replicas of something."""
    replicas = at(manifest, "spec", "replicas")
    return bool(images_of(manifest)) or (isinstance(replicas, int) and not isinstance(replicas, bool))


def pod_labels(manifest: dict[str, Any]) -> dict[str, str]:
    """Return the labels that an object's pods have."""
    return texts(_pod(manifest), "metadata", "labels")


def labels_of(manifest: dict[str, Any]) -> dict[str, str]:
    """Return an object's own labels, the first of very many."""
    found = sorted(texts(manifest, "metadata", "labels").items())[:MAX_LABELS]
    return {key[:MAX_CHARS]: value[:MAX_CHARS] for key, value in found}


def _pod(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the template of an object's pods, or the object itself where it is a pod."""
    for path in _TEMPLATES:
        found = at(manifest, *path)
        if isinstance(found, dict):
            return found
    return manifest if manifest.get("kind") == "Pod" else {}
