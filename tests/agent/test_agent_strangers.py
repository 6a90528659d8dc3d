"""Trouble that nobody foresaw stays where it is, and the loop goes on."""

import pytest

from twins.agent_world import CONFIG, World, app_file


@pytest.fixture
async def world():
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    yield made
    await made.stop()
    made.store.close()


async def test_a_mistake_in_one_lane_stops_no_other(world):
    """An exception that is none of ours in one application's render is loud, tried again, and hits nobody else."""
    render = world.renderer.render
    broken = True

    async def wrong(app, repo, commit):
        if app.name == "web-staging" and broken:
            raise ZeroDivisionError
        return await render(app, repo, commit)

    world.renderer.render = wrong
    await world.start()
    await world.run_until("cart-staging", "succeeded")

    async def told():
        return "lastgood made a mistake" in (await world.record("web-staging")).message

    await world.until(told)
    broken = False
    await world.run_until("web-staging", "succeeded", passing=1)
    assert (await world.record("web-staging")).message == ""


async def test_a_target_that_cannot_be_looked_at_stops_no_other_look(world):
    """An exception while observing one application leaves the others observed."""
    observe = world.target.observe

    async def wrong(app):
        if app == "web-staging":
            raise ZeroDivisionError
        return await observe(app)

    await world.start()
    await world.run_until("web-staging", "succeeded")
    await world.run_until("cart-staging", "succeeded")
    world.target.observe = wrong
    world.target.set_health("web-staging", "Degraded")
    world.target.set_health("cart-staging", "Degraded")

    async def seen():
        return (await world.record("cart-staging")).health == "Degraded"

    await world.until(seen)


async def test_the_poll_finds_what_nobody_told(world):
    """A push is found at the next poll, and an unreachable remote is asked less and less often."""
    await world.start()
    await world.run_until("web-staging", "succeeded")
    await world.release(app_file("web-staging", "b"))
    await world.run_until("web-staging", "succeeded", 2, passing=1)

    world.remote.unreachable = True
    asked = 0
    fetch = world.repo.fetch

    async def counted(branch):
        nonlocal asked
        asked += 1
        return await fetch(branch)

    world.repo.fetch = counted
    for _ in range(20):
        await world.clock.move(60)
    assert 3 <= asked <= 8


async def test_a_mistake_while_one_application_is_followed_delays_no_other(world):
    """An exception that is none of ours in one application's reading leaves the others followed, and is tried again."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("cart-staging", "a"), **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("cart-staging", "succeeded")
    await world.run_until("web-staging", "succeeded")
    version = world.repo.version
    troubled = [True]

    async def version_of(commit, scope):
        if troubled and scope.path == "apps/cart/staging":
            raise RuntimeError("a mistake of ours")
        return await version(commit, scope)

    world.repo.version = version_of
    await world.release({**app_file("cart-staging", "b"), **app_file("web-staging", "b")})
    with pytest.raises(RuntimeError):
        await world.look()
    await world.run_until("web-staging", "succeeded", 2, passing=1)
    assert len(await world.runs("cart-staging")) == 1

    troubled.clear()
    await world.look()
    await world.run_until("cart-staging", "succeeded", 2, passing=1)
