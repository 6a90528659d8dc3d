"""One changed application among 1,000 against one among 10: the work, counted, not timed.

A real mirror of a real repo, real records in a file, the real renderer; only the target is a twin. Counted: Git
objects read from the mirror, renders, statements of the records, and what the target was asked.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from benchmarks.figures import Figure
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.git.mirror_objects import MirrorObjects
from lastgood.store.sql_store import SqlStore
from twins.agent_world import CONFIG, World, app_file
from twins.git_fixtures import BareRemote

FEW, MANY = 10, 1_000
QUIET_LOOKS = 100


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:
    """Count the work of one change among few and among many. commits: not asked here, every repo has three."""
    del commits
    few, many = (asyncio.run(_work(folder / str(count), count)) for count in (FEW, MANY))
    for what in sorted(few | many):
        said = f"{few[what]} among {FEW}, {many[what]} among {MANY:,}"
        yield Figure(what, said, "the same", few[what] == many[what])


async def _work(folder: Path, applications: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    async with _world(folder, applications) as world:
        with _counting(world, counted):
            await _quiet(world, counted)
            counted.clear()
            await world.release(app_file("s3-staging", "b"))
            await world.agent.look(None)

            async def done() -> bool:
                # Asked of memory: the benchmark's own statements are not the agent's work.
                run = await world.agent._known.last("s3-staging")
                return run is not None and (run.number, run.outcome) == (2, "succeeded")

            await world.until(done)
            await _quiet(world, counted)
    return counted


@asynccontextmanager
async def _world(folder: Path, applications: int) -> AsyncIterator[World]:
    await asyncio.to_thread(folder.mkdir)
    store = await asyncio.to_thread(SqlStore.open, folder / "records.db")
    world = World(store=store)
    world.remote = BareRemote(folder / "config.git")
    world.repo = MirrorConfigRepo(folder / "mirror.git", url=world.remote.url, name="config")
    try:
        files = {"lastgood.yaml": CONFIG}
        for number in range(applications):
            files |= app_file(f"s{number}-staging", "a")
        await world.release(files)
        await world.start()

        async def all_run() -> bool:
            records = await store.applications()
            ready = all(record.running is not None and record.health == "Healthy" for record in records)
            return len(records) == applications and ready and not await store.unfinished_deployments()

        await world.until(all_run, "everything runs", looks=60_000)
        await world.release({"README.md": "settle what is remembered between looks"})
        await world.look()
        yield world
    finally:
        await world.stop()
        store.close()


@contextmanager
def _counting(world: World, counted: Counter[str]) -> Iterator[None]:
    read, render = MirrorObjects.read, world.renderer.render
    apply, observe = world.target.apply, world.target.observe

    def counted_read(self: MirrorObjects, kind: str, oid: str, **asked: Any) -> bytes:
        counted[f"Git objects read: {kind}s"] += 1
        return read(self, kind, oid, **asked)

    def counting(name: str, method: Any) -> Any:
        async def call(*args: Any, **asked: Any) -> Any:
            counted[name] += 1
            return await method(*args, **asked)

        return call

    def statement(_connection: object, _cursor: object, text: str, *_said: object) -> None:
        # Into how many transactions they are put is a matter of time.
        counted["statements of the records"] += not text.startswith("BEGIN")

    engine = world.store._database.engine
    event.listen(engine, "before_cursor_execute", statement)
    MirrorObjects.read = counted_read  # type: ignore[method-assign]
    world.renderer.render = counting("renders", render)
    world.target.apply = counting("applies", apply)
    world.target.observe = counting("observations", observe)
    try:
        yield
    finally:
        MirrorObjects.read = read  # type: ignore[method-assign]
        event.remove(engine, "before_cursor_execute", statement)


async def _quiet(world: World, counted: Counter[str]) -> None:
    """Wait until nothing was counted for a while: what was begun before has ended."""
    seen: list[int] = []

    async def quiet() -> bool:
        seen.append(counted.total())
        return seen[-QUIET_LOOKS:] == [seen[-1]] * QUIET_LOOKS

    await world.until(quiet, "quiet")
