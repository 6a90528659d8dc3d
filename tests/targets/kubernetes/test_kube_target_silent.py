"""What is shown of a cluster that takes connections and says nothing."""

import asyncio
import json

import pytest

from lastgood.targets.kubernetes import pulse
from lastgood.targets.kubernetes import target as module
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.target import NOT_YET, KubernetesTarget
from twins.clock import ManualClock


async def silent(reader, writer):
    """Take a connection, and say nothing for as long as the other side keeps it."""
    await reader.read()
    writer.close()


def target_at(tmp_path, port):
    """Return a target whose API server is said to be at a port of this machine."""
    said = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "x"}}],
        "current-context": "c",
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(said))
    access = ClusterAccess(kubeconfig=str(kubeconfig))
    return KubernetesTarget(tmp_path / "root", name="away", access=access, clock=ManualClock())


async def test_what_is_shown_from_memory_does_not_wait_for_a_silent_cluster(tmp_path, monkeypatch):
    """The tree and the services say that nothing is known yet, instead of keeping a page open for minutes."""
    monkeypatch.setattr(module, "FACTS_S", 0.5)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    target = target_at(tmp_path, server.sockets[0].getsockname()[1])
    async with server:
        try:
            async with asyncio.timeout(10):
                assert (await target.tree("web")).trouble == NOT_YET
                # Whoever asks next does not wait at all: a plan asks for each version that it renders.
                monkeypatch.setattr(module, "FACTS_S", 1000.0)
                assert (await target.services("web")).trouble == NOT_YET
                assert await target.facts() is None
        finally:
            await target.close()


@pytest.mark.parametrize("is_there", [True, False])
async def test_all_applications_of_a_cluster_that_never_answered_are_unknown_at_once(tmp_path, monkeypatch, is_there):
    """As after a restart while it is away: waiting for it in turn, most would pass for what they were for minutes."""
    monkeypatch.setattr(pulse, "QUIET_S", 0.2)
    monkeypatch.setattr(pulse, "SILENT_S", 1.0)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    target = target_at(tmp_path, server.sockets[0].getsockname()[1])
    if not is_there:
        server.close()
        await server.wait_closed()
    async with server:
        try:
            async with asyncio.timeout(5):
                seen = await asyncio.gather(*(target.observe(f"web-{n}") for n in range(9)))
        finally:
            await target.close()
    assert {(one.health, one.sync) for one in seen} == {("Unknown", "Unknown")}
    assert all("destination away: the API server " in one.message for one in seen)
