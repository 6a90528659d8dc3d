"""Notice soon that an API server says nothing any more: a small question where nothing was heard for a while.

Watches may be silent for minutes on a server that is well, and on one that hangs. Any answer shows that it lives, a
refusal too, and so does any line of a watch; one that is merely slow is given its time. Knows no kinds.
"""

import asyncio
from collections.abc import Awaitable, Callable

from lastgood.targets.kubernetes.connection import Connection
from lastgood.targets.kubernetes.trouble import ClusterTrouble, Unreachable

QUIET_S = 5.0
# Unheard of for so long, it counts as hanging.
SILENT_S = 15.0
AGAIN_S = 1.0


class Pulse:
    """Asks until `run` is cancelled.

    trouble: why nothing is known of the cluster now, None while it answers. told: called when that begins or ends;
    before, at its end, `back` is awaited.
    """

    def __init__(
        self, connection: Connection, *, told: Callable[[], None], back: Callable[[], Awaitable[None]]
    ) -> None:
        self.trouble: str | None = None
        self._connection = connection
        self._told = told
        self._back = back

    async def run(self) -> None:
        """Listen and ask, for ever."""
        wait_s = 0.0
        while True:
            await asyncio.sleep(wait_s)
            wait_s = await self.beat()

    async def beat(self) -> float:
        """Ask if nothing was heard for a while, and judge; return how long to wait before the next time, in seconds."""
        now = asyncio.get_running_loop().time
        quiet_s = now() - self._connection.heard_at
        if self.trouble is None and quiet_s < QUIET_S:
            return QUIET_S - quiet_s
        asked_at, why = now(), ""
        try:
            async with asyncio.timeout(max(SILENT_S - quiet_s, SILENT_S - QUIET_S)):
                await self._connection.touch()
        except (TimeoutError, ClusterTrouble) as trouble:
            # While it is up to the server to answer, there is nothing more to say than that it does not.
            why = str(trouble) if isinstance(trouble, Unreachable) else ""
        else:
            await self._is_back()
            return QUIET_S
        heard_at = self._connection.heard_at
        if heard_at < asked_at and now() - heard_at >= SILENT_S and self.trouble is None:
            self.trouble = why or f"the API server has not answered for {SILENT_S:.0f} s"
            self._told()
        return AGAIN_S

    async def _is_back(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            await self._back()
            self._told()
