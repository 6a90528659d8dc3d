"""Whether the forges and trackers that may be asked answer and take its tokens, for `lastgood doctor`."""

import asyncio
from collections.abc import Sequence

from lastgood.app.clock import SystemClock
from lastgood.app.doctor import Finding
from lastgood.app.settings import ForgeSettings, Settings, TrackerSettings, read_forges
from lastgood.core.errors import LastgoodError, SettingsWrong
from lastgood.forge.forges import Forges


def examine_forges(settings: Settings) -> list[Finding]:
    """Ask each forge and tracker of the settings; [] for none."""
    named: list[tuple[str, ForgeSettings | TrackerSettings]] = [("forge", one) for one in settings.forges]
    named += [("tracker", one) for one in settings.trackers]
    return asyncio.run(_examine(named)) if named else []


def examine_forges_here() -> list[Finding]:
    """Ask each forge that the environment names: for a person's clone."""
    try:
        named = [("forge", one) for one in read_forges()]
    except SettingsWrong:
        return []  # `examine_renderers_here` says so, of all that the environment sets
    return asyncio.run(_examine(named, place="in the variable LASTGOOD_FORGES")) if named else []


async def _examine(named: Sequence[tuple[str, ForgeSettings | TrackerSettings]], *, place: str = "") -> list[Finding]:
    """Ask each. place: where they are named, if not in lastgood.toml."""
    forges = Forges([one.as_rule() for _, one in named], clock=SystemClock())
    asked = (_finding(forges, word, one, place or f"under [[{word}s]] in lastgood.toml") for word, one in named)
    return list(await asyncio.gather(*asked))


async def _finding(forges: Forges, word: str, one: ForgeSettings | TrackerSettings, place: str) -> Finding:
    name = f"{word} {one.url}"
    try:
        taken = await forges.examine(one.url)
    except LastgoodError as wrong:
        parts = "`url`, `kind` and the token" if word == "forge" else "`url`, `user` and the token"
        hint = f"check {parts} {place}"
        return Finding(name=name, outcome="wrong", detail=wrong.message, hint=hint)
    detail = "it takes the token" if taken else "it answers; asked as a stranger"
    return Finding(name=name, outcome="ok", detail=detail)
