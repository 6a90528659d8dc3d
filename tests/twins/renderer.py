"""The twin of a renderer with declarations: each input becomes a resource, so that any change of one shows."""

import hashlib
import json

from lastgood.core.application import Application
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.inputs import uses
from lastgood.core.origins import Origins
from lastgood.core.ports import ConfigRepo
from lastgood.core.resource import Rendered, Resource
from lastgood.core.tree import outside_inputs
from lastgood.core.words import RendererName
from lastgood.render.renderers import Renderers


class InputsRenderer:
    """The port Renderer: kustomizations and charts are rendered to their inputs, line by line.

    Comments (`# …`) do not come out. `image: x` names an image. Other kinds are rendered by the real renderers.
    """

    def __init__(self) -> None:
        self._real = Renderers()

    async def kind(self, app: Application, repo: ConfigRepo, commit: str) -> RendererName:
        return await self._real.kind(app, repo, commit)

    async def render(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered:
        if await self.kind(app, repo, commit) not in {"kustomize", "helm"}:
            return await self._real.render(app, repo, commit)
        declared = await inputs_at(app, repo, commit)
        scope = declared.scope
        resources, images = [], {}
        todo = [e for p in (scope.path, *outside_inputs(scope)) if (e := await repo.entry(commit, p)) is not None]
        while todo:
            entry = todo.pop(0)
            if entry.is_tree:
                todo += [await repo.entry(commit, f"{entry.path}/{n.path}") for n in await repo.list_tree(entry.oid)]
            elif uses(scope, entry.path):
                text = (await repo.read(entry.oid, max_bytes=10_000)).decode()
                lines = [line for line in text.splitlines() if not line.startswith("#")]
                named = [line.removeprefix("image: ") for line in lines if line.startswith("image: ")]
                images.update({entry.path: named[0]} if named else {})
                manifest = {"kind": "Input", "metadata": {"name": entry.path}, "data": lines}
                resources.append(
                    Resource(group="twin", kind="Input", namespace=None, name=entry.path, manifest=manifest)
                )
        told = json.dumps([resource.manifest for resource in resources], sort_keys=True)
        return Rendered(
            resources=tuple(resources),
            images=images,
            digest=hashlib.sha256(told.encode()).hexdigest(),
            origins=Origins(bases=declared.bases),
        )

    async def render_anew(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered | None:
        if await self.kind(app, repo, commit) not in {"kustomize", "helm"}:
            return None
        return await self.render(app, repo, commit)
