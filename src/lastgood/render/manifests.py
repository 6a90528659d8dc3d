"""Render plain manifests: every object in the YAML and JSON files of an application, in the order of the files.

Takes the files' bytes, returns Rendered. Knows no repository, no cluster and no Kustomize or Helm.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lastgood.core.errors import ConfigWrong, RenderFailed
from lastgood.core.image_facts import ImageClaim
from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.resource import Rendered, Resource
from lastgood.render.kube_composer import Budget
from lastgood.render.kube_images import claims_of, images_of
from lastgood.render.kube_object import namespace_of, objects_of, read_object, scopes_in
from lastgood.render.kube_yaml import read_kube_yaml

MAX_OBJECTS = 10_000
MAX_NODES = 1_000_000
MAX_CHARS = 40_000_000
MAX_WARNINGS = 100

EMPTY = "there is no Kubernetes object in it; an empty render never deletes what runs"


def render_manifests(
    files: Sequence[tuple[str, bytes]],
    *,
    app: str,
    namespace: str | None,
    warnings: Sequence[str] = (),
    claims: Callable[[int], tuple[ImageClaim, ...]] | None = None,
) -> Rendered:
    """Render files.

    files: (path in the repo, content), in the order in which their objects go; namespace: of the application, for
    objects that name none; the manifests stay as written. warnings: what is known already. claims: what is said of the
    images of the object at a line of the only file.
    Returns a resource for each object; images by the image's name; warnings name file and line.
    Raises RenderFailed (facts: file, line or None, reason) for whatever a cluster could not take.
    """
    said = list(warnings)
    try:
        found = _objects(files, said)
        resources = _placed(found, namespace)
    except ConfigWrong as wrong:
        raise RenderFailed(
            f"{app} does not render: {wrong.message}",
            app=app,
            file=wrong.facts.get("file"),
            line=wrong.facts.get("line"),
            reason=wrong.facts.get("reason", wrong.message),
        ) from wrong
    if not resources:
        said.append(EMPTY)
    if len(said) > MAX_WARNINGS:
        said[MAX_WARNINGS:] = [f"and {len(said) - MAX_WARNINGS} more warnings"]
    canonical = json.dumps([r.manifest for r in resources], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Rendered(
        resources=resources,
        images=images_of(resources),
        digest=hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest(),
        warnings=tuple(said),
        origins=_origins(resources, [claims(line) for _, _, line in found]) if claims is not None else NO_ORIGINS,
    )


def _origins(resources: Sequence[Resource], said: Sequence[tuple[ImageClaim, ...]]) -> Origins:
    return Origins(charts=claims_of(resources, said))


_Found = tuple[Resource, str, int]


def _objects(files: Sequence[tuple[str, bytes]], said: list[str]) -> list[_Found]:
    budget = Budget(nodes=MAX_NODES, chars=MAX_CHARS)
    found: list[_Found] = []
    for file, content in files:
        for document in read_kube_yaml(content, file=file, budget=budget):
            said += [f"{file}:{line}: {sentence}" for line, sentence in document.warnings]
            for value in objects_of(document, file=file):
                found.append((read_object(value, document, file=file), file, document.line))
                if len(found) > MAX_OBJECTS:
                    raise _wrong(file, document.line, f"with this there are more than {MAX_OBJECTS} objects")
    return found


def _placed(found: list[_Found], namespace: str | None) -> tuple[Resource, ...]:
    """Settle the namespaces; no object may be there twice."""
    scopes = scopes_in(resource for resource, _, _ in found)
    placed: dict[tuple[Any, ...], tuple[str, int]] = {}
    resources = []
    for resource, file, line in found:
        inside = namespace_of(resource, default=namespace, scopes=scopes)
        key = (resource.group, resource.kind, inside, resource.name)
        if key in placed:
            before, at = placed[key]
            where = f" in the namespace {inside}" if inside else ""
            reason = f"the {resource.kind} {resource.name}{where} is here a second time; the first is in {before}:{at}"
            raise _wrong(file, line, reason)
        placed[key] = (file, line)
        resources.append(msgspec.structs.replace(resource, namespace=inside))
    return tuple(resources)


def _wrong(file: str, line: int, reason: str) -> ConfigWrong:
    return ConfigWrong(f"{file}:{line}: {reason}", file=file, line=line, reason=reason)
