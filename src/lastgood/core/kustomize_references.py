"""What a kustomization refers to, as it is written there. Plain values in, paths out: none of them is looked at.

Shapes are hostile input: what is not of the shape that Kustomize reads is passed over, never an error.
Kustomize reads the name of a field in any case, so names are compared in lower case here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lastgood.core.errors import ConfigWrong
from lastgood.core.references import MAX_PATH, References, any_case
from lastgood.core.yaml import read_yaml_documents

_BUILT = ("resources", "bases", "components")
_PLUGINS = ("generators", "transformers", "validators")
_FILES = ("crds", "configurations")
_PATCHES = ("patches", "patchesjson6902", "replacements")
_GENERATED = ("configmapgenerator", "secretgenerator")
# An address, with a scheme, a forced getter (`git::`), a user and host, or a query that names a Git ref.
_REMOTE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:/|:)|[^/\s]+@[^/\s]+:|(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|.*[?&](?:ref|version)="
)


def kustomization_references(data: bytes, *, file: str, max_bytes: int) -> References:
    """Read a kustomization. Raises ConfigWrong where it is no YAML that can be read."""
    found = _Found()
    for document in read_yaml_documents(data, file=file, max_bytes=max_bytes):
        if isinstance(document.value, dict):
            found.kustomization(any_case(document.value))
    return found.references()


def plugin_references(data: bytes, *, file: str, max_bytes: int) -> References:
    """Read the configuration of built-in generators and transformers. Raises ConfigWrong as above."""
    found = _Found()
    found.plugin(data, file=file, max_bytes=max_bytes)
    return found.references()


class _Found:
    """Collects references; `dict` as a set that keeps its order."""

    def __init__(self) -> None:
        self.built: dict[str, None] = {}
        self.plugins: dict[str, None] = {}
        self.files: dict[str, None] = {}
        self.charts: dict[str, None] = {}
        self.remote: dict[str, None] = {}
        self.bases: dict[str, None] = {}

    def references(self) -> References:
        return References(
            built=tuple(self.built),
            plugins=tuple(self.plugins),
            files=tuple(self.files),
            charts=tuple(self.charts),
            remote=tuple(self.remote),
            bases=tuple(self.bases),
        )

    def kustomization(self, value: dict[str, Any]) -> None:
        for key in _BUILT:
            self._into(self.built, value.get(key))
        for key in _PLUGINS:
            self._plugins(value.get(key))
        for key in _FILES:
            self._into(self.files, value.get(key))
        for key in _PATCHES:
            for patch in _mappings(value.get(key)):
                self._into(self.files, [patch.get("path")])
        # A patch may stand here itself, which is no path.
        self._into(self.files, [text for text in _texts(value.get("patchesstrategicmerge")) if "\n" not in text])
        for key in _GENERATED:
            for generator in _mappings(value.get(key)):
                self._generator(generator)
        for openapi in _mappings([value.get("openapi")]):
            self._into(self.files, [openapi.get("path")])
        self._charts(value)

    def _plugins(self, value: Any) -> None:
        for text in _texts(value):
            if "\n" in text:
                self._inline(text)
            else:
                self._add(self.plugins, text)

    def _generator(self, generator: dict[str, Any]) -> None:
        for text in _texts(generator.get("files")):
            key, has_key, path = text.partition("=")
            self._add(self.files, path if has_key else key)
        self._into(self.files, generator.get("envs"))
        self._into(self.files, [generator.get("env")])

    def _charts(self, value: dict[str, Any]) -> None:
        home = "charts"
        for settings in _mappings([value.get("helmglobals")]):
            home = next(_texts([settings.get("charthome")]), home)
        for chart in _mappings(value.get("helmcharts")):
            self._chart(chart, home)
        for chart in _mappings(value.get("helmchartinflationgenerator")):
            name = next(_texts([chart.get("chartname")]), None)
            self._chart({**chart, "name": name, "valuesfile": chart.get("values")}, home)

    def _chart(self, chart: dict[str, Any], home: str) -> None:
        home = next(_texts([chart.get("charthome")]), home)
        name, version = (next(_texts([chart.get(key)]), None) for key in ("name", "version"))
        if name is not None:
            self._add(self.charts, f"{home}/{name}")
            if version is not None:
                self._add(self.charts, f"{home}/{name}-{version}")
        self._into(self.files, [chart.get("valuesfile")])
        self._into(self.files, chart.get("additionalvaluesfiles"))

    def _inline(self, text: str) -> None:
        try:
            self.plugin(text.encode(), file="", max_bytes=len(text) * 4)
        except (ConfigWrong, UnicodeEncodeError):
            return

    def plugin(self, data: bytes, *, file: str, max_bytes: int) -> None:
        for document in read_yaml_documents(data, file=file, max_bytes=max_bytes):
            for plugin in _mappings([document.value]):
                self._generator(plugin)
                self._chart(plugin, "charts")
                self._into(self.files, [plugin.get("path")])
                self._into(self.files, [text for text in _texts(plugin.get("paths")) if "\n" not in text])
                for replacement in _mappings(plugin.get("replacements")):
                    self._into(self.files, [replacement.get("path")])

    def _into(self, found: dict[str, None], value: Any) -> None:
        for text in _texts(value):
            self._add(found, text)

    def _add(self, found: dict[str, None], text: str) -> None:
        if _REMOTE.match(text):
            self.remote[text] = None
            if found is self.built:
                self.bases[text] = None
        elif text and len(text) <= MAX_PATH and "\n" not in text:
            found[text] = None


def _texts(value: Any) -> Iterator[str]:
    return (one for one in _items(value) if isinstance(one, str))


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    return (any_case(one) for one in _items(value) if isinstance(one, dict))


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
