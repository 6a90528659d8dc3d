"""Look after one destination: observe what changes there at once, and what did not change again from time to time.

So what is known of health is never much older than REFRESH_S while the agent lives. A destination in trouble delays no
other.
"""

import asyncio
import random
from collections.abc import Iterable

import structlog

from lastgood.core.back_off import back_off
from lastgood.core.errors import LastgoodError
from lastgood.core.ports import Clock, Target
from lastgood.flows.known import Known

# What was not looked at for so long is looked at again; whether there is anything, after each TICK_S.
REFRESH_S = 10.0
TICK_S = 2.0
AT_ONCE = 16
# So many looks for news share transactions; more would stand in the way of what is being applied.
NEWS_AT_ONCE = 4


class LookAfter:
    """Two tasks for each destination, until cancelled."""

    def __init__(self, name: str, target: Target, *, known: Known, clock: Clock) -> None:
        self.name = name
        self._target = target
        self._known = known
        self._clock = clock
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._log = structlog.get_logger().bind(destination=name)

    async def run(self) -> None:
        """Follow and refresh, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._refresh())

    async def _follow(self) -> None:
        failures = 0
        places = asyncio.Semaphore(NEWS_AT_ONCE)
        while True:
            try:
                async with asyncio.TaskGroup() as looks:
                    async for app in self._target.changes():
                        failures = 0
                        await places.acquire()
                        looks.create_task(self._look(app)).add_done_callback(lambda _: places.release())
            except Exception:  # noqa: BLE001 - a mistake of ours here must not stop the others
                self._log.exception("changes cannot be followed")
            failures += 1
            await self._clock.sleep(back_off(failures, jitter=random.random()))  # noqa: S311 - spreads retries

    async def _refresh(self) -> None:
        while True:
            self._target.followed(self._followed())
            apps = [app for app in self._here() if self._is_old(app)]
            for at in range(0, len(apps), AT_ONCE):
                await asyncio.gather(*(self._look(app) for app in apps[at : at + AT_ONCE]))
            await self._clock.sleep(TICK_S)

    def _is_old(self, app: str) -> bool:
        seen = self._known.observation(app)
        return seen is None or (self._clock.now() - seen.observed_at).total_seconds() >= REFRESH_S

    def _followed(self) -> list[str]:
        """Return what should run here: what was removed from Git runs on, and nobody changes it."""
        records = (self._known.record(name) for name in self._known.names())
        return [one.name for one in records if one and one.destination == self.name and one.state != "removed"]

    def _here(self) -> list[str]:
        records: Iterable[str] = self._known.names()
        return [app for app in records if self._is_here(app)]

    def _is_here(self, app: str) -> bool:
        record = self._known.record(app)
        return record is not None and record.destination == self.name and record.desired is not None

    async def _look(self, app: str) -> None:
        if not self._is_here(app):
            return
        if app in self._busy:
            self._again.add(app)
            return
        self._busy.add(app)
        try:
            await self._observe(app)
        except LastgoodError as trouble:
            self._log.warning("health cannot be recorded", app=app, reason=trouble.message)
        except Exception:  # noqa: BLE001 - a mistake of ours here must not stop the others
            self._log.exception("application cannot be observed", app=app)
        finally:
            self._busy.discard(app)

    async def _observe(self, app: str) -> None:
        """Observe until nothing changed while we looked."""
        while True:
            self._again.discard(app)
            applies = self._known.applies(app)
            await self._known.observe(await self._target.observe(app), applies=applies)
            if app not in self._again and applies == self._known.applies(app):
                return
