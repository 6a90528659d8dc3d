"""Render a `process-compose.yaml`: the subset of process-compose that the process target runs, one resource a process.

Takes the file's bytes, returns Rendered. Knows no repository, no process and no account.
"""

import hashlib
import json
from graphlib import CycleError, TopologicalSorter
from typing import Any

from lastgood.core.errors import ConfigWrong, RenderFailed
from lastgood.core.resource import Rendered, Resource
from lastgood.core.yaml import Document, Path, read_yaml
from lastgood.render.process_spec import (
    ARTIFACT_KEYS,
    PROCESS_KEYS,
    Reading,
    read_environment,
    read_process,
)

API_VERSION = "process-compose/v1"
KIND = "Process"
MAX_PROCESSES = 200
MAX_ARTIFACTS = 50

PROJECT_KEYS = {
    "version": "read, and without effect: this page says what is supported",
    "processes": "the processes, by name",
    "environment": "set for every process; a process's own entry wins",
    "is_strict": "`true`: a key that is not supported fails the render instead of a warning",
    "disable_env_expansion": "read, and without effect: `$` is always left to the shell",
    "x-lastgood": "`artifacts`: see below",
}
PROJECT_EXTENSION_KEYS = {"artifacts": "name of an artifact: revision of its source repo"}


def render_process_compose(content: bytes, *, app: str, file: str) -> Rendered:
    """Render one file.

    content: the file as stored; file: its path in the repo, for messages.
    Returns one resource for each process, by name; images are the artifacts (name: revision); warnings name each
    key that is not supported, with file and line.
    Raises RenderFailed (facts: file, line or None, reason) for whatever cannot be run as it is written.
    """
    try:
        document = read_yaml(content, file=file)
        reading = Reading(document)
        resources, artifacts = _project(reading)
    except ConfigWrong as wrong:
        raise RenderFailed(
            f"{app} does not render: {wrong.message}",
            app=app,
            file=file,
            line=wrong.facts.get("line"),
            reason=wrong.facts.get("reason", wrong.message),
        ) from wrong
    canonical = json.dumps([r.manifest for r in resources], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Rendered(
        resources=resources,
        images=artifacts,
        digest=hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest(),
        warnings=tuple(reading.warnings),
    )


def _project(reading: Reading) -> tuple[tuple[Resource, ...], dict[str, str]]:
    document = reading.document
    project = reading.mapping(document.value, (), "the file")
    reading.strict = reading.boolean(project, (), "is_strict", default=False)
    reading.known(project, (), PROJECT_KEYS)
    reading.dollars_expanded = not reading.boolean(project, (), "disable_env_expansion", default=False)
    artifacts = _artifacts(reading, project)
    environment = read_environment(reading, project.get("environment"), ("environment",))
    processes = reading.mapping(project.get("processes", {}), ("processes",), "processes")
    if len(processes) > MAX_PROCESSES:
        document.wrong(("processes",), f"there are {len(processes)} processes; the limit is {MAX_PROCESSES}")
    specs = {
        name: read_process(reading, name, body, environment=environment, artifacts=artifacts)
        for name, body in sorted(processes.items())
    }
    _check_dependencies(document, specs)
    return tuple(_resource(name, spec, processes[name]) for name, spec in specs.items()), artifacts


def _artifacts(reading: Reading, project: dict[str, Any]) -> dict[str, str]:
    path: Path = ("x-lastgood",)
    extension = reading.mapping(project.get("x-lastgood", {}), path, "x-lastgood")
    reading.known(extension, path, PROJECT_EXTENSION_KEYS)
    path = ("x-lastgood", "artifacts")
    named = reading.mapping(extension.get("artifacts", {}), path, "x-lastgood.artifacts")
    if len(named) > MAX_ARTIFACTS:
        reading.document.wrong(path, f"there are {len(named)} artifacts; the limit is {MAX_ARTIFACTS}")
    return {name: _revision(reading, named[name], (*path, name)) for name in sorted(named)}


def _revision(reading: Reading, value: Any, path: Path) -> str:
    # A short commit id may look like a number (1234567, 12e4567): what was written counts.
    text = value if isinstance(value, str) else reading.document.written(path)
    if not text or isinstance(value, bool) or value is None:
        reading.document.wrong(path, "an artifact needs a revision: a commit, a tag or a branch of its source repo")
    if len(text) > 250 or any(ord(c) <= 32 or ord(c) == 127 for c in text) or text.startswith("-"):  # noqa: PLR2004  # blank and control characters
        reading.document.wrong(path, "this is not a revision")
    return text


def _check_dependencies(document: Document, specs: dict[str, dict[str, Any]]) -> None:
    for name, spec in specs.items():
        for needed in spec.get("depends_on", {}):
            if needed not in specs:
                reason = f"{name} depends on {needed}, and there is no such process"
                document.wrong(("processes", name, "depends_on", needed), reason)
    try:
        TopologicalSorter({name: spec.get("depends_on", {}).keys() for name, spec in specs.items()}).prepare()
    except CycleError as cycle:
        around = list(reversed(cycle.args[1]))
        path = ("processes", around[0], "depends_on", around[1])
        document.wrong(path, f"these processes wait for each other: {' -> '.join(around)}")


def _resource(name: str, spec: dict[str, Any], body: dict[str, Any]) -> Resource:
    metadata = {"name": name}
    # Outside the specification: a new description restarts nothing.
    if isinstance(body.get("description"), str):
        metadata["description"] = body["description"]
    manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    return Resource(group="process-compose", kind=KIND, namespace=None, name=name, manifest=manifest)


__all__ = ["ARTIFACT_KEYS", "PROCESS_KEYS", "PROJECT_EXTENSION_KEYS", "PROJECT_KEYS", "render_process_compose"]
