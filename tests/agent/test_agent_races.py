"""A push that arrives in the middle of a decision: what was judged is not what is done by then."""

import asyncio

import msgspec
import pytest

from lastgood.core.errors import NotAllowed
from lastgood.core.record import Pause
from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, World, app_file

APP = "web-staging"


@pytest.fixture
async def world():
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    await made.start()
    await made.run_until(APP, "succeeded")
    yield made
    await made.stop()
    made.store.close()


def once(world, method: str, do, *, when=lambda *_words: True):
    """Let the next call of a method of the store that `when` says do something else first."""
    real, done = getattr(world.store, method), []

    async def instead(*words, **named):
        if not done and when(*words):
            done.append(True)
            await do()
        return await real(*words, **named)

    setattr(world.store, method, instead)


async def test_a_push_while_pauses_are_read_is_judged_anew(world):
    """A pause that began with a push holds that push back, though the lane had asked for another version."""

    async def pause_and_push():
        await world.store.pause(
            Pause(scope="everything", name=None, reason="fair", by="Priya", since=world.clock.now())
        )
        await world.release(app_file(APP, "c"))
        await world.look()

    pauses = world.store.pauses
    seen = []

    async def read_before_it_began():
        found = await pauses()
        if asyncio.current_task() in world.agent._lanes.values() and not seen:
            seen.append(True)
            await pause_and_push()
        return found

    world.store.pauses = read_before_it_began
    await world.release(app_file(APP, "b"))
    await world.look()
    await world.until(lambda: asyncio.sleep(0, seen), passing=1)
    await world.clock.move(30)

    assert [run.outcome for run in await world.runs(APP)] == ["superseded", "succeeded"]


async def test_what_is_being_tried_is_not_there_as_overtaken_before(world):
    """A push while an attempt renders leaves one record of that attempt: it was overtaken, not never begun."""
    render, seen = world.renderer.render, []

    async def render_and_push(app, repo, commit):
        if not seen:
            seen.append(True)
            await world.release(app_file(APP, "c"))
            await world.look()
        return await render(app, repo, commit)

    world.renderer.render = render_and_push
    await world.release(app_file(APP, "b"))
    await world.look()

    await world.run_until(APP, "succeeded", 3, passing=1)
    newest, middle, _first = await world.runs(APP)
    assert (middle.outcome, middle.superseded_by) == ("superseded", newest.version)
    assert middle.phases


async def test_what_is_recorded_as_overtaken_is_not_tried(world):
    """A pause that ends while a version is recorded as overtaken does not let that version begin."""
    await world.store.pause(Pause(scope="everything", name=None, reason="fair", by="Priya", since=world.clock.now()))
    await world.release(app_file(APP, "b"))
    await world.look()

    async def end_the_pause():
        await world.store.resume("everything", None)
        await world.agent.changed(None)
        for _ in range(100):
            await asyncio.sleep(0.001)

    once(world, "start_deployment", end_the_pause, when=lambda run: run.outcome == "superseded")
    await world.release(app_file(APP, "c"))
    await world.look()

    await world.run_until(APP, "succeeded", 3, passing=1)
    newest, middle, _first = await world.runs(APP)
    assert (middle.outcome, middle.superseded_by, middle.phases) == ("superseded", newest.version, ())


async def test_what_is_under_way_while_it_is_forgotten_does_not_start_again(world):
    """`forget --prune` during a deployment leaves nothing that runs."""
    gate = world.target.block_apply(APP)
    await world.release(app_file(APP, "b"))
    await world.look()
    await world.run_until(APP, "in-progress", 2)
    await world.release({"apps/web/staging/process-compose.yaml": None})
    await world.look()

    await world.agent.forget(APP, prune=True)
    gate.set()
    await world.clock.move(30)

    assert (await world.target.observe(APP)).health == "Missing"
    assert [run.outcome for run in await world.runs(APP)] == ["superseded", "succeeded"]


async def test_a_press_does_not_bring_back_what_a_push_replaced(world):
    """What was shown is what starts: a press that a push overtakes starts nothing, and says so."""
    world.target.set_health(APP, "Degraded", "out of memory")
    await world.release(app_file(APP, "b"))
    await world.look()
    await world.run_until(APP, "failed", 2)
    world.target.set_health(APP, "Healthy")

    async def push():
        await world.release(app_file(APP, "c"))
        await world.look()

    once(world, "save_operation", push)
    with pytest.raises(NotAllowed, match="moved in Git"):
        await world.agent.press(PressRequest(app=APP))

    newest = await world.run_until(APP, "succeeded", 3, passing=1)
    assert (newest.trigger, (await world.record(APP)).desired.version) == ("commit", newest.version)
    assert [operation.step for operation in await world.store.operations()] == ["failed"]


async def test_a_look_that_an_apply_overtook_says_nothing(world):
    """What a slow look saw of the version before, healthy or not as asked for, is not told of the one applied since."""
    observe, held, seen = world.target.observe, asyncio.Event(), []
    store, told = world.store.observe, []

    async def stored(found, **how):
        told.append((found.health, found.sync))
        await store(found, **how)

    async def slowly(app):
        found = await observe(app)
        if not seen:
            seen.append(found)
            await held.wait()
            return msgspec.structs.replace(found, sync="OutOfSync", drift="web was changed")
        return found

    world.target.observe = slowly
    world.target._tell(APP)
    await world.until(lambda: asyncio.sleep(0, seen))
    world.target.set_health(APP, "Progressing", "it starts")
    await world.release(app_file(APP, "b"))
    await world.look()

    async def applied():
        return len(world.target.applied) == 2 and (await world.record(APP)).health_message == "it starts"

    await world.until(applied)
    told.clear()
    world.store.observe = stored
    held.set()
    world.target.set_health(APP, "Healthy")
    await world.until(lambda: asyncio.sleep(0, ("Healthy", "Synced") in told))
    assert set(told) == {("Healthy", "Synced")}


def two_processes(*names):
    lines = [f'  {name}: {{command: "run", working_dir: "."}}\n' for name in names]
    return {"apps/web/staging/process-compose.yaml": f"processes:\n{''.join(lines)}"}


@pytest.fixture
async def neighbours():
    """Two applications; the next head takes a process from the first and changes the second."""
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **two_processes("web", "mail"), **app_file("mail-staging", "a")})
    await made.start()
    for app in (APP, "mail-staging"):
        await made.run_until(app, "succeeded")
    await made.release({**two_processes("web"), **app_file("mail-staging", "b")})
    yield made
    await made.stop()
    made.store.close()


async def test_nothing_is_deleted_before_the_others_of_a_head_have_asked_for_what_they_want(neighbours):
    """What one application lets go of, another one of the same commit may ask for."""
    world, may_render = neighbours, asyncio.Event()
    render = world.renderer.render

    async def late(app, repo, commit):
        if app.name == "mail-staging":
            await may_render.wait()
        return await render(app, repo, commit)

    world.renderer.render = late
    applied = len(world.target.applied)
    await world.look()

    async def waits():
        return (await world.runs(APP))[0].phases[-1].name == "apply"

    await world.until(waits)
    await world.clock.move(1)
    assert len(world.target.applied) == applied
    may_render.set()
    for app in ("mail-staging", APP):
        await world.run_until(app, "succeeded", 2)
    assert [app for app, _ in world.target.applied[applied:]] == ["mail-staging", APP]


@pytest.mark.parametrize("why", ["paused", "broken"])
async def test_a_deletion_does_not_wait_for_an_application_that_asks_for_nothing_new(neighbours, why):
    """One that is paused, or whose version cannot be rendered, keeps nobody waiting."""
    world = neighbours
    if why == "paused":
        pause = Pause(scope="application", name="mail-staging", reason="fair", by="Priya", since=world.clock.now())
        await world.store.pause(pause)
    else:
        await world.release({"apps/mail/staging/process-compose.yaml": "processes: ["})
    await world.look()
    done = await world.run_until(APP, "succeeded", 2)
    assert [one.change for one in done.resources if one.name == "mail"] == ["removed"]
