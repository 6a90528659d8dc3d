"""What all tests of the agent begin with."""

import pytest

from twins.agent_world import World


@pytest.fixture
async def world():
    made = World()
    yield made
    await made.stop()
    made.store.close()
