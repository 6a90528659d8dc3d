"""One changed application among a thousand costs what it costs among ten."""

from collections import Counter

from sqlalchemy import event

from twins.agent_world import CONFIG, World, app_file

METHODS = {
    "repo": ("entry", "list_tree", "read", "changes", "history", "version", "commit", "is_ancestor", "fetch"),
    "renderer": ("render", "kind"),
    "target": ("apply", "observe"),
}


def count_calls(world) -> Counter:
    """Count what is asked of the repo, the renderer and the target, and the statements of the store."""
    counted: Counter = Counter()

    def counting(name, method):
        async def call(*args, **kwargs):
            counted[name] += 1
            return await method(*args, **kwargs)

        return call

    for part, methods in METHODS.items():
        for method in methods:
            adapter = getattr(world, part)
            setattr(adapter, method, counting(f"{part}.{method}", getattr(adapter, method)))

    @event.listens_for(world.store._database.engine, "before_cursor_execute")
    def statement(_connection, _cursor, text, *_rest):
        # How many transactions the writes are put into is a matter of time.
        counted["statements"] += not text.startswith("BEGIN")

    return counted


async def be_quiet(world, counted: Counter) -> None:
    """Wait until nothing was counted for a while: what was begun before has ended."""
    seen: list[int] = []

    async def quiet():
        seen.append(counted.total())
        return len(seen) >= 50 and seen[-50:] == [seen[-1]] * 50

    await world.until(quiet)


async def work_of_one_change(applications: int) -> Counter:
    world = World()
    try:
        files = {"lastgood.yaml": CONFIG}
        for n in range(applications):
            files |= app_file(f"s{n}-staging", "a")
        await world.release(files)
        await world.start()
        await world.run_until(f"s{applications - 1}-staging", "succeeded")

        async def all_run():
            return (
                all(r.running is not None and r.health == "Healthy" for r in await world.store.applications())
                and not await world.store.unfinished_deployments()
            )

        await world.until(all_run)
        await world.release({"README.md": "settle what is remembered between looks"})
        await world.look()
        counted = count_calls(world)
        await be_quiet(world, counted)
        counted.clear()
        await world.release(app_file("s3-staging", "b"))
        await world.agent.look(None)
        known = world.agent._known

        async def done():
            # Asked of memory: the test's own statements are not the agent's work.
            run = await known.last("s3-staging")
            return run.number == 2 and run.outcome == "succeeded"

        await world.until(done)
        await be_quiet(world, counted)
        await world.stop()
        return counted
    finally:
        await world.stop()
        world.store.close()


async def test_the_work_does_not_grow_with_the_number_of_applications():
    """Objects read, renders, looks at the target and statements are the same, counted one by one."""
    few, many = await work_of_one_change(10), await work_of_one_change(100)
    assert few == many
    assert few["target.apply"] == 1
    assert few["repo.list_tree"] <= 7
    assert few["statements"] <= 25
