"""Whether the forges and trackers that a server may ask answer and take its tokens, for `lastgood doctor`."""

import asyncio
from collections.abc import Sequence

from lastgood.app.clock import SystemClock
from lastgood.app.doctor import Finding
from lastgood.app.settings import ForgeSettings, Settings, TrackerSettings
from lastgood.core.errors import LastgoodError
from lastgood.forge.forges import Forges


def examine_forges(settings: Settings) -> list[Finding]:
    """Ask each forge and tracker of the settings; [] for none."""
    named: list[tuple[str, ForgeSettings | TrackerSettings]] = [("forge", one) for one in settings.forges]
    named += [("tracker", one) for one in settings.trackers]
    return asyncio.run(_examine(named)) if named else []


async def _examine(named: Sequence[tuple[str, ForgeSettings | TrackerSettings]]) -> list[Finding]:
    forges = Forges([one.as_rule() for _, one in named], clock=SystemClock())
    return list(await asyncio.gather(*(_finding(forges, word, one) for word, one in named)))


async def _finding(forges: Forges, word: str, one: ForgeSettings | TrackerSettings) -> Finding:
    name = f"{word} {one.url}"
    try:
        taken = await forges.examine(one.url)
    except LastgoodError as wrong:
        parts = "`url`, `kind` and the token" if word == "forge" else "`url`, `user` and the token"
        hint = f"check {parts} under [[{word}s]] in lastgood.toml"
        return Finding(name=name, outcome="wrong", detail=wrong.message, hint=hint)
    detail = "it takes the token" if taken else "it answers; asked as a stranger"
    return Finding(name=name, outcome="ok", detail=detail)
