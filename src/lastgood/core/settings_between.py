"""Which settings differ between two versions, by rendering both. Awaits the ports ConfigRepo and Renderer."""

from typing import TYPE_CHECKING

from lastgood.core.application import Application
from lastgood.core.errors import LastgoodError
from lastgood.core.kept_settings import NO_BEFORE
from lastgood.core.setting import Settings
from lastgood.core.setting_changes import setting_changes

if TYPE_CHECKING:
    # The ports are made of what stands in core.
    from lastgood.core.ports import ConfigRepo, Renderer


async def settings_between(
    app: Application, repo: "ConfigRepo", renderer: "Renderer", before: str | None, after: str | None
) -> Settings:
    """Compare what two commits render to. Where one cannot be rendered nothing is said, and why."""
    if before is None or after is None:
        return Settings(unknown=NO_BEFORE if before is None else "it has no commit")
    try:
        return setting_changes(await renderer.render(app, repo, before), await renderer.render(app, repo, after))
    except LastgoodError as wrong:
        return Settings(unknown=wrong.message)
