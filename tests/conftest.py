"""What every test stands on: its own HOME, no configuration of this machine's git, no network settings.

And a real control plane for the tests that ask for it, one for the whole run, or the cluster that KUBECONFIG names.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import settings
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

sys.path.insert(0, str(Path(__file__).parent))

from cluster.control_plane import ControlPlane
from cluster.given import GivenCluster
from cluster.programs import programs
from twins.go_programs import built
from twins.registry_server import MODULES as REGISTRY
from twins.render_programs import RenderPrograms, built_programs

# With `--hypothesis-profile thorough` each property is tried at length, where a test sets no number of its own.
settings.register_profile("everyday", max_examples=50)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.load_profile("everyday")
# As it was when the tests began: each test has an environment of its own.
GIVEN = os.environ.get("KUBECONFIG", "")


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Let all databases of the tests share their compiled statements, as one server's connections do.

    There are thousands of them, and compiling was a twentieth of the tests' work. All SQLite dialects are alike here.
    """
    compiled: dict[object, object] = {}

    def share(connection: sqlalchemy.Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect, "__hash__", lambda self: hash(type(self)))
        patch.setattr(SQLiteDialect, "__eq__", lambda self, other: type(self) is type(other))
        sqlalchemy.event.listen(sqlalchemy.Engine, "engine_connect", share)
        yield
        sqlalchemy.event.remove(sqlalchemy.Engine, "engine_connect", share)


@pytest.fixture(scope="session")
def render_programs() -> RenderPrograms:
    """Return Helm 3, Helm 4 and Kustomize themselves, built on first use: for tests marked `programs`."""
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build Helm and Kustomize with")
    return built_programs()


@pytest.fixture(scope="session")
def registry_program() -> Path:
    """Return a registry's server, built on first use (about 2 minutes on two cores): for tests marked `programs`."""
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build a registry with")
    return built("registry", REGISTRY)["registry"]


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    (home / "gitconfig").write_text("[maintenance]\nauto = false\n[receive]\nautogc = false\n")
    of_git = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "SSH_AUTH_SOCK")
    for name in (*of_git, "LASTGOOD_SERVER", "LASTGOOD_TOKEN", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    # Thousands of repositories are made: a dozen sample hooks in each cost more than the repository.
    monkeypatch.setenv("GIT_TEMPLATE_DIR", "")
    # And a test's repositories need not outlive a power cut.
    monkeypatch.setenv("GIT_TEST_FSYNC", "0")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Priya Raman")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "priya@example.com")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Priya Raman")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "priya@example.com")


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane | GivenCluster]:
    """Return the cluster that KUBECONFIG names where the tests begin, else a control plane of their own."""
    if GIVEN:
        with GivenCluster(Path(GIVEN).absolute()) as given:
            yield given
        return
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build a control plane with")
    with ControlPlane(programs()) as plane:
        yield plane


@pytest.fixture
def own_cluster(cluster: ControlPlane | GivenCluster) -> ControlPlane:
    """Return a control plane whose API server a test may stop."""
    if isinstance(cluster, GivenCluster):
        pytest.skip("the cluster was given by KUBECONFIG: its API server is not stopped")
    return cluster


@pytest.fixture
def stages(cluster: ControlPlane | GivenCluster) -> None:
    """Let a test be about pods that behave as it says: those of the harness's own nodes do."""
    if isinstance(cluster, GivenCluster) and not cluster.has_stages():
        pytest.skip("the cluster was given by KUBECONFIG: its pods do not behave as the tests say")
