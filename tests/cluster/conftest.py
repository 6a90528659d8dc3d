"""A corner of the cluster for each test, which takes away all that it made there; and an agent's world around it."""

import pytest

from cluster.faulty import way_of
from twins.agent_world import World
from twins.clusters import Corner


@pytest.fixture
async def corner(cluster, tmp_path):
    """Namespaces and accounts of the test's own, gone after it."""
    made = Corner(cluster, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def way(corner):
    """The corner's way to its API server, which a test may make bad."""
    async with way_of(corner) as made:
        yield made
        # Who still listens would wait for it in vain.
        for target in corner.targets:
            await target.close()


@pytest.fixture
async def world():
    """All that an agent needs, and the agent while it runs."""
    made = World()
    yield made
    await made.stop()
