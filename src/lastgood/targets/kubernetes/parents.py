"""What stands for applications in a cluster: the parents of their sets, as the watch of lastgood's own namespace tells.

Does no I/O.
"""

from collections.abc import Callable, Iterable

from lastgood.core.resource import annotations_of
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live import is_newer, is_older
from lastgood.targets.kubernetes.live_object import Key, LiveObject

# Whoever wrote one reads the answer within seconds.
MAX_WENT = 1_000


class Parents:
    """Filled by a watch and by what is written. lost: called with the id of a set that lost its parent."""

    def __init__(self, lost: Callable[[str], None]) -> None:
        self._lost = lost
        self._found: dict[Key, tuple[LiveObject, dict[str, str]]] = {}
        self._by_app: dict[str, Key] = {}
        self._put_since: set[Key] = set()
        self._went: dict[str, LiveObject] = {}

    def of(self, app: str) -> dict[str, str] | None:
        """Return what the parent of an application's set says, None where there is none."""
        key = self._by_app.get(app)
        return self._found[key][1] if key is not None else None

    def application_of(self, set_id: str, namespace: str) -> str | None:
        """Return the application whose set has that id, if it has one here. namespace: of the parents."""
        return next((app for app in self._by_app if apply_set.set_id(app, namespace) == set_id), None)

    def put(self, one: LiveObject) -> None:
        """Keep a parent as it is now; what a watch tells late is no news, and no more is an answer read late."""
        found = self._found.get(one.key)
        before = found[0] if found is not None else self._went.get(one.uid)
        if before is None or is_newer(one, than=before):
            self._put_since.add(one.key)
            self._keep(one)

    def gone(self, one: LiveObject) -> None:
        """Forget a parent that a watch says is gone: that very one, unless it was put back since."""
        self._went[one.uid] = one
        if len(self._went) > MAX_WENT:
            del self._went[next(iter(self._went))]
        before = self._found.get(one.key)
        if before is not None and before[0].uid == one.uid and not is_older(one, than=before[0]):
            self.remove(one.key)

    def remove(self, key: Key) -> None:
        """Forget a parent."""
        before = self._found.get(key)
        if before is not None:
            self._forget(key)
            self._lost(apply_set.set_id(before[1][apply_set.APPLICATION], key[1]))

    def begin_list(self, _kind: GroupKind) -> None:
        """Note that all are asked for now: what is put from here on is newer than that."""
        self._put_since.clear()

    def replace(self, _kind: GroupKind, objects: Iterable[LiveObject]) -> None:
        """Take these for all that there were when the list began."""
        listed = list(objects)
        for one in listed:
            if one.key not in self._put_since:
                self._keep(one)
        for key in self._found.keys() - {one.key for one in listed} - self._put_since:
            self.remove(key)

    def _keep(self, one: LiveObject) -> None:
        self._forget(one.key)
        said = annotations_of(one.manifest)
        app = said.get(apply_set.APPLICATION)
        if app and one.name == apply_set.parent_name(app):
            self._found[one.key] = (one, said)
            self._by_app[app] = one.key

    def _forget(self, key: Key) -> None:
        before = self._found.pop(key, None)
        if before is not None:
            del self._by_app[before[1][apply_set.APPLICATION]]
