"""The objects of one cluster that concern applications, kept in memory: by name, by ApplySet and by owner.

Filled by watches, which may be late, and by what an apply was answered; asked by apply, observation and pages without
a request. Does no I/O.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

import msgspec

from lastgood.targets.kubernetes.apply_set import Extent
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import Key, LiveObject

MAX_OWNERS_UP = 5
# Whoever asked for one looks within seconds; more than this are not kept.
MAX_WENT = 10_000
# An answer is awaited for seconds; of each kind no more than this are kept.
MAX_GONE = 200
# Of a number of 64 bits.
MAX_DIGITS = 20


class Live:
    """What is known to exist.

    went: uids of what is gone and was done with, as `may_go` says, by key; the newest of very many.
    changed: called with the id of the ApplySet that a change concerns. marking: kinds whose changes are counted in
    `marking_changes`. quiet: kinds whose changes nobody is told of where a controller made the object.
    """

    def __init__(
        self,
        changed: Callable[[str], None],
        *,
        marking: Collection[GroupKind] = (),
        quiet: Collection[GroupKind] = (),
        may_go: Callable[[LiveObject], bool] = lambda _: False,
    ) -> None:
        self.went: dict[Key, str] = {}
        self._deleted: dict[GroupKind, set[str]] = {}
        self._put_since: dict[GroupKind, set[Key]] = {}
        self._gone: dict[GroupKind, dict[str, LiveObject]] = {}
        self._may_go = may_go
        self.marking_changes = 0
        self._marking = frozenset(marking)
        self._quiet = frozenset(quiet)
        self._changed = changed
        self._objects: dict[Key, LiveObject] = {}
        self._of_kind: dict[GroupKind, dict[Key, LiveObject]] = {}
        self._by_uid: dict[str, Key] = {}
        self._members: dict[str, set[Key]] = {}
        self._children: dict[str, set[Key]] = {}

    def get(self, key: Key) -> LiveObject | None:
        """Return an object."""
        return self._objects.get(key)

    def members(self, set_id: str, extent: Extent) -> list[LiveObject]:
        """Return the objects of a set, by key. extent: of the set, as the convention wants it.

        The label alone is no proof: a Service's EndpointSlices carry it too, which their controller copied, and so
        does what somebody copied into another namespace to look at it there.
        """
        may_be = {"", *extent.namespaces}
        keys = sorted(key for key in self._members.get(set_id, ()) if key[0] in extent.kinds and key[1] in may_be)
        found = [self._objects[key] for key in keys]
        return [one for one in found if not one.is_made]

    def children(self, uid: str) -> list[LiveObject]:
        """Return the objects that name an object as their owner, by key."""
        return [self._objects[key] for key in sorted(self._children.get(uid, ()))]

    def owners(self, one: LiveObject) -> list[LiveObject]:
        """Return the objects that an object names as its owners, as far as they are known."""
        return [self._objects[self._by_uid[uid]] for uid in one.owners if uid in self._by_uid]

    def named(self, kind: GroupKind, name: str) -> list[LiveObject]:
        """Return the objects of a kind and name in all namespaces, by namespace."""
        found = self._of_kind.get(kind, {})
        return [found[key] for key in sorted(key for key in found if key[2] == name)]

    def of_kind(self, kind: GroupKind) -> Iterator[LiveObject]:
        """Yield all objects of a kind."""
        return iter(self._of_kind.get(kind, {}).values())

    def set_of(self, one: LiveObject) -> str | None:
        """Return the set that an object belongs to, itself or through its owners."""
        for _ in range(MAX_OWNERS_UP):
            if one.part_of is not None:
                return one.part_of
            owner = next((self._by_uid[uid] for uid in one.owners if uid in self._by_uid), None)
            if owner is None:
                return None
            one = self._objects[owner]
        return None

    def put(self, one: LiveObject) -> None:
        """Keep an object as it is now; what a watch tells late is no news, and no more is an answer read late."""
        before = self._objects.get(one.key) or self._gone.get(one.key[0], {}).get(one.uid)
        if before is not None and not is_newer(one, than=before):
            return
        if one.uid in self._deleted.get(one.key[0], ()) and not one.is_being_deleted:
            return
        self._put_since.get(one.key[0], set()).add(one.key)
        self._keep(one, self._objects.get(one.key))

    def _keep(self, one: LiveObject, before: LiveObject | None) -> None:
        is_quiet = one.is_made and one.key[0] in self._quiet
        old_set = self.set_of(before) if before is not None and not is_quiet else None
        self._take_out(before)
        self._count(one.key, one.digest, before.digest if before is not None else None)
        self.went.pop(one.key, None)
        self._objects[one.key] = one
        self._of_kind.setdefault(one.key[0], {})[one.key] = one
        self._by_uid[one.uid] = one.key
        if one.part_of is not None:
            self._members.setdefault(one.part_of, set()).add(one.key)
        for owner in one.owners:
            self._children.setdefault(owner, set()).add(one.key)
        if is_quiet:
            return
        for concerned in {old_set, self.set_of(one)} - {None}:
            self._changed(str(concerned))

    def remove(self, key: Key) -> None:
        """Forget an object."""
        before = self._objects.get(key)
        if before is None:
            return
        concerned = self.set_of(before)
        self._take_out(before)
        if before.part_of is not None and self._may_go(before):
            self.went[key] = before.uid
            if len(self.went) > MAX_WENT:
                del self.went[next(iter(self.went))]
        self._count(key, None, before.digest)
        if concerned is not None:
            self._changed(concerned)

    def gone(self, one: LiveObject) -> None:
        """Forget an object that a watch says is gone, or ours no more: that very one, unless it was put back since."""
        self._deleted.get(one.key[0], set()).discard(one.uid)
        if not one.is_made:
            # What controllers make is told of by watches alone.
            told = self._gone.setdefault(one.key[0], {})
            told[one.uid] = msgspec.structs.replace(one, kept=b"")
            if len(told) > MAX_GONE:
                del told[next(iter(told))]
        before = self._objects.get(one.key)
        if before is not None and before.uid == one.uid and not is_older(one, than=before):
            self.remove(one.key)

    def deleted(self, key: Key, uid: str) -> None:
        """Forget an object that was just deleted by us: a watch may still tell how it was before.

        What waits for a finalizer is kept, as something that is being deleted.
        """
        before = self._objects.get(key)
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
            before = self._objects.get(one.key)
            if one.key in since or before is None:
                self.put(one)
            elif one != before and one.uid not in deleted:
                self._keep(one, before)
        for key in [key for key in self._of_kind.get(kind, {}) if key not in listed and key not in since]:
            self.remove(key)

    def _count(self, key: Key, now: bytes | None, before: bytes | None) -> None:
        if key[0] in self._marking and now != before:
            self.marking_changes += 1

    def _take_out(self, one: LiveObject | None) -> None:
        if one is None:
            return
        del self._objects[one.key]
        del self._of_kind[one.key[0]][one.key]
        if self._by_uid.get(one.uid) == one.key:
            del self._by_uid[one.uid]
        _discard(self._members, one.part_of, one.key)
        for owner in one.owners:
            _discard(self._children, owner, one.key)


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


def _discard(index: dict[str, set[Key]], at: str | None, key: Key) -> None:
    found = index.get(at) if at is not None else None
    if found is not None and at is not None:
        found.discard(key)
        if not found:
            del index[at]
