"""What is remembered for a while, and then asked for anew. Pure, but for the clock."""

from typing import Generic, TypeVar

from lastgood.core.ports import Clock

MAX_KEPT = 5_000
_Kept = TypeVar("_Kept")


class ShortMemory(Generic[_Kept]):
    """Keeps the answer to each question for so many seconds. Names come from config repos: it has an end."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._kept: dict[str, tuple[float, _Kept]] = {}

    def get(self, key: str) -> _Kept | None:
        """Return what is kept, None where it is too old or was never there."""
        until, kept = self._kept.get(key, (0.0, None))
        return kept if until > self._clock.now().timestamp() else None

    def keep(self, key: str, answer: _Kept) -> None:
        """Keep an answer from now on."""
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = (self._clock.now().timestamp() + self._seconds, answer)

    def drop(self, key: str) -> None:
        """Forget an answer, if it is kept."""
        self._kept.pop(key, None)
