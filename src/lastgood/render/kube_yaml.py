"""Read a manifest file the way `kubectl` does: its documents, as the JSON values that it would send to a cluster.

Bounded in size, depth and expansion; knows no repository and nothing of Kubernetes objects.

A file is a stream. If it begins with `{` it is read as JSON values in a row, and as YAML from where that fails.
Otherwise lines that begin with `---` cut it, whatever YAML says, and each piece is read alone as YAML.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from lastgood.core.errors import ConfigWrong
from lastgood.core.kube_scalar import json_number
from lastgood.core.yaml import config_wrong
from lastgood.render.kube_composer import MAX_DEPTH, Budget, KubeComposer

SEPARATOR = "---"
# What an empty document costs, counted as values: a file of nothing but separators has an end, too.
DOCUMENT_NODES = 20
_JSON_BLANKS = " \t\n\r"
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_SHOWN = 40
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPED = re.compile(r"\\.", re.DOTALL)


class KubeDocument(NamedTuple):
    """One document that is not empty. number, line: from 1, in the file. warnings: sentences without the file."""

    value: Any
    number: int
    line: int
    warnings: tuple[tuple[int, str], ...] = ()


def read_kube_yaml(data: bytes, *, file: str, budget: Budget) -> list[KubeDocument]:
    """Return the documents of one file that are not empty (null, or comments only), in order.

    Raises ConfigWrong (facts: file, line or None, reason): not UTF-8 (or UTF-16 with its mark), not YAML or JSON,
    a value that JSON does not have, a bound exceeded.
    """
    text = _decoded(data, file)
    found: list[KubeDocument] = []
    rest, first_line, number = text, 1, 0
    if text.lstrip().startswith("{"):
        values, end, wrong = _json_values(text, file, budget)
        found = [KubeDocument(value, n, line) for n, (value, line) in enumerate(values, 1) if value is not None]
        if wrong is None:
            return found
        if len(values) > 1:
            raise wrong
        # What is left of the line goes with it, so that a separator stands at the beginning of one.
        end += _blanks(text[end:])
        rest, number = text[end:], len(values)
        first_line += text.count("\n", 0, end)
    for piece, line in _pieces(rest, first_line, file):
        value, warnings = _yaml_value(piece, line, file, budget)
        number += 1
        if value is not None:
            found.append(KubeDocument(value, number, _begins(piece, line), warnings))
    return found


def _decoded(data: bytes, file: str) -> str:
    bom, encoding = next(((bom, name) for bom, name in _BOMS if data.startswith(bom)), (b"", "utf-8"))
    try:
        return data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as wrong:
        at = wrong.start + len(bom)
        line = data.count(b"\n", 0, at) + 1
        shown = encoding.upper().removesuffix("-BE").removesuffix("-LE")
        raise config_wrong(file, line, f"it is not {shown}: byte {at} is 0x{data[at]:02x}") from wrong


def _blanks(text: str) -> int:
    """Return the length of the blanks that a text begins with, up to the end of their line."""
    length = len(text) - len(text.lstrip())
    end = text.find("\n", 0, length)
    return length if end < 0 else end + 1


def _begins(piece: str, line: int) -> int:
    """Return the line of the first text in a piece."""
    for offset, text in enumerate(piece.split("\n")):
        stripped = text.strip()
        if stripped and not stripped.startswith(("#", SEPARATOR)):
            return line + offset
    return line


def _pieces(text: str, line: int, file: str) -> Iterator[tuple[str, int]]:
    """Cut a stream at its separators; yield each piece with the line that it begins at."""
    piece: list[str] = []
    begin = line
    lines = text.split("\n")
    if not lines[-1]:
        # The end of the last line begins no other.
        lines.pop()
    for offset, one in enumerate(lines):
        # Only the end of line that Windows writes is mended; a lone CR is left to YAML.
        here = one.removesuffix("\r")
        if here.startswith(SEPARATOR):
            after = here[len(SEPARATOR) :].strip()
            if after and not after.startswith("#"):
                reason = f"after `---` there may be a comment, and nothing else; here is {after[:_SHOWN]!r}"
                raise config_wrong(file, line + offset, reason)
            if piece:
                yield "\n".join(piece) + "\n", begin
                piece = []
                begin = line + offset + 1
                continue
        if not piece:
            begin = line + offset
        piece.append(here)
    if piece:
        yield "\n".join(piece) + "\n", begin


def _to_its_end(piece: str, line: int, file: str) -> str:
    """Return a piece up to the `...` that ends its document: the directives of the next one may follow, and no more."""
    lines = piece.split("\n")
    end = next((at for at, one in enumerate(lines) if one.rstrip() == "..." or one.startswith("... ")), None)
    if end is None:
        return piece
    for offset, one in enumerate(lines[end + 1 :], end + 1):
        if one.strip() and one.rstrip() != "..." and not one.startswith(("%", "#")):
            raise config_wrong(file, line + offset, "what follows `...` is read by nobody; begin a document with `---`")
    return "\n".join(lines[: end + 1]) + "\n"


def _yaml_value(piece: str, line: int, file: str, budget: Budget) -> tuple[Any, tuple[tuple[int, str], ...]]:
    budget.take(file, line, DOCUMENT_NODES, 0)
    text = _to_its_end(piece, line, file)
    while True:
        composer = KubeComposer(file, first_line=line, budget=budget)
        try:
            value = composer.document(yaml.parse(text, Loader=yaml.CSafeLoader))
        except yaml.MarkedYAMLError as wrong:
            mended = _without_escaped_quotes(text, wrong)
            if mended == text:
                mark = wrong.problem_mark or wrong.context_mark
                at = line + (mark.line if mark is not None else 0)
                raise config_wrong(file, at, f"it is not YAML: {wrong.problem or wrong.context}") from wrong
            # All is read once more, for each text that has one: so all counts once more.
            budget.take(file, line, 0, len(text))
            text = mended
        except yaml.reader.ReaderError as wrong:
            at = line + piece.count("\n", 0, int(wrong.position or 0))
            raise config_wrong(file, at, f"it is not YAML: {wrong.reason}") from wrong
        except yaml.YAMLError as wrong:
            raise config_wrong(file, None, "it is not YAML") from wrong
        else:
            return value, tuple(composer.warnings)


def _without_escaped_quotes(text: str, wrong: yaml.MarkedYAMLError) -> str:
    r"""Return a document without `\'` in the double quotes that the reader here stumbled over.

    It does not know what kubectl's reader takes for a quote, and where quotes begin only a reader knows.
    """
    begin = wrong.context_mark if wrong.problem == "found unknown escape character" else None
    quoted = None if begin is None else _QUOTED.match(text, begin.index)
    if quoted is None:
        return text
    mended = _ESCAPED.sub(lambda found: "\\x27" if found[0] == "\\'" else found[0], quoted[0])
    return text[: quoted.start()] + mended + text[quoted.end() :]


def _json_values(text: str, file: str, budget: Budget) -> tuple[list[tuple[Any, int]], int, ConfigWrong | None]:
    """Read JSON values until the end, or until one is wrong: (values with their lines, where it stopped, the error)."""
    decoder = json.JSONDecoder(parse_int=_json_int, parse_float=_json_float, parse_constant=_no_constant)
    values: list[tuple[Any, int]] = []
    at, line, counted = 0, 1, 0
    while True:
        begin = at
        while begin < len(text) and text[begin] in _JSON_BLANKS:
            begin += 1
        if begin == len(text):
            return values, begin, None
        line, counted = line + text.count("\n", counted, begin), begin
        budget.take(file, line, DOCUMENT_NODES, 0)
        try:
            value, end = decoder.raw_decode(text, begin)
        except json.JSONDecodeError as wrong:
            return values, at, config_wrong(file, wrong.lineno, f"it is not JSON: {wrong.msg}")
        except RecursionError as wrong:
            raise config_wrong(file, line, f"it is nested deeper than {MAX_DEPTH}") from wrong
        except OverflowError as wrong:
            raise config_wrong(file, line, f"{wrong}") from wrong
        except ValueError as wrong:
            return values, at, config_wrong(file, line, f"it is not JSON: {wrong}")
        values.append((_checked(value, file, line, budget), line))
        at = end


def _json_int(digits: str) -> int | float:
    # More digits than any float has come to the same as the float.
    return _json_float(digits) if len(digits) > 20 else _of_json(int(digits))  # noqa: PLR2004 - 64 bits and a sign


def _json_float(digits: str) -> int | float:
    return _of_json(float(digits))


def _of_json(number: float) -> int | float:
    carried = json_number(number)
    if carried is None:
        raise OverflowError("a number is too large for a cluster")
    return carried


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _checked(value: Any, file: str, line: int, budget: Budget) -> Any:
    """Return a JSON value with half characters replaced, as every reader does; count it, without recursion."""
    root = [value]
    todo: list[tuple[Any, int]] = [(root, 0)]
    while todo:
        holder, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise config_wrong(file, line, f"it is nested deeper than {MAX_DEPTH}")
        if isinstance(holder, dict):
            if any(_halves(key) for key in holder):
                items = [(_whole(key), one) for key, one in holder.items()]
                holder.clear()
                holder.update(items)
            budget.take(file, line, len(holder), sum(map(len, holder)))
            places: Any = holder
        else:
            budget.take(file, line, len(holder), 0)
            places = range(len(holder))
        for place in places:
            one = holder[place]
            if isinstance(one, str):
                budget.take(file, line, 0, len(one))
                holder[place] = _whole(one)
            elif isinstance(one, (dict, list)):
                todo.append((one, depth + 1))
    return root[0]


def _halves(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)


def _whole(text: str) -> str:
    if not _halves(text):
        return text
    return "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)
