"""A corner of the cluster for each test, which takes away all that it made there; and an agent's world around it."""

import pytest

from twins.agent_world import World
from twins.clusters import Corner


@pytest.fixture
async def corner(cluster, tmp_path):
    """Namespaces and accounts of the test's own, gone after it."""
    made = Corner(cluster, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def world():
    """All that an agent needs, and the agent while it runs."""
    made = World()
    yield made
    await made.stop()
