"""Which charts of the same repo a Helm chart depends on, as it is written there. Bytes in, paths out; runs no Helm."""

from typing import Any

from lastgood.core.references import MAX_PATH, References, any_case
from lastgood.core.yaml import read_yaml_documents

CHART_FILES = ("Chart.yaml", "requirements.yaml")
"""Where dependencies stand: in the chart itself, or beside it in charts of the first format."""

_FILE = "file://"


def chart_references(data: bytes, *, file: str, max_bytes: int) -> References:
    """Read `dependencies`: charts relative to this one's folder, and addresses.

    Raises ConfigWrong where it is no YAML that can be read; what has another shape is passed over.
    """
    charts: dict[str, None] = {}
    remote: dict[str, None] = {}
    for document in read_yaml_documents(data, file=file, max_bytes=max_bytes):
        value: Any = document.value
        dependencies = any_case(value).get("dependencies") if isinstance(value, dict) else None
        for dependency in dependencies if isinstance(dependencies, list) else ():
            repository = any_case(dependency).get("repository") if isinstance(dependency, dict) else None
            if not isinstance(repository, str) or not 0 < len(repository) <= MAX_PATH:
                continue
            if repository.startswith(_FILE):
                charts[repository.removeprefix(_FILE)] = None
            else:
                remote[repository] = None
    return References(charts=tuple(charts), remote=tuple(remote))
