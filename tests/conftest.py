"""What every test stands on: its own HOME, no configuration of this machine's git, no network settings.

And a real control plane for the tests that ask for it, one for the whole run.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster.control_plane import ControlPlane
from cluster.programs import programs
from twins.render_programs import RenderPrograms, built_programs


@pytest.fixture(scope="session")
def render_programs() -> RenderPrograms:
    """Return Helm 3, Helm 4 and Kustomize themselves, built on first use: for tests marked `programs`."""
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build Helm and Kustomize with")
    return built_programs()


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "LASTGOOD_SERVER", "LASTGOOD_TOKEN", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Priya Raman")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "priya@example.com")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Priya Raman")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "priya@example.com")


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane]:
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build a control plane with")
    with ControlPlane(programs()) as plane:
        yield plane
