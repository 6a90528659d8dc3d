"""What a clone remembers of lastgood's operations, as small files under `.git/lastgood/operations/`.

One file for each operation, written whole and renamed into place, so that a kill leaves the old one or the new one.
"""

import asyncio
import contextlib
import os
import re
import tempfile
from pathlib import Path

import msgspec

from lastgood.core.errors import GitFailed
from lastgood.core.operation import Operation
from lastgood.core.value import to_json

MAX_BYTES = 8 * 1024 * 1024
KEPT = 200
_ENDED = frozenset({"done", "failed"})
_ID = re.compile(r"[0-9a-f-]{36}")


class CloneJournal:
    """The journal of a clone. folder: `<git dir>/lastgood/operations`; made when something is first remembered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, operation: Operation) -> None:
        """Write an operation to the disk. Raises GitFailed where the folder cannot be written."""
        await asyncio.to_thread(self._save, operation)

    async def pending(self) -> list[Operation]:
        """Return the operations that have not ended, oldest first."""
        found = await asyncio.to_thread(self._read)
        return [operation for operation in found if operation.step not in _ENDED]

    async def operations(self, app: str | None, *, limit: int = 50) -> list[Operation]:
        """Return the operations of an application, or of all, newest first."""
        found = await asyncio.to_thread(self._read)
        mine = [one for one in found if app is None or any(move.app == app for move in one.moved)]
        return list(reversed(mine))[:limit]

    def _save(self, operation: Operation) -> None:
        if not _ID.fullmatch(operation.id):
            raise GitFailed(f"{operation.id[:50]} is not the id of an operation")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".new", delete=False) as file:
                file.write(to_json(operation))
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._folder / f"{operation.id}.json")
            self._forget_the_oldest()
        except OSError as failed:
            raise GitFailed(f"{self._folder} cannot be written: {failed.strerror}") from failed

    def _forget_the_oldest(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) <= KEPT:
            return
        ended = [operation for operation in self._read() if operation.step in _ENDED]
        for operation in ended[: len(files) - KEPT]:
            (self._folder / f"{operation.id}.json").unlink(missing_ok=True)

    def _read(self) -> list[Operation]:
        found = []
        for file in self._folder.glob("*.json"):
            # A file that somebody damaged tells nothing; the branch itself still shows what was pushed.
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                if file.stat().st_size <= MAX_BYTES:
                    found.append(msgspec.json.decode(file.read_bytes(), type=Operation))
        return sorted(found, key=lambda operation: (operation.requested_at, operation.id))
