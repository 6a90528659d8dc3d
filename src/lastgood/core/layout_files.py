"""Say what each file of a config repo is: a kustomization, a chart, a manifest, something of Flux. Pure.

Judges by name and content of hostile files, renders nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from lastgood.core.errors import ConfigWrong
from lastgood.core.pattern import resolve
from lastgood.core.value import Value
from lastgood.core.yaml import read_yaml_documents

FileKind = Literal["kustomization", "component", "chart", "library", "process-compose", "manifest", "flux", "other"]

MAX_READ_BYTES = 256_000

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_PROCESSES = ("process-compose.yaml", "process-compose.yml")
_API_VERSION = re.compile(r"^\"?apiVersion\"?:[^\S\n]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_KIND = re.compile(r"^\"?kind\"?:[^\S\n]*[\"']?([A-Za-z]+)", re.MULTILINE)
_LIBRARY = re.compile(r"^type:[^\S\n]*[\"']?library\b", re.MULTILINE)
_CHART_NAME = re.compile(r"^name:[^\S\n]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_NOT_OURS = ("docs", "doc", "examples", "example", "node_modules", "vendor", "testdata", "hack", "scripts")
# Objects that tell another tool what to deploy are not what is deployed.
_OTHER_TOOLS = (".toolkit.fluxcd.io", "argoproj.io/", "kind.x-k8s.io")


class Repo(Value, frozen=True, kw_only=True):
    """A config repo as a listing. texts: file path -> content, None where it was not read (too large, no YAML)."""

    name: str
    texts: dict[str, str | None]


def worth_reading(path: str) -> bool:
    """Say whether a file's content tells something about the layout."""
    return is_looked_at(path) and (path.endswith((".yaml", ".yml")) or path.rpartition("/")[2] in _KUSTOMIZATIONS)


def is_looked_at(path: str) -> bool:
    """Say whether a file is in a folder that may hold applications; hidden folders and documentation do not."""
    folders = path.split("/")[:-1]
    return not any(folder.startswith(".") or folder in _NOT_OURS for folder in folders)


def file_kind(path: str, text: str | None) -> FileKind:
    """Say what a file is."""
    name = path.rpartition("/")[2]
    if name in _KUSTOMIZATIONS:
        return "component" if "Component" in _KIND.findall(text or "") else "kustomization"
    if name == "Chart.yaml":
        return "library" if _LIBRARY.search(text or "") else "chart"
    if name in _PROCESSES:
        return "process-compose"
    return _object_kind(text) if text is not None and name.endswith((".yaml", ".yml")) else "other"


def _object_kind(text: str) -> FileKind:
    versions = _API_VERSION.findall(text)
    if not versions or not _KIND.search(text):
        return "other"
    return "flux" if all(any(tool in one for tool in _OTHER_TOOLS) for one in versions) else "manifest"


def chart_name(text: str | None) -> str | None:
    """Return the name that a Chart.yaml gives."""
    found = _CHART_NAME.search(text or "")
    return found[1] if found else None


def flux_paths(texts: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the folders that Flux Kustomizations in the repo point to, sorted, "" for the root."""
    found: set[str] = set()
    for path, text in texts.items():
        if text is None or "kustomize.toolkit.fluxcd.io" not in text or not is_looked_at(path):
            continue
        for document in _documents(path, text):
            spec = document.get("spec")
            version = document.get("apiVersion")
            if not isinstance(version, str) or not version.startswith("kustomize.toolkit.fluxcd.io/"):
                continue
            if isinstance(spec, dict) and document.get("kind") == "Kustomization":
                folder = spec.get("path", "./")
                segments = resolve((), folder.lstrip("/") or ".") if isinstance(folder, str) else None
                if segments is not None:
                    found.add("/".join(segments))
    return tuple(sorted(found))


def references(path: str, text: str | None) -> tuple[tuple[str, ...], bool]:
    """Return the folders that a kustomization refers to, and whether it also refers to files or makes anything itself.

    Folders are paths from the root; remote ones and those outside the repo are left out.
    """
    folder = tuple(path.split("/")[:-1])
    found: list[str] = []
    own = False
    for document in _documents(path, text or ""):
        for key in ("resources", "bases", "components"):
            several = document.get(key)
            for one in several if isinstance(several, list) else ():
                if not isinstance(one, str) or "://" in one:
                    continue
                at = resolve(folder, one)
                if one.endswith((".yaml", ".yml")):
                    own = True
                elif at is not None:
                    found.append("/".join(at))
        own = own or any(
            key in document for key in ("helmCharts", "images", "patches", "configMapGenerator", "secretGenerator")
        )
    return tuple(found), own


def _documents(path: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        documents = read_yaml_documents(text.encode("utf-8", "replace"), file=path)
    except ConfigWrong:
        # A template or a broken file says nothing about the layout.
        return
    for document in documents:
        if isinstance(document.value, dict):
            yield document.value
