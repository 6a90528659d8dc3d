"""Follow one repo: look, then wait for the next poll, for a change of a local repo, or until somebody says look.

Looks at one repo come one after the other; repos know nothing of each other.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from lastgood.core.back_off import back_off
from lastgood.core.errors import LastgoodError, StoreFailed
from lastgood.core.ports import Clock
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.known import wait_for
from lastgood.flows.observe_head import ObserveHead
from lastgood.flows.pull_request import settle_requests

# Records that could not be written (locked, no room) mostly can again soon, and until then nothing is deployed.
RECORDS_S = 2.0


class Following:
    """The looks at one branch, the one that `observe` looks at.

    looked: called after each look. poll_s: the time between two looks, give or take a fifth.
    records_trouble: why the last look, which writes what it saw, could not be recorded; None where it was.
    """

    def __init__(
        self,
        observe: ObserveHead,
        *,
        branch: FollowedBranch,
        clock: Clock,
        poll_s: float,
        looked: Callable[[], None],
    ) -> None:
        self.name = observe.name
        self._branch = branch
        self.observe = observe
        self._clock = clock
        self._poll_s = poll_s
        self._looked = looked
        self._lock = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._nudged: asyncio.Future[None] | None = None
        self._failures = 0
        self.records_trouble: str | None = None
        self._log = structlog.get_logger().bind(repo=self.name)

    def nudge(self) -> None:
        """Look at once, without waiting for it."""
        if self._nudged is not None and not self._nudged.done():
            self._nudged.set_result(None)

    async def look(self) -> None:
        """Look now. Raises StoreFailed; what is wrong with the repo is in its record."""
        async with self._lock:
            try:
                await self.observe()
                self.records_trouble = None
            except StoreFailed as wrong:
                self.records_trouble = wrong.message
                raise
            finally:
                self._looked()
        # A forge that is slow to answer keeps no head waiting.
        async with self._asking:
            head = await self._branch.repo.head(self._branch.name)
            if head is not None:
                await settle_requests(self._branch, head)

    async def run(self) -> None:
        """Look and wait, for ever."""
        while True:
            nudged = self._nudged = asyncio.get_running_loop().create_future()
            trouble = await self._try()
            self._failures = self._failures + 1 if trouble else 0
            spread = 0.8 + 0.4 * random.random()  # noqa: S311 - so that not all repos are asked at once
            wait_s = self._poll_s * spread
            if self.records_trouble is not None:
                wait_s = back_off(self._failures, first_s=RECORDS_S, most_s=self._poll_s, jitter=spread - 0.8)
            elif trouble:
                wait_s = back_off(self._failures, first_s=self._poll_s, jitter=spread - 0.8)
            await wait_for(nudged, self._clock, wait_s)

    async def _try(self) -> bool:
        try:
            await self.look()
        except LastgoodError as wrong:
            self._log.warning("repo cannot be looked at", reason=wrong.message)
            return True
        except Exception:  # noqa: BLE001 - a mistake of ours here must not stop the others
            self._log.exception("repo cannot be looked at")
            return True
        return self.observe.trouble
