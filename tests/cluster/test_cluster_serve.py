"""A server with a cluster as its destination, from a push to the timeline: charts, drift, and the way back."""

import asyncio
import secrets

import pytest

from lastgood.app.server import open_server
from lastgood.core.request import RollbackRequest
from lastgood.core.timeline import TimelineQuery
from lastgood.demo.server import DemoServer
from twins.git_fixtures import git
from twins.processes import eventually

pytestmark = pytest.mark.cluster

CONFIG = """\
version: 1
applications:
  - {name: web, path: charts/web, destination: here, namespace: %s, policy: {bake: 1s}}
"""
SETTINGS = """\
data = "data"
[[repos]]
name = "config"
url = "config.git"
[destinations.here]
type = "kubernetes"
kubeconfig = "%s"
namespace = "%s"
[render]
helm = "%s"
[web]
port = 0
"""
SETTING = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {upgrade: "{{ .Release.IsUpgrade }}", tag: "{{ .Values.tag }}", kube: "{{ .Capabilities.KubeVersion.Major }}"}
"""
ONCE = """\
{{ if .Release.IsInstall }}
apiVersion: v1
kind: ConfigMap
metadata: {name: once, annotations: {helm.sh/resource-policy: keep}}
data: {key: made-once}
{{ end }}
"""


class Served:
    """A repo with a chart, and a server that follows it."""

    def __init__(self, folder, corner, helm):
        self.space = corner.namespace()
        self.clone = folder / "clone"
        git(folder, "init", "-q", "--bare", "-b", "main", "config.git")
        git(folder, "clone", "-q", "config.git", "clone")
        git(self.clone, "symbolic-ref", "HEAD", "refs/heads/main")
        self.release(
            "1",
            {
                "lastgood.yaml": CONFIG % self.space,
                "charts/web/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n",
                "charts/web/templates/settings.yaml": SETTING,
                "charts/web/templates/once.yaml": ONCE,
            },
        )
        settings = SETTINGS % (corner.cluster.kubeconfig, corner.own, helm)
        (folder / "lastgood.toml").write_text(settings.replace('"config.git"', f'"{folder / "config.git"}"'))
        self.server = DemoServer(folder)

    def release(self, tag, files=()):
        for path, text in {**dict(files), "charts/web/values.yaml": f"tag: v{tag}\n"}.items():
            place = self.clone / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", f"Release {tag}")
        git(self.clone, "push", "-q", "origin", "HEAD:main")


async def test_a_chart_goes_out_is_healed_and_is_brought_back(corner, tmp_path, render_programs):
    """The chart is told of the cluster; its first version stays the installation through drift and rollback."""
    folder = tmp_path / secrets.token_hex(4)
    folder.mkdir()
    served = Served(folder, corner, render_programs.helm4)
    maps = f"/api/v1/namespaces/{served.space}/configmaps"
    await asyncio.to_thread(served.server.start)
    try:
        async with open_server(served.server.url, served.server.token) as lastgood:

            def setting(name="settings"):
                found = corner.ask("GET", f"{maps}/{name}")
                return found["data"] if found else None

            async def healthy(number):
                app = next((one for one in await lastgood.apps() if one.name == "web"), None)
                # Before the first look at the repo there is no such application.
                newest = (await lastgood.timeline(TimelineQuery(app="web", limit=1)))[:1] if app else []
                done = newest and newest[0].number == number and newest[0].deployment.outcome == "succeeded"
                return newest[0] if done and app and (app.health, app.sync) == ("Healthy", "Synced") else None

            await eventually(lambda: healthy(1), within_s=60)
            assert setting() == {"upgrade": "false", "tag": "v1", "kube": "1"}
            corner.ask("DELETE", f"{maps}/once")
            healed = await eventually(lambda: healthy(2), within_s=60)
            assert healed.deployment.trigger == "drift"
            assert setting("once") == {"key": "made-once"}

            served.release("2")
            await eventually(lambda: healthy(3), within_s=60)
            assert setting() == {"upgrade": "true", "tag": "v2", "kube": "1"}
            await lastgood.rollback(RollbackRequest(apps=("web",), previous=True, reason="2 is wrong"))
            await eventually(lambda: healthy(4), within_s=60)
            assert setting() == {"upgrade": "false", "tag": "v1", "kube": "1"}
    finally:
        served.server.stop()
