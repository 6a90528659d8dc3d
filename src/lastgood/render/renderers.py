"""Which renderer an application's files call for, and the renderers that there are. Knows no target.

Renders of one version under one definition are kept in memory: Git's content never changes under an id.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial

from lastgood.core.application import Application
from lastgood.core.cluster_facts import Circumstances
from lastgood.core.commit import TreeEntry
from lastgood.core.errors import GitFailed, NoRenderer, ObjectTooLarge, RenderFailed
from lastgood.core.ports import ConfigRepo
from lastgood.core.renderer_kind import PROCESS_COMPOSE_FILES, kind_of_names
from lastgood.core.resource import Rendered
from lastgood.core.tree import shown_path
from lastgood.core.value import to_json
from lastgood.core.words import RendererName
from lastgood.render.manifest_files import find_manifests, left_out_of, read_manifests
from lastgood.render.manifests import render_manifests
from lastgood.render.process_compose import render_process_compose
from lastgood.render.tool_render import ToolRenderer
from lastgood.render.tools import Tools

MAX_FILE_BYTES = 1_000_000
KEPT_RENDERS = 2_048
# Of the files that renders were made from: as values they take ten to twenty times as much.
KEPT_BYTES = 4_000_000


async def not_known(app: Application, version: str | None) -> Circumstances:
    """Say that nothing is known of the place where an application runs: Git alone."""
    _ = app, version
    return Circumstances()


class Renderers:
    """The port Renderer for every kind. What nothing here renders is answered with NoRenderer.

    tools: the programs for charts and kustomizations. circumstances: what a render depends on besides Git; part of
    what a kept render is found by.
    """

    def __init__(
        self,
        tools: Tools | None = None,
        *,
        circumstances: Callable[[Application, str | None], Awaitable[Circumstances]] = not_known,
    ) -> None:
        self._tool_renderer = ToolRenderer(tools if tools is not None else Tools())
        self._circumstances = circumstances
        self._kept: OrderedDict[str, tuple[Rendered, int]] = OrderedDict()
        self._kept_bytes = 0

    async def kind(self, app: Application, repo: ConfigRepo, commit: str) -> RendererName:
        """Say which renderer the application's files call for; its own word wins over the files."""
        match app.render:
            case "plain" | "kustomize" | "helm" | "process-compose":
                return app.render
        return kind_of_files(await _files(app, repo, commit))

    async def render(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered:
        """Render the version that a commit has.

        Raises RenderFailed (facts: file, line or None, reason), NoRenderer (facts: kind).
        """
        return await self._render(app, repo, commit, anew=False)

    async def render_anew(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered | None:
        """Render once more where a program does it, whatever is kept; None for the other kinds. Raises as `render`."""
        if await self.kind(app, repo, commit) not in ("kustomize", "helm"):
            return None
        return await self._render(app, repo, commit, anew=True)

    async def _render(self, app: Application, repo: ConfigRepo, commit: str, *, anew: bool) -> Rendered:
        version, _ = await repo.version(commit, app.scope)
        # What needs no program is found by these alone: then nobody looks which files there are.
        key = _key(app, version)
        if version is not None and key in self._kept and not anew:
            return self._again(key)
        kind = await self.kind(app, repo, commit)
        make = self._process_compose if kind == "process-compose" else self._plain
        if kind in ("kustomize", "helm"):
            tool = await self._tool_renderer.ready(app, kind)
            circumstances = await self._circumstances(app, version) if kind == "helm" else Circumstances()
            make = partial(self._tool_renderer.render, tool=tool, circumstances=circumstances)
            key = _key(app, version, kind, tool.version, circumstances)
            if version is not None and key in self._kept and not anew:
                return self._again(key)
        elif kind == "unknown":
            raise NoRenderer(app=app.name, kind=kind)
        rendered, size_bytes = await make(app, repo, commit)
        if version is not None:
            self._keep(key, rendered, size_bytes)
        return rendered

    def _again(self, key: str) -> Rendered:
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def _keep(self, key: str, rendered: Rendered, size_bytes: int) -> None:
        if size_bytes > KEPT_BYTES or key in self._kept:
            return
        self._kept[key] = (rendered, size_bytes)
        self._kept_bytes += size_bytes
        while len(self._kept) > KEPT_RENDERS or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= self._kept.popitem(last=False)[1][1]

    async def _plain(self, app: Application, repo: ConfigRepo, commit: str) -> tuple[Rendered, int]:
        found = await find_manifests(app, repo, commit)
        files = await read_manifests(app, repo, found.files)
        warnings = [
            f"{shown_path(path)} is a submodule: this repo does not have what is in it" for path in found.submodules
        ]
        read = partial(render_manifests, files, app=app.name, namespace=app.namespace, warnings=warnings)
        # In a thread: megabytes of YAML take seconds, and the agent has others to look after.
        return await asyncio.to_thread(read), sum(len(content) for _, content in files)

    async def _process_compose(self, app: Application, repo: ConfigRepo, commit: str) -> tuple[Rendered, int]:
        files = {entry.path: entry for entry in await _files(app, repo, commit)}
        found = [files[name] for name in PROCESS_COMPOSE_FILES if name in files]
        where = f"{app.path}/" if app.path else ""
        if not found:
            reason = f"there is no {PROCESS_COMPOSE_FILES[0]} in {app.path or 'the root of the repo'}"
            raise RenderFailed(app=app.name, file=f"{where}{PROCESS_COMPOSE_FILES[0]}", line=None, reason=reason)
        entry, file = found[0], f"{where}{found[0].path}"
        if len(found) > 1:
            reason = f"there are both {found[0].path} and {found[1].path}; keep one"
            raise RenderFailed(app=app.name, file=file, line=None, reason=reason)
        if not entry.is_file:
            raise RenderFailed(app=app.name, file=file, line=None, reason=f"{file} is not a regular file")
        try:
            content = await repo.read(entry.oid, max_bytes=MAX_FILE_BYTES, path=file)
        except ObjectTooLarge as too_large:
            raise RenderFailed(app=app.name, file=file, line=None, reason=too_large.message) from too_large
        return render_process_compose(content, app=app.name, file=file), len(content)


def _key(app: Application, version: str | None, *about: object) -> str:
    said = to_json([app.repo, version, app.name, app.path, app.definition, *about])
    return hashlib.sha256(said).hexdigest()


def kind_of_files(entries: list[TreeEntry]) -> RendererName:
    """Settle `render: auto` by the names in the application's folder."""
    return kind_of_names({entry.path for entry in entries if not entry.is_tree})


async def _files(app: Application, repo: ConfigRepo, commit: str) -> list[TreeEntry]:
    """Return what stands in the application's folder, minus what is never part of it; nothing where it is not there."""
    left_out = left_out_of(app)
    prefix = f"{app.path}/" if app.path else ""
    try:
        folder = await repo.entry(commit, app.path)
        if folder is None or not folder.is_tree:
            return []
        return [entry for entry in await repo.list_tree(folder.oid) if f"{prefix}{entry.path}" not in left_out]
    except GitFailed as missing:
        raise RenderFailed(app=app.name, file=app.path, line=None, reason=missing.message) from missing
