"""Render a chart with the real Helm, in a folder that holds the application's inputs and nothing else.

Makes the argument list and reads what Helm says of dependencies; starts nothing and knows no repository.
"""

import csv
import io
import re
from collections.abc import Sequence

from lastgood.core.application import Application
from lastgood.core.cluster_facts import Circumstances
from lastgood.render.work_folder import WorkFolder

_NOT_VENDORED = re.compile(r"found in Chart\.yaml, but missing in charts/ directory: (?P<names>[^\n/]{1,300})")


def helm_arguments(folder: WorkFolder, app: Application, circumstances: Circumstances) -> tuple[str, ...]:
    """Return the arguments of a render without a cluster: no lookup finds anything, nothing is validated."""
    helm = app.definition.get("helm") or {}
    arguments = ["template", str(helm.get("release") or app.name), str(folder.at(app.path)), "--include-crds"]
    if app.namespace is not None:
        arguments += ["--namespace", app.namespace]
    arguments += [f"--values={_quoted(str(folder.at(file)))}" for file in helm.get("values") or ()]
    if circumstances.cluster is not None:
        arguments += [f"--kube-version={circumstances.cluster.kube_version}"]
        arguments += [f"--api-versions={_quoted(one)}" for one in circumstances.cluster.api_versions]
    if circumstances.has_run:
        arguments.append("--is-upgrade")
    return tuple(arguments)


def missing_dependencies(reason: str) -> Sequence[str]:
    """Return the names of dependencies that Helm misses; none where it failed for something else."""
    found = _NOT_VENDORED.search(reason)
    # A chart that is there twice, by an alias, is missed twice.
    return list(dict.fromkeys(name.strip() for name in found["names"].split(","))) if found is not None else ()


def _quoted(text: str) -> str:
    # These options take lists, separated by commas: a comma in a file's name must not begin an address.
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()
