"""A real API server that says nothing any more, with all connections open: behind a way that holds its answers back."""

import asyncio
import json

import pytest

from lastgood.targets.kubernetes import connection, pulse
from twins.clusters import config_map, manifests
from twins.processes import eventually

pytestmark = pytest.mark.cluster

PATIENCE = 10_000
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""


async def until(target, health, sync):
    async def is_so():
        seen = await target.observe("web")
        return (seen.health, seen.sync) == (health, sync)

    await eventually(is_so)
    return await target.observe("web")


async def test_a_server_that_hangs_is_away_and_back_again_all_catches_up(corner, way, monkeypatch):
    """Unknown with the destination's name, though no connection broke; what happened meanwhile is seen at once."""
    monkeypatch.setattr(pulse, "QUIET_S", 0.2)
    monkeypatch.setattr(pulse, "SILENT_S", 1.0)
    monkeypatch.setattr(pulse, "AGAIN_S", 0.1)
    app, target = corner.application(), corner.target(access=way.access)
    version = manifests(config_map("settings", a="1"))
    await target.apply(app, version)
    await until(target, "Healthy", "Synced")
    way.holds_back()
    seen = await until(target, "Unknown", "Unknown")
    assert seen.message == (
        "destination cluster: the API server has not answered for 1 s; how web is there cannot be said"
    )
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings"
    corner.ask("PUT", path, {**corner.ask("GET", path), "data": {"a": "by hand"}})
    way.heal()
    await until(target, "Healthy", "OutOfSync")
    assert (await target.apply(app, version)).complete
    await until(target, "Healthy", "Synced")


async def test_a_look_under_way_does_not_wait_for_a_server_that_hangs(corner, way, monkeypatch):
    """Few look at a time: where each waited for its answer, all applications would pass for well meanwhile."""
    monkeypatch.setattr(pulse, "QUIET_S", 0.2)
    monkeypatch.setattr(pulse, "SILENT_S", 1.0)
    app, target = corner.application(), corner.target(access=way.access)
    await target.apply(app, manifests(config_map("settings", a="1")))
    await until(target, "Healthy", "Synced")
    asked = way.fails(lambda asked: asked.is_dry_run, slow=True)
    told = target._cluster.listen()
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings"
    corner.ask("PUT", path, {**corner.ask("GET", path), "data": {"a": "by hand"}})
    await told.come()
    looking = asyncio.create_task(target.observe("web"))

    async def is_asked():
        return bool(asked.met)

    await eventually(is_asked)
    way.holds_back()
    async with asyncio.timeout(10):
        seen = await looking
    assert (seen.health, seen.sync) == ("Unknown", "Unknown")
    assert "the API server has not answered for 1 s" in seen.message


async def test_a_server_that_is_slow_is_not_away(corner, way, monkeypatch):
    """It answers in its time, each time."""
    monkeypatch.setattr(pulse, "QUIET_S", 0.1)
    monkeypatch.setattr(pulse, "SILENT_S", 10.0)
    way.delay_s = 0.3
    app, target = corner.application(), corner.target(access=way.access)
    await target.apply(app, manifests(config_map("settings")))
    told = target._cluster.listen()

    async def is_asked():
        return len([one for one in way.asked if one.path == "/version"]) > 6

    await eventually(is_asked)
    assert (await target.observe("web")).health == "Healthy"
    assert None not in told.take()


async def test_a_deployment_begun_before_anybody_noticed_waits_for_the_server(corner, way, world, monkeypatch):
    """The server hangs already, and nobody knows yet: the deployment does not fail, and goes on when it answers."""
    monkeypatch.setattr(connection, "REQUEST_S", 1.0)
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    world.other_targets = {"web": corner.target(access=way.access, clock=world.clock)}
    config = CONFIG.replace("NAMESPACE", corner.namespace())
    await world.release({"lastgood.yaml": config, **settings(a="1")})
    await world.start()
    await world.run_until("web", "succeeded", looks=PATIENCE)
    way.holds_back()
    await world.release(settings(a="2"))
    await world.look()

    async def waits():
        newest = (await world.runs("web"))[0]
        return (newest.number, newest.outcome) == (2, "in-progress") and "web on cluster: " in newest.message

    await world.until(waits, "waits", looks=PATIENCE)
    way.heal()
    done = await world.run_until("web", "succeeded", 2, passing=0.1, looks=PATIENCE)
    assert (done.trigger, done.message) == ("commit", "Healthy")
    there = corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings")
    assert there["data"] == {"a": "2"}
    await world.stop()


def settings(**data):
    return {"apps/web/settings.json": json.dumps(config_map("settings", **data))}
