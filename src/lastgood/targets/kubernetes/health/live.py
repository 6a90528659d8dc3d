"""Read a live object field by field: what a cluster sends may hold anything anywhere. Knows no kind."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from lastgood.core.errors import MalformedResource

MAX_CONDITIONS = 1000
_MAX_COUNT = 2**63


class Condition(NamedTuple):
    """One entry of `status.conditions`. since: its last transition; generation: the one that it was written for."""

    type: str
    status: str
    reason: str
    message: str
    since: dt.datetime | None
    generation: int | None

    @property
    def true(self) -> bool:
        """Whether it says True."""
        return self.status == "True"

    @property
    def false(self) -> bool:
        """Whether it says False."""
        return self.status == "False"

    def said(self, otherwise: str = "") -> str:
        """Return its message, else its reason, else other words."""
        return self.message or self.reason or otherwise


class Live:
    """One object as the API server sent it, never changed.

    Fields that are absent, null or inside something absent are None or the default given. A field of another kind
    than it must have raises MalformedResource.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.manifest = manifest
        api_version = self.text("apiVersion")
        group, slash, version = api_version.rpartition("/")
        self.group = group if slash else ""
        self.version = version
        self.kind = self.text("kind")
        self.name = self.text("metadata", "name")

    def get(self, *path: str | int) -> Any:
        """Return what is at a path, None where nothing is; numbers are places in lists."""
        here: Any = self.manifest
        for step in path:
            if type(here) is dict:  # as JSON gives it: asked ten thousand times in a release
                here = here.get(step)
            elif here is None:
                return None
            elif isinstance(step, int):
                if not isinstance(here, list):
                    self.wrong(path, "a list", here)
                here = here[step] if step < len(here) else None
            elif isinstance(here, Mapping):
                here = here.get(step)
            else:
                self.wrong(path, "a mapping", here)
        return here

    def text(self, *path: str | int, default: str = "") -> str:
        """Return a text."""
        value = self.get(*path)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(path, "a text", value)
        return value

    def count(self, *path: str | int, default: int = 0) -> int:
        """Return a whole number from 0 on."""
        value = self.get(*path)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_COUNT:
            self.wrong(path, "a whole number from 0 on", value)
        return value

    def flag(self, *path: str | int) -> bool:
        """Return whether something is true; absent is false."""
        value = self.get(*path)
        if value is None:
            return False
        if not isinstance(value, bool):
            self.wrong(path, "true or false", value)
        return value

    def mapping(self, *path: str | int) -> Mapping[str, Any]:
        """Return a mapping, empty where there is none."""
        value = self.get(*path)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.wrong(path, "a mapping", value)
        return value

    def items(self, *path: str | int) -> list[Mapping[str, Any]]:
        """Return a list of mappings, empty where there is none."""
        value = self.get(*path)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            self.wrong(path, "a list of mappings", value)
        return value

    def part(self, *path: str | int) -> "Live":
        """Return a mapping inside as an object of its own, for fields that are read one by one."""
        inner = Live.__new__(Live)
        inner.manifest = self.mapping(*path)
        inner.group, inner.version, inner.kind, inner.name = self.group, self.version, self.kind, self.name
        return inner

    def parts(self, *path: str | int) -> list["Live"]:
        """Return the mappings of a list, each as an object of its own."""
        return [self.part(*path, at) for at in range(len(self.items(*path)))]

    def annotation(self, name: str) -> str:
        """Return an annotation, "" where there is none."""
        return self.text("metadata", "annotations", name)

    def time(self, *path: str | int) -> dt.datetime | None:
        """Return a time, None where there is none."""
        value = self.get(*path)
        if value is None:
            return None
        found = read_time(value)
        if found is None:
            self.wrong(path, "a time", value)
        return found

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of a type, None where there is none."""
        return self.conditions().get(kind)

    def conditions(self, *path: str | int) -> dict[str, Condition]:
        """Return the conditions by type; of two of one type the last counts.

        path: where they stand; left out: `status.conditions`. What is no condition is left out: many kinds keep other
        things under that name.
        """
        found = self.get(*(path or ("status", "conditions")))
        if not isinstance(found, list):
            return {}
        return {one.type: one for one in map(read_condition, found[:MAX_CONDITIONS]) if one is not None}

    def wrong(self, path: tuple[str | int, ...], wanted: str, value: Any) -> NoReturn:
        """Raise MalformedResource: at that path is something else than what is wanted."""
        field = ".".join(map(str, path))
        raise MalformedResource(
            kind=getattr(self, "kind", ""),
            name=getattr(self, "name", ""),
            field=field,
            reason=f"{field} is {called(value)}, and not {wanted}",
        )


def read_condition(value: Any) -> Condition | None:
    """Return a condition, None for what is none."""
    if not isinstance(value, Mapping):
        return None
    kind, status, generation = value.get("type"), value.get("status"), value.get("observedGeneration")
    if not isinstance(kind, str):
        return None
    if isinstance(status, bool):
        # Some controllers write true where they mean "True".
        status = str(status)
    return Condition(
        type=kind,
        status=status if isinstance(status, str) else "",
        reason=_text(value.get("reason")),
        message=_text(value.get("message")),
        since=read_time(value.get("lastTransitionTime")),
        generation=generation if isinstance(generation, int) and not isinstance(generation, bool) else None,
    )


def read_time(value: Any) -> dt.datetime | None:
    """Return a time as Kubernetes writes it (RFC 3339), aware; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
        return found.astimezone(dt.UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def called(value: Any) -> str:
    """Name a value in a message, without repeating what may be long or secret."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case None:
            return "null"
    return "a mapping"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
