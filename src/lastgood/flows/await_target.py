"""Wait until a target that did not do all of what was asked is worth another try. Applies nothing, writes nothing.

That is when it can be looked at again, when somebody presses, or after a while, longer each time. A destination that
is away is waited for as long as that takes; one that is there and takes the version for no reason of the version's
is given up after a while, so that somebody sees an end.
"""

import datetime as dt
import random
from collections.abc import Callable

from lastgood.core.back_off import back_off
from lastgood.core.ports import Clock
from lastgood.core.version import Version
from lastgood.flows.known import Known, wait_for

# A webhook's bad hour is over by then, most times; and a record an hour is few enough to read.
TRIED_S = 3_600.0


class AwaitTarget:
    """The waits of one attempt. overtaken: says which version should run instead, None while this one should."""

    def __init__(self, app: str, *, known: Known, clock: Clock, overtaken: Callable[[], Version | None]) -> None:
        self._app = app
        self._known = known
        self._clock = clock
        self._overtaken = overtaken
        self._tries = 0
        self._there_since: dt.datetime | None = None

    def is_over(self) -> bool:
        """Say whether the destination has been there for long enough and failed all that time."""
        now = self._clock.now()
        if self._is_away():
            self._there_since = None
            return False
        self._there_since = self._there_since or now
        return (now - self._there_since).total_seconds() >= TRIED_S

    async def __call__(self) -> Version | None:
        """Return None once it is worth another try, or at once the version that should run instead."""
        self._tries += 1
        jitter = random.random()  # noqa: S311 - spreads tries, guards nothing
        until = self._clock.now() + dt.timedelta(seconds=back_off(self._tries, jitter=jitter))
        away = False
        while True:
            happened = self._known.change(self._app)
            newer = self._overtaken()
            if newer is not None:
                return newer
            was_away, away = away, self._is_away()
            left_s = (until - self._clock.now()).total_seconds()
            if left_s <= 0 or (was_away and not away) or self._known.asked_for(self._app) is not None:
                return None
            await wait_for(happened, self._clock, left_s)

    def _is_away(self) -> bool:
        seen = self._known.observation(self._app)
        return seen is not None and seen.health == "Unknown"
