"""Wait until a version that was applied is healthy, fails, or is overtaken; and keep it as it was applied meanwhile."""

import contextlib
import datetime as dt
import random

import msgspec

from lastgood.core.back_off import back_off
from lastgood.core.deployment import Deployment
from lastgood.core.desired import has_drifted
from lastgood.core.errors import StoreFailed
from lastgood.core.observation import Observation, degraded_by_itself, only_leaves
from lastgood.core.ports import Clock
from lastgood.flows.applying import Applies, Applying
from lastgood.flows.attempt import MAX_MESSAGE, Attempt
from lastgood.flows.known import Known, wait_for

# So long a deployment waits for what left Git to be gone. A finalizer may hold it for ever, and what should run does.
LEAVES_S = 60.0


class UntilHealthy:
    """The waits of one config repo's deployments; one call for each."""

    def __init__(self, *, applies: Applies, known: Known, clock: Clock) -> None:
        self._applies = applies
        self._known = known
        self._clock = clock

    async def __call__(self, applying: Applying, attempt: Attempt, *, progress_s: float) -> Deployment:
        """Wait until the target says Healthy or Degraded, another version is wanted, or the time is over.

        What somebody changes or deletes meanwhile is put back first: it says nothing of the version. Healthy with
        things that left Git and do not go is Healthy, too: see LEAVES_S. Raises StoreFailed.
        """
        app = applying.app
        began = applied_at = put_back_at = self._clock.now()
        times_put_back = 0
        seen: Observation | None = None
        with contextlib.suppress(StoreFailed):  # what was seen counts, also where it could not be stored
            await self._applies.look(applying)
        while True:
            happened = self._known.change(app.name)
            newer = self._applies.overtaken_by(app, attempt.deployment)
            if newer is not None:
                return await self._applies.overtaken(attempt, newer)
            latest = self._known.observation(app.name)
            waited = (self._clock.now() - began).total_seconds()
            left, leaves = progress_s - waited, min(LEAVES_S, progress_s) - waited
            if latest is not None and latest.observed_at >= applied_at and latest.digest == applying.rendered.digest:
                seen = latest
                is_time = left > 0 and self._clock.now() >= put_back_at
                if is_time and await self._is_to_be_put_back(applying, seen):
                    if not await self._put_back(applying, attempt, seen):
                        return attempt.deployment
                    times_put_back += 1
                    applied_at = self._clock.now()
                    wait_s = back_off(times_put_back, jitter=random.random())  # noqa: S311 - spreads tries
                    put_back_at = applied_at + dt.timedelta(seconds=wait_s)
                    continue
                ended = await _ended(attempt, seen, leaves_s=leaves)
                if ended is not None:
                    return ended
                left = leaves if only_leaves(seen) else left
            if left <= 0:
                return await _out_of_time(attempt, latest, seen, progress_s)
            again_s = (put_back_at - self._clock.now()).total_seconds()
            await wait_for(happened, self._clock, min(left, again_s) if again_s > 0 else left)

    async def _is_to_be_put_back(self, applying: Applying, seen: Observation) -> bool:
        if not applying.app.policy.self_heal or not has_drifted(seen):
            return False
        return await self._applies.may_go_on(applying)

    async def _put_back(self, applying: Applying, attempt: Attempt, seen: Observation) -> bool:
        """Apply once more, without hooks; False where a newer version took its place."""
        attempt.end((seen.drift or seen.message)[:MAX_MESSAGE])
        attempt.begin("apply")
        await attempt.write()
        result = await self._applies.once(msgspec.structs.replace(applying, occasion="heal"), attempt)
        if result is None:
            return False
        await self._known.applied(applying.app.name)
        attempt.end(result.message)
        attempt.begin("watch")
        await attempt.write(resources=result.resources)
        with contextlib.suppress(StoreFailed):
            await self._applies.look(applying)
        return True


async def _ended(attempt: Attempt, seen: Observation, *, leaves_s: float) -> Deployment | None:
    """Record how it ended, if it did. leaves_s: how long what left Git is waited for still."""
    is_well = seen.health == "Healthy" and seen.sync == "Synced"
    if is_well or (only_leaves(seen) and leaves_s <= 0):
        return await attempt.finish("succeeded", _came_to(attempt.deployment, seen), seen=seen)
    if degraded_by_itself(seen):
        return await attempt.finish("failed", seen.message or "Degraded", own_fault=True, seen=seen)
    return None


async def _out_of_time(
    attempt: Attempt, latest: Observation | None, seen: Observation | None, progress_s: float
) -> Deployment:
    health = latest.health if latest is not None else "Unknown"
    why = f": {latest.message or latest.drift}" if latest is not None and (latest.message or latest.drift) else ""
    # A target that could not be looked at, or lost a node, says nothing about the version; nor does what somebody
    # changed while all was well.
    no_word = seen is None or seen.health in {"Unknown", "Healthy"}
    blameless = no_word or (seen is not None and seen.health == "Degraded" and not degraded_by_itself(seen))
    said = f"{health} after {progress_s:.0f} s{why}"
    return await attempt.finish("failed", said, own_fault=not blameless, seen=seen)


def _came_to(deployment: Deployment, seen: Observation) -> str:
    """Say what a deployment that succeeded came to: what drift it mended, or what it left on another destination."""
    told = {phase.name: phase.message for phase in deployment.phases}
    if told.get("drift"):
        return f"mended: {told['drift']}"
    came_to = seen.message or "Healthy"
    return f"{came_to}; {told['moved']}" if "moved" in told else came_to
