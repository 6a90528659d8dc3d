"""Render a kustomization with the real Kustomize, in a folder that holds the application's inputs and nothing else.

Makes the argument list and reads references to other repos; starts nothing and knows no repository.
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lastgood.core.errors import ConfigWrong
from lastgood.core.kustomize_references import kustomization_references, plugin_references
from lastgood.core.references import References
from lastgood.core.renderer_kind import KUSTOMIZE_FILES
from lastgood.render.work_folder import WorkFolder

MAX_DECLARATIONS = 1_000
MAX_BYTES = 1_000_000
NO_CHARTS_INSIDE = (
    "a kustomization of it has `helmCharts`, and Kustomize is not let run Helm here: make the chart an application of "
    "its own, or commit what it renders to and name that file under `resources`"
)
# What the program would fetch where nothing of that name is here: an address, `git@host:...`, or a host before a path.
_ELSEWHERE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:|[^/\s=]+@[^/\s]+:|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}[:/]."
)


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


def wants_helm(reason: str) -> bool:
    """Say whether a build failed because a kustomization has a chart in it."""
    return "must specify --enable-helm" in reason


def find_elsewhere(folder: WorkFolder, path: str) -> Elsewhere | None:
    """Return the first reference out of this repo, following folders and plugins' files; None where there is none.

    What cannot be read is left to the program, which says it better.
    """
    todo, seen = [path], {path}
    while todo and len(seen) <= MAX_DECLARATIONS:
        here = todo.pop(0)
        for file, base, found in _declared(folder, here):
            if found.remote:
                return Elsewhere(file, found.remote[0], fetched=True)
            for reference in (*found.built, *found.plugins, *found.files):
                below = posixpath.normpath(posixpath.join(base, reference))
                outside = below.startswith(("../", "/")) or below == ".."
                if outside or (_ELSEWHERE.match(reference) and not os.path.lexists(folder.at(below))):
                    return Elsewhere(file, reference, fetched=not outside)
            for reference in (*found.built, *found.plugins):
                below = posixpath.normpath(posixpath.join(base, reference))
                if below not in seen:
                    seen.add(below)
                    todo.append(below)
    return None


def _declared(folder: WorkFolder, path: str) -> Iterator[tuple[str, str, References]]:
    """Yield what is declared at a path: (file, the folder that its paths count from, what it refers to)."""
    if folder.at(path).is_dir():
        name = next((name for name in KUSTOMIZE_FILES if folder.at(posixpath.join(path, name)).is_file()), None)
        if name is not None:
            file = posixpath.join(path, name)
            yield file, path, _read(folder, file, kustomization_references)
    elif folder.at(path).is_file():
        yield path, posixpath.dirname(path), _read(folder, path, plugin_references)


def _read(folder: WorkFolder, file: str, references: Callable[..., References]) -> References:
    try:
        with folder.at(file).open("rb") as opened:
            content = opened.read(MAX_BYTES)
        return references(content, file=file, max_bytes=MAX_BYTES)
    except (ConfigWrong, OSError):
        return References()
