"""A clock that the test moves: sleepers wake when it passes their time, and nobody waits in real time."""

import asyncio
import datetime as dt
import heapq


class ManualClock:
    """The port Clock, moved by hand."""

    def __init__(self, start: dt.datetime | None = None) -> None:
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
        """Let everything that can run without time passing run a while."""
        for _ in range(20):
            await asyncio.sleep(0)
