"""Where operations are remembered until they have ended, and after: a port, and its form over the store.

Git alone keeps them in the clone (`git/journal.py`). Knows no push.
"""

from typing import Protocol

from lastgood.core.operation import Operation
from lastgood.core.ports import Store


class Journal(Protocol):
    """Operations by id. What `save` returned from is on the disk."""

    async def save(self, operation: Operation) -> None:
        """Insert or replace an operation."""
        ...

    async def pending(self) -> list[Operation]:
        """Return the operations that have not ended (step neither done nor failed), oldest first."""
        ...

    async def operations(self, app: str | None, *, limit: int = 50) -> list[Operation]:
        """Return the operations of an application, or of all, newest first."""
        ...


class StoreJournal:
    """The journal that the store is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def save(self, operation: Operation) -> None:
        """Insert or replace an operation."""
        await self._store.save_operation(operation)

    async def pending(self) -> list[Operation]:
        """Return the operations that have not ended, oldest first."""
        return list(reversed(await self._store.operations(open_only=True, limit=1000)))

    async def operations(self, app: str | None, *, limit: int = 50) -> list[Operation]:
        """Return the operations of an application, or of all, newest first."""
        return await self._store.operations(app=app, limit=limit)
