"""Which releases the server asks its targets to keep, once an hour."""

import asyncio

import msgspec
import pytest

from lastgood.app.collect import EVERY_S, FIRST_S, collect_releases
from lastgood.core.version import version_at
from twins.agent_world import CONFIG, World, app_file

APP = "web-staging"


class Asked:
    """What a target was asked to keep."""

    def __init__(self) -> None:
        self.kept: list[set[str]] = []

    async def collect_releases(self, keep):
        self.kept.append({use.revision for use in keep})
        return []


@pytest.fixture
async def world():
    """Of five versions b is the last good one, c runs, and the newest does not render."""
    made = World()
    await made.release({"lastgood.yaml": CONFIG, **app_file(APP, "a")})
    commits = [await made.release(app_file(APP, revision)) for revision in ("b", "c", "d")]
    commits.append(await made.release({"apps/web/staging/process-compose.yaml": "processes: ["}))
    await made.start()
    await made.run_until(APP, "failed")
    await made.stop()
    record = await made.store.application(APP)
    last_good, running, _older, desired = [
        version_at(await made.repo.commit(c), version=c, path_tree=None, ran=True) for c in commits
    ]
    await made.store.save_application(
        msgspec.structs.replace(record, last_good=last_good, running=running, desired=desired)
    )
    yield made
    made.store.close()


async def test_the_last_good_and_the_running_release_are_kept(world):
    """Soon after the start, then hourly, all go but last good, running and desired; what is broken needs none."""
    target = Asked()
    collecting = asyncio.create_task(
        collect_releases({"twin": target}, [world.branch()], world.store, world.renderer, world.clock)
    )
    try:
        await asyncio.sleep(0)
        assert target.kept == []
        await world.clock.move(FIRST_S)
        await world.until(lambda: asyncio.sleep(0, target.kept))
        await world.clock.move(EVERY_S)
        await world.until(lambda: asyncio.sleep(0, target.kept[1:]), passing=1)
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
    assert target.kept == [{"b", "c"}, {"b", "c"}]
