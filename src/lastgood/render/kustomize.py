"""Render a kustomization with the real Kustomize, in a folder that holds the application's inputs and nothing else.

Makes the argument list and reads references to other repos; starts nothing and knows no repository.
"""

import os
import posixpath
import re
from typing import Any, NamedTuple

from lastgood.core.errors import ConfigWrong
from lastgood.render.kube_composer import Budget
from lastgood.render.kube_yaml import read_kube_yaml
from lastgood.render.work_folder import WorkFolder

KUSTOMIZE_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MAX_FOLDERS = 500
MAX_BYTES = 1_000_000
_LISTS = (
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
)
_FOLDERS = ("resources", "bases", "components", "generators", "transformers", "validators")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_PATCHES = ("patches", "patchesJson6902", "replacements")
# What the program would fetch: an address, `git@host:...`, or a host's name before a path.
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[^/\s=]+@[^/\s]+:|(?:www\.)?[A-Za-z0-9-]+\.[A-Za-z]{2,}[:/].|gh:")


class Elsewhere(NamedTuple):
    """A reference to what is not in this repo. file: the kustomization that has it, from the repo's root.

    fetched: whether the program would get it over the network; else it is a path that leads out of the repo.
    """

    file: str
    reference: str
    fetched: bool


def kustomize_arguments(folder: WorkFolder, path: str) -> tuple[str, ...]:
    """Return the arguments of a build.

    The restrictor keeps files (not bases) below their kustomization. Nothing here lets it run programs: plugins,
    functions and charts stay off, as they are by default.
    """
    return ("build", "--load-restrictor", "LoadRestrictionsRootOnly", str(folder.at(path)))


def find_elsewhere(folder: WorkFolder, path: str) -> Elsewhere | None:
    """Return the first reference out of this repo, following folders; None where there is none.

    What cannot be read is left to the program, which says it better.
    """
    todo, seen = [path], {path}
    while todo and len(seen) <= MAX_FOLDERS:
        here = todo.pop(0)
        name = next((n for n in KUSTOMIZE_FILES if folder.at(posixpath.join(here, n)).is_file()), None)
        if name is None:
            continue
        file = posixpath.join(here, name)
        fields = _fields(folder, file)
        for reference in _references(fields):
            below = posixpath.normpath(posixpath.join(here, reference))
            outside = below.startswith(("../", "/")) or below == ".."
            if outside or (_ELSEWHERE.match(reference) and not os.path.lexists(folder.at(below))):
                return Elsewhere(file, reference, fetched=not outside)
        for reference in _texts(fields, _FOLDERS):
            below = posixpath.normpath(posixpath.join(here, reference))
            if below not in seen and not below.startswith("..") and folder.at(below).is_dir():
                seen.add(below)
                todo.append(below)
    return None


def _fields(folder: WorkFolder, file: str) -> dict[str, Any]:
    try:
        with folder.at(file).open("rb") as opened:
            content = opened.read(MAX_BYTES)
        documents = read_kube_yaml(content, file=file, budget=Budget(nodes=100_000, chars=2 * MAX_BYTES))
    except (ConfigWrong, OSError):
        return {}
    return next((one.value for one in documents if isinstance(one.value, dict)), {})


def _references(fields: dict[str, Any]) -> list[str]:
    found = _texts(fields, _LISTS)
    for key in _PATCHES:
        found += [one["path"] for one in _items(fields, key) if isinstance(one, dict) and _is_text(one.get("path"))]
    for generator in (one for key in _GENERATORS for one in _items(fields, key) if isinstance(one, dict)):
        named = _texts(generator, ("files", "envs"))
        # `key=file` gives the file a name of its own.
        found += [*named, *(text.partition("=")[2] for text in named if "=" in text)]
    openapi = fields.get("openapi")
    if isinstance(openapi, dict) and _is_text(openapi.get("path")):
        found.append(openapi["path"])
    return found


def _texts(fields: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    return [one for key in keys for one in _items(fields, key) if _is_text(one)]


def _items(fields: dict[str, Any], key: str) -> list[Any]:
    found = fields.get(key)
    return found if isinstance(found, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value)
