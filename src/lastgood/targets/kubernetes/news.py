"""What changed in a cluster, by the sets that it concerns, until somebody looks. Knows no cluster and no clock."""

import asyncio


class News:
    """For one who listens. only: the id of the one set to hear of, None: of all.

    waiting: ids of sets that something concerned since the last look; None among them: all sets.
    """

    def __init__(self, only: str | None = None) -> None:
        self.only = only
        self.waiting: set[str | None] = set()
        self._came = asyncio.Event()

    def tell(self, set_id: str | None) -> None:
        """Note that something concerns a set; None: all of them."""
        if set_id is None or self.only in (None, set_id):
            self.waiting.add(set_id)
            self._came.set()

    def looked_at(self, set_id: str) -> None:
        """Note that a look at a set begins: it sees what was told of before."""
        self.waiting.discard(set_id)

    async def come(self) -> None:
        """Wait until something is told, or was and is not taken yet."""
        await self._came.wait()

    def take(self) -> set[str | None]:
        """Return what waits; from now on nothing does."""
        taken, self.waiting = self.waiting, set()
        self._came.clear()
        return taken
