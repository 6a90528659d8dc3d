"""An agent and pull requests: it sees the merge before it deploys it, and knows whose rollback that is."""

import asyncio

import pytest
from msgspec import convert
from msgspec.structs import replace

from lastgood.core.errors import LastgoodError, PushUnknown
from lastgood.core.plan import Plan
from lastgood.core.record import Pause
from lastgood.core.request import RollbackRequest, UndoRequest
from lastgood.flows import pull_request
from lastgood.flows.rollback import Rollbacks
from lastgood.flows.undo import Undos
from twins.agent_world import CONFIG, World, app_file
from twins.pull_requests import MemoryPullRequests

APP = "web-staging"


@pytest.fixture
async def world():
    made = World()
    made.pulls = MemoryPullRequests()
    await made.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    await made.start()
    await made.run_until(APP, "succeeded")
    await made.release(app_file(APP, "b"))
    await made.look()
    await made.run_until(APP, "succeeded", 2)
    yield made
    await made.stop()
    made.store.close()


async def request(world, **words):
    first = await world.store.deployment(APP, 1)
    asked = RollbackRequest(apps=(APP,), to=first.commit.oid, via="pr", reason="broken", **words)
    return await Rollbacks(world.branch()).do(asked)


async def merge(world, plan, *, told=True, look=True) -> str:
    """Merge as a forge does that squashes, with a message of its own."""
    made = await world.repo.commit(plan.result.commit)
    hold = f".lastgood/holds/{APP}.hold"
    entry = await world.repo.entry(made.tree, hold)
    files = app_file(APP, "a")
    if entry is not None:
        files[hold] = await world.repo.read(entry.oid, max_bytes=10_000)
    merged = await world.release(files, message="Roll back by request (#1)")
    if told:
        world.pulls.end(1, "merged", merged_as=merged)
    if look:
        await world.look()
    return merged


@pytest.mark.parametrize("told", [True, False])
async def test_a_merge_is_deployed_as_the_persons_rollback(world, told):
    """Also through a pause, and before the forge says that it is merged: the hold in it is the operation's."""
    plan = await request(world)
    await world.store.pause(Pause(scope="everything", name=None, reason="fair", by="Priya", since=world.clock.now()))
    await world.look()
    assert len(await world.runs(APP)) == 2
    merged = await merge(world, plan, told=told)
    done = await world.run_until(APP, "succeeded", 3)
    assert (done.trigger, done.operation, done.commit.oid) == ("rollback", plan.id, merged)
    operation = await world.store.operation(plan.id)
    assert (operation.step, operation.commit) == ("done", merged)
    assert [hold.hold.reason for hold in await world.store.holds(APP)] == ["broken"]


async def test_the_same_command_tells_of_the_merge_until_it_moves(world):
    """Planned anew it would be refused by the hold that was merged, or be about the version before."""
    asked = RollbackRequest(apps=(APP,), via="pr", previous=True)
    rollbacks = Rollbacks(world.branch())
    plan = await rollbacks.do(asked)
    merged = await merge(world, plan, look=False)
    again = replace(asked, reason="in other words")
    for _ in ("before the look", "deployed"):
        for told in (await rollbacks.plan(again), await rollbacks.do(again)):
            assert (told.id, told.result.commit, told.result.pushed) == (plan.id, merged, True)
            assert told.result.pull_request == plan.result.pull_request
        await world.look()
        await world.run_until(APP, "succeeded", 3)
    assert len(world.pulls.kept) == 1
    run = (await world.runs(APP))[0]
    await world.store.save_deployment(replace(run, outcome="failed"))
    with pytest.raises(LastgoodError):  # meant by now is the one before, and there is none
        await rollbacks.plan(again)


async def test_a_merge_is_the_persons_rollback_though_nobody_answered_when_it_was_opened(world):
    """Git has it by its hold; the forge is away all the time."""
    world.pulls.lose_replies = 1
    with pytest.raises(PushUnknown):
        await request(world)
    (silent,) = await world.store.operations(app=APP)
    world.pulls.away = "it is away"
    planned = convert(silent.plan, Plan)
    merged = await merge(
        world, replace(planned, result=replace(planned.result, commit=silent.commit)), told=False, look=True
    )
    done = await world.run_until(APP, "succeeded", 3)
    assert (done.trigger, done.operation, done.commit.oid) == ("rollback", silent.id, merged)


async def test_pages_hear_of_one_that_was_closed(world):
    """Nothing is deployed that would tell them."""
    plan = await request(world)
    last = (await world.store.events(after=0, limit=1000))[-1].id
    world.pulls.end(1, "closed")
    await world.look()
    told = [event for event in await world.store.events(after=last) if event.kind == "operation"]
    assert [(event.app, event.payload["operation"], event.payload["step"]) for event in told] == [
        (APP, plan.id, "failed")
    ]
    assert len(await world.runs(APP)) == 2


async def test_a_forge_that_is_away_keeps_no_head_waiting(world):
    """What comes to the branch is deployed; how the request stands is said not to be known."""
    plan = await request(world)
    world.pulls.away = "it is away"
    await world.release(app_file(APP, "c"))
    await world.look()
    await world.run_until(APP, "succeeded", 3)
    operation = await world.store.operation(plan.id)
    assert operation.step == "waiting"
    assert operation.message.startswith("how it stands is not known")


@pytest.mark.parametrize("kind", ["rollback", "undo"])
async def test_a_squash_without_a_hold_is_the_persons_too(world, kind):
    """No hold in it tells whose it is, so the forge is asked before it is deployed: also through a pause."""
    first = await world.store.deployment(APP, 1)
    if kind == "undo":
        await world.release({"lastgood.yaml": CONFIG + "delivery: pull-request\n"})
        await Rollbacks(world.branch()).do(RollbackRequest(apps=(APP,), to=first.commit.oid, via="push"))
        await world.look()
        await world.run_until(APP, "succeeded", 3)
        plan = await Undos(world.branch()).do(UndoRequest(app=APP))
    else:
        plan = await Rollbacks(world.branch()).do(
            RollbackRequest(apps=(APP,), to=first.commit.oid, via="pr", hold=False)
        )
    ran = len(await world.runs(APP))
    await world.store.pause(Pause(scope="everything", name=None, reason="fair", by="Priya", since=world.clock.now()))
    back = {".lastgood/holds/web-staging.hold": None, **app_file(APP, "b")} if kind == "undo" else app_file(APP, "a")
    merged = await world.release(back, message="By request (#1)")
    world.pulls.end(1, "merged", merged_as=merged)
    await world.look()
    done = await world.run_until(APP, "succeeded", ran + 1)
    assert (done.trigger, done.operation, done.commit.oid) == (kind, plan.id, merged)


async def test_a_forge_that_hangs_keeps_no_head_waiting(world, monkeypatch):
    """Somebody else brought the same content by hand: it is deployed, as a commit."""
    first = await world.store.deployment(APP, 1)
    await Rollbacks(world.branch()).do(RollbackRequest(apps=(APP,), to=first.commit.oid, via="pr", hold=False))
    monkeypatch.setattr(pull_request, "PATIENCE_S", 0.0)
    asked = asyncio.Event()

    async def look(_number):
        asked.set()
        await asyncio.Event().wait()

    world.pulls.look = look
    await world.release(app_file(APP, "a"))
    looking = asyncio.create_task(world.look())
    done = await world.run_until(APP, "succeeded", 3)
    looking.cancel()
    assert asked.is_set()
    assert done.trigger == "commit"
