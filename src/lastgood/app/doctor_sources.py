"""Whether source repos and registries answer, and which revisions images and bases are from, for `lastgood doctor`.

Fetches what the server would, into the same mirrors, and keeps what images say of themselves in the same folder: what
the server knows already counts while the registry is away. Changes nothing else.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lastgood.app.clock import SystemClock
from lastgood.app.doctor import Finding
from lastgood.app.image_claims import ImageClaims
from lastgood.app.instance import IMAGES, MIRRORS
from lastgood.app.settings import RegistrySettings, RepoSettings, Settings
from lastgood.app.source_histories import SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.core.asked_image import plain_name
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.errors import LastgoodError
from lastgood.core.image_facts import ImageClaim
from lastgood.core.redact import without_credentials
from lastgood.core.source_features import SourceAt
from lastgood.core.sources import Source, source_of
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.git.program import Git
from lastgood.git.remote import Remote
from lastgood.queries.followed import Followed, places
from lastgood.registry.registries import Registries
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools

# Somebody waits in front of it, and would rather know than be told to ask again.
REGISTRY_S = 10.0
SOURCE_S = 30.0
ALL_S = 120.0
MAX_APPLICATIONS = 200
_HINT = "docs/how-to/find-a-change.md says how an image tells its revision"


def examine_sources(settings: Settings) -> list[Finding]:
    """Ask each source repo and each registry, then look where the images of the applications come from."""
    findings: list[Finding] = []
    if not settings.sources:
        hint = "add a [[sources]] table with the url of a source repo, if releases are made from one"
        findings.append(Finding(name="sources", outcome="warn", detail="no source repo is allowed", hint=hint))
    findings += [_source(source.url) for source in settings.sources]
    findings += asyncio.run(_registries(settings.registries))
    if settings.sources:
        for repo in settings.repos:
            findings += _images(settings, repo)
    return findings


def _source(url: str) -> Finding:
    shown = without_credentials(url)
    if url.endswith("/"):
        return Finding(name="source", outcome="ok", detail=f"{shown} and what is below it is allowed")
    try:
        head = Remote(Git(Path("/")), url, shown=shown).head("HEAD")
    except LastgoodError as wrong:
        return Finding(name="source", outcome="wrong", detail=wrong.message, hint=wrong.hint)
    detail = (
        f"{shown} is reachable; it is at {head[:7]}" if head is not None else f"{shown} is reachable, and has no HEAD"
    )
    return Finding(name="source", outcome="ok", detail=detail)


async def _registries(registries: Sequence[RegistrySettings]) -> list[Finding]:
    if not registries:
        return []
    rules = [registry.as_rule() for registry in registries]
    with tempfile.TemporaryDirectory() as folder:
        asking = Registries(rules, Path(folder), clock=SystemClock(), timeout_s=REGISTRY_S)
        return list(await asyncio.gather(*(_registry(asking, registry) for registry in registries)))


async def _registry(asking: Registries, registry: RegistrySettings) -> Finding:
    name = f"registry {registry.host}"
    try:
        taken = await asking.examine(registry.host)
    except LastgoodError as wrong:
        hint = "check `url` and `docker_config` under [[registries]] in lastgood.toml"
        return Finding(name=name, outcome="wrong", detail=wrong.message, hint=hint)
    file = registry.docker_config
    if taken or file is None:
        detail = f"it takes the credentials of {file}" if taken else "it answers; asked as a stranger"
        return Finding(name=name, outcome="ok", detail=detail)
    detail = f"it answers; asked as a stranger, for {file} has no credentials for it"
    hint = f"write them under `auths` there, by the name {registry.host}; or leave `docker_config` out"
    return Finding(name=name, outcome="warn", detail=detail, hint=hint)


def _images(settings: Settings, repo: RepoSettings) -> list[Finding]:
    name = f"images of {repo.name}"
    folder = settings.data / MIRRORS / f"{repo.name}.git"
    if not folder.is_dir():
        hint = "start `lastgood serve`, then look again"
        return [Finding(name=name, outcome="warn", detail="not looked at: the repo was not fetched yet", hint=hint)]
    if folder.stat().st_uid != os.geteuid():
        # Files of another account in the mirrors would keep the server from them.
        hint = "run `lastgood doctor` as the account of the server"
        return [
            Finding(name=name, outcome="warn", detail="not looked at: the mirrors are another account's", hint=hint)
        ]
    try:
        return asyncio.run(_located(settings, repo, MirrorConfigRepo(folder, repo.url, repo.name), name))
    except TimeoutError:
        return [Finding(name=name, outcome="warn", detail=f"not looked at: it takes longer than {ALL_S:g} s")]
    except LastgoodError as wrong:
        return [Finding(name=name, outcome="wrong", detail=wrong.message, hint=wrong.hint)]


async def _located(settings: Settings, repo: RepoSettings, mirror: MirrorConfigRepo, name: str) -> list[Finding]:
    """Say for each item of `sources` in lastgood.yaml from how many images' revisions it knows."""
    followed = Followed(mirror, repo.branch)
    config = (await followed.look()).discovered.config
    if config is None or not config.sources:
        detail = "lastgood.yaml has no `sources`: what changes bring is not known" if config else "no lastgood.yaml"
        return [Finding(name=name, outcome="warn", detail=detail, hint=_HINT)]
    found: dict[str, list[SourceAt]] = {source.image: [] for source in config.sources}
    clock = SystemClock()
    rules = [registry.as_rule() for registry in settings.registries]
    asking = Registries(rules, settings.data / IMAGES, clock=clock, timeout_s=REGISTRY_S)
    histories = SourceHistories(
        AllowedSources(settings, lambda _: None),
        clock=clock,
        role=None,
        images=ImageClaims(asking, clock=clock, wait_s=SOURCE_S),
        wait_s=SOURCE_S,
    )
    try:
        async with asyncio.timeout(ALL_S):
            images, bases = await _rendered(settings, followed)
            for image, reference in sorted(images):
                pattern = _pattern(config.sources, image, reference)
                if pattern is not None:
                    charts = tuple(images[image, reference])
                    found[pattern].append(await histories.locate(config.sources, image, reference, charts))
            for base, ref in sorted(bases):
                pattern = _pattern(config.sources, base, ref)
                if pattern is not None:
                    found[pattern].append(await histories.locate_base(config.sources, base, ref))
    finally:
        await histories.close()
    return [_pattern_finding(name, pattern, located) for pattern, located in found.items()]


async def _rendered(
    settings: Settings, followed: Followed
) -> tuple[dict[tuple[str, str], dict[ImageClaim, None]], set[tuple[str, str]]]:
    """Return the images of all applications with what charts say of each, and the bases with their refs."""
    renderer = Renderers(Tools(settings.render.as_tools))
    images: dict[tuple[str, str], dict[ImageClaim, None]] = {}
    bases: set[tuple[str, str]] = set()
    for place in list((await places([followed])).values())[:MAX_APPLICATIONS]:
        # Where something does not work, `lastgood status` and the page tell of it; here it only has no images.
        with contextlib.suppress(LastgoodError):
            bases |= set((await inputs_at(place.application, place.repo, place.head)).bases.items())
            rendered = await renderer.render(place.application, place.repo, place.head)
            for name, reference in rendered.images.items():
                said = dict.fromkeys(rendered.origins.charts.get(name, ()))
                images.setdefault((name, reference), {}).update(said)
    return images, bases


def _pattern(sources: Sequence[Source], image: str, reference: str) -> str | None:
    name = plain_name(image)
    return next((source.image for source in sources if source_of([source], name, reference) is not None), None)


def _pattern_finding(name: str, pattern: str, located: Sequence[SourceAt]) -> Finding:
    if not located:
        hint = "compare `image` under `sources` in lastgood.yaml with the names of the images, and of bases by Git ref"
        detail = f"{pattern} fits no image and no base of any application"
        return Finding(name=name, outcome="warn", detail=detail, hint=hint)
    unknown = [one for one in located if one.revision is None]
    known = f"{len(located) - len(unknown)} of {len(located)} tell their revision"
    if not unknown:
        return Finding(name=name, outcome="ok", detail=f"{pattern}: {known}")
    first = unknown[0]
    what = f"{first.image} ({first.reference[:80]})" if first.reference else first.image
    detail = f"{pattern}: {known}; {what} does not: {first.reason}"
    return Finding(name=name, outcome="warn", detail=detail, hint=_HINT)
