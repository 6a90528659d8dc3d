"""Deployments that an operation asked for: how they are told apart, and that a pause lets them through."""

import uuid

import pytest

from lastgood.core.commit import Person
from lastgood.core.message import operation_message
from lastgood.core.operation import Moved, Operation
from lastgood.core.record import Pause
from twins.agent_world import CONFIG, World, app_file

PRIYA = Person(name="Priya Raman", email="priya@example.com")


@pytest.fixture
async def world():
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await made.start()
    await made.run_until("web-staging", "succeeded")
    await made.release(app_file("web-staging", "b"))
    await made.look()
    await made.run_until("web-staging", "succeeded", 2)
    await made.store.pause(Pause(scope="everything", name=None, reason="fair", by="Priya", since=made.clock.now()))
    yield made
    await made.stop()
    made.store.close()


async def push_rollback(world, *, recorded: bool, revision: str = "a") -> str:
    """Push what a rollback to the first version pushes; return the operation's id."""
    first, second = [(await world.store.deployment("web-staging", n)).commit.oid for n in (1, 2)]
    operation = str(uuid.uuid4())
    moved = (Moved(app="web-staging", from_=second, to=first),)
    message = operation_message(operation=operation, kind="rollback", subject="Roll back", reason="", moved=moved)
    commit = await world.release(app_file("web-staging", revision), message=message)
    if recorded:
        await world.store.save_operation(
            Operation(
                id=operation,
                kind="rollback",
                repo="config",
                branch="main",
                moved=moved,
                reason="",
                despite=(),
                by=PRIYA,
                requested_at=world.clock.now(),
                step="done",
                commit=commit,
            )
        )
    await world.look()
    return operation


async def test_a_recorded_rollback_goes_through_a_pause(world):
    """A person's rollback works although everything is paused, and is recorded as one."""
    operation = await push_rollback(world, recorded=True)
    done = await world.run_until("web-staging", "succeeded", 3)
    assert (done.trigger, done.operation) == ("rollback", operation)


async def test_a_claim_alone_does_not_go_through_a_pause(world):
    """Trailers that anybody can write let nothing through; after the pause it is shown as what it is."""
    operation = await push_rollback(world, recorded=False)
    await world.clock.move(30)
    assert len(await world.runs("web-staging")) == 2

    await world.store.resume("everything", None)
    done = await world.run_until("web-staging", "succeeded", 3, passing=1)
    assert (done.trigger, done.operation) == ("rollback", operation)


async def test_a_false_claim_is_an_ordinary_commit(world):
    """A commit whose content is not what its trailers say is deployed as a commit."""
    await world.store.resume("everything", None)
    await push_rollback(world, recorded=False, revision="c")
    done = await world.run_until("web-staging", "succeeded", 3)
    assert (done.trigger, done.operation) == ("commit", None)


async def test_a_recorded_id_under_another_commit_does_not_count(world):
    """The id of a real operation, copied into another commit, lets nothing through a pause."""
    operation = await push_rollback(world, recorded=True)
    await world.run_until("web-staging", "succeeded", 3)
    copied = (await world.store.deployment("web-staging", 3)).commit.message
    assert operation in copied

    await world.release(app_file("web-staging", "c"), message=copied)
    await world.look()
    await world.clock.move(30)

    assert len(await world.runs("web-staging")) == 3
