"""Which kinds of applications can be rendered on this machine, as facts for `lastgood doctor`. Changes nothing."""

from lastgood.app.doctor import Finding
from lastgood.app.settings import read_render_settings
from lastgood.core.errors import SettingsWrong
from lastgood.render.boundaries import missing_boundaries
from lastgood.render.tools import ToolMissing, ToolName, ToolSettings, find_tool

_PROGRAMS: tuple[ToolName, ...] = ("kustomize", "helm")


def examine_renderers(settings: ToolSettings) -> list[Finding]:
    """Look for the programs, and for the boundaries that they are kept in."""
    return [*(_program(name, settings) for name in _PROGRAMS), _boundaries(settings)]


def examine_renderers_here() -> list[Finding]:
    """Do so by what the environment says: for a person's clone."""
    try:
        return examine_renderers(read_render_settings())
    except SettingsWrong as wrong:
        return [Finding(name="settings", outcome="wrong", detail=wrong.message, hint=wrong.hint)]


def _program(name: ToolName, settings: ToolSettings) -> Finding:
    try:
        tool = find_tool(name, settings)
    except ToolMissing as none:
        return Finding(name=name, outcome="warn", detail=f"{none.reason}; its kind is not rendered", hint=none.hint)
    return Finding(name=name, outcome="ok", detail=f"{tool.version}, {tool.path}")


def _boundaries(settings: ToolSettings) -> Finding:
    missing = missing_boundaries()
    if not missing:
        return Finding(name="sandbox", outcome="ok", detail="renderers are kept from files, network and all memory")
    named = "; ".join(f"{name}: {why}" for name, why in missing.items())
    if all(name in settings.without for name in missing):
        hint = "accepted by `without` under `[render]`: who writes to a config repo is trusted that much here"
        return Finding(name="sandbox", outcome="warn", detail=named, hint=hint)
    accepted = ", ".join(f'"{name}"' for name in missing)
    hint = f"charts and kustomizations are not rendered here; `without = [{accepted}]` under `[render]` accepts it"
    return Finding(name="sandbox", outcome="warn", detail=named, hint=hint)
