"""The objects of one cluster that concern applications, kept in memory: by name, by ApplySet and by owner.

Filled by watches, which may be late, and by what an apply was answered; asked by apply, observation and pages without
a request. Does no I/O.
"""

from collections.abc import Callable, Collection, Iterator
from collections.abc import Set as AbstractSet

from lastgood.targets.kubernetes.apply_set import Extent
from lastgood.targets.kubernetes.kinds import POD, GroupKind
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.newest import Newest

MAX_OWNERS_UP = 5
_TROUBLE = ("Degraded", "Unknown")
# Whoever asked for one looks within seconds; more than this are not kept.
MAX_WENT = 10_000


class Live(Newest):
    """What is known to exist.

    went: uids of what is gone and was done with, as `may_go` says, by key; the newest of very many.
    changed: called with the id of the ApplySet that a change concerns; progressed, where it is given: called with it
    instead where an object is as asked for as it was, and says no other health than it did.
    marking: kinds whose changes are counted in `marking_changes`. quiet: kinds whose changes nobody is told of where a
    controller made the object; nor is anybody told of its Pods, unless one is in trouble or was: all else of them its
    workload says.
    """

    def __init__(
        self,
        changed: Callable[[str], None],
        *,
        progressed: Callable[[str], None] | None = None,
        marking: Collection[GroupKind] = (),
        quiet: Collection[GroupKind] = (),
        may_go: Callable[[LiveObject], bool] = lambda _: False,
    ) -> None:
        super().__init__()
        self.went: dict[Key, str] = {}
        self._may_go = may_go
        self.marking_changes = 0
        self._marking = frozenset(marking)
        self._quiet = frozenset(quiet)
        self._changed = changed
        self._progressed = progressed or changed
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
        return [self._objects[key] for key in keys]

    def has_more(self, set_id: str, keys: AbstractSet[Key]) -> bool:
        """Say whether objects with the label of a set are there beside these, and nobody made them from others."""
        return not self._members.get(set_id, set()) <= keys

    def children(self, uid: str) -> list[LiveObject]:
        """Return the objects that name an object as their owner, by key."""
        keys = self._children.get(uid)
        return [self._objects[key] for key in sorted(keys)] if keys else []

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

    def _keep(self, one: LiveObject) -> None:
        before = self._objects.get(one.key)
        is_quiet = self._is_quiet(one) and (before is None or self._is_quiet(before))
        old_set = self.set_of(before) if before is not None and not is_quiet else None
        self._take_out(before)
        self._count(one.key, one.digest, before.digest if before is not None else None)
        self.went.pop(one.key, None)
        self._objects[one.key] = one
        self._of_kind.setdefault(one.key[0], {})[one.key] = one
        self._by_uid[one.uid] = one.key
        if one.part_of is not None and not one.is_made:
            self._members.setdefault(one.part_of, set()).add(one.key)
        for owner in one.owners:
            self._children.setdefault(owner, set()).add(one.key)
        if is_quiet:
            return
        tell = self._progressed if before is not None and _only_progressed(one, before) else self._changed
        for concerned in {old_set, self.set_of(one)} - {None}:
            tell(str(concerned))

    def remove(self, key: Key) -> None:
        """Forget an object."""
        before = self._objects.get(key)
        if before is None:
            return
        concerned = self.set_of(before) if not self._is_quiet(before) else None
        self._take_out(before)
        if before.part_of is not None and self._may_go(before):
            self.went[key] = before.uid
            if len(self.went) > MAX_WENT:
                del self.went[next(iter(self.went))]
        self._count(key, None, before.digest)
        if concerned is not None:
            self._changed(concerned)

    def _is_quiet(self, one: LiveObject) -> bool:
        return one.is_made and (one.key[0] in self._quiet or (one.key[0] == POD and one.says not in _TROUBLE))

    def _keys(self, kind: GroupKind) -> Collection[Key]:
        return self._of_kind.get(kind, {})

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


def _only_progressed(one: LiveObject, before: LiveObject) -> bool:
    return one.says is not None and (one.uid, one.says, one.digest, one.part_of, one.is_being_deleted) == (
        *(before.uid, before.says, before.digest, before.part_of),
        before.is_being_deleted,
    )


def _discard(index: dict[str, set[Key]], at: str | None, key: Key) -> None:
    found = index.get(at) if at is not None else None
    if found is not None and at is not None:
        found.discard(key)
        if not found:
            del index[at]
