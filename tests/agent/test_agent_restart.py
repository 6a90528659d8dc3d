"""Ended at any point, the next agent goes on: same record, no second copy, nothing forgotten."""

import asyncio

import pytest

from lastgood.core.errors import StoreFull
from lastgood.core.record import Pause
from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, World, app_file


async def deploy_first(world) -> None:
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")


async def test_an_attempt_that_was_interrupted_goes_on_with_its_record(world):
    """An agent that ends while it watches leaves the attempt in progress; the next one finishes that very record."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Progressing")
    await world.start()
    await world.run_until("web-staging", "in-progress")

    async def watched():
        return [phase.name for phase in (await world.runs("web-staging"))[0].phases] == ["render", "apply", "watch"]

    await world.until(watched)
    await world.stop()
    assert (await world.runs("web-staging"))[0].outcome == "in-progress"

    world.target.set_health("web-staging", "Healthy")
    await world.start()

    done = await world.run_until("web-staging", "succeeded")
    assert [phase.name for phase in done.phases] == ["render", "apply", "watch", "render", "apply", "watch"]
    assert all(phase.finished_at is not None for phase in done.phases)


async def test_an_attempt_that_was_overtaken_meanwhile_is_superseded(world):
    """What an agent left in progress is recorded as superseded if Git asks for something else by then."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Progressing")
    await world.start()
    await world.run_until("web-staging", "in-progress")
    await world.stop()
    await world.release(app_file("web-staging", "b"))

    await world.start()

    # It may be taken up again before Git has been looked at: Healthy by then, it would have succeeded.
    await world.run_until("web-staging", "in-progress", 2)
    world.target.set_health("web-staging", "Healthy")
    await world.run_until("web-staging", "succeeded", 2)
    assert [run.outcome for run in await world.runs("web-staging")] == ["succeeded", "superseded"]


WRITES = [
    "save_application",
    "start_deployment",
    "save_deployment",
    "add_event",
    "save_repo",
    "observe_head",
    "observe",
]


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_killed_at_any_write_the_next_agent_finishes(world, method, nth):
    """An agent that dies at any write of a release leaves what the next one needs to come to the same end."""
    await deploy_first(world)
    target = await world.release(app_file("web-staging", "b"))
    original, count, dead = getattr(world.store, method), 0, asyncio.Event()

    async def dies(*args, **kwargs):
        nonlocal count
        count += 1
        if count >= nth:
            dead.set()
            await asyncio.Event().wait()
        return await original(*args, **kwargs)

    setattr(world.store, method, dies)
    looking = asyncio.ensure_future(world.agent.look(None))
    for _ in range(300):
        if dead.is_set():
            break
        await asyncio.sleep(0.001)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await world.stop()
    setattr(world.store, method, original)

    await world.start()

    async def there():
        runs = await world.runs("web-staging")
        return runs[0].outcome == "succeeded" and runs[0].commit.oid == target

    await world.until(there)
    runs = await world.runs("web-staging")
    assert [run.outcome for run in runs] == ["succeeded", "succeeded"]
    record = await world.record("web-staging")
    assert record.running.commit == record.desired.commit == target
    assert len([h for h in await world.store.observed_heads("config", "main") if h.commit == target]) == 1


async def test_no_attempt_starts_that_cannot_be_recorded(world):
    """With a full disk nothing is applied; when there is room again, it goes on by itself."""
    await deploy_first(world)
    original = world.store.start_deployment

    async def full(_deployment):
        raise StoreFull

    world.store.start_deployment = full
    await world.release(app_file("web-staging", "b"))
    await world.look()
    for _ in range(5):
        await world.clock.move(5)
    assert len(world.target.applied) == 1

    world.store.start_deployment = original
    await world.run_until("web-staging", "succeeded", 2, passing=30)


async def test_what_runs_is_looked_after_while_the_remote_is_away(world):
    """A new agent heals drift also when the remote cannot be reached."""
    await deploy_first(world)
    await world.stop()
    world.remote.unreachable = True
    await world.start()
    world.target.drift("web-staging", "web")
    assert (await world.run_until("web-staging", "succeeded", 2)).trigger == "drift"


async def test_with_the_records_lost_the_target_still_follows_git(world):
    """An empty store: the version at the head is deployed anew, which changes nothing that already is so."""
    await deploy_first(world)
    await world.stop()
    again = World()
    again.remote, again.repo, again.target, again.clock = world.remote, world.repo, world.target, world.clock
    try:
        await again.start()
        done = await again.run_until("web-staging", "succeeded")
        assert [(r.name, r.outcome) for r in done.resources] == [("web", "unchanged")]
    finally:
        await again.stop()
        again.store.close()


async def test_a_pause_stops_and_its_end_lets_the_newest_version_go(world):
    """Nothing is deployed during a pause; its end deploys the newest version, and what that overtook is recorded."""
    await deploy_first(world)
    pause = Pause(scope="environment", name="staging", reason="fair", by="Priya", since=world.clock.now())
    await world.store.pause(pause)
    await world.release(app_file("web-staging", "b"))
    await world.look()
    newest = await world.release(app_file("web-staging", "c"))
    await world.look()
    await world.clock.move(60)
    assert [run.outcome for run in await world.runs("web-staging")] == ["superseded", "succeeded"]

    await world.store.resume("environment", "staging")
    done = await world.run_until("web-staging", "succeeded", 3, passing=1)
    assert done.commit.oid == newest


async def test_a_failed_version_goes_again_after_a_press(world):
    """A press deploys a failed version once more; without one, and for what runs well, nothing happens."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Degraded", "out of memory")
    await world.start()
    await world.run_until("web-staging", "failed")
    world.target.set_health("web-staging", "Healthy")
    await world.clock.move(60)
    assert len(await world.runs("web-staging")) == 1

    shown = await world.agent.press(PressRequest(app="web-staging"), dry_run=True)
    await world.agent.press(PressRequest(app="web-staging"))

    assert shown.because == "n1 failed: out of memory"
    assert (await world.run_until("web-staging", "succeeded", 2)).trigger == "retry"
    calm = await world.agent.press(PressRequest(app="web-staging"))
    assert (calm.started, calm.version) == (False, None)


async def test_a_press_whose_agent_ends_is_not_forgotten(world):
    """A press that was recorded, but not begun, is begun by the next agent."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Degraded")
    await world.start()
    await world.run_until("web-staging", "failed")
    await world.store.pause(Pause(scope="everything", name=None, reason="", by="Priya", since=world.clock.now()))
    await world.agent.press(PressRequest(app="web-staging"))
    await world.stop()
    await world.store.resume("everything", None)
    world.target.set_health("web-staging", "Healthy")

    await world.start()

    assert (await world.run_until("web-staging", "succeeded", 2)).trigger == "retry"
    assert await world.store.operations(open_only=True) == []
