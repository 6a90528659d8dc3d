"""Recognise the applications of a config repo by its folders: overlays, environments, charts, plain manifests.

Pure: a listing in, applications out. Knows no Git and writes no configuration.
"""

import re
from collections.abc import Iterable, Mapping

from lastgood.core.environment_word import is_environment
from lastgood.core.layout_files import Repo, chart_name, file_kind, is_looked_at, references
from lastgood.core.pattern import is_label, is_name
from lastgood.core.value import Value

# Folders that sort things and name nothing.
_SORTING = frozenset(
    """
    apps app applications services service overlays overlay environments environment envs env clusters cluster deploy
    deployment deployments manifests k8s kubernetes kustomize charts chart helm workloads stacks projects gitops
    config configs namespaces base process-compose teams squads
    """.split()  # noqa: SIM905 -- words in lines read better than a column of quotes
)
_HOLDS_ENVIRONMENTS = frozenset(("overlays", "overlay", "environments", "envs", "env"))
_PARTS = frozenset(("base", "bases", "component", "components", "common", "shared", "crds", "lib", "library"))
_VALUES = re.compile(r"values(?:[-_.]([^/]+)|/([^/]+))\.ya?ml")
_ENVIRONMENT_VALUES = re.compile(r"(?:.*/)?(?:environments|envs|env)/([^/]+)(?:/(?:[^/]+/)?values)?\.ya?ml")


class Found(Value, frozen=True, kw_only=True):
    """An application that the folders show. kind: what would render it.

    service: the segments of its path that name it, environment_at: which segment names the environment, None where
    none does. values: for a chart with values files of its environment, relative to the path.
    """

    name: str
    path: str
    environment: str | None
    kind: str
    service: tuple[int, ...] = ()
    environment_at: int | None = None
    values: tuple[str, ...] = ()


class Layout(Value, frozen=True, kw_only=True):
    """What was recognised. notes: sentences about what was seen and left."""

    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()


def recognise(repo: Repo) -> Layout:
    """Find the applications. Bases, components, libraries, templates and documentation are none."""
    texts = {path: text for path, text in repo.texts.items() if is_looked_at(path)}
    # What Flux keeps for itself is not an application that lastgood could run.
    texts = {path: text for path, text in texts.items() if "flux-system" not in path.split("/")}
    kinds = {path: file_kind(path, text) for path, text in texts.items()}
    charts = _charts(kinds)
    within = set(charts)
    inside_charts = [path for path in texts if any(above in within for above in _above(path))]
    for path in inside_charts:
        kinds.pop(path)
    folders, parts = _kustomized(texts, kinds)
    folders |= {_folder(path): "process-compose" for path, kind in kinds.items() if kind == "process-compose"}
    notes: list[str] = []
    folders |= _plain(kinds, {*folders, *charts}, parts, notes)
    found = [_folder_app(repo.name, path, kind) for path, kind in folders.items()]
    for chart in charts:
        found += _chart_apps(repo, chart, charts)
    return Layout(
        found=_named_apart(sorted(found, key=lambda app: (app.path, app.environment or ""))), notes=tuple(notes)
    )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _above(path: str) -> Iterable[str]:
    while path:
        path = _folder(path)
        yield path


def _charts(kinds: Mapping[str, str]) -> list[str]:
    """Return the folders of charts, those that a chart carries in its own `charts/` aside."""
    every = {_folder(path) for path, kind in kinds.items() if kind in {"chart", "library"}}
    top = {chart for chart in every if not any(above in every for above in _above(chart))}
    return sorted(chart for chart in top if kinds.get(f"{chart}/Chart.yaml" if chart else "Chart.yaml") == "chart")


def _kustomized(texts: dict[str, str | None], kinds: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """Return the folders that Kustomize makes into applications, and those that are parts of others."""
    folders = {_folder(path): path for path, kind in kinds.items() if kind == "kustomization"}
    parts = {_folder(path) for path, kind in kinds.items() if kind == "component"}
    gathering: set[str] = set()
    for folder, path in folders.items():
        refers, own = references(path, texts[path])
        below = [one for one in refers if one != folder and _below(one, folder)]
        # A kustomization that only lists what lies below it gathers applications and is none.
        if len(below) > 1 and len(below) == len(refers) and not own:
            gathering.add(folder)
            continue
        parts.update(refers)
    parts |= {folder for folder in folders if folder.rpartition("/")[2] in _PARTS}
    apps = {folder for folder in folders if folder not in parts and folder not in gathering}
    outermost = {folder: "kustomize" for folder in apps if not any(above in apps for above in _above(folder))}
    return outermost, parts


def _plain(kinds: Mapping[str, str], taken: set[str], parts: set[str], notes: list[str]) -> dict[str, str]:
    """Return the folders of plain manifests: the outermost ones, unless environments lie below."""
    folders = {_folder(path) for path, kind in kinds.items() if kind == "manifest"}
    folders = {
        folder
        for folder in folders
        if not any(
            one in taken or one in parts or one.rpartition("/")[2] in _PARTS for one in (folder, *_above(folder))
        )
    }
    below: dict[str, list[str]] = {}
    for one in {*taken, *folders}:
        for above in _above(one):
            below.setdefault(above, []).append(one)
    found: dict[str, str] = {}
    for folder in sorted(folders):
        if any(above in found for above in _above(folder)):
            continue
        others = below.get(folder, [])
        if others and (not folder or any(one in taken or _has_environment(one, folder) for one in others)):
            notes.append(f"the manifests directly in {folder or 'the root'} belong to no application")
            continue
        found[folder] = "plain"
    return found


def _has_environment(path: str, below: str) -> bool:
    rest = path[len(below) :].strip("/").split("/")
    return any(is_environment(segment) or segment in _HOLDS_ENVIRONMENTS for segment in rest)


def _folder_app(repo: str, path: str, kind: str) -> Found:
    segments = path.split("/") if path else []
    at = _environment_at(segments)
    service = tuple(n for n, one in enumerate(segments) if n != at and one.lower() not in _SORTING)
    environment = segments[at] if at is not None else None
    names = [segments[n] for n in service] or [repo]
    return Found(
        name=_name("-".join((*names, environment) if environment else names)),
        path=path,
        environment=_label(environment),
        kind=kind,
        service=service,
        environment_at=at,
    )


def _environment_at(segments: list[str]) -> int | None:
    for n in range(1, len(segments)):
        if segments[n - 1] in _HOLDS_ENVIRONMENTS:
            return n
    # The innermost word wins: dev/web/test is a test of dev's web.
    return next((n for n in reversed(range(len(segments))) if is_environment(segments[n])), None)


def _chart_apps(repo: Repo, chart: str, charts: list[str]) -> list[Found]:
    plain = _folder_app(repo.name, chart, "helm")
    if plain.environment is not None:
        return [plain]
    file = f"{chart}/Chart.yaml" if chart else "Chart.yaml"
    if not plain.service:
        plain = _renamed(plain, _name(chart_name(repo.texts[file]) or repo.name))
    environments: dict[str, str] = {}
    for path in sorted(repo.texts):
        environment = _values_environment(path, chart, alone=len(charts) == 1)
        if environment is not None and is_label(environment):
            environments.setdefault(environment, path)
    own = ("values.yaml",) if (f"{chart}/values.yaml" if chart else "values.yaml") in repo.texts else ()
    return [
        Found(
            name=_name(f"{plain.name}-{environment}"),
            path=chart,
            environment=environment,
            kind="helm",
            service=plain.service,
            values=(*own, _relative(path, chart)),
        )
        for environment, path in environments.items()
    ] or [plain]


def _values_environment(path: str, chart: str, *, alone: bool) -> str | None:
    """Return the environment whose values of this chart a file holds.

    Files beside the chart count if the repo has no other chart, or if a folder of theirs has the chart's name.
    """
    inside = _below(path, chart)
    relative = path[len(chart) :].lstrip("/") if inside and chart else path
    if inside and (named := _VALUES.fullmatch(relative)) and is_environment(named[1] or named[2]):
        return named[1] or named[2]
    found = _ENVIRONMENT_VALUES.fullmatch(relative if inside else path)
    if found is None or (not inside and not alone and chart.rpartition("/")[2] not in path.split("/")[:-1]):
        return None
    return found[1]


def _relative(path: str, folder: str) -> str:
    to, at = path.split("/"), folder.split("/") if folder else []
    same = 0
    while same < len(at) and same < len(to) and at[same] == to[same]:
        same += 1
    return "/".join([".."] * (len(at) - same) + to[same:])


def _name(text: str) -> str:
    """Make text fit for a name."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.")[:90].strip("-.")
    return name if is_name(name) else "app"


def _label(text: str | None) -> str | None:
    return text if text is None or is_label(text) else _name(text)


def _renamed(app: Found, name: str) -> Found:
    return Found(
        name=name,
        path=app.path,
        environment=app.environment,
        kind=app.kind,
        service=app.service,
        environment_at=app.environment_at,
        values=app.values,
    )


def _named_apart(found: list[Found]) -> tuple[Found, ...]:
    """Give applications that came to one name different ones, made of their whole paths, then numbered."""
    for full in (True, False):
        counts: dict[str, int] = {}
        for app in found:
            counts[app.name] = counts.get(app.name, 0) + 1
        used = set(counts)
        for n, app in enumerate(found):
            if counts[app.name] == 1:
                continue
            name = (
                _name(app.path.replace("/", "-") + (f"-{app.environment}" if app.values else "")) if full else app.name
            )
            number = 1
            while not full and name in used:
                number += 1
                name = f"{app.name}-{number}"
            used.add(name)
            found[n] = _renamed(app, name)
    return tuple(found)
