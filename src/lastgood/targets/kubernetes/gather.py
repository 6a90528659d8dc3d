"""When news of a cluster are worth a look: at once where an object of a set changed, later where only a pod did.

A release changes an application some twenty times within seconds. What a workload makes changes before it and after it,
and what that means the workload itself says; so what controllers made is news of its own only where its workload stays
silent, as it does where a container crashes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

# What changes within this time is told as one.
GATHER_S = 0.25
# So long the workload may take to say it itself; bad news stays a matter of seconds.
MADE_S = 1.0


class News(NamedTuple):
    """Something of a set changed. set_id: None for all sets. is_made: a controller made what changed."""

    set_id: str | None
    is_made: bool = False


class Gathered:
    """The news of one queue. gives_way: awaited before news are told, for as long as something else goes first."""

    def __init__(self, queue: asyncio.Queue[News], *, gives_way: Callable[[], Awaitable[None]]) -> None:
        self._queue = queue
        self._gives_way = gives_way
        self._later: dict[str | None, float] = {}

    async def next(self) -> set[str | None]:
        """Wait for news; return the sets to look at, None among them for all."""
        now = asyncio.get_running_loop().time
        soon: set[str | None] = set()
        while True:
            if not self._later:
                self._take(await self._queue.get(), soon, now())
            await asyncio.sleep(GATHER_S)
            await self._gives_way()
            while not self._queue.empty():
                self._take(self._queue.get_nowait(), soon, now())
            found = soon | {set_id for set_id, at in self._later.items() if at <= now()}
            for set_id in found:
                self._later.pop(set_id, None)
            if found:
                return found

    def _take(self, news: News, soon: set[str | None], now: float) -> None:
        if news.is_made:
            self._later.setdefault(news.set_id, now + MADE_S)
        else:
            soon.add(news.set_id)
