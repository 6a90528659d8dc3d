"""An agent with real clusters: one that goes away and comes back, and drift that is healed and recorded."""

import asyncio
import contextlib
import json
import urllib.parse

import pytest
import yaml

from lastgood.targets.kubernetes.connection import ClusterAccess
from twins.clusters import config_map, deployment

pytestmark = pytest.mark.cluster

PATIENCE = 10_000
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""


class Way:
    """The way to an API server, which can be cut: a forwarder on an address of its own."""

    def __init__(self, host, port):
        self._there = (host, port)
        self._ways = set()
        self._server = None
        self.port = 0

    async def open(self):
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self):
        self._server.close()
        ways = list(self._ways)
        for one in ways:
            one.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await self._server.wait_closed()

    async def _forward(self, reader, writer):
        here = asyncio.current_task()
        self._ways.add(here)
        there_reader, there_writer = await asyncio.open_connection(*self._there)
        both = [asyncio.ensure_future(pump(reader, there_writer)), asyncio.ensure_future(pump(there_reader, writer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ways.discard(here)
            for one in both:
                one.cancel()
            for one in (writer, there_writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()


async def pump(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


def files(corner, app, **data):
    return {f"apps/{app}/settings.json": json.dumps(config_map(f"settings-{app}", **data))}


def config(corner):
    return {"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace())}


async def test_the_applications_of_a_cluster_that_is_away_wait_for_it_and_the_others_go_on(corner, world):
    """Unknown with the reason; what is released meanwhile waits, in one record; back again, they catch up."""
    said = yaml.safe_load(corner.cluster.kubeconfig.read_text())
    user = {one["name"]: one["user"] for one in said["users"]}[said["contexts"][0]["context"]["user"]]
    direct = yaml.safe_load(corner.kubeconfig(user, "direct").read_text())["clusters"][0]["cluster"]["server"]
    address = urllib.parse.urlsplit(direct)
    way = Way(address.hostname, address.port)
    await way.open()
    through = corner.kubeconfig(user, "through", server=f"https://127.0.0.1:{way.port}")
    world.other_targets = {
        "here": corner.target("here", clock=world.clock),
        "away": corner.target("away", access=ClusterAccess(kubeconfig=str(through)), clock=world.clock),
    }
    await world.release({**config(corner), **files(corner, "here", a="1"), **files(corner, "away", a="1")})
    await world.start()
    for app in ("here", "away"):
        await world.run_until(app, "succeeded", looks=PATIENCE)

    await way.cut()

    async def is_unknown():
        return (await world.record("away")).health == "Unknown"

    await world.until(is_unknown, "Unknown", passing=0.1, looks=PATIENCE)
    assert "the API server" in (await world.record("away")).health_message
    assert (await world.record("here")).health == "Healthy"
    await world.release({**files(corner, "here", a="2"), **files(corner, "away", a="2")})
    await world.look()
    await world.run_until("here", "succeeded", 2, looks=PATIENCE)

    async def waits():
        newest = (await world.runs("away"))[0]
        return (newest.number, newest.outcome, "away on cluster: " in newest.message) == (2, "in-progress", True)

    await world.until(waits, "waits", looks=PATIENCE)

    await way.open()
    done = await world.run_until("away", "succeeded", 2, passing=0.1, looks=PATIENCE)
    assert (done.trigger, done.message) == ("commit", "Healthy")
    there = corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings-away")
    assert there["data"] == {"a": "2"}
    await world.stop()
    for target in world.other_targets.values():
        await target.close()
    await way.cut()


async def test_a_healed_drift_is_recorded_with_what_was_changed_and_by_whom(corner, world):
    """The record on the timeline has the object, the field and the manager; the object is again as Git says."""
    target = corner.target(clock=world.clock)
    world.other_targets = {"web": target}
    await world.release({**config(corner), **files(corner, "web", a="1")})
    await world.start()
    await world.run_until("web", "succeeded", looks=PATIENCE)
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings-web"
    await target.connection.request(
        "PATCH",
        path,
        params={"fieldManager": "kubectl-edit"},
        body={"data": {"a": "changed"}},
        content_type="application/merge-patch+json",
    )
    healed = await world.run_until("web", "succeeded", 2, looks=PATIENCE)
    assert healed.trigger == "drift"
    assert healed.message.startswith("mended: ConfigMap settings-web was changed, last by kubectl-edit at ")
    assert healed.message.endswith(": .data.a")
    assert corner.ask("GET", path)["data"] == {"a": "1"}


@pytest.mark.usefixtures("stages")
async def test_what_is_changed_while_a_version_starts_is_put_back_and_the_version_succeeds(corner, world):
    """By hand, after the apply and before it is healthy: the same deployment goes on, and says what was changed."""
    target = corner.target(clock=world.clock)
    world.other_targets = {"web": target}
    slow = deployment("web", behaves="slow-start")
    slow["spec"]["template"]["metadata"]["annotations"]["lastgood.test/delay"] = "5s"
    started = {"apps/web/deployment.json": json.dumps(slow)}
    await world.release({**config(corner), **files(corner, "web", a="1"), **started})
    await world.start()

    async def is_watched():
        runs = await world.runs("web")
        return bool(runs) and runs[0].phases[-1].name == "watch"

    await world.until(is_watched, "watched", looks=PATIENCE)
    path = f"/api/v1/namespaces/{corner.namespace()}/configmaps/settings-web"
    corner.ask("PUT", f"{path}?fieldManager=kubectl-edit", {**corner.ask("GET", path), "data": {"a": "changed"}})
    run = await world.run_until("web", "succeeded", looks=PATIENCE)
    assert [phase.name for phase in run.phases] == ["render", "apply", "watch", "apply", "watch"]
    assert "ConfigMap settings-web was changed, last by kubectl-edit at " in run.phases[2].message
    assert corner.ask("GET", path)["data"] == {"a": "1"}
    assert len(await world.runs("web")) == 1
