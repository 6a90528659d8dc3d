"""Render from a repo with Kustomize and Helm themselves, and by hand from the same files to compare."""

import subprocess

import yaml

from lastgood.core.application import DeclaredScope
from lastgood.core.cluster_facts import Circumstances
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools, ToolSettings
from twins.config_repo import MemoryConfigRepo
from twins.processes import application

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def renderers(programs, helm=None, circumstances=None, **words):
    settings = ToolSettings(kustomize=str(programs.kustomize), helm=str(helm or programs.helm4), **words)
    told = circumstances or Circumstances()

    async def say(_app, _version):
        return told

    return Renderers(Tools(lambda: settings), circumstances=say)


def at(path, **words):
    helm = words.get("definition", {}).get("helm") or {}
    values = tuple(helm.get("values", ()))
    others = tuple(file for file in values if not file.startswith(f"{path}/"))
    return application(path=path, scope=DeclaredScope(path=path, others=others, values=values), **words)


async def rendered(renderer, app, files):
    repo = MemoryConfigRepo()
    return await renderer.render(app, repo, await repo.commit_files("main", files))


def by_hand(tmp_path, files, *argv):
    """Return the objects that a program renders from the same files in a folder, run without any boundary."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    environment = {"HOME": str(tmp_path), "PATH": ""}
    ran = subprocess.run([str(one) for one in argv], cwd=tmp_path, env=environment, capture_output=True, check=True)
    return [one for one in yaml.load_all(ran.stdout, yaml.CSafeLoader) if one is not None]


def manifests(found):
    return [resource.manifest for resource in found.resources]
