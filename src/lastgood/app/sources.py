"""Which source repo an artifact comes from: `sources` of lastgood.yaml names it, the operator's settings allow it."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from lastgood.app.instance import SOURCES
from lastgood.app.settings import Settings
from lastgood.core.application import Application
from lastgood.core.discovery import Discovered
from lastgood.core.errors import NotAllowed
from lastgood.core.ports import SourceRepo
from lastgood.core.redact import redact
from lastgood.core.sources import source_of
from lastgood.git.source import MirrorSourceRepo


class AllowedSources:
    """Opens source repos, each once. discovered: the applications of a config repo by its name, as read last."""

    def __init__(self, settings: Settings, discovered: Callable[[str], Discovered | None]) -> None:
        self._settings = settings
        self._discovered = discovered
        self._folder = settings.data / SOURCES
        self._open: dict[str, MirrorSourceRepo] = {}
        self._opening = asyncio.Lock()

    async def find(self, app: Application, artifact: str, revision: str) -> tuple[SourceRepo, str] | None:
        """Return the source repo of an artifact and the revision to ask it for; None where `sources` names none.

        Raises NotAllowed for a repo that the operator did not allow, GitFailed where its mirror cannot be made.
        """
        discovered = self._discovered(app.repo)
        sources = discovered.sources if discovered is not None else ()
        found = source_of(sources, artifact, revision)
        # A tag of another form may still be a revision as it is written.
        return None if found is None else (await self.open(found.repo), found.revision or revision)

    async def open(self, url: str) -> MirrorSourceRepo:
        """Return the mirror of a source repo, without the network.

        Raises NotAllowed for one that the operator did not allow, GitFailed where it cannot be made.
        """
        if not self._settings.allows_source(url):
            raise NotAllowed(
                f"the server's settings do not allow the source repo {redact(url)}",
                action="using it",
                hint="an operator allows it with [[sources]] in lastgood.toml",
            )
        async with self._opening:
            if url not in self._open:
                self._open[url] = await asyncio.to_thread(self._mirror, url)
        return self._open[url]

    def _mirror(self, url: str) -> MirrorSourceRepo:
        self._folder.mkdir(exist_ok=True)
        return MirrorSourceRepo(self._path(url), url)

    def _path(self, url: str) -> Path:
        return self._folder / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}.git"
