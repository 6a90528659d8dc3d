"""Which chart rendered each object, and what that chart says of the source of its images.

Reads the declarations of a chart and of those vendored in it, as folders or archives, and what Helm printed; runs
nothing. What cannot be read says nothing: Helm itself says better what is wrong with it.
"""

import bisect
import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lastgood.core.chart_file import chart_claims
from lastgood.core.chart_references import CHART_FILES
from lastgood.core.errors import ConfigWrong
from lastgood.core.image_facts import ImageClaim
from lastgood.render.kube_composer import Budget
from lastgood.render.kube_yaml import read_kube_yaml

MAX_FILE_BYTES = 1_000_000
MAX_ARCHIVES_BYTES = 20_000_000
MAX_CHARTS = 500
_MAX_NODES = 100_000
_MAX_CHARS = 10_000_000
_CHARTS = "charts"
_ARCHIVES = (".tgz", ".tar.gz")
# Helm says of each document which template it comes from, by the names of charts, not of folders.
_TEMPLATE = re.compile(rb"^---\r?\n# Source: (?P<path>[^\r\n]{1,1000})", re.MULTILINE)

Claims = tuple[ImageClaim, ...]


def claims_by_line(chart: Path, printed: bytes) -> Callable[[int], Claims]:
    """Return what tells of a line (from 1) of what Helm printed what is said by the chart that rendered it.

    chart: the folder of the application's chart. A chart that cannot be told is taken for that one.
    """
    lines, paths, line, at = [], [], 1, 0
    for found in _TEMPLATE.finditer(printed):
        line, at = line + printed.count(b"\n", at, found.start()), found.start()
        lines.append(line)
        paths.append(found["path"].decode(errors="replace"))
    needed = any(_names(path) for path in paths)
    charts = _Charts(chart, with_vendored=needed)

    def claims(line: int) -> Claims:
        n = bisect.bisect_right(lines, line) - 1
        return charts.claims(_names(paths[n]) if n >= 0 else ())

    return claims


def _names(path: str) -> tuple[str, ...]:
    """Return the names of the charts below the outermost that a template's path leads through."""
    parts = path.split("/")[1:]
    names = []
    while len(parts) > 1 and parts[0] == _CHARTS:
        names.append(parts[1])
        parts = parts[2:]
    return tuple(names)


class _Chart(NamedTuple):
    """name: what others depend on it by. names: of what it depends on, by alias. place: its folder, as a prefix."""

    name: str | None
    claims: Claims
    names: dict[str, str]
    place: str


class _Charts:
    """The charts of an application. with_vendored: whether the ones in the first are read, too."""

    def __init__(self, folder: Path, *, with_vendored: bool) -> None:
        self._budget = Budget(nodes=_MAX_NODES, chars=_MAX_CHARS)
        self._bytes_left = MAX_ARCHIVES_BYTES
        files = dict(self._files(folder, "", with_vendored=with_vendored))
        places = {path.rpartition("/")[0] for path in files}
        self._charts = [self._chart(place, files) for place in sorted(places)]

    def claims(self, names: tuple[str, ...]) -> Claims:
        """Return what is said by the chart that names lead to from the first one; else by the first one."""
        first = here = next((chart for chart in self._charts if not chart.place), None)
        for name in names:
            here = self._below(here, name) if here is not None else None
        found = here or first
        return found.claims if found is not None else ()

    def _below(self, chart: _Chart, name: str) -> _Chart | None:
        called = chart.names.get(name, name)
        above = f"{chart.place}/{_CHARTS}".lstrip("/")
        found = [one for one in self._charts if one.name == called and one.place.rpartition("/")[0] == above]
        # Two versions of one chart, told apart by their aliases: which is which cannot be seen here.
        return found[0] if len(found) == 1 else None

    def _files(self, folder: Path, place: str, *, with_vendored: bool) -> Iterator[tuple[str, bytes]]:
        """Yield the declarations of a chart's folder, and of those in it: (path from the first chart, content)."""
        for name in CHART_FILES:
            content = _read(folder / name)
            if content is not None:
                yield f"{place}/{name}".lstrip("/"), content
        if not with_vendored:
            return
        todo, seen = [(folder / _CHARTS, f"{place}/{_CHARTS}".lstrip("/"))], 0
        while todo:
            here, above = todo.pop()
            for one in _listed(here):
                seen += 1
                if seen > MAX_CHARTS:
                    return
                inside = f"{above}/{one.name}"
                if one.is_dir():
                    yield from self._files(one, inside, with_vendored=False)
                    todo.append((one / _CHARTS, f"{inside}/{_CHARTS}"))
                elif one.name.endswith(_ARCHIVES):
                    yield from self._archived(one, inside)

    def _archived(self, archive: Path, place: str) -> Iterator[tuple[str, bytes]]:
        try:
            with gzip.open(archive) as opened:
                # A small archive may hold terabytes.
                content = opened.read(self._bytes_left + 1)
            self._bytes_left -= min(len(content), self._bytes_left)
            found = list(_in_archive(content, place)) if self._bytes_left else []
        except (OSError, EOFError, ValueError, OverflowError, zlib.error, tarfile.TarError, RecursionError):
            return
        yield from found

    def _chart(self, place: str, files: dict[str, bytes]) -> _Chart:
        read = [self._value(files.get(f"{place}/{name}".lstrip("/"))) for name in CHART_FILES]
        names = {}
        for value in read:
            listed = value.get("dependencies")
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("alias"), str):
                    names[one["alias"]] = one["name"]
        name = read[0].get("name")
        return _Chart(name if isinstance(name, str) else None, chart_claims(read[0]), names, place)

    def _value(self, content: bytes | None) -> dict[str, Any]:
        try:
            documents = read_kube_yaml(content or b"", file="", budget=self._budget)
        except ConfigWrong:
            return {}
        value = documents[0].value if documents else None
        return value if isinstance(value, dict) else {}


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= MAX_FILE_BYTES else None


def _listed(folder: Path) -> list[Path]:
    # Helm leaves out what begins with these.
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith((".", "_")))
    except OSError:
        return []


def _in_archive(archive: bytes, place: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            # The first name is the chart's folder, whatever it is called.
            path = [name for name in member.name.split("/") if name not in {"", "."}][1:]
            folders, name = path[:-1], path[-1] if path else ""
            if name not in CHART_FILES or any(one != _CHARTS for one in folders[::2]) or len(folders) % 2:
                continue
            content = members.extractfile(member) if member.isreg() and member.size <= MAX_FILE_BYTES else None
            if content is not None:
                yield "/".join((place, *path)), content.read()
