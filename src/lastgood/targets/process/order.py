"""Who waits for whom: run one task a process, each after those that it must follow. Pure of processes and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

_Done = TypeVar("_Done")


def dependents(depends_on: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Turn "needs" round into "is needed by": the order of stopping is the order of starting backwards."""
    needed_by: dict[str, set[str]] = {name: set() for name in depends_on}
    for name, needs in depends_on.items():
        for needed in needs:
            if needed in needed_by:
                needed_by[needed].add(name)
    return needed_by


async def run_in_order(after: Mapping[str, Iterable[str]], work: Callable[[str], Awaitable[_Done]]) -> dict[str, _Done]:
    """Run `work` for each name when all that it comes after are done; independent ones side by side.

    after: name to the names before it; names that are not keys are ignored. Must be free of cycles: where a cycle
    could come from a file that changed under us, its members are run in the order of their names.
    """
    order = _without_cycles(after)
    tasks: dict[str, asyncio.Task[_Done]] = {}

    async def one(name: str) -> _Done:
        for earlier in order[name]:
            await asyncio.wait([tasks[earlier]])
        return await work(name)

    async with asyncio.TaskGroup() as group:
        for name in order:
            tasks[name] = group.create_task(one(name))
    return {name: task.result() for name, task in tasks.items()}


def _without_cycles(after: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return the same relation, members of a cycle last and one after the other; each before what follows it."""
    left = {name: [other for other in others if other in after] for name, others in sorted(after.items())}
    order: dict[str, list[str]] = {}
    while left:
        free = [name for name, others in left.items() if all(other in order for other in others)]
        for name in free or [next(iter(left))]:
            order[name] = [other for other in left.pop(name) if other in order]
    return order
