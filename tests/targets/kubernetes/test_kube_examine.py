"""How long a look at a cluster takes where nobody answers."""

import asyncio
import json

from lastgood.targets.kubernetes import examine as examining
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.examine import examine
from lastgood.targets.kubernetes.target import ClusterRules


async def test_a_server_that_takes_connections_and_says_nothing_is_told_within_seconds(tmp_path, monkeypatch):
    """Whoever runs doctor at night does not wait for as long as a request may take."""
    monkeypatch.setattr(examining, "ANSWER_S", 0.1)
    over = asyncio.Event()

    async def say_nothing(_reader, writer):
        await over.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    kubeconfig = tmp_path / "kubeconfig"
    said = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "x"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    kubeconfig.write_text(json.dumps(said))
    async with server:
        access = ClusterAccess(kubeconfig=str(kubeconfig))
        found = await examine(access, ClusterRules(), destination="production", root=tmp_path)
        over.set()
    assert found.trouble == "the API server has not answered for 0 s"
