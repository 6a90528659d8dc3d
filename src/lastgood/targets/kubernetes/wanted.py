"""What a version asks for in one cluster: each object with its address, label and digest. Asks for kinds only."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from lastgood.core.application import Application
from lastgood.core.resource import Resource
from lastgood.core.value import Value
from lastgood.targets.kubernetes.apply_set import PARENT, PREFIX, labelled
from lastgood.targets.kubernetes.kinds import GroupKind, Kind, Kinds
from lastgood.targets.kubernetes.live_object import Key
from lastgood.targets.kubernetes.marks import DEFINITIONS
from lastgood.targets.kubernetes.options import Options, options_of
from lastgood.targets.kubernetes.order import Placed, Wave, waves

DEFAULT_NAMESPACE = "default"


class Wanted(Value, frozen=True, kw_only=True):
    """One object as it shall be. kind: None while the cluster has no such kind. digest: of the manifest as sent."""

    placed: Placed
    kind: Kind | None
    key: Key
    manifest: dict[str, Any]
    digest: bytes

    @property
    def label(self) -> str:
        """Return the object's name for people."""
        return f"{self.placed.resource.kind} {self.placed.resource.name}"


class WantedWave(Value, frozen=True, kw_only=True):
    """A wave of such objects, in order."""

    wave: Wave
    objects: tuple[Wanted, ...]


class Asks:
    """What the versions of one application ask for.

    set_id: of its ApplySet. parents: the namespace of lastgood's own objects, which no version may touch.
    Every method raises ValueError with a sentence for what never can be applied, and what a Connection raises.
    """

    def __init__(self, app: Application, *, set_id: str, parents: str, kinds: Kinds) -> None:
        self._app = app
        self._set = set_id
        self._parents = parents
        self._kinds = kinds
        self._cluster_wide: set[GroupKind] = set()

    async def waves(self, resources: Iterable[Resource]) -> list[WantedWave]:
        """Say what a version asks for, wave by wave."""
        found = []
        seen: dict[Key, str] = {}
        resources = list(resources)
        self._cluster_wide = set(_cluster_wide(resources))
        for wave in waves(resources):
            objects = [await self.object(one.resource, one.options) for one in wave.objects]
            for one in objects:
                if one.key in seen:
                    where = f"in the namespace {one.key[1]}" if one.key[1] else "in the cluster"
                    raise ValueError(f"it has the {one.label} twice {where}")
                seen[one.key] = one.label
            found.append(WantedWave(wave=wave, objects=tuple(objects)))
        return found

    async def object(self, resource: Resource, options: Options | None = None) -> Wanted:
        """Say what one object is in this cluster. options: those of its annotations, if they were read already."""
        kind = await self._kinds.find(resource.group, resource.kind)
        # A kind that this version defines is not known to the cluster yet; its definition says where it lives.
        group_kind = (resource.group, resource.kind)
        namespaced = kind.namespaced if kind is not None else group_kind not in self._cluster_wide
        namespace = (resource.namespace or self._app.namespace or DEFAULT_NAMESPACE) if namespaced else ""
        key = (group_kind, namespace, resource.name)
        if key[0] == PARENT and namespace == self._parents and resource.name.startswith(PREFIX):
            raise ValueError(
                f"the ConfigMap {resource.name} in {namespace} is lastgood's own: no version may change it"
            )
        manifest = labelled(_as_kept(resource), self._set)
        metadata = {name: value for name, value in manifest["metadata"].items() if name != "namespace"}
        if namespace:
            metadata["namespace"] = namespace
        manifest = {name: value for name, value in {**manifest, "metadata": metadata}.items() if name != "status"}
        return Wanted(
            placed=Placed(resource=resource, options=options or options_of(resource.manifest)),
            kind=kind,
            key=key,
            manifest=manifest,
            digest=hashlib.blake2b(msgspec.json.encode(manifest, order="sorted"), digest_size=16).digest(),
        )


def defines(resource: Resource) -> GroupKind | None:
    """Return which kind a definition defines; None for what is no definition."""
    spec = resource.manifest.get("spec") if (resource.group, resource.kind) == DEFINITIONS else None
    names = spec.get("names") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(names, dict):
        return None
    return (str(spec.get("group")), str(names.get("kind")))


def _cluster_wide(resources: Iterable[Resource]) -> Iterator[GroupKind]:
    """Yield the kinds that definitions among the resources give to the whole cluster."""
    for one in resources:
        kind = defines(one)
        if kind is not None and one.manifest["spec"].get("scope") == "Cluster":
            yield kind


def _as_kept(resource: Resource) -> dict[str, Any]:
    """Return the manifest; of a Secret with its `stringData` written as `data`, which is what the cluster keeps.

    Of `stringData` a cluster forgets who set it: what leaves it would stay.
    """
    manifest = resource.manifest
    plain, data = manifest.get("stringData"), manifest.get("data") or {}
    if (resource.group, resource.kind) != ("", "Secret") or not isinstance(plain, dict) or not isinstance(data, dict):
        return manifest
    if not all(isinstance(value, str) for value in plain.values()):
        return manifest
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    return {**{key: value for key, value in manifest.items() if key != "stringData"}, "data": {**data, **coded}}
