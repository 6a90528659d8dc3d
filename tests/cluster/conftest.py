"""A real control plane for the tests of this folder, one for the whole run."""

import os
import shutil
from collections.abc import Iterator

import pytest

from cluster.control_plane import ControlPlane
from cluster.programs import programs


@pytest.fixture(scope="session")
def cluster() -> Iterator[ControlPlane]:
    if shutil.which("go") is None and not os.environ.get("CI"):
        pytest.skip("there is no go to build a control plane with")
    with ControlPlane(programs()) as plane:
        yield plane
