"""What left Git and does not go: told as being deleted, with what it waits for, and waited for within bounds."""

import json

import pytest

from twins.agent_world import World
from twins.clusters import config_map, manifests

pytestmark = pytest.mark.cluster

CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""
PATIENCE = 10_000
WAITS = "it is being deleted and waits for its finalizer example.com/waits"


def held(name):
    made = config_map(name)
    made["metadata"]["finalizers"] = ["example.com/waits"]
    return made


def let_go(corner, name):
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/{name}"
    corner.ask("PUT", path, {**corner.ask("GET", path), "metadata": {"name": name}})


async def test_what_waits_for_a_finalizer_is_told_as_being_deleted(corner):
    """With the finalizer's name, by the version that dropped it and by each one after it, until it has gone."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("a"), held("b")))
    for number in ("1", "2"):
        result = await target.apply(app, manifests(config_map("a", number=number)))
        assert result.complete
        told = {one.name: (one.outcome, one.message) for one in result.resources}
        assert told["b"] == ("deleting", WAITS)
        seen = await target.observe("web")
        assert (seen.health, seen.sync, seen.drift) == ("Healthy", "OutOfSync", "")
        assert seen.leaving == (f"ConfigMap b left Git: {WAITS}",)
        assert seen.message == f"not as asked for: ConfigMap b left Git: {WAITS}"
    again = await corner.target().observe("web")
    assert (again.sync, again.leaving) == ("OutOfSync", seen.leaving)
    let_go(corner, "b")
    async for _ in target.changes():
        seen = await target.observe("web")
        if seen.sync == "Synced":
            break
    assert (seen.health, seen.leaving) == ("Healthy", ())


async def test_taking_an_application_away_names_what_does_not_go(corner):
    """What is only being deleted is not told as deleted."""
    app, target = corner.application(), corner.target()
    await target.apply(app, manifests(config_map("a"), held("b")))
    assert await target.prune("web") == ["ConfigMap a", f"ConfigMap b ({WAITS})"]
    let_go(corner, "b")


@pytest.mark.parametrize("goes", [True, False])
async def test_a_deployment_waits_for_what_is_being_deleted_for_a_minute(corner, goes):
    """It is not done before that has gone, nothing heals meanwhile; a finalizer that never goes blocks nobody."""
    world = World()
    world.other_targets = {"web": corner.target(clock=world.clock)}
    files = {"apps/web/a.json": json.dumps(config_map("a")), "apps/web/b.json": json.dumps(held("b"))}
    await world.release({"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace()), **files})
    await world.start()

    async def is_told():
        return "waits for its finalizer example.com/waits" in (await world.record("web")).health_message

    try:
        await world.run_until("web", "succeeded", looks=PATIENCE)
        await world.release({"apps/web/b.json": None})
        await world.look()
        await world.until(is_told, looks=PATIENCE)
        await world.clock.move(50)
        await world.run_until("web", "in-progress", count=2)
        if goes:
            let_go(corner, "b")
        done = await world.run_until("web", "succeeded", count=2, passing=0 if goes else 1, looks=PATIENCE)
        assert ("is being deleted" in done.message) is not goes
        if not goes:
            await world.clock.move(700)
            assert (await world.record("web")).sync == "OutOfSync"
            assert len(await world.runs("web")) == 2
            let_go(corner, "b")
    finally:
        await world.stop()
