"""What is kept with records gives way to a release of everything, and not for ever."""

import asyncio
import contextlib

import pytest

from lastgood.core.errors import GitFailed
from lastgood.flows.beside import AT_ONCE, FEW, LOOK_S, TOGETHER, each, look_for_ever
from twins.clock import ManualClock
from twins.store import make_deployment


class Looks:
    """Counts looks; `done` says what each of them did."""

    def __init__(self):
        self.count = 0
        self.done = []

    async def __call__(self):
        self.count += 1
        return self.done.pop() if self.done else 0


@contextlib.asynccontextmanager
async def looking(looks, under_way, clock):
    task = asyncio.create_task(look_for_ever(looks, under_way=lambda since: under_way[0], clock=clock, failed="no"))
    await clock.settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_few_deployments_are_looked_at_at_once():
    """One release, and whoever made it sees its features."""
    clock, looks = ManualClock(), Looks()
    async with looking(looks, [FEW], clock):
        assert looks.count == 1, "at the start, whatever is under way"
        await clock.move(LOOK_S)
        assert looks.count == 2


async def test_many_are_waited_for_at_most_so_long():
    """Until they are few, or for a while; and so before each further batch."""
    clock, looks, under_way = ManualClock(), Looks(), [FEW + 1]
    looks.done = [0, AT_ONCE, 0]
    async with looking(looks, under_way, clock):
        assert looks.count == 1
        await clock.move(60)
        assert looks.count == 1
        await clock.move(2 * LOOK_S)
        assert looks.count == 2
        await clock.move(LOOK_S)
        assert looks.count == 2
        under_way[0] = 0
        await clock.move(LOOK_S)
        assert looks.count == 3


async def test_records_are_done_side_by_side_and_those_of_one_application_in_order():
    """What the first one found is there for the second; one that fails is told when those beside it are done."""
    runs = [make_deployment(f"app{n % 30}", id=n) for n in range(90)]
    begun, done, together = [], [], []

    async def keep(run):
        begun.append(run.id)
        await asyncio.sleep(0)
        together.append(len(begun) - len(done))
        assert [other for other in done if other % 30 == run.id % 30] == list(range(run.id % 30, run.id, 30))
        done.append(run.id)
        if run.id == 3:
            raise GitFailed("no")

    with pytest.raises(GitFailed):
        await each(runs[:40], keep)
    assert len(done) == TOGETHER
    done.clear(), begun.clear()
    await each([run for run in runs if run.id % 30 != 3], keep)
    assert sorted(done) == [run.id for run in runs if run.id % 30 != 3]
    assert max(together) == TOGETHER
