"""Build the JSON value of one YAML document from parser events, by the rules of the reader that `kubectl` has.

Without recursion, so that no depth of nesting can exhaust the stack. Knows no file but its name for messages.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import yaml

from lastgood.core.kube_scalar import INT64_MAX, float_key, json_number, plain_scalar
from lastgood.core.yaml import config_wrong

MAX_DEPTH = 100
MAX_WARNINGS = 100
_TAG = "tag:yaml.org,2002:"
_RESOLVED_TAGS = {f"{_TAG}{name}": name for name in ("str", "bool", "int", "float", "null", "timestamp")}
_DAY = r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
_CLOCK = r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
_TIMESTAMPS = (
    re.compile(_DAY),
    re.compile(f"{_DAY} {_CLOCK}"),
    re.compile(f"{_DAY}[Tt]{_CLOCK}(?:Z|[-+][0-9]{{2}}:[0-9]{{2}})"),
)
_SHOWN = 80
_NAMED_KEYS = 5


class Budget:
    """How much the files of one application may hold together once read, aliases expanded."""

    def __init__(self, *, nodes: int, chars: int) -> None:
        self.max_nodes = nodes
        self.max_chars = chars
        self._nodes = 0
        self._chars = 0

    def take(self, file: str, line: int, nodes: int, chars: int) -> None:
        """Count what was read. Raises ConfigWrong where it is too much."""
        self._nodes += nodes
        self._chars += chars
        if self._nodes > self.max_nodes or self._chars > self.max_chars:
            reason = f"with this there are more than {self.max_nodes} values or {self.max_chars} characters"
            raise config_wrong(file, line, f"{reason}: that is too much for one application")


class _Named(NamedTuple):
    """What an anchor names. scalar: the value before it became JSON, for a key that is an alias."""

    value: Any
    nodes: int
    chars: int
    height: int
    scalar: Any


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "chars", "height", "items", "key", "keys", "merging", "nodes", "value")

    def __init__(self, anchor: str | None, *, is_map: bool) -> None:
        self.anchor = anchor
        self.items: list[Any] | None = None if is_map else []
        self.value: dict[str, Any] = {}
        self.keys: dict[str, tuple[type, int]] = {}
        self.key: str | None = None
        self.merging = False
        self.nodes = 1
        self.chars = 0
        self.height = 1

    def wants_key(self) -> bool:
        return self.items is None and self.key is None and not self.merging


class KubeComposer:
    """Reads one document. first_line: of the text in its file. warnings: (line, sentence)."""

    def __init__(self, file: str, *, first_line: int, budget: Budget) -> None:
        self.file = file
        self.first_line = first_line
        self.budget = budget
        self.warnings: list[tuple[int, str]] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Named | _Open] = {}
        self._root: Any = None

    def document(self, events: Iterator[Any]) -> Any:
        """Return the value of the only document of a parser's events; None for an empty one. Raises ConfigWrong."""
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            self._take(event)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                # kubectl would leave the rest out without a word.
                self._wrong(self._line(event), "after `...` another document begins; begin it with `---`")
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _line(self, event: Any) -> int:
        line: int = event.start_mark.line
        return self.first_line + line

    def _wrong(self, line: int, reason: str) -> NoReturn:
        raise config_wrong(self.file, line, reason)

    def _warn(self, line: int, sentence: str) -> None:
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append((line, sentence))

    # values
    def _scalar(self, event: Any) -> None:
        line, text = self._line(event), event.value
        self.budget.take(self.file, line, 1, len(text))
        top = self._stack[-1] if self._stack else None
        if top is not None and top.wants_key():
            if text == "<<" and (event.implicit[0] or event.tag == f"{_TAG}merge"):
                top.merging = True
                return
            scalar = self._resolved(event, line)
            self._name(event.anchor, _Named(scalar, 1, len(text), 0, scalar))
            self._key(top, scalar, line)
            return
        scalar = self._resolved(event, line)
        value = self._carried(scalar, text, line)
        self._put(event.anchor, _Named(value, 1, len(text), 0, scalar), line)

    def _resolved(self, event: Any, line: int) -> Any:
        tag, text = event.tag, event.value
        if tag is None:
            return plain_scalar(text) if event.implicit[0] else text
        if tag == f"{_TAG}binary":
            return self._binary(text, line)
        name = _RESOLVED_TAGS.get(tag)
        if name is None or name == "str":
            # A tag that nobody knows leaves text.
            return text
        value = plain_scalar(text)
        if name == "float" and type(value) is int and value <= INT64_MAX:
            value = float(value)
        kinds: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
        fits = _is_timestamp(text) if name == "timestamp" else type(value) is kinds[name]
        if not fits:
            self._wrong(line, f"{text[:_SHOWN]!r} is not what its tag `!!{name}` says")
        return text if name == "timestamp" else value

    def _binary(self, text: str, line: int) -> str:
        try:
            return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError) as wrong:
            raise config_wrong(self.file, line, "this is not base64, as its tag `!!binary` says") from wrong

    def _carried(self, scalar: Any, text: str, line: int) -> Any:
        if type(scalar) not in (int, float):
            return scalar
        number = json_number(scalar)
        if number is None:
            self._wrong(line, f"{text[:_SHOWN]} is a number that JSON does not have; if it is text, quote it")
        return number

    # keys
    def _key(self, top: _Open, scalar: Any, line: int) -> None:
        if scalar is None:
            self._wrong(line, "a key is null; if it is text, quote it")
        if type(scalar) is int and scalar > INT64_MAX:
            self._wrong(line, "a key is a number over 63 bits; if it is text, quote it")
        key = _key_text(scalar)
        before = top.keys.get(key)
        if before is not None and before[0] is not type(scalar):
            reason = f"the key {key[:_SHOWN]!r} is here twice, once as text and once not, first in line {before[1]}"
            self._wrong(line, reason)
        if before is not None:
            self._warn(line, f"the key {key[:_SHOWN]!r} is here twice, first in line {before[1]}; the last one counts")
        top.keys[key] = (type(scalar), line)
        top.key = key

    # collections
    def _open(self, event: Any) -> None:
        line, is_map = self._line(event), isinstance(event, yaml.MappingStartEvent)
        if self._stack and self._stack[-1].wants_key():
            self._wrong(line, "a key is a mapping or a list")
        if len(self._stack) >= MAX_DEPTH:
            self._wrong(line, f"it is nested deeper than {MAX_DEPTH}")
        self.budget.take(self.file, line, 1, 0)
        opened = _Open(event.anchor, is_map=is_map)
        # The name counts from where it stands: the same one further inside is the newer.
        if event.anchor is not None:
            self._anchors[event.anchor] = opened
        self._stack.append(opened)

    def _close(self, event: Any) -> None:
        done, line = self._stack.pop(), self._line(event)
        value: Any = done.value if done.items is None else done.items
        anchor = done.anchor if done.anchor is not None and self._anchors.get(done.anchor) is done else None
        self._put(anchor, _Named(value, done.nodes, done.chars, done.height, value), line)

    def _alias(self, event: Any) -> None:
        line = self._line(event)
        named = self._anchors.get(event.anchor)
        if not isinstance(named, _Named):
            self._wrong(line, f"the alias *{event.anchor[:_SHOWN]} names nothing that is complete before it")
        if len(self._stack) + named.height > MAX_DEPTH:
            self._wrong(line, f"with its aliases it is nested deeper than {MAX_DEPTH}")
        self.budget.take(self.file, line, named.nodes, named.chars)
        top = self._stack[-1] if self._stack else None
        if top is not None and top.wants_key():
            if isinstance(named.scalar, (dict, list)):
                self._wrong(line, "a key is a mapping or a list")
            self._key(top, named.scalar, line)
            return
        value = named.value
        if top is not None and top.merging and not isinstance(value, dict):
            self._wrong(line, "`<<` takes a mapping or a list of mappings")
        if type(named.scalar) in (int, float):
            value = self._carried(named.scalar, str(named.scalar), line)
        self._put(None, named._replace(value=value), line)

    def _name(self, anchor: str | None, named: _Named) -> None:
        if anchor is not None:
            self._anchors[anchor] = named

    def _put(self, anchor: str | None, named: _Named, line: int) -> None:
        self._name(anchor, named)
        value = named.value
        if not self._stack:
            self._root = value
            return
        top = self._stack[-1]
        top.nodes += named.nodes
        top.chars += named.chars
        top.height = max(top.height, named.height + 1)
        if top.items is not None:
            top.items.append(value)
        elif top.merging:
            top.merging = False
            self._merge(top, value, line)
        elif top.key is not None:
            top.value[top.key] = value
            top.key = None

    def _merge(self, top: _Open, value: Any, line: int) -> None:
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in several):
            self._wrong(line, "`<<` takes a mapping or a list of mappings")
        merged: dict[str, Any] = {}
        for one in reversed(several):
            merged.update(one)
        # In order, as that reader goes: a merge after a key wins over it, which YAML has the other way round.
        lost = [key for key, one in merged.items() if key in top.keys and top.value.get(key) != one]
        if lost:
            names = ", ".join(repr(key[:_SHOWN]) for key in lost[:_NAMED_KEYS])
            self._warn(line, f"`<<` stands after {names} and wins over it; put `<<` first")
        top.value.update(merged)


def _key_text(scalar: Any) -> str:
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return float_key(scalar) if isinstance(scalar, float) else str(scalar)


def _is_timestamp(text: str) -> bool:
    for form in _TIMESTAMPS:
        found = form.fullmatch(text)
        if found is None:
            continue
        year, month, day, hour, minute, second = (*map(int, found.groups()), 0, 0, 0)[:6]
        try:
            dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - asked only whether there is such a time
        except ValueError:
            return False
        return True
    return False
