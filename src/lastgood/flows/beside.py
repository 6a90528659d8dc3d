"""Look for what is to be kept with deployment records, again and again: beside what is deployed, never in its way.

While many deployments are under way it waits for them, for a while: whoever waits for one of a few sees its features
at once, and a release of everything is not slowed down by what is told of it.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn, Protocol

import structlog

from lastgood.core.deployment import Deployment
from lastgood.core.errors import LastgoodError
from lastgood.core.ports import Clock, Store
from lastgood.core.record import DeploymentQuery

LOOK_S = 2.0
AT_ONCE = 100
TOGETHER = 16
FEW = 10
_MOST_WAIT = dt.timedelta(minutes=1)


class UnderWay(Protocol):
    """Says how many deployments are in progress that began at `since` or later."""

    def __call__(self, *, since: dt.datetime) -> int:
        """Return how many they are."""
        ...


async def look_for_ever(
    look: Callable[[], Awaitable[int]], *, under_way: UnderWay, clock: Clock, failed: str
) -> NoReturn:
    """Call `look`, which does at most AT_ONCE and returns how many it did, for ever.

    What goes wrong is logged as `failed`, and tried again.
    """
    while True:
        try:
            # The first one sees which records were there before: it waits for nothing.
            while await look() == AT_ONCE:
                await _until_few(under_way, clock)
        except LastgoodError as wrong:
            structlog.get_logger().warning(failed, reason=wrong.message)
        await clock.sleep(LOOK_S)
        await _until_few(under_way, clock)


async def _until_few(under_way: UnderWay, clock: Clock) -> None:
    """Wait for what began lately: what waits for something sick, or takes its time, holds nobody up."""
    begun = clock.now()
    while (now := clock.now()) < begun + _MOST_WAIT and under_way(since=now - _MOST_WAIT) > FEW:
        await clock.sleep(LOOK_S)


async def each(runs: Sequence[Deployment], keep: Callable[[Deployment], Awaitable[None]]) -> None:
    """Keep something with each record: side by side, so that they share transactions; of one application in order.

    Raises what the first that failed raised, once those beside it are done.
    """
    left = list(runs)
    while left:
        some: dict[str, Deployment] = {}
        for run in left:
            if run.app not in some and len(some) < TOGETHER:
                some[run.app] = run
        done = await asyncio.gather(*map(keep, some.values()), return_exceptions=True)
        wrong = next((one for one in done if one is not None), None)
        if wrong is not None:
            raise wrong
        taken = {run.id for run in some.values()}
        left = [run for run in left if run.id not in taken]


async def where_to_begin(store: Store, *, older: int) -> int:
    """Return the record's id after which one looks: of those that are there already, so many of the newest count."""
    newest = await store.deployments(DeploymentQuery(limit=1))
    return newest[0].id - older if newest else 0
