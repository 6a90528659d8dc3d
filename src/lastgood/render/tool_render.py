"""Render an application with a program of its own kind: the inputs into a folder, the program over it, its output read.

One process for each render, bounded; some at once. Knows no target and keeps nothing.
"""

import asyncio
import os

import msgspec

from lastgood.core.application import Application
from lastgood.core.cluster_facts import Circumstances
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.errors import NoRenderer, RenderFailed
from lastgood.core.origins import Origins
from lastgood.core.ports import ConfigRepo
from lastgood.core.redact import redact
from lastgood.core.resource import Rendered
from lastgood.core.tree import shown_path
from lastgood.render.boundaries import missing_boundaries
from lastgood.render.charts import claims_by_line
from lastgood.render.helm import helm_arguments, missing_dependencies
from lastgood.render.kustomize import NO_CHARTS_INSIDE, find_elsewhere, kustomize_arguments, wants_helm
from lastgood.render.manifests import render_manifests
from lastgood.render.sandbox import Job, Ran, run_confined
from lastgood.render.tool_words import below, lacks_memory, warnings_in, what_went_wrong
from lastgood.render.tools import Tool, ToolMissing, ToolName, Tools
from lastgood.render.work_folder import WorkFolder, work_folder

_KEPT_FROM = {
    "files": "a renderer cannot be kept from other files here",
    "network": "a renderer cannot be kept from the network here",
    "limits": "a renderer's memory cannot be bounded here",
}


class ToolRenderer:
    """Renders kustomizations and charts. tools: the programs and what the operator says of them."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._at_once = asyncio.Semaphore(max(2, os.cpu_count() or 1))

    async def ready(self, app: Application, name: ToolName) -> Tool:
        """Return the program that renders an application. Raises NoRenderer (facts: kind) where none may."""
        missing = await asyncio.to_thread(missing_boundaries)
        lacking = [one for one in missing if one not in self._tools.settings.without]
        if lacking:
            first = lacking[0]
            accepted = ", ".join(f'"{one}"' for one in lacking)
            raise NoRenderer(
                f"{app.name} is not rendered: {_KEPT_FROM[first]}, because {missing[first]}",
                hint=f"`without = [{accepted}]` under `[render]` in the server's settings, or "
                f"LASTGOOD_RENDER__WITHOUT='[{accepted}]', accepts that",
                app=app.name,
                kind=name,
            )
        try:
            return await self._tools.find(name)
        except ToolMissing as none:
            raise NoRenderer(
                f"{app.name} is of the kind {name}, and {none.reason}", hint=none.hint, app=app.name, kind=name
            ) from none

    async def render(
        self, app: Application, repo: ConfigRepo, commit: str, *, tool: Tool, circumstances: Circumstances
    ) -> tuple[Rendered, int]:
        """Render; return the resources, and the size of the program's output.

        Raises RenderFailed (facts: file, line or None, reason).
        """
        async with self._at_once, work_folder(app, repo, commit) as folder:
            online = False
            if tool.name == "helm":
                arguments = helm_arguments(folder, app, circumstances)
            else:
                online = await self._online(app, folder)
                arguments = kustomize_arguments(folder, app.path)
            ran = await self._run(app, folder, tool, arguments, online=online)
            rendered = await asyncio.to_thread(self._read, app, folder, tool, ran)
            if tool.name == "kustomize":
                bases = (await inputs_at(app, repo, commit)).bases
                rendered = msgspec.structs.replace(rendered, origins=Origins(bases=bases))
            return rendered, len(ran.out)

    async def _online(self, app: Application, folder: WorkFolder) -> bool:
        """Say whether a kustomization needs what is elsewhere, and may have it. Raises RenderFailed if not."""
        found = await asyncio.to_thread(find_elsewhere, folder, app.path)
        if found is None:
            return False
        reference = redact(shown_path(found.reference))[:200]
        if not found.fetched:
            reason = f"it refers to {reference}, which is outside this repo"
            raise RenderFailed(app=app.name, file=found.file, line=None, reason=reason)
        if not self._tools.settings.remote_bases:
            reason = f"it takes {reference} from elsewhere; what renders here comes from this repo alone, unless the "
            reason += "operator allows it with `remote_bases = true` under `[render]`"
            raise RenderFailed(app=app.name, file=found.file, line=None, reason=reason)
        return True

    async def _run(
        self, app: Application, folder: WorkFolder, tool: Tool, arguments: tuple[str, ...], *, online: bool
    ) -> Ran:
        settings = self._tools.settings
        missing = await asyncio.to_thread(missing_boundaries)
        home = str(folder.home)
        job = Job(
            argv=(str(tool.path), *arguments),
            cwd=str(folder.files),
            readable=(str(folder.files),),
            writable=(home,),
            environment={
                "HOME": home,
                "TMPDIR": home,
                "PATH": "/usr/bin:/bin" if online else "",
                "LANG": "C.UTF-8",
                "TZ": "UTC",
                "HELM_NO_PLUGINS": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_NOSYSTEM": "1",
                # Go gives back early what it would be killed for later.
                "GOMEMLIMIT": str(settings.memory_bytes * 9 // 10),
            },
            time_s=settings.time_s,
            memory_bytes=settings.memory_bytes,
            online=online,
            without=tuple(one for one in missing if one in settings.without),
        )
        try:
            ran = await run_confined(job)
        except OSError as wrong:
            reason = f"{tool.name} cannot be started: {wrong.strerror or wrong}"
            raise RenderFailed(app=app.name, file=None, line=None, reason=reason) from wrong
        if ran.stopped == "time":
            reason = f"{tool.name} was ended after {settings.time_s:g} seconds; it takes too long"
            raise _failed(app, reason)
        if ran.stopped == "output":
            raise _failed(app, f"{tool.name} was ended after {job.out_bytes} bytes of output; that is too much")
        if ran.code != 0:
            raise self._translated(app, folder, tool, ran)
        return ran

    def _translated(self, app: Application, folder: WorkFolder, tool: Tool, ran: Ran) -> RenderFailed:
        if lacks_memory(ran.err):
            megabytes = self._tools.settings.memory_bytes // 2**20
            return _failed(app, f"{tool.name} was ended because it needs more than {megabytes} MB of memory")
        if ran.code < 0:
            return _failed(app, f"{tool.name} was ended by signal {-ran.code}: it went over a limit, or broke")
        said = what_went_wrong(ran.err, _places(folder))
        names = missing_dependencies(said.reason) if tool.name == "helm" else ()
        if names:
            chart = app.path or "."
            reason = f"the chart needs {', '.join(names)}, which is not in its folder charts; nothing is fetched here: "
            reason += f"run `helm dependency build {chart}` and commit what it writes"
            return RenderFailed(app=app.name, file=_at(app, "Chart.yaml"), line=None, reason=reason)
        if tool.name == "kustomize" and wants_helm(said.reason):
            return RenderFailed(app=app.name, file=None, line=None, reason=NO_CHARTS_INSIDE)
        return RenderFailed(
            f"{app.name} does not render: {tool.name}: {said.reason}",
            app=app.name,
            file=self._file(app, folder, tool, said.file),
            line=said.line if said.file is not None else None,
            reason=f"{tool.name}: {said.reason}",
        )

    def _file(self, app: Application, folder: WorkFolder, tool: Tool, named: str | None) -> str | None:
        """Return the file of the repo that a program names; None where it names none that is there."""
        if named is None:
            return None
        paths = [below(named, app.path)]
        if tool.name == "helm":
            # A template is named after its chart, whatever the chart's folder is called.
            paths.insert(0, below(named.partition("/")[2], app.path))
        return next((path for path in paths if path and folder.at(path).is_file()), None)

    @staticmethod
    def _read(app: Application, folder: WorkFolder, tool: Tool, ran: Ran) -> Rendered:
        warnings = [
            f"{shown_path(one)} is a submodule: this repo does not have what is in it" for one in folder.submodules
        ]
        warnings += warnings_in(ran.err, _places(folder), tool.name)
        output = f"{shown_path(app.path) or '.'} (as {tool.name} renders it)"
        return render_manifests(
            [(output, ran.out)],
            app=app.name,
            namespace=app.namespace,
            warnings=warnings,
            claims=claims_by_line(folder.at(app.path), ran.out) if tool.name == "helm" else None,
        )


def _places(folder: WorkFolder) -> dict[str, str]:
    return {str(folder.files): "", str(folder.files.resolve()): "", str(folder.home): "HOME"}


def _at(app: Application, name: str) -> str:
    return f"{app.path}/{name}" if app.path else name


def _failed(app: Application, reason: str) -> RenderFailed:
    return RenderFailed(app=app.name, file=app.path or None, line=None, reason=reason)
