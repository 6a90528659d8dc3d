"""The newest state that is known of each object of a cluster, in whatever order news of it come.

News are told by watches, which may be late, and by answers, which may be read late. Does no I/O.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable

import msgspec

from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import Key, LiveObject

# An answer is awaited for seconds; of each kind no more than this are kept.
MAX_GONE = 200
# Of a number of 64 bits.
MAX_DIGITS = 20


class Newest(ABC):
    """Decides which news count. Who keeps the objects says how: `get`, `remove`, `_keep` and `_keys`."""

    def __init__(self) -> None:
        self._deleted: dict[GroupKind, set[str]] = {}
        self._put_since: dict[GroupKind, set[Key]] = {}
        self._gone: dict[GroupKind, dict[str, LiveObject]] = {}

    @abstractmethod
    def get(self, key: Key) -> LiveObject | None:
        """Return an object."""

    @abstractmethod
    def remove(self, key: Key) -> None:
        """Forget an object."""

    @abstractmethod
    def _keep(self, one: LiveObject) -> None:
        """Keep an object in place of the one that is there."""

    @abstractmethod
    def _keys(self, kind: GroupKind) -> Collection[Key]:
        """Return which objects of a kind are kept."""

    def put(self, one: LiveObject) -> None:
        """Keep an object as it is now; what a watch tells late is no news, and no more is an answer read late."""
        before = self.get(one.key) or self._gone.get(one.key[0], {}).get(one.uid)
        if before is not None and not is_newer(one, than=before):
            return
        if one.uid in self._deleted.get(one.key[0], ()) and not one.is_being_deleted:
            return
        self._put_since.get(one.key[0], set()).add(one.key)
        self._keep(one)

    def gone(self, one: LiveObject) -> None:
        """Forget an object that a watch says is gone, or ours no more: that very one, unless it was put back since."""
        self._deleted.get(one.key[0], set()).discard(one.uid)
        if not one.is_made:
            # What controllers make is told of by watches alone.
            told = self._gone.setdefault(one.key[0], {})
            told[one.uid] = msgspec.structs.replace(one, kept=b"")
            if len(told) > MAX_GONE:
                del told[next(iter(told))]
        before = self.get(one.key)
        if before is not None and before.uid == one.uid and not is_older(one, than=before):
            self.remove(one.key)

    def deleted(self, key: Key, uid: str) -> None:
        """Forget an object that was just deleted by us: a watch may still tell how it was before.

        What waits for a finalizer is kept, as something that is being deleted.
        """
        before = self.get(key)
        if before is not None and before.uid == uid and not before.is_being_deleted:
            self.remove(key)
            self._deleted.setdefault(key[0], set()).add(uid)

    def begin_list(self, kind: GroupKind) -> None:
        """Note that all objects of a kind are asked for now: what is put or deleted from here on is newer than that."""
        self._put_since[kind] = set()
        self._deleted.pop(kind, None)
        self._gone.pop(kind, None)

    def replace(self, kind: GroupKind, objects: Iterable[LiveObject]) -> None:
        """Take these for all objects of a kind as they were when the list began: what is not among them is gone.

        So is what was newer: a cluster may have been brought back from a backup.
        """
        since, deleted = self._put_since.pop(kind, set()), self._deleted.get(kind, set())
        listed = set()
        for one in objects:
            listed.add(one.key)
            before = self.get(one.key)
            if one.key in since or before is None:
                self.put(one)
            elif one != before and one.uid not in deleted:
                self._keep(one)
        for key in [key for key in self._keys(kind) if key not in listed and key not in since]:
            self.remove(key)


def is_newer(one: LiveObject, *, than: LiveObject) -> bool:
    """Say whether it is another state of the object, and not an earlier one that a watch is only now sending.

    Also one that was made anew under the same name has a higher number than the one before it.
    """
    return one.resource_version != than.resource_version and not is_older(one, than=than)


def is_older(one: LiveObject, *, than: LiveObject) -> bool:
    """Say whether it is an earlier state."""
    now, before = number_of(one.resource_version), number_of(than.resource_version)
    return now is not None and before is not None and now < before


def number_of(resource_version: str | None) -> int | None:
    """Return a resource version as a number, None for what is none.

    Those of one kind are comparable numbers (Kubernetes 1.35 promises it, earlier ones keep it).
    """
    if resource_version is None or len(resource_version) > MAX_DIGITS or not resource_version.isdecimal():
        return None
    return int(resource_version)
