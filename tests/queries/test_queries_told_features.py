"""Titles, labels and people that records know: live answers have them, as far as they are on record."""

import pytest

from lastgood.core import told_features as module
from lastgood.core.carried import Carried
from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.resource import ImageChange
from lastgood.core.told_features import as_told, told_features
from lastgood.store import SqlStore
from twins.store import NOON, PRIYA, make_application, make_deployment

CHANGE = ImageChange(name="web", from_="1", to="2")
INES = Person(name="Ines", email="")
GIT = Feature(
    id="PR-1", repo="o/shop", kind="pull_request", title="Merge b", url=None, authors=(PRIYA,), commits=("a" * 40,),
    type="feat", breaking=True,
)  # fmt: skip


def changed(feature, **fields):
    return Feature(**({name: getattr(feature, name) for name in feature.__struct_fields__} | fields))


TOLD = changed(
    GIT, title="Gift message", labels=("q4",), authors=(INES, PRIYA), url="https://git.example.com/1", type=None,
    breaking=False, commits=(),
)  # fmt: skip


@pytest.fixture
async def store():
    """Two applications on record."""
    made = SqlStore.in_memory()
    for app in ("web", "cart"):
        await made.save_application(make_application(app))
    yield made
    made.close()


async def record(store, app, *entered, left=()):
    run = await store.start_deployment(make_deployment(app, images=(CHANGE,)))
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=entered, left=left))


async def test_the_newest_record_has_the_last_word(store):
    """Title, labels, people and page come from it; what Git says of the commits stays."""
    await record(store, "web", changed(TOLD, title="Old words"))
    await record(store, "web", left=(TOLD,))
    await record(store, "web")
    (better,) = as_told([GIT], await told_features(store, "web", [GIT]))
    assert better == changed(
        GIT,
        title="Gift message",
        git_title="Merge b",
        labels=("q4",),
        authors=(INES, PRIYA),
        url="https://git.example.com/1",
    )


async def test_another_applications_record_tells_what_its_own_do_not(store):
    """A pull request of another repo with the same number is another one, and a commit has no title but its own."""
    await record(
        store, "cart", TOLD, changed(TOLD, repo="o/other", id="PR-2"), changed(TOLD, kind="commit", id="c0ffee1")
    )
    wanted = [GIT, changed(GIT, id="PR-2"), changed(GIT, kind="commit", id="c0ffee1")]
    told = as_told(wanted, await told_features(store, "web", wanted))
    assert [one.title for one in told] == ["Gift message", "Merge b", "Merge b"]


async def test_an_old_record_is_found_by_the_features_id(store, monkeypatch):
    """However many came since, also of other repos and with numbers that begin alike; of any application, or none."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    await record(store, "web", changed(TOLD, id="#7", kind="issue"), TOLD)
    for number in range(10, 20):
        await record(store, "web", changed(TOLD, id=f"PR-{number}", title="Another"))
    for number in range(3):
        await record(store, "cart", changed(TOLD, repo=f"o/{number}", title="Another"))
    wanted = [GIT, changed(GIT, id="#7", kind="issue"), changed(GIT, id="PR-404"), changed(GIT, id='"; --')]
    for app in ("web", "cart", None):
        told = as_told(wanted, await told_features(store, app, wanted))
        assert [one.title for one in told] == ["Gift message", "Gift message", "Merge b", "Merge b"], app


async def test_no_more_is_looked_for_than_there_is_time_for(store, monkeypatch):
    """The rest stays as Git has it; without records nothing is asked."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "MOST_ASKED", 1)
    monkeypatch.setattr(module, "MOST_PAGES", 2)
    other = changed(TOLD, id="PR-2")
    await record(store, "web", other)
    await record(store, "web", TOLD)
    await record(store, "web")
    assert list(await told_features(store, "web", [GIT, other])) == [("o/shop", "PR-1")]
    for number in range(2):
        await record(store, "cart", changed(TOLD, repo=f"o/{number}"))
    assert await told_features(store, "web", [GIT]) == {}
    assert await told_features(None, "web", [GIT]) == {}
