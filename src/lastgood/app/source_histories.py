"""The port Sources: a history for each allowed source repo, kept up to date beside what is deployed, never in its way.

The tag of an image tells its revision. Other ways of knowing it would be asked here, each where the one before is mute.
"""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence

from lastgood.app.sources import AllowedSources
from lastgood.core.errors import LastgoodError
from lastgood.core.ports import Clock
from lastgood.core.source_features import SourceAt
from lastgood.core.sources import Source, source_of
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_history import MirrorSourceHistory

# Somebody waits for the answer: a remote that is slower than this is asked on, and told of as unknown.
WAIT_S = 5.0
# A revision that is not there is looked for again after this time, and a feature that is not after that.
AGAIN_S = 60.0
SOON_S = 5.0
LAST_WAIT_S = 10.0


@dataclasses.dataclass
class _Kept:
    """A source repo. trouble: why the last look failed, "" where it did not."""

    mirror: MirrorSourceRepo
    history: MirrorSourceHistory
    trouble: str = ""
    looked_at: dt.datetime | None = None
    looking: asyncio.Task[None] | None = None


class SourceHistories:
    """Histories by the address of their source repo. role: each process that runs beside another has its own index."""

    def __init__(self, allowed: AllowedSources, *, clock: Clock, role: str) -> None:
        self._allowed = allowed
        self._clock = clock
        self._role = role
        self._kept: dict[str, _Kept] = {}

    async def locate(self, declared: Sequence[Source], image: str, reference: str) -> SourceAt:
        """See Sources.locate."""
        # What a name says of the container that runs another version of the image is no part of it.
        name = image.partition(" (in ")[0]
        tag = "" if reference.startswith("sha256:") else reference.partition("@")[0]
        found = source_of(declared, name, tag)
        if found is None:
            reason = "`sources` of lastgood.yaml does not name it"
            return SourceAt(image=image, reference=reference, reason=reason, named=False)
        if not tag:
            return SourceAt(image=image, reference=reference, reason="it has a digest and no tag to tell its revision")
        try:
            kept = await self._keep(found.repo)
            revision = await asyncio.to_thread(kept.mirror.find, found.revision)
            if revision is None:
                await self._look(kept, again_s=AGAIN_S)
                revision = await asyncio.to_thread(kept.mirror.find, found.revision)
        except LastgoodError as wrong:
            return SourceAt(image=image, reference=reference, reason=wrong.message)
        if revision is None:
            reason = kept.trouble or f"{kept.history.repo} has no commit and no tag {found.revision[:100]}"
            return SourceAt(image=image, reference=reference, reason=reason)
        return SourceAt(
            image=image, reference=reference, history=kept.history, revision=revision, selection=found.selection
        )

    async def refresh(self) -> None:
        """See Sources.refresh."""
        await asyncio.gather(*[self._look(kept, again_s=SOON_S) for kept in list(self._kept.values())])

    async def keep_up(self, every_s: float) -> None:
        """Look at each source repo that was asked for from time to time, for ever."""
        while True:
            await self._clock.sleep(every_s)
            for kept in list(self._kept.values()):
                self._begin(kept, again_s=every_s / 2)

    async def close(self) -> None:
        """Let the indexes go; what is still being fetched is waited for a little."""
        looking = [kept.looking for kept in self._kept.values() if kept.looking is not None]
        if looking:
            await asyncio.wait(looking, timeout=LAST_WAIT_S)
        for kept in self._kept.values():
            await asyncio.to_thread(kept.history.index.close)

    async def _keep(self, url: str) -> _Kept:
        mirror = await self._allowed.open(url)
        if url not in self._kept:
            index = mirror.folder.with_name(f"{mirror.folder.name}.{self._role}.history")
            self._kept[url] = _Kept(mirror, MirrorSourceHistory(mirror, url, index=index))
        return self._kept[url]

    async def _look(self, kept: _Kept, *, again_s: float) -> None:
        """Fetch a source repo unless that was done lately, and wait for it a little."""
        self._begin(kept, again_s=again_s)
        if kept.looking is not None:
            done, _ = await asyncio.wait({kept.looking}, timeout=WAIT_S)
            if not done:
                kept.trouble = f"{kept.history.repo} has not answered for {WAIT_S:.0f} s; it is asked on"

    def _begin(self, kept: _Kept, *, again_s: float) -> None:
        if kept.looking is not None and not kept.looking.done():
            return
        lately = self._clock.now() - dt.timedelta(seconds=again_s)
        if kept.looked_at is None or kept.looked_at <= lately:
            kept.looking = asyncio.create_task(self._fetch(kept))

    async def _fetch(self, kept: _Kept) -> None:
        kept.looked_at = self._clock.now()
        try:
            await kept.history.refresh()
            kept.trouble = ""
        except LastgoodError as wrong:
            kept.trouble = wrong.message
