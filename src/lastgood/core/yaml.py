"""Read YAML that strangers wrote: bounded in size, depth and expansion, with the line of every value for messages.

Plain values out (dict, list, str, int, float, bool, None). Knows no file, no tag that makes objects, no schema.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from lastgood.core.errors import ConfigWrong

Path = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000

_UTF_16 = {b"\xfe\xff": "utf-16-be", b"\xff\xfe": "utf-16-le"}
_CORE_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Twenty digits hold any 64-bit number; longer ones (commit ids, account numbers) stay the text that they are.
_INT = re.compile(r"[-+]?[0-9]{1,20}")
_BASED = re.compile(r"0o([0-7]{1,22})|0x([0-9a-fA-F]{1,16})")
_FLOAT = re.compile(r"[-+]?(?=[0-9]*[.eE])(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,3})?")
# A digit, a dot or a sign in front may begin a number, a date or a time for readers of older YAML.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]{0,200}")


class _Places:
    """Where things stand. Collections are numbered (the root is 0), so that a place costs the same at any depth."""

    def __init__(self) -> None:
        self.first_line = 1
        self.count = 0
        self.lines: dict[tuple[int, str | int], int] = {}
        self.inside: dict[tuple[int, str | int], int] = {}
        self.written: dict[tuple[int, str | int], str] = {}


class Document:
    """One YAML document. value: plain values; a line (from 1) and the scalar as written are found by path."""

    def __init__(self, value: Any, *, file: str, places: "_Places") -> None:
        self.value = value
        self.file = file
        self._places = places

    def line(self, path: Path) -> int:
        """Return the line of the key or list item at a path; of what encloses it if it came through an alias."""
        line, number = self._places.first_line, 0
        for step in path:
            line = self._places.lines.get((number, step), line)
            number = self._places.inside.get((number, step), -1)
        return line

    def written(self, path: Path) -> str | None:
        """Return a scalar that was read as a number, a truth value or null as it was written (`0123`, `1e5`)."""
        number = 0
        for step in path[:-1]:
            number = self._places.inside.get((number, step), -1)
        return self._places.written.get((number, path[-1])) if path else None

    def wrong(self, path: Path, reason: str, *, hint: str = "") -> NoReturn:
        """Raise ConfigWrong for the value at a path."""
        raise config_wrong(self.file, self.line(path), reason, hint=hint)


def config_wrong(file: str, line: int | None, reason: str, *, hint: str = "") -> ConfigWrong:
    """Make the error for a line of a file; its message starts with `file:line:`."""
    where = file if line is None else f"{file}:{line}"
    return ConfigWrong(f"{where}: {reason}", hint=hint, file=file, line=line, reason=reason)


def read_yaml(data: bytes, *, file: str, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES) -> Document:
    """Read exactly one document; an empty file is the value None.

    file: how messages call it. Scalars are those of YAML 1.2 (`on`, `off`, `yes`, `no` are text); keys are text as
    written; `<<` merges; an alias may repeat what it names within the bounds.
    Raises ConfigWrong: not UTF-8, not YAML, a key twice, more than one document, a tag, a bound exceeded.
    """
    documents = _documents(data, _Composer(file, max_nodes=max_nodes, max_chars=4 * max_bytes), max_bytes=max_bytes)
    if len(documents) > 1:
        raise config_wrong(file, documents[1].line(()), "there must be one YAML document, and here a second one begins")
    return documents[0] if documents else Document(None, file=file, places=_Places())


def read_yaml_documents(
    data: bytes, *, file: str, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES
) -> list[Document]:
    """Read a file that was written for Kustomize or Helm: a stream of documents, each as `read_yaml` reads one.

    What they take is taken: of a key that is there twice the last counts, a tag of another kind has no effect, and
    UTF-16 with its mark is text. The bounds hold for the stream as a whole.
    """
    for mark, encoding in _UTF_16.items():
        if data.startswith(mark):
            data = data.decode(encoding, "replace").encode("utf-8", "replace")
    composer = _Composer(file, max_nodes=max_nodes, max_chars=4 * max_bytes, as_tools=True)
    return _documents(data, composer, max_bytes=max_bytes)


def _documents(data: bytes, composer: "_Composer", *, max_bytes: int) -> list[Document]:
    file = composer.file
    if len(data) > max_bytes:
        raise config_wrong(file, None, f"it has {len(data)} bytes; the limit is {max_bytes}")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise config_wrong(file, line, f"it is not UTF-8: byte {wrong.start} is 0x{data[wrong.start]:02x}") from wrong
    try:
        return composer.documents(yaml.parse(data, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise config_wrong(file, line, f"it is not YAML: {wrong.problem or wrong.context}") from wrong
    except yaml.reader.ReaderError as wrong:
        line = data.count(b"\n", 0, int(wrong.position or 0)) + 1
        raise config_wrong(file, line, f"it is not YAML: {wrong.reason}") from wrong
    except yaml.YAMLError as wrong:
        raise config_wrong(file, None, "it is not YAML") from wrong


def yaml_text(text: str) -> str:
    """Write text as a YAML scalar that every reader takes for that text: plain where that is safe, else quoted."""
    if _PLAIN.fullmatch(text) and isinstance(_plain_scalar(text), str) and text.lower() not in _YAML_1_1_WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", quoted)


_YAML_1_1_WORDS = frozenset(("on", "off", "yes", "no", "y", "n"))


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "chars", "is_map", "items", "key", "merges", "nodes", "number", "seen", "value")

    def __init__(self, number: int, anchor: str | None, *, is_map: bool) -> None:
        self.number = number
        self.anchor = anchor
        self.is_map = is_map
        self.items: list[Any] = []
        self.value: dict[str, Any] = {}
        self.seen: dict[str, int] = {}
        self.merges: list[Any] = []
        self.key: str | None = None
        self.nodes = 1
        self.chars = 0


class _Composer:
    """Builds values from parser events without recursion, so that no depth of nesting can exhaust the stack.

    as_tools: leave out the rules of our own that Kustomize and Helm do not have.
    """

    def __init__(self, file: str, *, max_nodes: int, max_chars: int, as_tools: bool = False) -> None:
        self.file = file
        self.as_tools = as_tools
        self.max_nodes = max_nodes
        self.max_chars = max_chars
        self.nodes = 0
        self.chars = 0

    def documents(self, events: Iterator[Any]) -> list[Document]:
        return [self._document(events) for event in events if isinstance(event, yaml.DocumentStartEvent)]

    def _document(self, events: Iterator[Any]) -> Document:
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.places = _Places()
        self.root: Any = None
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            self._take(event)
        return Document(self.root, file=self.file, places=self.places)

    def _take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event, line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)

    def _wrong(self, line: int, reason: str) -> NoReturn:
        raise config_wrong(self.file, line, reason)

    def _count(self, line: int, nodes: int, chars: int) -> None:
        self.nodes += nodes
        self.chars += chars
        if self.nodes > self.max_nodes or self.chars > self.max_chars:
            self._wrong(line, f"it holds too much: more than {self.max_nodes} values or {self.max_chars} characters")

    def _here(self) -> tuple[int, str | int]:
        if not self.stack:
            return (-1, 0)
        top = self.stack[-1]
        return (top.number, top.key if top.is_map and top.key is not None else len(top.items))

    def _wants_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].is_map and self.stack[-1].key is None

    def _scalar(self, event: Any, line: int) -> None:
        text: str = event.value
        self._count(line, 1, len(text))
        if self._wants_key():
            self._key(text, line, merges=text == "<<" and event.implicit[0])
            return
        value = self._resolve(event, line)
        if not isinstance(value, str):
            self.places.written[self._here()] = text
        self._put(value, line, nodes=1, chars=len(text), anchor=event.anchor)

    def _key(self, text: str, line: int, *, merges: bool) -> None:
        top = self.stack[-1]
        if text in top.seen and not merges and not self.as_tools:
            self._wrong(line, f"the key {text[:80]!r} is here twice, first in line {top.seen[text]}")
        top.seen[text] = line
        top.key = text
        self.places.lines[top.number, text] = line
        if merges:
            # The value that follows is not the value of a key: it is kept apart until the mapping ends.
            top.merges.append(None)

    def _resolve(self, event: Any, line: int) -> Any:
        tag = event.tag
        if tag is None:
            return _plain_scalar(event.value) if event.implicit[0] else event.value
        if tag == "!" or (self.as_tools and tag not in _CORE_TAGS):
            return event.value
        name = _CORE_TAGS.get(tag)
        if name == "str":
            return event.value
        value = _plain_scalar(event.value)
        kinds: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if name not in kinds or type(value) is not kinds[name]:
            self._wrong(line, f"the tag {tag[:80]!r} cannot be used here")
        return value

    def _open(self, event: Any, line: int) -> None:
        is_map = isinstance(event, yaml.MappingStartEvent)
        tagged = event.tag not in (None, "!") and not self.as_tools
        if tagged and _CORE_TAGS.get(event.tag) != ("map" if is_map else "seq"):
            self._wrong(line, f"the tag {event.tag[:80]!r} cannot be used here")
        if self._wants_key():
            self._wrong(line, "a key must be text")
        if len(self.stack) >= MAX_DEPTH:
            self._wrong(line, f"it is nested deeper than {MAX_DEPTH}")
        self._count(line, 1, 0)
        here, number = self._here(), self.places.count
        self.places.count += 1
        self.places.inside[here] = number
        self.places.lines.setdefault(here, line)
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
        self.stack.append(_Open(number, event.anchor, is_map=is_map))

    def _close(self, line: int) -> None:
        done = self.stack.pop()
        value: Any = _merged(done) if done.is_map else done.items
        self._put(value, line, nodes=done.nodes, chars=done.chars, anchor=done.anchor)

    def _alias(self, event: Any, line: int) -> None:
        if self._wants_key():
            self._wrong(line, "a key must be text, not an alias")
        if event.anchor not in self.anchors:
            self._wrong(line, f"the alias *{event.anchor[:80]} names nothing that is complete before it")
        value, nodes, chars = self.anchors[event.anchor]
        self._count(line, nodes, chars)
        self._put(value, line, nodes=nodes, chars=chars, anchor=None)

    def _put(self, value: Any, line: int, *, nodes: int, chars: int, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, nodes, chars)
        if not self.stack:
            self.places.first_line = self.places.lines.get((-1, 0), line)
            self.root = value
            return
        top = self.stack[-1]
        top.nodes += nodes
        top.chars += chars
        if not top.is_map:
            self.places.lines.setdefault((top.number, len(top.items)), line)
            top.items.append(value)
            return
        key, top.key = top.key, None
        if top.merges and top.merges[-1] is None:
            top.merges[-1] = self._mergeable(value, line)
        elif key is not None:
            top.value[key] = value

    def _mergeable(self, value: Any, line: int) -> list[dict[str, Any]]:
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in several):
            self._wrong(line, "`<<` takes a mapping or a list of mappings")
        return several


def _merged(done: _Open) -> dict[str, Any]:
    if not done.merges:
        return done.value
    value: dict[str, Any] = {}
    for several in done.merges:
        for one in several:
            for key, item in one.items():
                value.setdefault(key, item)
    return value | done.value


def _plain_scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if based := _BASED.fullmatch(text):
        return int(based[1], 8) if based[1] else int(based[2], 16)
    if _FLOAT.fullmatch(text):
        number = float(text)
        # 1e999 would be infinite, which JSON cannot say: it stays text.
        return number if abs(number) < float("inf") else text
    return text
