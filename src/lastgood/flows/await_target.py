"""Wait until a target that did nothing of what was asked is worth another try. Applies nothing, writes nothing.

That is when it can be looked at again, when somebody presses, or after a while, longer each time.
"""

import datetime as dt
import random
from collections.abc import Callable

from lastgood.core.back_off import back_off
from lastgood.core.ports import Clock
from lastgood.core.version import Version
from lastgood.flows.known import Known, wait_for


async def await_target(
    app: str, *, tries: int, known: Known, clock: Clock, overtaken: Callable[[], Version | None]
) -> Version | None:
    """Return None once it is worth another try, or at once the version that should run instead. tries: so far, >= 1."""
    jitter = random.random()  # noqa: S311 - spreads tries, guards nothing
    until = clock.now() + dt.timedelta(seconds=back_off(tries, jitter=jitter))
    away = False
    while True:
        happened = known.change(app)
        newer = overtaken()
        if newer is not None:
            return newer
        seen, was_away = known.observation(app), away
        away = seen is not None and seen.health == "Unknown"
        left_s = (until - clock.now()).total_seconds()
        if left_s <= 0 or (was_away and not away) or known.asked_for(app) is not None:
            return None
        await wait_for(happened, clock, left_s)
