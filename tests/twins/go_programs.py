"""Programs built from Go modules, once for a machine, and kept in its cache.

Other versions are another folder of the cache. Go checks what it downloads by its own public record of sums.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# As it was before any test was given a HOME of its own: the cache and Go's are this machine's.
_ENVIRONMENT = dict(os.environ)


def built(kind: str, modules: Mapping[str, str]) -> dict[str, Path]:
    """Return where each program is; build what is missing. Raises CalledProcessError.

    kind: the folder of the cache. modules: the package of each program with its version, as `go install` takes it.
    """
    cache = _cache(kind)
    place = cache / hashlib.sha256(repr(sorted(modules.items())).encode()).hexdigest()[:16]
    with _alone(cache):
        for name, module in modules.items():
            if not (place / name).exists():
                _build(place, name, module)
    return {name: place / name for name in modules}


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


def _cache(kind: str) -> Path:
    base = _ENVIRONMENT.get("XDG_CACHE_HOME") or str(Path(_ENVIRONMENT.get("HOME", "/")) / ".cache")
    made = Path(base) / "lastgood" / kind
    made.mkdir(parents=True, exist_ok=True)
    return made


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Two runs at once build once."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
