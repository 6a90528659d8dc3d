"""Read many files of a repository, each within a limit and all within another. Knows no kind of repository."""

from collections.abc import Sequence
from typing import Protocol

from lastgood.core.commit import TreeEntry
from lastgood.core.errors import ObjectTooLarge


class Read(Protocol):
    """Reads one object. Raises ObjectMissing, ObjectTooLarge."""

    def __call__(self, kind: str, oid: str, *, max_bytes: int, path: str) -> bytes:
        """Return its content."""
        ...


def read_files(files: Sequence[TreeEntry], *, read: Read, max_bytes: int, max_total_bytes: int) -> list[bytes]:
    """See ConfigRepo.read_all."""
    contents, total = [], 0
    for entry in files:
        content = read("blob", entry.oid, max_bytes=max_bytes, path=entry.path)
        total += len(content)
        if total > max_total_bytes:
            raise ObjectTooLarge(path=entry.path, size_bytes=total, limit_bytes=max_total_bytes)
        contents.append(content)
    return contents
