"""An application's objects and all that was made from them, as they are at one moment: a copy that nothing changes.

Taken from what is in memory, so that what is read from it can take its time beside the watches. Reads no manifest.
"""

from collections import deque
from typing import Protocol

from lastgood.targets.kubernetes.finished import is_done
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.memory import Applied, extent_of


class Children(Protocol):
    """What knows who was made from whom."""

    def children(self, uid: str) -> list[LiveObject]:
        """Return the objects that name an object as their owner, by key."""
        ...


class Family:
    """Roots, and what they own.

    roots: as asked for, then others of the set; None where an object is missing. What another application holds is a
    root where it was asked for, and nothing below it is looked at. done: what is missing because it ended well.
    """

    def __init__(self, applied: Applied, live: Live) -> None:
        self.asked = tuple(one.key for one in applied.objects)
        self.done = frozenset(one.key for one in applied.objects if is_done(one, one.key, live))
        self.roots: dict[Key, LiveObject | None] = {key: live.get(key) for key in self.asked}
        members = live.members(applied.set_id, extent_of(applied, None))
        self.roots |= {one.key: one for one in members if one.key not in self.roots}
        self.objects: dict[Key, LiveObject] = {key: one for key, one in self.roots.items() if one is not None}
        self._children: dict[str, list[LiveObject]] = {}
        todo = deque(one for one in self.objects.values() if one.part_of == applied.set_id)
        while todo:
            one = todo.popleft()
            made = self._children[one.uid] = live.children(one.uid)
            for child in made:
                if child.key not in self.objects:
                    self.objects[child.key] = child
                    todo.append(child)

    def children(self, uid: str) -> list[LiveObject]:
        """Return the objects that name an object as their owner, by key."""
        return self._children.get(uid, [])


def belongs(one: LiveObject, applied: Applied, live: Live) -> bool:
    """Say whether an object is one of an application's, or was made from one, whatever its own labels say.

    Labels of what is made were written by whoever wrote a template: another application's name may stand there.
    """
    asked = {root.key for root in applied.objects}
    kinds = {key[0] for key in asked} | set(applied.kinds)
    seen: set[Key] = set()
    todo = [one]
    while todo:
        here = todo.pop()
        ours = here.part_of == applied.set_id
        if ours and (here.key in asked or (here.key[0] in kinds and not here.is_made)):
            return True
        seen.add(here.key)
        todo += [owner for owner in live.owners(here) if owner.key not in seen]
    return False
