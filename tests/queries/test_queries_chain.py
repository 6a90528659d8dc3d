"""How a feature came to an application: every part as far as it is known, and why not where it is not."""

import datetime as dt

import msgspec
import pytest

from lastgood.cli.chain import chain_text
from lastgood.cli.text import Style
from lastgood.core.carried import Carried
from lastgood.core.chain import ChainImage
from lastgood.core.commit import Person
from lastgood.core.deployment import Phase
from lastgood.core.errors import UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed
from lastgood.core.operation import Operation
from lastgood.core.resource import ImageChange
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt
from lastgood.queries.chain import NOT_SURE_AFTER, NOT_SURE_BEFORE, NOT_WHOLE, Stay, last_stay
from lastgood.queries.where import Place, where
from lastgood.store.sql_store import SqlStore
from lastgood.web.chain import steps
from twins.source_history import MemorySourceHistory
from twins.store import NOON, make_commit, make_deployment

HOUR = dt.timedelta(hours=1)
WEB = Selection(paths=("web",))
Y, N, U = (Presence(contains=word) for word in (True, False, None))
THIS = Presence(contains=True, asked=True)


@pytest.mark.parametrize(
    ("found", "whole", "expected"),
    [
        ([N, N], True, None),
        ([U, N], True, None),
        ([], True, None),
        ([Y, Y, N], True, Stay(began=1)),
        ([Y, N, Y, N], True, Stay(began=0)),
        ([N, Y, Y, N, Y], True, Stay(began=2, ended=0)),
        ([Y, Y], True, Stay(began=1)),
        ([Y, Y], False, Stay(began=None, why=NOT_WHOLE)),
        ([Y, U, N], True, Stay(began=None, why=NOT_SURE_BEFORE)),
        ([THIS, U], True, Stay(began=0)),
        ([Y, THIS, U], True, Stay(began=1)),
        ([U, Y, N], True, Stay(began=1, unsure=True)),
        ([N, U, Y, N], True, Stay(began=2, unsure=True)),
        ([N, N, Y, U], True, Stay(began=None, ended=1, why=NOT_SURE_BEFORE)),
    ],
)
def test_a_stay_begins_and_ends_where_that_is_known(found, whole, expected):
    """The newest run of yes; what was before it or after it must be a no, else nobody knows when it came or went."""
    assert last_stay(found, whole=whole) == expected


@pytest.fixture
def store():
    opened = SqlStore.in_memory()
    yield opened
    opened.close()


@pytest.fixture
async def shop():
    """A source repo: a start, a pull request with a fix for an issue, and its revert."""
    history = MemorySourceHistory()
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1"})
    side = await history.commit("Search while typing\n\nFixes #3", {"web/b": "1"}, [start])
    merge = await history.commit("Merge pull request #16 from o/search\n\nSearch", {"web/b": "1"}, [start, side])
    out = await history.commit(f"Take it out\n\nThis reverts commit {merge}.", {"web/b": None}, [merge])
    await history.refresh()
    return history, start, side, merge, out


def source(history, revision, reference, *, reason=""):
    known = history if revision is not None else None
    return SourceAt(
        image="ghcr.example/web", reference=reference, history=known, revision=revision, selection=WEB, reason=reason
    )


class Ran:
    """What one application ran, oldest first; each deployment is on record."""

    def __init__(self, store):
        self.store = store
        self.deployed = []

    async def deploy(self, one, subject, **changed):
        held = changed.pop("held", False)
        commit = changed.pop("commit", None) or make_commit(subject)
        at = NOON + len(self.deployed) * HOUR
        run = await self.store.start_deployment(make_deployment(commit=commit, started_at=at, **changed))
        self.deployed.insert(0, Deployed(at=at, sources=(one,), number=run.number, commit=commit, run=run, held=held))
        return run

    def place(self, **changed):
        given = {"environment": "production", "app": "web-production", "repo": "shop", "path": "apps/web/production"}
        return Place(deployed=tuple(self.deployed), **(given | changed))


async def test_titles_and_labels_are_those_that_records_know(shop, store):
    """As the forge told them to any application; who is meant, and what the merge is called, is told by Git."""
    history, start, _, merge, _ = shop
    ran = Ran(store)
    await ran.deploy(source(history, start, "1"), "Release 1")
    image = ImageChange(name="ghcr.example/web", from_="1", to="2")
    run = await ran.deploy(source(history, merge, "2"), "Release 2", images=(image,))
    feature = (await chain_of("PR-16", ran.place(), store)).feature
    told = msgspec.structs.replace(feature, title="Search as you type", labels=("q4",))
    issue = msgspec.structs.replace(feature, id="#3", kind="issue", title="Nothing is found", labels=())
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=(told, issue)))
    for _ in range(30):
        await store.start_deployment(make_deployment())

    (entry,) = await where("#3", [ran.place()], store=store)
    chain = entry.chain
    assert (chain.feature.title, chain.pull_request.title) == ("Nothing is found", "Search as you type")
    assert (chain.pull_request.labels, chain.source.title) == (("q4",), "Search")
    said = chain_text(entry, NOON, Style(color=False, width=100))
    assert "#3  Nothing is found, by" in said
    assert "PR-16  Search as you type [q4], by" in said
    with pytest.raises(UnknownFeature):
        await where("as you type it", [ran.place()], store=store)


async def chain_of(feature, place, store):
    (entry,) = await where(feature, [place], store=store)
    return entry.chain


async def test_a_feature_is_followed_from_its_pull_request_to_its_deployment(shop, store):
    """The pull request, its merge, the image, the commit in the config repo, the first deployment that had it."""
    history, start, side, merge, _ = shop
    ran = Ran(store)
    await ran.deploy(source(history, start, "1"), "Release 1")
    run = await ran.deploy(source(history, merge, "2"), "Release 2")
    await ran.deploy(source(history, merge, "2b"), "Release 2b")
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, build="https://ci.example/runs/7"))

    for asked, kind in (("PR-16", "pull_request"), ("#3", "issue"), (side, "commit"), ("search typing", "commit")):
        chain = await chain_of(asked, ran.place(), store)
        assert chain.feature.kind == kind
        assert (chain.pull_request.id, chain.source.commit, chain.source.title) == ("PR-16", merge, "Search")
        assert chain.images == (ChainImage(name="ghcr.example/web", reference="2", revision=merge),)
        assert (chain.config.subject, chain.config.path, chain.config.repo) == (
            "Release 2",
            "apps/web/production",
            "shop",
        )
        assert (chain.deployment.number, chain.deployment.started_at) == (2, NOON + HOUR)
        assert (chain.build, chain.left, chain.held, chain.unknown) == ("https://ci.example/runs/7", None, False, {})
    (entry,) = await where("PR-16", [ran.place()], store=store)
    assert [one.reference for one in entry.images] == ["2b"], "what runs now"


async def test_what_left_says_with_which_deployment_and_why(shop, store):
    """A rollback: how it had come, with what it went, the reason that was written, and that it is held."""
    history, start, _, merge, _ = shop
    ran = Ran(store)
    await ran.deploy(source(history, start, "1"), "Release 1")
    build = make_commit("Release 2\n\nBuild: https://ci.example/said/9\n")
    await ran.deploy(source(history, merge, "2"), "", commit=build, held=True)
    asked = Operation(
        id="op-1", kind="rollback", repo="shop", branch="main", moved=(), reason="basket total wrong", despite=(),
        by=Person(name="p", email="p@x"), requested_at=NOON, step="done",
    )  # fmt: skip
    await store.save_operation(asked)
    await ran.deploy(source(history, start, "1"), "Roll back", trigger="rollback", operation="op-1")

    chain = await chain_of("PR-16", ran.place(), store)
    assert (chain.deployment.number, chain.build, chain.held) == (2, "https://ci.example/said/9", True)
    assert (chain.left.number, chain.left.trigger, chain.left.reason) == (3, "rollback", "basket total wrong")
    assert chain.left_config.subject == "Roll back"
    assert chain.unknown == {}


async def test_what_is_not_there_yet_has_its_beginning(shop, store):
    """Merged, and in no deployment: no image, no config commit, and nothing of that is unknown."""
    history, start, _, merge, _ = shop
    ran = Ran(store)
    await ran.deploy(source(history, start, "1"), "Release 1")
    chain = await chain_of("PR-16", ran.place(), store)
    assert chain.source.commit == merge
    assert (chain.images, chain.config, chain.deployment, chain.left, chain.unknown) == ((), None, None, None, {})

    cut = await chain_of("PR-16", ran.place(whole=False), store)
    assert set(cut.unknown) == {"build", "images", "config", "deployment", "left"}
    assert set(cut.unknown.values()) == {NOT_WHOLE}


async def test_what_was_taken_out_before_any_version_had_it_never_came(shop, store):
    """Merged and reverted between two builds, or since the last one: nobody waits for it, and the revert is told."""
    history, start, _, merge, out = shop
    for revisions in ((start, out), (start,)):
        ran = Ran(store)
        for revision in revisions:
            await ran.deploy(source(history, revision, revision[:3]), "Release")
        (entry,) = await where("PR-16", [ran.place()], store=store)
        assert (entry.contains, entry.chain.taken_out, entry.chain.source.commit) == (False, out, merge)
        assert (entry.chain.images, entry.chain.config, entry.chain.left, entry.chain.unknown) == ((), None, None, {})
        if len(revisions) > 1:
            assert entry.reason == f"PR-16 was taken out by {out[:7]}, before any version here had it"
            assert entry.via == out
        else:
            assert entry.reason == f"PR-16 was not merged into it, and {out[:7]} took it out since"
        text = chain_text(entry, NOON, Style(color=False, width=100))
        assert f"image          never: {out[:7]} took it out in the source repo" in text
        assert "not there yet" not in text
        assert [one.word for one in steps(entry.chain, "")][-1] == "It never came"


async def test_what_is_not_known_is_not_invented(shop, store):
    """An image that tells no revision before it or after it: when it came, or went, is not known, and why."""
    history, start, _, merge, _ = shop
    ran = Ran(store)
    await ran.deploy(source(history, start, "1"), "Release 1")
    await ran.deploy(source(history, None, "latest", reason="no tag"), "Release ?")
    await ran.deploy(source(history, merge, "2"), "Release 2")
    chain = await chain_of("PR-16", ran.place(), store)
    assert (chain.images, chain.config, chain.deployment, chain.build) == ((), None, None, None)
    assert chain.unknown == dict.fromkeys(("build", "images", "config", "deployment"), NOT_SURE_BEFORE)
    assert chain.source.commit == merge

    await ran.deploy(source(history, None, "latest", reason="no tag"), "Release ?")
    ran.deployed.pop(-2)
    chain = await chain_of("PR-16", ran.place(), store)
    assert chain.deployment.number == 3
    assert chain.unknown["left"] == NOT_SURE_AFTER
    assert chain.unknown["build"].startswith("the commit names none")


async def test_what_was_taken_out_in_the_source_repo_left_with_that_image(shop, store):
    """The revert came with a release: the chain tells the way in, and the release with which it went."""
    history, start, _, merge, out = shop
    ran = Ran(store)
    for revision, tag in ((start, "1"), (merge, "2"), (out, "3")):
        await ran.deploy(source(history, revision, tag), f"Release {tag}")
    (entry,) = await where("PR-16", [ran.place()], store=store)
    assert (entry.contains, entry.via, entry.chain.deployment.number, entry.chain.left.number) == (False, out, 2, 3)


async def test_what_does_not_concern_an_application_has_no_chain(shop, store):
    """Another service, another image, nothing that runs."""
    history, _, _, merge, out = shop
    ran = Ran(store)
    api = SourceAt(image="api", reference="3", history=history, revision=out, selection=Selection(paths=("api",)))
    await ran.deploy(api, "Release 2")
    web = Ran(store)
    await web.deploy(source(history, merge, "2"), "Release 2")
    idle = Place(environment="qa", app="idle", deployed=())
    for asked in ("PR-16", "ghcr.example/web:2"):
        found = await where(asked, [ran.place(app="api"), web.place(), idle], store=store)
        assert [one.chain is None for one in found] == [True, False, True], asked


async def test_an_image_is_followed_from_the_commit_that_it_was_built_from(shop, store):
    """The very image, or the newer one that has its commit; where the revision is not known, that is said."""
    history, start, _, merge, _ = shop
    later = await history.commit("More", {"web/c": "1"}, [merge])
    await history.refresh()
    ran = Ran(store)
    for revision, tag in ((start, "1"), (merge, "2"), (later, "3")):
        await ran.deploy(source(history, revision, tag), f"Release {tag}")
    newer = Ran(store)
    for revision, tag in ((start, "1"), (later, "3")):
        await newer.deploy(source(history, revision, tag), f"Release {tag}")
    found = await where("web:2", [ran.place(), newer.place(app="newer")], store=store)
    assert [(one.chain.source.commit, one.chain.images[0].reference) for one in found] == [(merge, "2"), (merge, "3")]
    assert [one.chain.pull_request.id for one in found] == ["PR-16", "PR-16"]

    dark = Ran(store)
    for tag in ("a", "b"):
        await dark.deploy(source(history, None, tag, reason="no tag of the repo"), f"Release {tag}")
    chain = await chain_of("web:b", dark.place(), store)
    assert (chain.images[0].reference, chain.config.subject, chain.deployment.number) == ("b", "Release b", 7)
    assert chain.source is None
    assert chain.unknown["source"] == "no tag of the repo"


OVERTAKEN = {"outcome": "superseded", "phases": (Phase(name="apply", started_at=NOON),)}
WATCHED = {"outcome": "superseded", "phases": (Phase(name="watch", started_at=NOON),)}
PARTIAL = {"outcome": "partial"}


@pytest.mark.parametrize(
    ("story", "contains", "deployment"),
    [
        ([("start", {}), ("merge", OVERTAKEN), ("merge", {})], True, 3),
        ([("start", {}), ("merge", PARTIAL), ("merge", {})], True, 3),
        ([("start", {}), ("merge", WATCHED), ("merge", {})], True, 2),
        ([("start", {}), ("merge", {}), ("merge", PARTIAL)], True, 2),
        ([("merge", PARTIAL), ("merge", {})], True, 2),
        ([("merge", {}), ("start", PARTIAL), ("merge", {})], True, 3),
        ([("start", {}), ("merge", PARTIAL)], None, None),
        ([("merge", PARTIAL)], None, None),
        ([("start", PARTIAL)], False, 1),
        ([("merge", {}), ("start", PARTIAL)], None, None),
        ([("merge", {}), ("start", PARTIAL), ("start", {})], False, 3),
    ],
)
async def test_since_is_the_first_that_reached_the_target_as_a_whole(shop, store, story, contains, deployment):
    """What was applied in part, or overtaken while it was applied, brought nothing for sure; watched was applied."""
    history, start, _, merge, _ = shop
    ran = Ran(store)
    for name, outcome in story:
        revision = {"start": start, "merge": merge}[name]
        await ran.deploy(source(history, revision, name), "Release", **({"outcome": "succeeded"} | outcome))
    (entry,) = await where("PR-16", [ran.place()], store=store)
    assert (entry.contains, entry.deployment) == (contains, deployment)
    if contains is None:
        word = "has it" if story[-1][0] == "merge" else "is without it"
        assert entry.reason == (
            f"n{len(story)}, which {word}, was not applied as a whole, so a part of what was before may still run"
        )
