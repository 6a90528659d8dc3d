"""What was Degraded before an apply: while it says the very same, nobody has looked at what was applied yet.

Many kinds do not tell which generation their status is about, and some controllers look only every 15 s; what depends
on an object that was mended says something new later still. Pure.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence

import msgspec

from lastgood.targets.kubernetes.live_object import Key, LiveObject

# So long after an apply that may be so; who says the same for longer means it.
HEARD_S = 30.0


class SaidBefore:
    """Of one application. The same object for all its looks and applies."""

    def __init__(self) -> None:
        self._bad: dict[Key, Sequence[LiveObject]] = {}
        self._before: dict[Key, bytes] = {}
        self._since: dt.datetime | None = None

    def note(self, key: Key, seen: Sequence[LiveObject], *, is_degraded: bool) -> None:
        """Keep that an object was Degraded at a look, or was not. seen: it and what else was looked at for that."""
        if is_degraded:
            self._bad[key] = seen
        else:
            self._bad.pop(key, None)

    def begin(self, now: dt.datetime) -> None:
        """Note that an apply begins: what was Degraded at the last look is what was said before it."""
        self._before |= {key: _digest(seen) for key, seen in self._bad.items()}
        self._bad.clear()
        self._since = now

    def go_on(self, now: dt.datetime) -> None:
        """Note that something was applied just now, by the apply that began last."""
        self._since = now

    def holds(self, key: Key, seen: Sequence[LiveObject], now: dt.datetime) -> bool:
        """Say whether what is Degraded is only what it was before: nothing was said since."""
        before = self._before.get(key)
        if before is None or self._since is None:
            return False
        if (now - self._since).total_seconds() >= HEARD_S or before != _digest(seen):
            del self._before[key]
            return False
        return True


def _digest(seen: Sequence[LiveObject]) -> bytes:
    said = [(one.uid, one.manifest.get("status")) for one in seen]
    return hashlib.blake2b(msgspec.json.encode(said, order="sorted"), digest_size=16).digest()
