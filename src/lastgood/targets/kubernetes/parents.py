"""What stands for applications in a cluster: the parents of their sets, as the watch of lastgood's own namespace tells.

Does no I/O.
"""

from collections.abc import Callable, Iterable

from lastgood.core.resource import annotations_of
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live import is_newer
from lastgood.targets.kubernetes.live_object import Key, LiveObject


class Parents:
    """Filled by a watch and by what is written. gone: called with the id of a set that lost its parent."""

    def __init__(self, gone: Callable[[str], None]) -> None:
        self._gone = gone
        self._found: dict[Key, tuple[LiveObject, dict[str, str]]] = {}
        self._by_app: dict[str, Key] = {}

    def of(self, app: str) -> dict[str, str] | None:
        """Return what the parent of an application's set says, None where there is none."""
        key = self._by_app.get(app)
        return self._found[key][1] if key is not None else None

    def application_of(self, set_id: str, namespace: str) -> str | None:
        """Return the application whose set has that id, if it has one here. namespace: of the parents."""
        return next((app for app in self._by_app if apply_set.set_id(app, namespace) == set_id), None)

    def put(self, one: LiveObject) -> None:
        """Keep a parent as it is now."""
        before = self._found.get(one.key)
        if before is not None and before[0].uid == one.uid and not is_newer(one, than=before[0]):
            return
        self._forget(one.key)
        said = annotations_of(one.manifest)
        app = said.get(apply_set.APPLICATION)
        if app and one.name == apply_set.parent_name(app):
            self._found[one.key] = (one, said)
            self._by_app[app] = one.key

    def remove(self, key: Key, *, uid: str | None = None) -> None:
        """Forget a parent. uid: only if it is that very one."""
        before = self._found.get(key)
        if before is not None and uid in (None, before[0].uid):
            self._forget(key)
            self._gone(apply_set.set_id(before[1][apply_set.APPLICATION], key[1]))

    def replace(self, _kind: GroupKind, objects: Iterable[LiveObject]) -> None:
        """Take these for all that there are."""
        listed = list(objects)
        for one in listed:
            self.put(one)
        for key in self._found.keys() - {one.key for one in listed}:
            self.remove(key)

    def _forget(self, key: Key) -> None:
        before = self._found.pop(key, None)
        if before is not None:
            del self._by_app[before[1][apply_set.APPLICATION]]
