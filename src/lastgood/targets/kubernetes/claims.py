"""Which application has an object, and which others ask for it: nobody steals, and each is told. Pure, in memory."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from lastgood.targets.kubernetes.live_object import Key


class Claims:
    """The first application that asks for an object has it until it asks for it no more."""

    def __init__(self) -> None:
        self._owners: dict[Key, str] = {}
        self._owned: dict[str, set[Key]] = {}
        self._contested: dict[Key, set[str]] = {}

    def claim(self, app: str, keys: AbstractSet[Key]) -> None:
        """Take what an application asks for now; what it has and asks for no more is free again."""
        owned = self._owned.setdefault(app, set())
        for key in owned - keys:
            del self._owners[key]
        owned &= keys
        for key in keys:
            if self._owners.setdefault(key, app) == app:
                owned.add(key)
            else:
                self.contest(key, app)
        for key, others in self._contested.items():
            if key not in keys or key in owned:
                others.discard(app)

    def release(self, app: str) -> None:
        """Let go of all that an application has or asks for."""
        for key in self._owned.pop(app, ()):
            del self._owners[key]
        for others in self._contested.values():
            others.discard(app)

    def owner(self, key: Key) -> str | None:
        """Return the application that has an object, None where none does."""
        return self._owners.get(key)

    def contest(self, key: Key, by: str) -> None:
        """Note that an application asked for what another one has."""
        self._contested.setdefault(key, set()).add(by)

    def others(self, app: str, key: Key) -> Collection[str]:
        """Return which other applications ask for what an application has or had."""
        owner = self._owners.get(key)
        return {*self.rivals(key), *([owner] if owner is not None else [])} - {app}

    def rivals(self, key: Key) -> Collection[str]:
        """Return who else asks for an object."""
        return self._contested.get(key, ())
