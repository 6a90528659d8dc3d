"""Keep the memory of a long-running server near what it uses. Knows the C library, nothing of lastgood."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

from lastgood.core.ports import Clock

TRIM_S = 10.0
# Its name in malloc.h.
_M_ARENA_MAX = -8
# Python's own 700 would look for garbage a dozen times for each deployment; at 10,000 that is still a twentieth of its
# CPU.
COLLECT_AFTER = 50_000


def share_arenas() -> None:
    """Let all threads allocate from two arenas: glibc gives each its own, and half of the memory would lie fallow.

    Where the C library has no mallopt, nothing is set.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def collect_seldom() -> None:
    """Look for cyclic garbage less often, and never among what is there by now: modules and settings stay for good."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


async def give_back(clock: Clock, let_go: Callable[[], None]) -> None:
    """Give freed memory back to the system, again and again, without end: reading a long history frees much of it.

    let_go: frees what is kept only to answer the next question sooner.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while True:
        await clock.sleep(TRIM_S)
        let_go()
        if trim is not None:
            await asyncio.to_thread(trim, 0)
