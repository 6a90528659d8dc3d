"""A deployment whose destination is away waits for it: one record, from the first try to the one that is taken."""

import json

import pytest

from lastgood.core.record import Pause
from lastgood.core.request import PressRequest
from lastgood.flows import await_target
from twins.agent_world import CONFIG, app_file

APP = "web-staging"
SAID = (
    "web-staging on twin: the target is away. It is not the version's fault: it goes on by itself once the destination"
    " takes it"
)


async def until_it_waits(world, count=1):
    async def waits():
        runs = await world.runs(APP)
        return len(runs) == count and (runs[0].outcome, runs[0].message) == ("in-progress", SAID)

    await world.until(waits)
    return (await world.runs(APP))[0]


async def away(world, *, times=1):
    """Release to a target that is away for so many tries."""
    await world.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    for _ in range(times):
        world.target.fail_apply(APP)
    await world.start()
    return await until_it_waits(world)


async def test_one_record_waits_until_the_destination_takes_it(world):
    """However often it was tried in between; it says why it waits, and ends as what it began as."""
    await away(world, times=4)
    done = await world.run_until(APP, "succeeded", passing=1)
    assert (done.number, done.trigger, done.message) == (1, "commit", "Healthy")
    assert [phase.name for phase in done.phases] == ["render", "apply", "watch"]
    assert len(world.target.occasions) == 5


async def test_it_goes_on_at_once_when_the_destination_can_be_looked_at_again(world):
    """What was Unknown is seen: no time has to pass."""
    await world.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    await world.start()
    await world.run_until(APP, "succeeded")
    world.target.set_health(APP, "Unknown", "away")
    world.target.fail_apply(APP)
    await world.release(app_file(APP, "b"))
    await world.look()
    await until_it_waits(world, 2)

    async def is_unknown():
        return (await world.record(APP)).health == "Unknown"

    await world.until(is_unknown)
    world.target.set_health(APP, "Healthy")
    assert (await world.run_until(APP, "succeeded", 2)).trigger == "commit"


async def test_a_press_does_not_wait_for_the_next_try(world):
    """Whoever mended what was in the way, and presses, sees it go at once, and what waits is shown before."""
    await away(world)
    shown = await world.agent.press(PressRequest(app=APP), dry_run=True)
    assert (shown.started, shown.because) == (False, f"n1 waits: {SAID}")
    assert (await world.agent.press(PressRequest(app=APP))).started
    assert (await world.run_until(APP, "succeeded")).trigger == "commit"

    async def is_done():
        return not await world.store.operations(open_only=True)

    await world.until(is_done)


async def test_a_newer_version_takes_the_place_of_one_that_waits(world):
    """It ends as superseded, at once, and the newer one does not wait for its next try."""
    await away(world)
    await world.release(app_file(APP, "b"))
    await world.look()
    await world.run_until(APP, "succeeded", 2)
    first = (await world.runs(APP))[1]
    assert first.outcome == "superseded"
    assert first.message.endswith("while it waited: web-staging on twin: the target is away")


async def test_a_pause_keeps_what_waits_from_going(world):
    """It ends there; the end of the pause lets it go."""
    await away(world)
    pause = Pause(scope="application", name=APP, reason="fair", by="Priya", since=world.clock.now())
    await world.store.pause(pause)
    failed = await world.run_until(APP, "failed", passing=1)
    assert (failed.own_fault, len(world.target.occasions)) == (False, 1)
    await world.clock.move(1500)
    assert len(await world.runs(APP)) == 1
    await world.store.resume("application", APP)
    assert (await world.run_until(APP, "succeeded", 2, passing=1)).trigger == "retry"


async def test_the_next_agent_goes_on_with_what_waits(world):
    """The record that it left is the one that succeeds."""
    await away(world)
    await world.stop()
    await world.start()
    assert (await world.run_until(APP, "succeeded")).number == 1


def objects(*names):
    """The files of the application: a ConfigMap of each name."""
    made = {name: {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} for name in names}
    return {f"apps/web/staging/{name}.json": json.dumps(one) for name, one in made.items()}


async def half_done(world, *names, times=1):
    """Release objects of which the target does not do `a`, so many times; return the record that waits."""
    await world.release({"lastgood.yaml": CONFIG, **objects("a", *names)})
    for _ in range(times):
        world.target.half_apply(APP, "a")
    await world.start()

    async def waits():
        runs = await world.runs(APP)
        return bool(runs) and (runs[0].outcome, runs[0].message[:11]) == ("in-progress", "not done: a")

    await world.until(waits)
    return (await world.runs(APP))[0]


async def test_a_half_done_apply_goes_on_in_its_record(world):
    """It says what was and was not done, and what runs; the end has what all its tries did."""
    waiting = await half_done(world, "b", times=3)
    assert waiting.message.startswith("not done: a. It is not the version's fault: it goes on by itself")
    assert [(one.name, one.outcome) for one in waiting.resources] == [("a", "failed"), ("b", "applied")]
    assert (await world.record(APP)).running is not None
    done = await world.run_until(APP, "succeeded", passing=5)
    assert (done.number, done.trigger, done.message) == (1, "commit", "Healthy")
    results = [(one.name, one.change, one.outcome) for one in done.resources]
    assert results == [("a", "added", "applied"), ("b", "added", "applied")]
    assert len(world.target.occasions) == 4


async def test_the_next_agent_goes_on_with_what_is_half_done(world):
    """What the agent before it did is on its record still."""
    await half_done(world, "b")
    await world.stop()
    await world.start()
    done = await world.run_until(APP, "succeeded")
    assert [(one.name, one.outcome) for one in done.resources] == [("a", "applied"), ("b", "applied")]


@pytest.fixture
def soon(monkeypatch):
    """What would be given up after an hour is given up after a minute: an hour of looks takes a minute."""
    monkeypatch.setattr(await_target, "TRIED_S", 60)


@pytest.mark.parametrize(("more", "outcome"), [(("b",), "partial"), ((), "failed")])
async def test_what_is_there_and_does_not_do_it_is_given_up_after_a_while(world, soon, more, outcome):
    """It ends, not for reasons of the version; and is tried again by itself, in a record of its own."""
    await half_done(world, *more, times=8)
    done = await world.run_until(APP, "succeeded", 2, passing=5)
    ended = (await world.runs(APP))[1]
    assert (ended.outcome, ended.own_fault, done.trigger) == (outcome, False, "retry")
    assert 60 <= (ended.finished_at - ended.started_at).total_seconds() <= 180
    said = "not done: a. It is not the version's fault: it is tried again by itself, less and less often"
    assert ended.message == said


async def test_what_is_away_is_waited_for_as_long_as_that_takes(world, soon):
    """Much later its record is the same one."""
    await world.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    await world.start()
    await world.run_until(APP, "succeeded")
    world.target.set_health(APP, "Unknown", "away")
    for _ in range(100):
        world.target.fail_apply(APP)
    await world.release(app_file(APP, "b"))
    await world.look()
    await until_it_waits(world, 2)
    for _ in range(8):
        await world.clock.move(100)
    assert (await until_it_waits(world, 2)).number == 2
    assert len(world.target.occasions) > 4
