"""What stands for applications in a cluster: the parents of their sets, as the watch of lastgood's own namespace tells.

Does no I/O.
"""

from collections.abc import Callable, Collection

from lastgood.core.resource import annotations_of
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.newest import Newest


class Parents(Newest):
    """Filled by a watch and by what is written. lost: called with the id of a set that lost its parent."""

    def __init__(self, lost: Callable[[str], None]) -> None:
        super().__init__()
        self._lost = lost
        self._found: dict[Key, tuple[LiveObject, dict[str, str]]] = {}
        self._by_app: dict[str, Key] = {}

    def of(self, app: str) -> dict[str, str] | None:
        """Return what the parent of an application's set says, None where there is none."""
        key = self._by_app.get(app)
        return self._found[key][1] if key is not None else None

    def application_of(self, set_id: str, namespace: str) -> str | None:
        """Return the application whose set has that id, if it has one here. namespace: of the parents."""
        return next((app for app in self._by_app if apply_set.set_id(app, namespace) == set_id), None)

    def get(self, key: Key) -> LiveObject | None:
        """Return a parent."""
        found = self._found.get(key)
        return found[0] if found is not None else None

    def remove(self, key: Key) -> None:
        """Forget a parent."""
        before = self._found.get(key)
        if before is not None:
            self._forget(key)
            self._lost(apply_set.set_id(before[1][apply_set.APPLICATION], key[1]))

    def _keep(self, one: LiveObject) -> None:
        self._forget(one.key)
        said = annotations_of(one.manifest)
        app = said.get(apply_set.APPLICATION)
        if app and one.name == apply_set.parent_name(app):
            self._found[one.key] = (one, said)
            self._by_app[app] = one.key

    def _keys(self, _kind: GroupKind) -> Collection[Key]:
        return self._found

    def _forget(self, key: Key) -> None:
        before = self._found.pop(key, None)
        if before is not None:
            del self._by_app[before[1][apply_set.APPLICATION]]
