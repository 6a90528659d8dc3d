"""Read a kubeconfig, or the files that KUBECONFIG lists as one, the way kubectl does. Asks no cluster.

Of several files the first that has a context, a cluster or a user of a name wins, whole; so does the first that names a
current context. Paths count from the folder of the file that they stand in.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError

MAX_FILES = 100
MAX_BYTES = 10_000_000
_PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
    "context": (),
}


def read_kubeconfig(named: str | None, context: str | None) -> SingleConfig | None:
    """Return a context. named: the one file; None: what KUBECONFIG lists, or ~/.kube/config.

    Raises ConfigError; OSError; and KeyError, ValueError, TypeError, AttributeError or YAMLError for a damaged file.
    """
    listed = os.environ.get("KUBECONFIG") or "~/.kube/config"
    names = [named] if named is not None else [one for one in listed.split(os.pathsep) if one][:MAX_FILES]
    files = [Path(one).expanduser().absolute() for one in names]
    # As kubectl has it: of a list, what is not there is passed over.
    there = [one for one in files if one.is_file()]
    if not there:
        missing = files[0] if len(files) == 1 else "any of the files that KUBECONFIG lists"
        raise ConfigError(f"Configuration file {missing} not found")
    return KubeConfig.from_dict(_merged(there)).get(context)


def _merged(files: list[Path]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {kind: {} for kind in _PATHS}
    current = None
    for file in files:
        said = _read(file)
        current = current or said.get("current-context")
        for kind, kept in found.items():
            for name, entry in _entries(said, kind, file):
                kept.setdefault(name, {"name": name, kind: entry})
    merged: dict[str, Any] = {f"{kind}s": list(kept.values()) for kind, kept in found.items()}
    return {**merged, "current-context": current}


def _read(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        text = opened.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{file} is larger than {MAX_BYTES // 1_000_000} MB")
    said = yaml.safe_load(text)
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise TypeError("a kubeconfig is a mapping")
    return said


def _entries(said: dict[str, Any], kind: str, file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the named entries of a kind, with paths that do not depend on the file any more."""
    for one in said.get(f"{kind}s") or ():
        entry = dict(one[kind] or {})
        for key in _PATHS[kind]:
            if entry.get(key):
                entry[key] = str(file.parent / entry[key])
        plugin = entry.get("exec") if kind == "user" else None
        # A name is looked for in PATH, a path counts from the kubeconfig's folder.
        if isinstance(plugin, dict) and "/" in str(plugin.get("command")):
            entry["exec"] = {**plugin, "command": str(file.parent / plugin["command"])}
        yield one["name"], entry
