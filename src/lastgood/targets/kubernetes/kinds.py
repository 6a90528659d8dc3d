"""Which kinds a cluster has, and at which address: its own discovery, read whole and kept until something is missing.

Asks through a Connection. Knows no objects.
"""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lastgood.core.cluster_facts import ClusterFacts
from lastgood.core.value import Value
from lastgood.targets.kubernetes.connection import Connection
from lastgood.targets.kubernetes.together import together

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"

GroupKind = tuple[str, str]

POD: GroupKind = ("", "Pod")

# Looks at an application with a kind that its cluster lacks come every few seconds.
MISSING_S = 30.0


class Kind(Value, frozen=True, kw_only=True):
    """A kind as a cluster serves it. version: the one that the server prefers; api_versions: all of them."""

    group: str
    kind: str
    version: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    versions: tuple[str, ...]

    @property
    def group_kind(self) -> GroupKind:
        """Return what names the kind whatever its version."""
        return (self.group, self.kind)

    @property
    def api_version(self) -> str:
        """Return what stands in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def is_watched_as(self, api_version: str) -> bool:
        """Say whether objects of that `apiVersion` look as those that a watch of this kind sends."""
        return api_version == self.api_version

    def path(self, namespace: str | None = None, name: str | None = None, *, version: str | None = None) -> str:
        """Return the address of all objects, of a namespace's, or of one. Raises ValueError for a name of dots."""
        base = f"/apis/{self.group}/{version or self.version}" if self.group else f"/api/{version or self.version}"
        inside = f"/namespaces/{_segment(namespace)}" if namespace is not None and self.namespaced else ""
        return f"{base}{inside}/{self.plural}{'/' + _segment(name) if name is not None else ''}"


def _segment(name: str) -> str:
    if name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of an object")
    return quote(name, safe="")


class Kinds:
    """The kinds of one cluster. Raises what a Connection raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[GroupKind, Kind] = {}
        self._missing: dict[GroupKind, float] = {}
        self._version = ""
        self._reading = asyncio.Lock()

    async def find(self, group: str, kind: str, *, anew: bool = False) -> Kind | None:
        """Return a kind; None: the cluster has no such kind.

        What is not known is asked for, but not again and again. anew: ask in any case.
        """
        found = self._known.get((group, kind))
        now = asyncio.get_running_loop().time()
        asked = self._missing.get((group, kind))
        if anew or (found is None and (asked is None or now - asked > MISSING_S)):
            await self.read()
            found = self._known.get((group, kind))
            if found is None:
                self._missing[group, kind] = now
            else:
                self._missing.pop((group, kind), None)
        return found

    async def read(self) -> None:
        """Ask for all kinds and the version: three requests, whatever their number."""
        async with self._reading:
            asked = [self._connection.request("GET", path, accept=_AGGREGATED) for path in ("/api", "/apis")]
            known: dict[GroupKind, Kind] = {}
            for answer in await together(asked):
                for kind in _kinds_in(answer):
                    # A kind that two groups' versions serve is one; the first version listed is preferred.
                    known.setdefault(kind.group_kind, kind)
            self._known = known
            said = await self._connection.request("GET", "/version")
            self._version = str(said.get("gitVersion", "")) if isinstance(said, dict) else ""

    def known(self) -> dict[GroupKind, Kind]:
        """Return the kinds as read last."""
        return self._known

    def facts(self) -> ClusterFacts:
        """Return what charts may ask of the cluster, as read last."""
        versions = {f"{k.group}/{v}" if k.group else v for k in self._known.values() for v in k.versions}
        kinds = {
            f"{k.group}/{v}/{k.kind}" if k.group else f"{v}/{k.kind}" for k in self._known.values() for v in k.versions
        }
        return ClusterFacts(kube_version=self._version, api_versions=tuple(sorted(versions | kinds)))


def _kinds_in(answer: Any) -> Iterator[Kind]:
    """Read an aggregated discovery document; what is not as it should be is passed over: a cluster may lie to us."""
    for group in _list(answer, "items"):
        name = _text(_dict(group, "metadata"), "name")
        versions: dict[str, list[str]] = {}
        first: dict[str, tuple[str, dict[str, Any]]] = {}
        for version in _list(group, "versions"):
            said = _text(version, "version")
            for resource in _list(version, "resources"):
                kind = _text(_dict(resource, "responseKind"), "kind")
                if not kind or not said or not _text(resource, "resource"):
                    continue
                versions.setdefault(kind, []).append(said)
                first.setdefault(kind, (said, resource))
        for kind, (version, resource) in first.items():
            yield Kind(
                group=name,
                kind=kind,
                version=version,
                plural=_text(resource, "resource"),
                namespaced=_text(resource, "scope") == "Namespaced",
                verbs=frozenset(verb for verb in _list(resource, "verbs") if isinstance(verb, str)),
                versions=tuple(versions[kind]),
            )


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _dict(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
