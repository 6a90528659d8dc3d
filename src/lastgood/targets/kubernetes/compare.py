"""Compare two states of one object: without what is ignored, and in words that name the fields that differ. Pure.

Values are never told: a field's name is enough to look for it, and its content may be secret.
"""

from typing import Any

import msgspec

from lastgood.targets.kubernetes.live_object import comparable

MAX_FIELDS = 5
MAX_ENTRIES = 200
MAX_DEPTH = 100
_ABSENT = object()


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """What of an object is nobody's drift. pointers: JSON pointers; managers: names of whose fields do not count."""

    pointers: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything is."""
        return bool(self.pointers or self.managers)


def without(sent: dict[str, Any], ignored: Ignored, managed_fields: Any) -> dict[str, Any]:
    """Return an object without what is ignored. managed_fields: of the live object: they say whose the fields are."""
    if not ignored:
        return sent
    left: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(sent))
    entries = managed_fields[:MAX_ENTRIES] if isinstance(managed_fields, list) else []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("manager") in ignored.managers and not entry.get("subresource"):
            _take_fields(left, entry.get("fieldsV1"))
    for pointer in ignored.pointers:
        _take_pointer(left, pointer)
    return left


def _take_pointer(value: Any, pointer: str) -> None:
    """Take out what a JSON pointer (RFC 6901) leads to; what leads nowhere takes nothing."""
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps:
        value = _below(value, step)
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and last.isdecimal() and int(last) < len(value):
        # An emptied place keeps the others at theirs.
        value[int(last)] = None


def _below(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def _take_fields(value: Any, fields: Any, depth: int = 0) -> None:
    """Take out the leaves that a set of fields (`fieldsV1`) names: `f:key`, `k:{...}` and `v:...` of lists."""
    if not isinstance(fields, dict) or depth > MAX_DEPTH:
        return
    for name, below in fields.items():
        how, _, what = name.partition(":")
        if how == "f" and isinstance(value, dict) and what in value:
            if below:
                _take_fields(value[what], below, depth + 1)
            else:
                del value[what]
        elif how in ("k", "v") and isinstance(value, list):
            at = next((n for n, one in enumerate(value) if _is_named(one, how, what)), None)
            if at is None:
                continue
            if how == "k" and set(below or ()) - {"."}:
                _take_fields(value[at], below, depth + 1)
            else:
                del value[at]


def _is_named(one: Any, how: str, what: str) -> bool:
    try:
        named = msgspec.json.decode(what)
    except msgspec.DecodeError:
        return False
    if how == "v":
        return bool(one == named)
    return isinstance(one, dict) and isinstance(named, dict) and named.items() <= one.items()


def changed_fields(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the fields whose content differs, as `.spec.replicas`, a few of them, by name."""
    found: list[str] = []
    _differing(comparable(one), comparable(other), "", found)
    return found[:MAX_FIELDS] + (["and more"] if len(found) > MAX_FIELDS else [])


def _differing(one: Any, other: Any, at: str, found: list[str]) -> None:
    if one == other or len(found) > MAX_FIELDS:
        return
    if isinstance(one, dict) and isinstance(other, dict) and at.count(".") < MAX_DEPTH:
        for key in sorted(one.keys() | other.keys(), key=str):
            _differing(one.get(key, _ABSENT), other.get(key, _ABSENT), f"{at}.{key}", found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other) and at.count(".") < MAX_DEPTH:
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            _differing(mine, theirs, f"{at}[{number}]", found)
    else:
        found.append(at)
