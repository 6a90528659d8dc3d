"""A clock that the test moves: sleepers wake when it passes their time, and nobody waits in real time."""

import asyncio
import datetime as dt
import heapq
from collections.abc import Callable

QUIET_TURNS = 20


class ManualClock:
    """The port Clock, moved by hand.

    busy: says whether something is under way that needs real time, a statement in a thread for example; time goes on
    only after it.
    """

    def __init__(self, start: dt.datetime | None = None, *, busy: Callable[[], bool] | None = None) -> None:
        self._busy = busy or (lambda: False)
        self._now = start or dt.datetime(2026, 11, 19, 14, 0, tzinfo=dt.UTC)
        self._sleepers: list[tuple[dt.datetime, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> dt.datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + dt.timedelta(seconds=seconds), self._count, woken))
        await woken

    async def move(self, seconds: float) -> None:
        """Let that many seconds pass; wake sleepers in order and let them run after each wake."""
        end = self._now + dt.timedelta(seconds=seconds)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can run without time passing, until nothing is under way."""
        quiet = 0
        while quiet < QUIET_TURNS:
            busy = self._busy()
            await asyncio.sleep(0.0002 if busy else 0)
            quiet = 0 if busy else quiet + 1
