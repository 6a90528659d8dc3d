"""Where a feature comes from: its pull request, and the commit that brought it into a revision. Pure, over an index."""

import msgspec

from lastgood.core.chain import ChainSource, Origin
from lastgood.core.feature import Feature
from lastgood.core.feature_presence import FeaturePresence, WantedFeature
from lastgood.core.feature_range import Book, FeatureRange, SourceView, made, merges_of

MOST_COMMITS = 100
MOST_PEOPLE = 100


class FeatureOrigin:
    """Answers for one service and one feature; many revisions mostly have one answer."""

    def __init__(
        self,
        wanted: WantedFeature,
        book: Book,
        presence: FeaturePresence,
        made_of: FeatureRange,
        view: SourceView,
    ) -> None:
        self._wanted = wanted
        self._book, self._presence, self._made_of, self._view = book, presence, made_of, view
        self._told: dict[tuple[int, int | None, int], Origin] = {}
        self._merges: dict[int, list[int]] = {}

    def origin(self, revision: int | None) -> Origin:
        """Say where the feature comes from; of several ways (a backport) the one into a revision.

        The pull request of a commit or an issue is the innermost whose merge brought it.
        """
        head = self._head(self._wanted, revision)
        within = revision if revision is not None and self._presence.reaches(revision, head) else None
        merge = head if self._book.commit(head).facts.pull is not None else self._merge(head, within)
        came = self._came(head, head if merge is None else merge, revision)
        if (head, merge, came) not in self._told:
            self._told[head, merge, came] = self._origin(head, merge, came)
        return self._told[head, merge, came]

    def _came(self, head: int, merge: int, revision: int | None) -> int:
        """Return the commit that brought it into a revision: where that has only a pick of it, this or its merge."""
        if revision is None or self._presence.reaches(revision, merge):
            return merge
        groups = self._presence.concerning(self._wanted)
        pick = self._presence.through(groups[head][-1] if head in groups else head, revision)
        if not self._presence.reaches(revision, pick):
            return merge
        own = self._merge(pick, revision)
        return pick if own is None else own

    def _origin(self, head: int, merge: int | None, came: int) -> Origin:
        pull = self._pull(merge) if merge is not None else None
        commit = self._book.commit(came)
        return Origin(
            feature=_bounded(self._feature(self._wanted, head, pull)),
            pull_request=_bounded(pull) if pull is not None else None,
            source=ChainSource(
                repo=self._view.repo,
                commit=commit.oid,
                title=commit.facts.title,
                author=self._made_of.person(commit.author),
                committed_at=made(commit),
                url=self._view.web.commit(commit.oid, commit.facts.forge),
            ),
        )

    def _head(self, wanted: WantedFeature, revision: int | None) -> int:
        groups = self._presence.concerning(wanted) or dict(zip(wanted.heads, wanted.groups, strict=True))
        heads = list(groups)
        if revision is not None and len(heads) > 1:
            heads = [head for head in heads if self._presence.holds_whole(groups[head], revision)] or heads
            heads = [head for head in heads if self._presence.reaches(revision, head)] or heads
        return heads[-1]

    def _merge(self, head: int, revision: int | None) -> int | None:
        if head not in self._merges:
            self._merges[head] = merges_of(self._book, {head}, None)
        merges = self._merges[head]
        return next((at for at in merges if revision is None or self._presence.reaches(revision, at)), None)

    def _pull(self, merge: int) -> Feature:
        graph = self._book.graph
        inside = [at for at in graph.brought(merge) if at not in graph.more][-MOST_COMMITS:]
        commits = [one for one in self._book.commits(inside) if self._view.selection.concerns(one)]
        head = self._book.commit(merge)
        return self._made_of.pull(head, commits or [head])

    def _feature(self, wanted: WantedFeature, head: int, pull: Feature | None) -> Feature:
        if wanted.issue:
            naming = self._book.commits(wanted.heads[-MOST_COMMITS:])
            return self._made_of.issue(wanted.id, naming[::-1])
        commit = self._book.commit(head)
        return pull if pull is not None and commit.facts.pull is not None else self._made_of.alone(commit)


def _bounded(feature: Feature) -> Feature:
    # Each application's answer repeats it, and a message may name a hundred people.
    return msgspec.structs.replace(feature, authors=feature.authors[:MOST_PEOPLE])
