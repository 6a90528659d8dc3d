"""Helm 3, Helm 4 and Kustomize, built from Go modules once for a machine and kept in its cache.

Another version is another folder of the cache. Go checks what it downloads by its own public record of sums.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODULES = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
    "helm3": "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "helm4": "helm.sh/helm/v4/cmd/helm@v4.3.1",
}


# As it was before any test was given a HOME of its own: the cache and Go's are this machine's.
_ENVIRONMENT = dict(os.environ)


class RenderPrograms(NamedTuple):
    """Where each program is."""

    kustomize: Path
    helm3: Path
    helm4: Path


def built_programs() -> RenderPrograms:
    """Return the programs; build what is missing (about 5 minutes on two cores). Raises CalledProcessError."""
    place = _cache() / hashlib.sha256(repr(sorted(MODULES.items())).encode()).hexdigest()[:16]
    with _alone():
        for name, module in MODULES.items():
            if not (place / name).exists():
                _build(place, name, module)
    return RenderPrograms(**{name: place / name for name in MODULES})


def _build(place: Path, name: str, module: str) -> None:
    sys.stderr.write(f"building {module} into {place}: this takes minutes, once\n")
    place.mkdir(exist_ok=True)
    parts = Path(tempfile.mkdtemp(dir=place.parent, prefix="building-"))
    try:
        go = shutil.which("go") or "go"
        flags = ("-trimpath", "-ldflags", "-s -w")
        subprocess.run([go, "install", *flags, module], env={**_ENVIRONMENT, "GOBIN": str(parts)}, check=True)
        next(parts.iterdir()).rename(place / name)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _cache() -> Path:
    base = _ENVIRONMENT.get("XDG_CACHE_HOME") or str(Path(_ENVIRONMENT.get("HOME", "/")) / ".cache")
    made = Path(base) / "lastgood" / "renderers"
    made.mkdir(parents=True, exist_ok=True)
    return made


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two runs at once build once."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
