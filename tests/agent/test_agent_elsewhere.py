"""A dashboard that runs apart asks the agent through the records."""

import asyncio

import pytest

from lastgood.agent.elsewhere import AgentElsewhere
from lastgood.core.commit import Person
from lastgood.core.errors import NeedsServer, NotAllowed, UnknownApplication
from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, World, app_file

PRIYA = Person(name="Priya Raman", email="priya@example.com")


@pytest.fixture
async def world():
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    await made.start()
    await made.run_until("web-staging", "succeeded")
    await made.run_until("cart-staging", "succeeded")
    yield made
    await made.stop()
    made.store.close()


async def asked(world, question):
    """Ask, and let time pass until the answer is there."""
    asking = asyncio.ensure_future(question)
    while not asking.done():
        await asyncio.sleep(0.001)
        await world.clock.move(0.2)
    return await asking


async def test_looking_pressing_and_forgetting(world):
    """Each gives the agent's own answer."""
    elsewhere = AgentElsewhere(world.store, world.clock, runs=lambda: True)
    await world.release({"apps/cart/staging/process-compose.yaml": None})

    assert await asked(world, elsewhere.look(None)) == ["config"]
    pressed = await asked(world, elsewhere.press(PressRequest(app="web-staging"), dry_run=True))
    assert pressed == await world.agent.press(PressRequest(app="web-staging"), dry_run=True)
    gone = await asked(world, elsewhere.forget("cart-staging", prune=True, by=PRIYA))
    (recorded,) = await world.store.operations(limit=1)
    assert recorded.by == PRIYA
    assert gone.pruned == ("Process web",)


async def test_the_agents_errors_are_told(world):
    """What the agent raises is raised here, with its class and words."""
    elsewhere = AgentElsewhere(world.store, world.clock, runs=lambda: True)
    with pytest.raises(UnknownApplication, match="there is no application nope"):
        await asked(world, elsewhere.press(PressRequest(app="nope")))
    with pytest.raises(NotAllowed, match="web-staging is still in Git"):
        await asked(world, elsewhere.forget("web-staging", prune=True))


async def test_without_an_agent_nobody_waits_for_ever(world):
    """After a while it is said that no agent answers, and an agent that starts later does not answer old questions."""
    await world.stop()
    elsewhere = AgentElsewhere(world.store, world.clock, runs=lambda: True)
    with pytest.raises(NeedsServer, match="no agent answered"):
        await asked(world, elsewhere.look("config"))
    await world.start()
    await world.clock.move(5)
    assert [event for event in await world.store.events(after=0) if event.kind == "answer"] == []


async def test_an_agent_that_does_not_run_is_not_waited_for(world):
    """It is said at once that there is none, also where it ends while somebody waits."""
    running = [True, True, False]
    elsewhere = AgentElsewhere(world.store, world.clock, runs=lambda: running.pop(0) if running else False)
    await world.stop()
    with pytest.raises(NeedsServer, match="the agent ended before it answered"):
        await asked(world, elsewhere.look("config"))
    with pytest.raises(NeedsServer, match="no agent runs on this data folder"):
        await elsewhere.look("config")


async def test_a_question_that_a_starting_agent_missed_is_asked_again(world):
    """A look harms nobody twice; what changes something may have been begun, and is told of instead."""
    elsewhere = AgentElsewhere(world.store, world.clock, runs=lambda: True)
    await world.stop()
    looking = asyncio.ensure_future(elsewhere.look("config"))
    pressing = asyncio.ensure_future(elsewhere.press(PressRequest(app="web-staging")))

    async def both_asked():
        return len([event for event in await world.store.events(after=0) if event.kind == "ask"]) == 2

    await world.until(both_asked)
    await world.start()
    with pytest.raises(NeedsServer, match="the agent started anew before it answered"):
        await asked(world, pressing)
    assert await asked(world, looking) == ["config"]
