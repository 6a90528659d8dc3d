"""Ask several things of a cluster side by side: all of them, or none goes on."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do all of it at once and return what it gives, in its order.

    Where one fails or the caller is cancelled, the others are ended before that is raised: nothing is still asking
    for somebody who has gone on.
    """
    todo = list(work)
    if len(todo) == 1:
        return [await todo[0]]
    tasks = [asyncio.ensure_future(one) for one in todo]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
