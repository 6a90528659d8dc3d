"""Take over the fields that an earlier tool set, so that a version that no longer sets them takes them out. Pure.

A field goes with server-side apply only when its last manager stops setting it. kubectl, Helm, Argo CD and Flux leave
entries of their own in `managedFields`; these become part of ours. So does our own entry of having put an object in
place whole (`Replace=true`): else what it set would stay for ever once the object is merged again.
"""

import re
from typing import Any

MANAGER = "lastgood"
# By name and by how they write: controllers that merely update status or scale are not among them.
_KUBECTL = re.compile(
    r"kubectl(-(client-side-apply|create|replace|edit|patch|set|label|annotate|scale|last-applied))?|before-first-apply"
)
_OTHERS = re.compile(
    r"helm|Helm|helm-controller|kustomize-controller|argocd-controller|argocd-application-controller|flux|gotk-.*"
)
MAX_ENTRIES = 200


def is_tool(manager: str) -> bool:
    """Say whether a field manager is a tool that applies what people wrote."""
    return _is_kubectl(manager) or _OTHERS.fullmatch(manager) is not None


def _is_kubectl(manager: str) -> bool:
    return _KUBECTL.fullmatch(manager) is not None


def adopted(managed_fields: Any, *, keep_kubectl: bool = False) -> list[dict[str, Any]] | None:
    """Return the entries with those of earlier tools made part of ours; None where there is nothing to take over.

    managed_fields: as the API server sent them. Entries for subresources (status, scale) stay as they are.
    keep_kubectl: what was set with kubectl stays kubectl's.
    """
    entries = _entries(managed_fields)
    if len(entries) > MAX_ENTRIES:
        return None
    ours = next((one for one in entries if _is_ours(one) and one.get("operation") == "Apply"), None)
    theirs = [
        one for one in entries if one is not ours and (_is_of_a_tool(one, keep_kubectl=keep_kubectl) or _is_ours(one))
    ]
    if not theirs:
        return None
    fields = _fields([*theirs, *([ours] if ours is not None else [])])
    newest = ours if ours is not None else theirs[-1]
    taken = {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": newest.get("apiVersion"),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    left = [one for one in entries if one is not ours and not any(one is other for other in theirs)]
    return [*left, taken]


def tools_in(managed_fields: Any, *, keep_kubectl: bool = False) -> list[str]:
    """Return the names of earlier tools whose fields of an object are taken over."""
    found = (str(one["manager"]) for one in _entries(managed_fields) if _is_of_a_tool(one, keep_kubectl=keep_kubectl))
    return list(dict.fromkeys(found))


def _entries(managed_fields: Any) -> list[dict[str, Any]]:
    return [one for one in managed_fields if isinstance(one, dict)] if isinstance(managed_fields, list) else []


def _is_of_a_tool(entry: dict[str, Any], *, keep_kubectl: bool) -> bool:
    manager = str(entry.get("manager", ""))
    return not entry.get("subresource") and is_tool(manager) and not (keep_kubectl and _is_kubectl(manager))


def _is_ours(entry: dict[str, Any]) -> bool:
    return not entry.get("subresource") and entry.get("manager") == MANAGER


def _fields(entries: list[dict[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for one in entries:
        found = one.get("fieldsV1")
        fields = union(fields, found if isinstance(found, dict) else {})
    return fields


def union(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the set of fields that either set has (`fieldsV1`: nested mappings, leaves empty)."""
    found = dict(one)
    for key, below in other.items():
        mine = found.get(key)
        found[key] = union(mine, below) if isinstance(mine, dict) and isinstance(below, dict) else below
    return found


def other_managers(managed_fields: Any) -> list[str]:
    """Return who else manages fields of an object, newest first, with the time: for `what was changed by whom`."""
    entries = _entries(managed_fields)
    named = [
        (str(one.get("time", "")), str(one.get("manager", "")))
        for one in entries[:MAX_ENTRIES]
        if not one.get("subresource") and one.get("manager") != MANAGER
    ]
    return [f"{manager} at {time}" if time else manager for time, manager in sorted(named, reverse=True) if manager]
