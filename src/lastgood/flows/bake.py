"""Bake: after a deployment succeeded, say when it has stayed Healthy for its bake time, and when it degrades by itself.

What degrades before its bake time is over can still stay Healthy for it: then it is good, and nothing is said of that.
Looks at what was observed, one application for each object. Time during which nobody looked does not count.
"""

import datetime as dt
from collections.abc import Awaitable, Callable

from lastgood.core.deployment import Deployment, Phase
from lastgood.core.observation import Observation, degraded_by_itself
from lastgood.core.ports import Clock, Store
from lastgood.flows.attempt import Attempt
from lastgood.flows.known import Known
from lastgood.flows.last_good import refresh_last_good

# A blink is no verdict: one probe that times out under load must not cost a version its good name.
DEGRADED_S = 10.0
# An observation older than this says nothing about now.
STALE_S = 90.0


class Bake:
    """Remembers since when an application is Healthy, or Degraded."""

    def __init__(self, *, store: Store, known: Known, clock: Clock) -> None:
        self._store = store
        self._known = known
        self._clock = clock
        self._run: int | None = None
        self._healthy_since: dt.datetime | None = None
        self._degraded_since: dt.datetime | None = None

    async def __call__(self, run: Deployment | None, seen: Observation | None, *, bake_s: float) -> float | None:
        """Write what has become true of a deployment; return in how many seconds to ask again, None: at a change.

        run: the newest deployment that nothing overtook. Raises StoreFailed.
        """
        if run is None or run.outcome != "succeeded" or seen is None or seen.digest != run.digest:
            self._healthy_since = self._degraded_since = None
            return None
        now = self._clock.now()
        self._look(run, seen, now)
        if self._degraded_since is not None and run.degraded_at is None:
            return await self._after(DEGRADED_S, self._degraded_since, self._degrade, run)
        if self._healthy_since is not None and run.baked_at is None:
            return await self._after(bake_s, self._healthy_since, self._baked, run)
        return None

    def _look(self, run: Deployment, seen: Observation, now: dt.datetime) -> None:
        if run.id != self._run:
            self._run, self._healthy_since, self._degraded_since = run.id, None, None
        fresh = (now - seen.observed_at).total_seconds() <= STALE_S
        healthy = fresh and seen.health == "Healthy"
        degraded = fresh and degraded_by_itself(seen)
        self._healthy_since = (self._healthy_since or seen.observed_at) if healthy else None
        self._degraded_since = (self._degraded_since or seen.observed_at) if degraded else None

    async def _after(
        self, seconds: float, since: dt.datetime, then: Callable[[Deployment], Awaitable[None]], run: Deployment
    ) -> float | None:
        left = seconds - (self._clock.now() - since).total_seconds()
        if left > 0:
            return left
        await then(run)
        return None

    async def _baked(self, run: Deployment) -> None:
        now = self._clock.now()
        phase = Phase(name="bake", started_at=self._healthy_since or now, finished_at=now, message="stayed Healthy")
        await self._write(run, what="baked", baked_at=now, degraded_at=None, phases=(*run.phases, phase))

    async def _degrade(self, run: Deployment) -> None:
        await self._write(run, what="degraded", degraded_at=self._degraded_since)

    async def _write(self, run: Deployment, *, what: str, **fields: object) -> None:
        attempt = Attempt(run, store=self._store, known=self._known, clock=self._clock)
        await attempt.write(what=what, **fields)
        record = self._known.record(run.app)
        if record is None or record.running is None or record.running.version != run.version:
            # Of what runs it says nothing: the last known good version is another one.
            await refresh_last_good(run.app, store=self._store, known=self._known, clock=self._clock)
