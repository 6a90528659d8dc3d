"""Features and where they are by deployment records alone, as a source repo that is gone leaves them."""

import dataclasses
import datetime as dt

import pytest
from msgspec.structs import replace

from lastgood.core import recorded_versions
from lastgood.core.carried import Carried
from lastgood.core.deployment import Phase
from lastgood.core.errors import UnknownFeature
from lastgood.core.feature import Feature
from lastgood.core.feature_versions import Deployed
from lastgood.core.recorded_compare import Runs, with_both_records
from lastgood.core.recorded_features import with_records
from lastgood.core.resource import ImageChange
from lastgood.core.source_features import ONE_ONLY, Between, NotKnown, SourceAt
from lastgood.queries.where import Place, where
from lastgood.store.sql_store import SqlStore
from twins.source_history import MemorySourceHistory
from twins.store import NOON, make_application, make_commit, make_deployment, oid

APP = "web-production"
GONE = NotKnown(image="web", reason="the repo is gone")


def pull(number, title="", repo="o/shop", at=NOON):
    return Feature(
        id=f"PR-{number}", repo=repo, kind="pull_request", title=title or f"Feature {number}", url=None, authors=(),
        commits=(oid(f"PR-{number}"),), type=None, breaking=False, at=at,
    )  # fmt: skip


@pytest.fixture
def store():
    opened = SqlStore.in_memory()
    yield opened
    opened.close()


class Records:
    """The records of applications; every version has another commit."""

    def __init__(self, store):
        self.store = store
        self.runs = {}

    async def ran(self, *, entered=(), left=(), unknown=(), app=APP, kept=True, **changed):
        await self.store.save_application(make_application(app))
        runs = self.runs.setdefault(app, [])
        image = ImageChange(name="web", from_=f"{len(runs)}" if runs else None, to=f"{len(runs) + 1}")
        given = {
            "commit": make_commit(f"Release {len(runs) + 1}"), "outcome": "succeeded", "images": (image,),
            "started_at": NOON + len(runs) * dt.timedelta(hours=1),
        }  # fmt: skip
        run = await self.store.start_deployment(make_deployment(app=app, **(given | changed)))
        runs.insert(0, run)
        if kept:
            first = (NotKnown(image="web", reason=ONE_ONLY),) if image.from_ is None else ()
            await self.store.save_carried(
                Carried(deployment=run.id, found_at=NOON, entered=entered, left=left, unknown=(*first, *unknown))
            )
        return run

    def place(self, app=APP, *, sources=None, looked_at=None):
        gone = SourceAt(image="web", reference="9", reason="the repo is gone")
        deployed = [
            Deployed(at=run.started_at, sources=(sources or gone,), number=run.number, commit=run.commit, run=run)
            for run in self.runs.get(app, [])
        ]
        cut = looked_at if looked_at is not None else len(deployed)
        return Place(
            environment="production", app=app, deployed=tuple(deployed[:cut]), older=tuple(deployed[cut:]),
            whole=cut == len(deployed),
        )  # fmt: skip


async def test_what_lies_between_is_put_together_from_the_records_on_the_way(store):
    """What came and went again is not there; the other way round it leaves; what is known live is not said twice."""
    records = Records(store)
    first = await records.ran()
    await records.ran(entered=(pull(2), pull(1)), unknown=(NotKnown(image="db", reason="x", named=False),))
    third = await records.ran(entered=(pull(3),), left=(pull(1),))
    last = await records.ran(entered=(pull(1),), left=(pull(2),))
    live = Between(entered=(pull(3),), unknown=(GONE, NotKnown(image="db", reason="x", named=False)))

    found = await with_records(store, APP, first.version, last.version, live)
    assert ([one.id for one in found.entered], found.left) == (["PR-3", "PR-1"], ())
    assert (found.recorded, [one.image for one in found.unknown]) == ((GONE,), ["db"])
    back = await with_records(store, APP, last.version, third.version, Between(unknown=(GONE,)))
    assert ([one.id for one in back.entered], [one.id for one in back.left]) == (["PR-2"], ["PR-1"])


@pytest.mark.parametrize(
    "story",
    [
        {"unknown": (NotKnown(image="web", reason="no tag"),)},
        {"kept": False},
        {"outcome": "superseded", "phases": (Phase(name="apply", started_at=NOON),)},
    ],
)
async def test_what_the_records_do_not_know_stays_unknown(store, story):
    """An image without a revision then, features that are not kept, an attempt that may not have been applied."""
    records = Records(store)
    first = await records.ran()
    await records.ran(**story)
    last = await records.ran(entered=(pull(3),))
    found = await with_records(store, APP, first.version, last.version, Between(unknown=(GONE,)))
    assert ([one.id for one in found.entered], found.unknown, found.recorded) == (["PR-3"], (GONE,), ())


async def test_a_version_that_never_ran_has_no_way_on_record(store):
    """Nothing is put together for it; and where the source repos know all, nothing is asked."""
    records = Records(store)
    first = await records.ran()
    other = "f" * 40
    live = Between(unknown=(GONE,))
    assert await with_records(store, APP, first.version, other, live) == live
    assert await with_records(None, APP, first.version, other, Between()) == Between()


STAGING = "web-staging"


class TestTwoApplications:
    """What one has that the other lacks, by the records of both."""

    @staticmethod
    async def compared(store, records, *, reference=lambda run: run.images[0].to):
        here, there = (
            Runs(
                app=app,
                version=records.runs[app][0].version,
                sources=[SourceAt(image="web", reference=reference(records.runs[app][0]), reason="the repo is gone")],
            )
            for app in (STAGING, APP)
        )
        found = await with_both_records(store, there, here, Between(unknown=(GONE,)))
        return [one.id for one in found.entered], [one.id for one in found.left], found.recorded == (GONE,)

    async def test_what_came_since_both_ran_the_same(self, store):
        """Each went its own way since: what came to both is no difference, nor what came and went again."""
        records = Records(store)
        for app in (STAGING, APP):
            await records.ran(app=app)
        await records.ran(app=STAGING, entered=(pull(1),))
        await records.ran(app=STAGING, entered=(pull(2), pull(3)))
        await records.ran(app=STAGING, left=(pull(3),))
        assert await self.compared(store, records) == (["PR-2", "PR-1"], [], True)
        hotfix = ImageChange(name="web", from_="1", to="hotfix")
        await records.ran(images=(hotfix,), entered=(pull(9), pull(2)), left=(pull(7),))
        assert await self.compared(store, records) == (["PR-1", "PR-7"], ["PR-9"], True)

    async def test_where_they_never_ran_the_same_nothing_is_told(self, store):
        """Other images in each, or the same ones only before anything is on record."""
        records = Records(store)
        await records.ran(images=(ImageChange(name="web", from_=None, to="other"),))
        await records.ran(app=STAGING)
        await records.ran(app=STAGING, entered=(pull(1),))
        assert await self.compared(store, records) == ([], [], False)

    async def test_what_a_record_on_the_way_does_not_know_stays_unknown(self, store):
        """The image's revision then, features not kept; what the others carried is shown all the same."""
        records = Records(store)
        for app in (STAGING, APP):
            await records.ran(app=app)
        await records.ran(app=STAGING, entered=(pull(1),))
        await records.ran(app=STAGING, kept=False)
        assert await self.compared(store, records) == (["PR-1"], [], False)

    async def test_records_that_do_not_fit_together_end_the_way_back(self, store):
        """What runs is no image that the newest record brought."""
        records = Records(store)
        for app in (STAGING, APP):
            await records.ran(app=app)
        await records.ran(app=STAGING, entered=(pull(1),))
        assert await self.compared(store, records, reference=lambda run: f"x{run.app}") == ([], [], False)

    async def test_an_image_that_sources_never_named_may_differ(self, store):
        """A database beside the program was another all the time."""
        records = Records(store)
        db = NotKnown(image="db", reason="`sources` does not name it", named=False)
        for app in (STAGING, APP):
            both = (
                ImageChange(name="web", from_=None, to="1"),
                ImageChange(name="db", from_=None, to=app),
            )
            await records.ran(app=app, images=both, unknown=(db,))
        await records.ran(app=STAGING, entered=(pull(1),))
        assert await self.compared(store, records) == (["PR-1"], [], True)


@pytest.mark.parametrize("text", ["#1", "PR-1", "!1", "o/shop#1", "SHOP-7", "gift wrap", "shop-7 gift"])
async def test_the_revert_that_says_its_name_is_not_the_feature(store, text):
    """The title of what takes a feature out has its number, its key and its words; it is gone all the same."""
    feature = pull(1, "SHOP-7 gift wrap")
    issue = replace(feature, id="SHOP-7", kind="issue")
    revert = replace(pull(2, 'Revert "SHOP-7 gift wrap (#1)"'), takes_back=("PR-1",))
    renamed = replace(pull(3, "Not SHOP-7 by far"), git_title="Cards")
    records = Records(store)
    await records.ran()
    await records.ran(entered=(feature, issue))
    await records.ran(entered=(revert,), left=(feature, issue))
    await records.ran(entered=(renamed,))
    (entry,) = await where(text, [records.place()], store=store)
    assert (entry.contains, entry.recorded) == (False, True)
    assert "n3 took it out" in entry.reason


async def test_words_of_nothing_but_a_revert_mean_the_revert(store):
    """What it took out came before the records begin."""
    records = Records(store)
    await records.ran()
    await records.ran(entered=(replace(pull(2, 'Revert "Gift wrap"'), takes_back=("PR-1",)),))
    (entry,) = await where("gift wrap", [records.place()], store=store)
    assert (entry.contains, entry.deployment) == (True, 2)


async def test_older_records_count_where_their_images_were_not_looked_at(store):
    """Only so many versions are rendered for an answer; the records of the others tell all the same."""
    records = Records(store)
    await records.ran()
    brought = await records.ran(entered=(pull(1),))
    await records.ran()
    (entry,) = await where("PR-1", [records.place(looked_at=1)], store=store)
    assert (entry.contains, entry.deployment, entry.recorded) == (True, brought.number, True)
    assert ([one.reference for one in entry.chain.images], entry.images) == (["2"], ()), "what runs now is another"


async def test_the_records_tell_since_when_where_an_older_revision_is_not_known(store):
    """The source repo tells what runs now; the version before it has a tag that is gone from there."""
    records = Records(store)
    await records.ran()
    await records.ran(entered=(pull(1),))
    await records.ran()
    history = MemorySourceHistory()
    here = await history.commit("Feature (#1)", {"a": "1"})
    live = SourceAt(image="web", reference="3", history=history, revision=here)
    place = records.place()
    now = dataclasses.replace(place.deployed[0], sources=(live,))
    for changed in ({"deployed": (now, *place.deployed[1:])}, {"deployed": (now,), "older": place.deployed[1:]}):
        known = dataclasses.replace(place, **changed, whole="older" not in changed)
        (entry,) = await where("PR-1", [known], store=store)
        assert (entry.contains, entry.deployment, entry.recorded, entry.reason) == (True, 2, False, "")
        assert entry.chain.deployment.number == 2


async def test_what_record_and_source_repo_both_say_is_said_once(store):
    """The image's revision was not known then, and is not now, for one reason."""
    records = Records(store)
    await records.ran(entered=(pull(1),), app="cart-production")
    await records.ran()
    await records.ran(unknown=(NotKnown(image="web", reason="9: no tag"),))
    here = SourceAt(image="web", reference="9", reason="no tag")
    (entry,) = await where("PR-1", [records.place(sources=here)], store=store)
    assert (entry.contains, entry.reason) == (
        None,
        "by its deployment records: n2 may have brought it: web: 9: no tag",
    )


async def test_what_left_by_the_records_is_not_contained_and_tells_its_way(store):
    """With which deployment it came, and with which it went."""
    records = Records(store)
    await records.ran()
    await records.ran(entered=(pull(1),))
    await records.ran(left=(pull(1),))
    (entry,) = await where("#1", [records.place()], store=store)
    assert (entry.contains, entry.deployment, entry.reason) == (False, 3, "by its deployment records: n3 took it out")
    assert (entry.chain.deployment.number, entry.chain.left.number) == (2, 3)


async def test_words_may_mean_several_features(store):
    """One that is there is enough, and which one is said."""
    records = Records(store)
    await records.ran()
    await records.ran(entered=(pull(1, "Gift message"), pull(2, "Gift wrap")))
    await records.ran(left=(pull(2, "Gift wrap"),))
    (entry,) = await where("gift", [records.place()], store=store)
    assert (entry.contains, entry.reason) == (
        True,
        "by its deployment records: n2 brought it (PR-1: Gift message)",
    )


async def test_a_number_of_two_repos_is_in_each_application_the_one_that_it_has(store):
    """Whoever asks how it came there reads the title of that pull request, and not of the other repo's."""
    records = Records(store)
    for app, repo in ((APP, "o/shop"), ("cart-production", "o/cart")):
        await records.ran(app=app)
        await records.ran(app=app, entered=(pull(3, f"Of {repo}", repo),))
    await records.ran(left=(pull(3, "Of o/shop", "o/shop"),))
    entries = await where("PR-3", [records.place(app) for app in (APP, "cart-production")], store=store)
    assert [one.chain.pull_request.title for one in entries] == ["Of o/shop", "Of o/cart"]


async def test_words_that_mean_too_many_features_deny_nothing(store, monkeypatch):
    """One that was not looked for may be there; one that is there is there."""
    monkeypatch.setattr(recorded_versions, "MAX_FOUND", 2)
    records = Records(store)
    later = NOON + dt.timedelta(days=9)
    await records.ran(app="other")
    await records.ran(app="other", entered=(pull(1, "Gift message", at=later), pull(2, "Gift wrap", at=later)))
    await records.ran()
    await records.ran(entered=(pull(3, "Gift card"),))
    (entry,) = await where("gift", [records.place()], store=store)
    assert entry.contains is True
    await records.ran(left=(pull(3, "Gift card"),))
    (entry,) = await where("gift", [records.place()], store=store)
    assert entry.contains is None
    assert entry.reason.startswith("by its deployment records: more features are meant than are looked for")


async def test_a_source_repo_that_has_forgotten_a_feature_is_not_the_last_word(store):
    """Its history was rewritten: the records know what it was; what neither knows is unknown to all."""
    records = Records(store)
    await records.ran()
    await records.ran(entered=(pull(1),))
    history = MemorySourceHistory()
    here = await history.commit("Begin anew", {"a": "1"})
    live = SourceAt(image="web", reference="9", history=history, revision=here)
    (entry,) = await where("PR-1", [records.place(sources=live)], store=store)
    assert (entry.contains, entry.recorded) == (True, True)
    with pytest.raises(UnknownFeature):
        await where("PR-2", [records.place(sources=live)], store=store)


async def test_numbers_are_looked_for_page_by_page(store, monkeypatch):
    """A number stands in many hashes and numbers: it is looked for until it is found."""
    monkeypatch.setattr(recorded_versions, "PAGE", 2)
    records = Records(store)
    await records.ran()
    await records.ran(entered=(pull(3),))
    for number in range(31, 36):
        await records.ran(entered=(pull(number),))
    (entry,) = await where("PR-3", [records.place()], store=store)
    assert (entry.contains, entry.deployment) == (True, 2)


async def test_only_the_newest_records_are_read(store, monkeypatch):
    """What is older may have brought it: then it is not known, and not denied."""
    monkeypatch.setattr(recorded_versions, "MOST_RUNS", 2)
    records = Records(store)
    await records.ran(app="other")
    await records.ran(app="other", entered=(pull(1),))
    for _ in range(4):
        await records.ran()
    (entry,) = await where("PR-1", [records.place()], store=store)
    assert (entry.contains, entry.since) == (None, None)
    assert entry.reason.startswith("by its deployment records: older records were not looked at")
