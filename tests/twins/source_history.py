"""A source repo's history in memory: the twin of the mirror's index, with the same rules of core over it."""

import hashlib
from collections.abc import Mapping, Sequence

from lastgood.core.commit import Person
from lastgood.core.commit_facts import read_facts
from lastgood.core.commit_graph import CommitGraph
from lastgood.core.errors import UnknownVersion
from lastgood.core.feature_origin import FeatureOrigin
from lastgood.core.feature_presence import FeaturePresence
from lastgood.core.feature_range import FeatureRange, SourceView
from lastgood.core.forge import web_address
from lastgood.core.mailmap import Mailmap
from lastgood.core.near_features import near_features
from lastgood.core.reverts import Claim, of_service, replay
from lastgood.core.source_commit import SourceCommit
from twins.config_repo import PRIYA


class MemoryBook:
    """The commits, found by looking through all of them."""

    def __init__(self):
        self.graph = CommitGraph()
        self.all: list[SourceCommit] = []
        self.files: list[dict[str, str]] = []
        self.did: list[dict[str, tuple[str | None, str | None]]] = []

    def find(self, oid):
        found = [at for at, one in enumerate(self.all) if one.oid.startswith(oid)]
        return found[0] if len(found) == 1 and len(oid) >= 7 else None

    def pulls(self, number):
        return [at for at, one in enumerate(self.all) if one.facts.pull == number]

    def naming(self, issue):
        return [at for at, one in enumerate(self.all) if issue in (*one.facts.issues, *one.facts.keys)]

    def titled(self, words, *, most):
        fits = (at for at, one in enumerate(self.all) if all(w.lower() in one.facts.title.lower() for w in words))
        return sorted(fits, reverse=True)[:most]

    def inverses(self, at):
        wanted = {path: (new, old) for path, (old, new) in self.did[at].items()}
        return [one for one in range(at - 1, -1, -1) if wanted and self.did[one] == wanted]

    def age(self, at):
        return self.all[at].time, self.all[at].oid

    def commit(self, at):
        return self.all[at]

    def commits(self, positions):
        return [self.all[at] for at in positions]


class MemorySourceHistory:
    """The port SourceHistory. commit() plays the source repo's people; refresh() makes what they did known."""

    def __init__(self, url="https://git.example.com/o/shop.git"):
        self.web = web_address(url)
        self.repo = self.web.path
        self._book = MemoryBook()
        self._known = 0

    async def commit(
        self,
        message: str,
        files: Mapping[str, str | None],
        parents: Sequence[str] = (),
        author: Person = PRIYA,
        made: int | None = None,
    ) -> str:
        """Make a commit: the first parent's files with some put in or (None) taken out. made: when, s since 1970."""
        book = self._book
        at = [book.find(one) for one in parents]
        before = book.files[at[0]] if at else {}
        after = {path: text for path, text in (before | files).items() if text is not None}
        did = {
            path: (before.get(path), after.get(path))
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)
        }
        oid = hashlib.sha1(f"{message}{files}{parents}".encode(), usedforsecurity=False).hexdigest()
        book.graph.add(at)
        book.files.append(after)
        book.did.append(did)
        book.all.append(
            SourceCommit(
                oid=oid,
                time=len(book.all) if made is None else made,
                author=author,
                facts=read_facts(message),
                paths=tuple(sorted(did)),
            )
        )
        return oid

    async def refresh(self):
        new, self._known = len(self._book.all) - self._known, len(self._book.all)
        return new

    def _replay(self, selection):
        claims = [
            Claim(
                at,
                one.facts.reverts,
                one.facts.reverts_pulls,
                one.facts.picks,
                undoes=bool(self._book.inverses(at)),
                mainlines=one.facts.mainlines,
            )
            for at, one in enumerate(self._book.all)
        ]
        replayed = replay(self._book.graph, claims, self._book, self.web)
        return of_service(replayed, self._book.commits, selection)

    def _at(self, revision):
        found = self._book.find(revision)
        if found is None:
            raise UnknownVersion(f"there is no commit {revision[:12]} in {self.repo}", hint="", version=revision)
        return found

    async def features(self, old, new, selection):
        view = SourceView(repo=self.repo, web=self.web, selection=selection)
        return FeatureRange(self._book, self._replay(selection), Mailmap(), view).between(self._at(old), self._at(new))

    async def presences(self, feature, revisions, selection):
        view = SourceView(repo=self.repo, web=self.web, selection=selection, head=len(self._book.all) - 1)
        presence = FeaturePresence(self._book, self._replay(selection), view)
        return presence.presence(presence.find(feature), [self._at(one) for one in revisions])

    async def nearest(self, feature, selection):
        return near_features(feature, self._book, SourceView(repo=self.repo, web=self.web, selection=selection))

    async def origin(self, feature, revision, selection):
        view = SourceView(repo=self.repo, web=self.web, selection=selection, head=len(self._book.all) - 1)
        presence = FeaturePresence(self._book, self._replay(selection), view)
        made_of = FeatureRange(self._book, self._replay(selection), Mailmap(), view)
        at = None if revision is None else self._at(revision)
        return FeatureOrigin(presence.find(feature), self._book, presence, made_of, view).origin(at)
