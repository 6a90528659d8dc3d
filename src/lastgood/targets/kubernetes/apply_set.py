"""What belongs to an application in a cluster, written the way that other tools read it: an ApplySet (KEP-3659).

A ConfigMap in lastgood's own namespace stands for each application; every object of it carries the set's id as a
label. Pure values; sends nothing.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lastgood import __version__
from lastgood.targets.kubernetes.kinds import GroupKind

PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
PARENT_TYPE = "applyset.kubernetes.io/is-parent-type"
CONTAINS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
APPLICATION = "lastgood/application"
PARENT: GroupKind = ("", "ConfigMap")
PREFIX = "lastgood."
MAX_KINDS = 1_000


def parent_name(app: str) -> str:
    """Return the name of the ConfigMap that stands for an application."""
    return PREFIX + app


@lru_cache(maxsize=10_000)
def set_id(app: str, namespace: str) -> str:
    """Return the id of an application's set. namespace: of the parent. The form is the KEP's."""
    named = f"{parent_name(app)}.{namespace}.ConfigMap."
    hashed = base64.urlsafe_b64encode(hashlib.sha256(named.encode()).digest()).rstrip(b"=").decode()
    return f"applyset-{hashed}-v1"


def labelled(manifest: dict[str, Any], set_: str) -> dict[str, Any]:
    """Return an object with the label that makes it part of a set; the argument stays as it is."""
    metadata = manifest["metadata"]
    labels = metadata.get("labels")
    labels = {**labels, PART_OF: set_} if isinstance(labels, dict) else {PART_OF: set_}
    return {**manifest, "metadata": {**metadata, "labels": labels}}


def parent(app: str, *, namespace: str, kinds: Iterable[GroupKind], namespaces: Iterable[str]) -> dict[str, Any]:
    """Return the object that stands for an application: what kinds its set has, and in which namespaces."""
    contained = sorted(f"{kind}.{group}" if group else kind for group, kind in kinds)
    elsewhere = sorted(set(namespaces) - {namespace})
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": parent_name(app),
            "namespace": namespace,
            "labels": {ID: set_id(app, namespace)},
            "annotations": {
                TOOLING: f"lastgood/v{__version__}",
                CONTAINS: ",".join(contained),
                NAMESPACES: ",".join(elsewhere),
                APPLICATION: app,
            },
        },
    }


class Extent(NamedTuple):
    """Where objects of a set can be; what has its label elsewhere was copied, and is not of it.

    namespaces: of those that are in one.
    """

    kinds: frozenset[GroupKind]
    namespaces: frozenset[str]


def extent(
    annotations: Mapping[str, str] | None, *, kinds: Iterable[GroupKind] = (), namespaces: Iterable[str] = ()
) -> Extent:
    """Return where a set can have objects: as its parent says, None where it has none, and what is known besides."""
    said = annotations or {}
    elsewhere = (one.strip() for one in said.get(NAMESPACES, "").split(",")[:MAX_KINDS])
    return Extent(frozenset({*kinds, *kinds_of(said)}), frozenset({*namespaces, *elsewhere} - {""}))


def kinds_of(annotations: Mapping[str, str]) -> set[GroupKind]:
    """Read which kinds a set has from its parent. What is no kind is passed over: anybody may have written it."""
    named = [one.strip().partition(".") for one in annotations.get(CONTAINS, "").split(",")[:MAX_KINDS]]
    return {(group, kind) for kind, _, group in named if kind}
