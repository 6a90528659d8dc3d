"""Health, baking and degrading, and how fresh they are."""

import pytest

from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, app_file


async def run_first(world) -> None:
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")


async def pass_time(world, seconds: int) -> None:
    for _ in range(seconds // 5):
        await world.clock.move(5)
        await world.agent.changed(None)


async def turn(world, health: str, **words: str) -> None:
    world.target.set_health("web-staging", health, **words)

    async def shown():
        return (await world.record("web-staging")).health == health

    await world.until(shown, health)


async def settled(world, field: str) -> None:
    async def written():
        return getattr((await world.runs("web-staging"))[0], field) is not None

    await world.until(written, field)


async def test_health_is_never_older_than_half_a_minute(world):
    """What did not change is confirmed often enough not to be taken for stale."""
    await run_first(world)
    for _ in range(60):
        await world.clock.move(5)

        async def fresh():
            seen = (await world.record("web-staging")).observed_at
            return (world.clock.now() - seen).total_seconds() <= 30

        await world.until(fresh)


async def test_what_only_counts_on_is_told(world):
    """A page that is open shows how far a release is, and not only when its health turns; what stays is told once."""
    await run_first(world)
    await turn(world, "Progressing")

    async def told() -> list[dict[str, int]]:
        return [event.payload for event in await world.store.events(after=0, limit=1000) if event.kind == "progress"]

    for ready in (1, 1, 2):
        world.target.set_counts("web-staging", ready, 3)

        async def is_told(ready=ready):
            return {"ready": ready, "wanted": 3} in await told()

        await world.until(is_told)
    await pass_time(world, 60)
    assert await told() == [{"ready": 1, "wanted": 3}, {"ready": 2, "wanted": 3}]


async def test_what_was_looked_at_for_its_news_is_not_looked_at_again_at_once(world):
    """A release of a thousand applications brings enough looks; what is quiet is looked at every ten seconds."""
    await run_first(world)
    looks = []
    observe = world.target.observe

    async def counted(app):
        looks.append(world.clock.now())
        return await observe(app)

    world.target.observe = counted
    await world.clock.move(35)
    assert len(looks) == 3
    world.target.set_health("web-staging", "Healthy", "busy")
    await world.clock.settle()
    told = len(looks)
    assert looks[-1] == world.clock.now()
    await world.clock.move(9)
    assert len(looks) == told
    await world.clock.move(3)
    assert len(looks) == told + 1


async def test_unchanged_health_is_not_written_each_time(world):
    """A hundred looks within a few seconds write once."""
    await run_first(world)
    writes = 0
    original = world.store.observe

    async def counted(seen):
        nonlocal writes
        writes += 1
        await original(seen)

    world.store.observe = counted
    for _ in range(100):
        world.target._tell("web-staging")
        await world.clock.settle()
    assert writes <= 1


async def test_a_version_that_degrades_after_baking_loses_its_mark(world):
    """Degraded for more than a moment by itself, after it baked: it is not a version to go back to any more."""
    await run_first(world)
    await pass_time(world, 80)
    await settled(world, "baked_at")
    await turn(world, "Degraded")
    await pass_time(world, 5)
    assert (await world.runs("web-staging"))[0].degraded_at is None
    await pass_time(world, 20)
    await settled(world, "degraded_at")
    await turn(world, "Healthy")

    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)

    assert (await world.record("web-staging")).last_good is None


async def test_a_version_that_degrades_while_it_bakes_is_told_until_it_bakes_after_all(world):
    """Since when it was bad is known to whoever rolls it back; a version that came back by itself is good."""
    await run_first(world)
    await pass_time(world, 30)
    await turn(world, "Degraded")
    since = world.clock.now()
    await pass_time(world, 5)
    assert (await world.runs("web-staging"))[0].degraded_at is None
    await pass_time(world, 20)
    await settled(world, "degraded_at")
    (run,) = await world.runs("web-staging")
    assert (run.degraded_at - since).total_seconds() < 5
    assert run.baked_at is None

    await turn(world, "Healthy")
    await pass_time(world, 80)
    await settled(world, "baked_at")
    assert (await world.runs("web-staging"))[0].degraded_at is None

    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)
    assert (await world.record("web-staging")).last_good is not None


async def test_a_lost_node_is_not_the_versions_fault(world):
    """A deployment waits for what comes in place of what ran there, and one that baked keeps its good name."""
    lost = {"message": "its node does not answer", "reason": "NodeLost"}
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Degraded", **lost)
    await world.start()
    await turn(world, "Degraded", **lost)
    await pass_time(world, 30)
    assert (await world.runs("web-staging"))[0].outcome == "in-progress"
    await turn(world, "Healthy")
    await world.run_until("web-staging", "succeeded")
    await pass_time(world, 80)
    await settled(world, "baked_at")
    await turn(world, "Degraded", **lost)
    await pass_time(world, 80)
    assert (await world.runs("web-staging"))[0].degraded_at is None
    await world.release(app_file("web-staging", "b"))
    await world.look()
    failed = await world.run_until("web-staging", "failed", 2, passing=5)
    assert failed.own_fault is False


async def test_a_version_that_flaps_while_it_bakes_starts_over(world):
    """The bake time is one stretch of health."""
    await run_first(world)
    await pass_time(world, 50)
    await turn(world, "Degraded")
    await pass_time(world, 5)
    await turn(world, "Healthy")
    await pass_time(world, 40)
    assert (await world.runs("web-staging"))[0].baked_at is None
    await pass_time(world, 40)
    await settled(world, "baked_at")


async def test_drift_that_comes_back_is_healed_less_and_less_often(world):
    """Somebody who takes a resource away again and again does not cause a deployment each time."""
    await run_first(world)
    waits = []
    for n in range(2, 7):
        drifted = world.clock.now()
        world.target.drift("web-staging", "web")
        await world.agent.changed(None)
        healed = await world.run_until("web-staging", "succeeded", n, passing=1)
        waits.append((healed.started_at - drifted).total_seconds())
    assert waits[0] <= 1
    assert waits[2] > 5
    assert waits[4] > 2 * waits[2]


async def test_a_press_heals_at_once_what_waits_because_it_drifts_again_and_again(world):
    """It is told what differs; the record is a healing with who pressed, and no new run of the version."""
    await run_first(world)
    for n in range(2, 6):
        world.target.drift("web-staging", "web")
        await world.agent.changed(None)
        await world.run_until("web-staging", "succeeded", n, passing=1)
    world.target.drift("web-staging", "web")
    await world.agent.changed(None)

    async def drifted():
        return (await world.record("web-staging")).sync == "OutOfSync"

    await world.until(drifted)
    pressed_at = world.clock.now()
    pressed = await world.agent.press(PressRequest(app="web-staging"))
    assert pressed.started
    assert pressed.because.startswith("it is not as Git says: ")
    healed = await world.run_until("web-staging", "succeeded", 6)
    assert (healed.started_at, healed.trigger) == (pressed_at, "drift")
    press = await world.store.operation(healed.operation)
    assert (press.kind, press.step) == ("retry", "done")


async def test_progress_that_takes_too_long_has_failed(world):
    """A version that is not Healthy in time has failed, with what was seen last."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Progressing", "0 of 1 ready")
    await world.start()
    await world.run_until("web-staging", "in-progress")

    async def watched():
        return [phase.name for phase in (await world.runs("web-staging"))[0].phases] == ["render", "apply", "watch"]

    await world.until(watched)
    failed = await world.run_until("web-staging", "failed", passing=5)
    assert (failed.own_fault, failed.message) == (True, "Progressing after 300 s: 0 of 1 ready")


@pytest.mark.parametrize(
    ("fault", "then"),
    [
        ("version", "It is the version's fault: it goes on with another version or definition, or by `{}`"),
        ("way", "It goes on by itself once that is out of the way; `{}` tries at once"),
    ],
)
async def test_what_was_refused_is_tried_again_once_it_would_not_be(world, fault, then):
    """Neither time nor a restart makes another attempt, whoever is to blame; that what was in its way has gone does."""
    world.target.half_apply("web-staging", "web", fault=fault)
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    first = await world.run_until("web-staging", "failed")
    await world.clock.move(4_000)
    await world.stop()
    await world.start()
    await world.clock.move(4_000)
    assert len(await world.runs("web-staging")) == 1
    said = f"not done: web. {then.format('lastgood retry web-staging')}"
    assert (first.own_fault, first.message) == (fault == "version", said)

    world.target.clear_the_way("web-staging")
    done = await world.run_until("web-staging", "succeeded", 2)
    assert done.trigger == "retry"


async def test_what_is_refused_each_time_is_tried_less_and_less_often(world):
    """A target that says that it would take it now, and does not, fills no timeline."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    for _ in range(50):
        world.target.half_apply("web-staging", "web", fault="version")
    await world.start()
    await world.run_until("web-staging", "failed")
    for _ in range(60):
        world.target.clear_the_way("web-staging")
        await world.clock.move(5)
    assert 2 < len(await world.runs("web-staging")) < 9
