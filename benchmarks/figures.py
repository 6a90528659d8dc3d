"""Figures: what was measured, what it was held against, and whether the target was met."""

import dataclasses
import resource
import statistics
import time
from collections.abc import Awaitable, Callable


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the report. met: None where there is no target, only something to state."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None

    def line(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "stated"}[self.met]
        return f"{self.name:<64} {self.value:>22}   {self.target:<34} {verdict}"


def median_ms(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def timed(run: Callable[[], object]) -> float:
    """Return how many seconds a call takes by the wall's clock."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


async def timed_async(run: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await run()
    return time.perf_counter() - began


def cpu_s() -> float:
    """Return the seconds of CPU that this process and its children that have ended have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
