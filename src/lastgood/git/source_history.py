"""What a source repo's history says of features: the mirror, its index, and the rules of core over them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from lastgood.core.chain import Origin
from lastgood.core.commit_facts import Forge
from lastgood.core.containment import Replay
from lastgood.core.errors import GitFailed, ObjectTooLarge, UnknownVersion
from lastgood.core.feature_origin import FeatureOrigin
from lastgood.core.feature_presence import FeaturePresence, Presence, WantedFeature
from lastgood.core.feature_range import FeatureChanges, FeatureRange, SourceView
from lastgood.core.forge import web_address
from lastgood.core.mailmap import MAX_MAILMAP_BYTES, Mailmap
from lastgood.core.near_features import near_features
from lastgood.core.reverts import of_service, replay
from lastgood.core.source_commit import Selection
from lastgood.git.program import Git
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_index import SourceIndex

# Of so many services it is remembered which reverts count for them.
_MOST_SERVICES = 50


class _Found(NamedTuple):
    """What a text names in one service's selection, and what answers for it. replayed: of which history."""

    feature: str
    selection: Selection
    replayed: Replay
    presence: FeaturePresence
    wanted: WantedFeature
    origin: FeatureOrigin


class MirrorSourceHistory:
    """The port SourceHistory over a mirror. url: the repo's address, for web pages and for telling repos apart.

    forge: the repo's, as the operator says it; None: its address and messages tell, if anything does.
    index: where the index stands; None: beside the mirror as `<mirror>.history`. Two processes must not share one.
    One question at a time; none waits for the network.
    """

    def __init__(
        self, source: MirrorSourceRepo, url: str, *, index: Path | None = None, forge: Forge | None = None
    ) -> None:
        self._source = source
        web = web_address(url)
        self.web = replace(web, forge=forge) if forge is not None else web
        self.repo = self.web.path
        folder = source.folder
        self.index = SourceIndex(index if index is not None else Path(f"{folder}.history"), Git(folder))
        self._replay: Replay | None = None
        # By the paths of a service.
        self._of_services: dict[tuple[str, ...], Replay] = {}
        self._last: _Found | None = None
        self._mailmap = Mailmap()
        self._mailmap_of: str | None = None

    async def refresh(self) -> int:
        """See SourceHistory.refresh."""
        return await asyncio.to_thread(self._refresh)

    def _refresh(self) -> int:
        self._source.fetch()
        return self._bring_up_to_date()

    def _bring_up_to_date(self) -> int:
        with self.index.lock:
            new = self.index.update()
            if new:
                self._replay = None
            return new

    async def features(self, old: str, new: str, selection: Selection) -> FeatureChanges:
        """See SourceHistory.features."""
        return await asyncio.to_thread(self.index.guarded, lambda: self._features(old, new, selection))

    def _features(self, old: str, new: str, selection: Selection) -> FeatureChanges:
        before, after = (self._at(revision) for revision in (old, new))
        view = SourceView(repo=self.repo, web=self.web, selection=selection)
        return FeatureRange(self.index, self._replayed(selection), self._people(), view).between(before, after)

    async def presences(self, feature: str, revisions: Sequence[str], selection: Selection) -> list[Presence]:
        """See SourceHistory.presences."""
        return await asyncio.to_thread(self.index.guarded, lambda: self._presences(feature, revisions, selection))

    def _presences(self, feature: str, revisions: Sequence[str], selection: Selection) -> list[Presence]:
        positions = [self._at(revision) for revision in revisions]
        asked = self._found(feature, selection)
        return asked.presence.presence(asked.wanted, positions)

    async def nearest(self, feature: str, selection: Selection) -> Sequence[str]:
        """See SourceHistory.nearest."""
        view = SourceView(repo=self.repo, web=self.web, selection=selection)
        return await asyncio.to_thread(self.index.guarded, lambda: near_features(feature, self.index, view))

    async def origin(self, feature: str, revision: str | None, selection: Selection) -> Origin:
        """See SourceHistory.origin."""
        return await asyncio.to_thread(self.index.guarded, lambda: self._origin(feature, revision, selection))

    def _origin(self, feature: str, revision: str | None, selection: Selection) -> Origin:
        at = None if revision is None else self._at(revision)
        return self._found(feature, selection).origin.origin(at)

    def _found(self, feature: str, selection: Selection) -> "_Found":
        """Find what a text names; the last one is remembered, as it is asked of each application in turn."""
        replayed = self._replayed(selection)
        last = self._last
        if last is None or last.replayed is not replayed or (last.feature, last.selection) != (feature, selection):
            head = self._source.head()
            at = self.index.find(head) if head is not None else None
            view = SourceView(repo=self.repo, web=self.web, selection=selection, head=at)
            presence = FeaturePresence(self.index, replayed, view)
            wanted = presence.find(feature)
            made_of = FeatureRange(self.index, replayed, self._people(), view)
            origin = FeatureOrigin(wanted, self.index, presence, made_of, view)
            last = self._last = _Found(feature, selection, replayed, presence, wanted, origin)
        return last

    def _at(self, revision: str) -> int:
        found = self.index.find(revision)
        if found is None:
            # Fetched since the last look, by a release that was made from it, say.
            self._bring_up_to_date()
            found = self.index.find(revision)
        if found is None:
            hint = "it is looked for again after the next fetch"
            raise UnknownVersion(f"there is no commit {revision[:12]} in {self.repo}", hint=hint, version=revision)
        return found

    def _replayed(self, selection: Selection) -> Replay:
        if self._replay is None or self._replay.graph is not self.index.graph:
            self._replay = replay(self.index.graph, self.index.claims(), self.index, self.web)
            self._of_services.clear()
        if selection.paths not in self._of_services:
            if len(self._of_services) >= _MOST_SERVICES:
                self._of_services.clear()
            self._of_services[selection.paths] = of_service(self._replay, self.index.commits, selection)
        return self._of_services[selection.paths]

    def _people(self) -> Mailmap:
        """Return the mailmap of the remote's own HEAD, as git reads it in a bare repository."""
        entry = self._source.at_head(".mailmap")
        oid = None if entry is None or not entry.is_file else entry.oid
        if oid != self._mailmap_of:
            try:
                data = b"" if oid is None else self._source.read(oid, max_bytes=MAX_MAILMAP_BYTES)
            except (ObjectTooLarge, GitFailed):
                data = b""
            self._mailmap, self._mailmap_of = Mailmap(data), oid
        return self._mailmap
