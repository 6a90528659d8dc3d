"""Whether the forges and trackers that may be asked answer and take its tokens, for `lastgood doctor`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from lastgood.app.clock import SystemClock
from lastgood.app.doctor import Finding
from lastgood.app.settings import ForgeSettings, Settings, TrackerSettings, read_forges
from lastgood.core.errors import LastgoodError, SettingsWrong
from lastgood.core.forge import web_address
from lastgood.core.ports import PullRequests
from lastgood.core.redact import without_credentials
from lastgood.forge.forges import Forges
from lastgood.git.clone import CloneConfigRepo


def examine_forges(settings: Settings) -> list[Finding]:
    """Ask each forge and tracker of the settings, and whether pull requests of the config repos may be opened there."""
    named: list[tuple[str, ForgeSettings | TrackerSettings]] = [("forge", one) for one in settings.forges]
    named += [("tracker", one) for one in settings.trackers]
    repos = [(f"pull requests of {repo.name}", repo.url) for repo in settings.repos]
    return asyncio.run(_examine(named, repos)) if named else []


def examine_forges_here(directory: Path) -> list[Finding]:
    """Ask each forge that the environment names: for a person's clone, and pull requests of what it was cloned from."""
    try:
        named = [("forge", one) for one in read_forges()]
    except SettingsWrong:
        return []  # `examine_renderers_here` says so, of all that the environment sets
    if not named:
        return []
    url = _cloned_from(directory)
    repos = [("pull requests", url)] if url is not None else []
    return asyncio.run(_examine(named, repos, place="in the variable LASTGOOD_FORGES"))


def _cloned_from(directory: Path) -> str | None:
    try:
        repo = CloneConfigRepo(directory)
    except LastgoodError:
        return None  # `examine_clone` says so
    try:
        return repo.address(repo.branch() or "HEAD")
    finally:
        repo.close()


async def _examine(
    named: Sequence[tuple[str, ForgeSettings | TrackerSettings]],
    repos: Sequence[tuple[str, str]],
    *,
    place: str = "",
) -> list[Finding]:
    """Ask each. repos: names and addresses of config repos. place: where forges are named, if not in lastgood.toml."""
    forges = Forges([one.as_rule() for _, one in named], clock=SystemClock())
    asked = [_finding(forges, word, one, place or f"under [[{word}s]] in lastgood.toml") for word, one in named]
    found = await asyncio.gather(*asked)
    for name, url in repos:
        pulls = forges.pull_requests(web_address(url))
        found.append(await _may_open(name, pulls) if pulls is not None else _no_forge(name, url))
    return found


def _no_forge(name: str, url: str) -> Finding:
    detail = f"no forge with a token is named for {without_credentials(url)}"
    hint = "only rollbacks by pull request need one; its `url` is how the repo's address begins"
    return Finding(name=name, outcome="warn", detail=detail, hint=hint)


async def _may_open(name: str, pulls: PullRequests) -> Finding:
    """Say whether `--via pr` would do; nobody needs it, so that it is never wrong."""
    hint = "only rollbacks by pull request need it; the settings' reference says which right that is"
    try:
        may = await pulls.may_open()
    except LastgoodError as wrong:
        return Finding(name=name, outcome="warn", detail=f"not known whether they may be opened: {wrong.message}")
    if may is None:
        detail = "not known whether the token may open them: the forge does not tell"
        return Finding(name=name, outcome="warn", detail=detail, hint=hint)
    if not may:
        detail = "the token may not open them, or the repo is not shown to it"
        return Finding(name=name, outcome="warn", detail=detail, hint=hint)
    return Finding(name=name, outcome="ok", detail="the token's account may open them")


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
