"""What is shown of a cluster that takes connections and says nothing."""

import asyncio
import json

from lastgood.targets.kubernetes import target as module
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.target import NOT_YET, KubernetesTarget
from twins.clock import ManualClock


async def test_what_is_shown_from_memory_does_not_wait_for_a_silent_cluster(tmp_path, monkeypatch):
    """The tree and the services say that nothing is known yet, instead of keeping a page open for minutes."""
    monkeypatch.setattr(module, "FACTS_S", 0.5)

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    said = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "x"}}],
        "current-context": "c",
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(said))
    access = ClusterAccess(kubeconfig=str(kubeconfig))
    target = KubernetesTarget(tmp_path / "root", name="away", access=access, clock=ManualClock())
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
