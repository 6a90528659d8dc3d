"""What is kept with records gives way to a release of everything, and not for ever."""

import asyncio
import contextlib

from lastgood.flows.beside import AT_ONCE, FEW, LOOK_S, look_for_ever
from twins.clock import ManualClock


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
        await clock.move(LOOK_S)
        assert looks.count == 1


async def test_many_are_waited_for_at_most_so_long():
    """Until they are few, or for a while; and so before each further batch."""
    clock, looks, under_way = ManualClock(), Looks(), [FEW + 1]
    looks.done = [0, AT_ONCE]
    async with looking(looks, under_way, clock):
        await clock.move(60)
        assert looks.count == 0
        await clock.move(2 * LOOK_S)
        assert looks.count == 1
        await clock.move(LOOK_S)
        assert looks.count == 1
        under_way[0] = 0
        await clock.move(LOOK_S)
        assert looks.count == 2
