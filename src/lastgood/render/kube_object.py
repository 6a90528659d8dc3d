"""What a cluster needs to know of an object before it looks inside: kind, name, namespace. Lists become objects.

Pure; knows no file but the name that errors give, and no cluster: which kinds have no namespace is a table.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import msgspec

from lastgood.core.hook import is_hook
from lastgood.core.resource import Resource
from lastgood.core.yaml import config_wrong
from lastgood.render.kube_yaml import KubeDocument

_API_VERSION = re.compile(r"(?:(?P<group>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)/)?[a-z][a-z0-9]{0,62}")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
# A name is a segment of the address that the object has in the cluster's API.
_NAME = re.compile(r"(?!\.{1,2}$)[^/%\x00-\x1f\x7f]{1,253}")
_SHOWN = 60
_MADE_UP = 8

_CLUSTER_WIDE = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration"
        " ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    ),
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "SelfSubjectReview TokenReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
}
_CLUSTER_WIDE_KINDS = {(group, kind) for group, kinds in _CLUSTER_WIDE.items() for kind in kinds.split()}
_BUILT_IN_GROUPS = {
    *_CLUSTER_WIDE,
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
}

Scopes = dict[tuple[str, str], bool]


def objects_of(document: KubeDocument, *, file: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document: itself, or the items of a list (`List`, and whatever has `items`).

    An item without kind and apiVersion is what its list is a list of. Raises ConfigWrong.
    """
    value = document.value
    if not isinstance(value, dict):
        _wrong(document, file, f"it is {_called(value)}, and no Kubernetes object")
    if "items" not in value:
        if value.get("kind") == "List":
            _wrong(document, file, "this List has no `items`")
        yield value
        return
    kind, items = value.get("kind"), value["items"]
    if not isinstance(kind, str) or not kind:
        _wrong(document, file, "it has `items` and no `kind`: it is no Kubernetes object")
    if items is not None and not isinstance(items, list):
        _wrong(document, file, f"`items` is {_called(items)}, and no list")
    for number, item in enumerate(items or [], 1):
        if not isinstance(item, dict):
            _wrong(document, file, f"item {number} of this {kind} is {_called(item)}, and no Kubernetes object")
        if isinstance(item.get("items"), list):
            _wrong(document, file, f"item {number} of this {kind} is a list itself, which kubectl does not take")
        if item.get("kind") or item.get("apiVersion"):
            yield item
        else:
            yield {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List"), **item}


def read_object(value: dict[str, Any], document: KubeDocument, *, file: str, nameless: bool = False) -> Resource:
    """Check that an object says what it is. Its namespace is the one that it names. Raises ConfigWrong.

    nameless: an object without a name is taken as well, for who does not ask a cluster for it; its name is "".
    """
    version, kind = value.get("apiVersion"), value.get("kind")
    named = [key for key in ("apiVersion", "kind") if value.get(key) in (None, "")]
    if named:
        missing = " and no ".join(f"`{key}`" for key in named)
        _wrong(document, file, f"it has no {missing}: it is no Kubernetes object")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        _wrong(document, file, f"its kind is {_called(kind)}, which is no kind")
    found = _API_VERSION.fullmatch(version) if isinstance(version, str) else None
    if found is None:
        _wrong(document, file, f"the apiVersion of this {kind} is {_called(version)}, which is none")
    metadata = value.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        _wrong(document, file, f"the metadata of this {kind} is {_called(metadata)}, and no mapping")
    if nameless and metadata.get("name") in (None, ""):
        namespace = _segment(metadata, "namespace", kind, document, file)
        return Resource(group=found["group"] or "", kind=kind, namespace=namespace, name="", manifest=value)
    if metadata.get("name") in (None, "") and metadata.get("generateName"):
        if not is_hook(value):
            reason = f"this {kind} has a `generateName` and no `name`: it would be another object every time"
            _wrong(document, file, f"{reason}, which nobody can follow or go back from; give it a name")
        metadata = _named_by_content(value, metadata)
        value = {**value, "metadata": metadata}
    if not nameless:
        _see_that_they_are_text(metadata, kind, document, file)
    return Resource(
        group=found["group"] or "",
        kind=kind,
        namespace=_segment(metadata, "namespace", kind, document, file),
        name=_segment(metadata, "name", kind, document, file) or _wrong(document, file, f"this {kind} has no name"),
        manifest=value,
    )


def _named_by_content(value: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Give a hook the name that a cluster would make up, but the same for the same content."""
    digest = hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
    left = {key: of for key, of in metadata.items() if key not in ("name", "generateName")}
    return {"name": f"{metadata['generateName']}{digest[:_MADE_UP]}", **left}


def _see_that_they_are_text(metadata: dict[str, Any], kind: str, document: KubeDocument, file: str) -> None:
    """See that labels and annotations are text: no cluster takes others, and says so only when the rest is applied."""
    for part, one in (("labels", "label"), ("annotations", "annotation")):
        named = metadata.get(part)
        if named is not None and not isinstance(named, dict):
            _wrong(document, file, f"the {part} of this {kind} are {_called(named)}, and no mapping")
        for key, value in (named or {}).items():
            if value is not None and not isinstance(value, str):
                reason = f"the {one} {key[:_SHOWN]} of this {kind} is {_called(value)}, and no text; quote it"
                _wrong(document, file, reason)


def _segment(metadata: dict[str, Any], key: str, kind: str, document: KubeDocument, file: str) -> str | None:
    value = metadata.get(key)
    if value in (None, "") and not isinstance(value, (bool, int)):
        if key == "name":
            _wrong(document, file, f"this {kind} has no `metadata.name`")
        return None
    if not isinstance(value, str):
        _wrong(document, file, f"the {key} of this {kind} is {_called(value)}, and no text; quote it")
    if not _NAME.fullmatch(value):
        _wrong(document, file, f"the {key} of this {kind}, {value[:_SHOWN]!r}, is none that a cluster takes")
    return value


def scopes_in(resources: Iterable[Resource]) -> Scopes:
    """Return what the CustomResourceDefinitions among the resources say: (group, kind) -> has a namespace."""
    found: Scopes = {}
    for resource in resources:
        if (resource.group, resource.kind) != ("apiextensions.k8s.io", "CustomResourceDefinition"):
            continue
        spec = resource.manifest.get("spec")
        names = spec.get("names") if isinstance(spec, dict) else None
        if not isinstance(spec, dict) or not isinstance(names, dict):
            continue
        group, kind = spec.get("group"), names.get("kind")
        if isinstance(group, str) and isinstance(kind, str):
            found[group, kind] = spec.get("scope") != "Cluster"
    return found


def namespace_of(resource: Resource, *, default: str | None, scopes: Scopes) -> str | None:
    """Say in which namespace an object is: what it names, else the application's; None for kinds without one.

    A kind that is neither built in nor defined beside it may have none: without a word of its own, that stays open.
    """
    kind = (resource.group, resource.kind)
    if kind in _CLUSTER_WIDE_KINDS or scopes.get(kind) is False:
        return None
    if resource.namespace is not None:
        return resource.namespace
    return default if resource.group in _BUILT_IN_GROUPS or kind in scopes else None


def _called(value: Any) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value[:_SHOWN]!r}"
    return f"the number {value}"


def _wrong(document: KubeDocument, file: str, reason: str) -> NoReturn:
    which = f"document {document.number}: " if document.number > 1 else ""
    raise config_wrong(file, document.line, f"{which}{reason}")
