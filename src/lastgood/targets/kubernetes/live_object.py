"""An object as the cluster has it, as much of it as is kept: bounded, without secrets, and with a digest of the rest.

Pure; takes what a watch sent.
"""

import datetime as dt
import hashlib
from typing import Any

import msgspec

from lastgood.core.errors import MalformedResource
from lastgood.core.words import Health
from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.health import health_of
from lastgood.targets.kubernetes.kinds import POD, GroupKind

Key = tuple[GroupKind, str, str]
"""What names an object in a cluster: its kind, its namespace ("" for none) and its name."""

# The cluster's own bookkeeping: it differs between two objects with the same content.
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid", "selfLink")
_REVISION = "deployment.kubernetes.io/revision"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What can be large or secret, and nothing here shows.
_DATA = ("data", "stringData", "binaryData")
_NOT_KEPT = {
    ("", "Secret"): _DATA,
    ("", "ConfigMap"): _DATA,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("spec",),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): ("webhooks",),
}
# So that nothing is late.
_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
MAX_KEPT_BYTES = 256_000


class LiveObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object. part_of: the id of its ApplySet; owners: uids; digest: of all but status and bookkeeping.

    revision: which of its Deployment's versions made it, None for what no Deployment counts.
    is_made: some controller made it and looks after it; controllers copy labels of what they make it for, and so the
    label of an ApplySet says nothing there.
    says: the health that its own status tells of, of a Pod and of what belongs to an application itself; None for all
    others. What time alone makes of it is not in that.

    kept: JSON without managedFields, and without what a Secret or ConfigMap holds.
    """

    key: Key
    uid: str
    resource_version: str
    part_of: str | None
    owners: tuple[str, ...]
    digest: bytes
    kept: bytes
    is_being_deleted: bool = False
    is_made: bool = False
    says: Health | None = None
    revision: str | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """Return what is kept, read anew: the caller may change it."""
        found: dict[str, Any] = msgspec.json.decode(self.kept)
        return found

    @property
    def kind(self) -> str:
        """Return the kind's name."""
        return self.key[0][1]

    @property
    def namespace(self) -> str | None:
        """Return the namespace, None for an object without one."""
        return self.key[1] or None

    @property
    def name(self) -> str:
        """Return the name."""
        return self.key[2]


def live_object(sent: Any, kind: GroupKind) -> LiveObject | None:
    """Read an object that the API server sent. None for what has no name and uid: it cannot be followed."""
    metadata = sent.get("metadata") if isinstance(sent, dict) else None
    if not isinstance(metadata, dict):
        return None
    name, uid, namespace = metadata.get("name"), metadata.get("uid"), metadata.get("namespace") or ""
    if not (isinstance(name, str) and isinstance(uid, str) and isinstance(namespace, str) and name):
        return None
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    part_of = labels.get(PART_OF) if isinstance(labels, dict) else None
    owners = [one for one in owners if isinstance(one, dict)] if isinstance(owners, list) else []
    annotations = metadata.get("annotations")
    revision = annotations.get(_REVISION) if isinstance(annotations, dict) else None
    is_made = any(one.get("controller") is True for one in owners)
    is_judged = kind == POD or (part_of is not None and not is_made)
    return LiveObject(
        key=(kind, namespace, name),
        uid=uid,
        resource_version=str(metadata.get("resourceVersion", "")),
        part_of=part_of if isinstance(part_of, str) else None,
        owners=tuple(one["uid"] for one in owners if isinstance(one.get("uid"), str)),
        # What controllers make without the label of a set is never compared: no time is spent on its digest.
        digest=b"" if is_made and part_of is None else content_digest(sent),
        is_being_deleted=metadata.get("deletionTimestamp") is not None,
        is_made=is_made,
        says=_said(sent) if is_judged else None,
        revision=revision if isinstance(revision, str) else None,
        kept=without_content(sent, kind),
    )


def _said(sent: dict[str, Any]) -> Health:
    try:
        return health_of(sent, now=_LONG_AGO).health
    except MalformedResource:
        return "Unknown"


def content_digest(sent: dict[str, Any]) -> bytes:
    """Return a digest of an object's content: all but status and what the cluster keeps books with.

    Kind and version are left out: lists do not say them. Only objects of one version can be compared.
    """
    return hashlib.blake2b(msgspec.json.encode(comparable(sent), order="sorted"), digest_size=16).digest()


def comparable(sent: dict[str, Any]) -> dict[str, Any]:
    """Return what of an object counts when two are compared."""
    content = {key: value for key, value in sent.items() if key not in ("status", "kind", "apiVersion")}
    metadata = sent.get("metadata")
    if isinstance(metadata, dict):
        content["metadata"] = {key: value for key, value in metadata.items() if key not in _BOOKKEEPING}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict) and _REVISION in annotations:
            # Its controller counts there, with every new version; that is bookkeeping, too.
            counted = {key: value for key, value in annotations.items() if key != _REVISION}
            content["metadata"]["annotations"] = counted
            if not counted:
                del content["metadata"]["annotations"]
    return content


def without_content(sent: dict[str, Any], kind: GroupKind) -> bytes:
    """Return what may be kept of an object, as JSON; see `LiveObject.kept`."""
    metadata = {key: value for key, value in sent["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        metadata["annotations"] = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
    kept = {**sent, "metadata": metadata}
    for key in _NOT_KEPT.get(kind, ()):
        kept.pop(key, None)
    # Lists leave it out of their items.
    kept.setdefault("kind", kind[1])
    written = msgspec.json.encode(kept)
    if len(written) > MAX_KEPT_BYTES:
        few: dict[str, Any] = {key: kept[key] for key in ("apiVersion", "kind", "status") if key in kept}
        few["metadata"] = {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata}
        written = msgspec.json.encode(few)
        if len(written) > MAX_KEPT_BYTES:
            written = msgspec.json.encode({key: few[key] for key in few if key != "status"})
    return written
