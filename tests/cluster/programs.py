"""The programs of a Kubernetes control plane, built from Go modules once for a machine and kept in its cache.

Which versions: control_plane/go.mod and go.sum, and KWOK. Another version is another folder of the cache.
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

MODULE = Path(__file__).parent / "control_plane"
KUBERNETES = "1.36.3"
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.8.0"
BUILT = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
}
NAMES = (*BUILT, "kwok")
# As it was when the tests began: each test gets a HOME of its own, and what is built is kept for all.
ENVIRONMENT = dict(os.environ)
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def programs() -> Mapping[str, Path]:
    """Return where each program is; build what is missing (about 8 minutes on two cores). Raises CalledProcessError."""
    place = _cache() / _digest()
    with _alone():
        if not all((place / name).exists() for name in NAMES):
            _build(place)
    return {name: place / name for name in NAMES}


def _build(place: Path) -> None:
    sys.stderr.write(f"building the control plane into {place}: this takes minutes, once\n")
    parts = Path(tempfile.mkdtemp(dir=place.parent, prefix="building-"))
    try:
        major, minor, _ = KUBERNETES.split(".")
        said = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
        flags = " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in said.items())])
        for name, package in BUILT.items():
            _go("build", "-tags", "tools", "-trimpath", "-ldflags", flags, "-o", str(parts / name), package)
        _go("install", "-trimpath", "-ldflags", "-s -w", KWOK, GOBIN=str(parts))
        shutil.rmtree(place, ignore_errors=True)
        parts.rename(place)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _go(*args: str, **environment: str) -> None:
    go = shutil.which("go") or "go"
    subprocess.run([go, *args], cwd=MODULE, env={**ENVIRONMENT, **environment}, check=True)


def _cache() -> Path:
    made = CACHE / "lastgood" / "control-plane"
    made.mkdir(parents=True, exist_ok=True)
    return made


def _digest() -> str:
    said = hashlib.sha256(f"{KUBERNETES} {KWOK}".encode())
    for name in ("go.mod", "go.sum"):
        said.update((MODULE / name).read_bytes())
    return said.hexdigest()[:16]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two runs at once build once."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
