"""Long timelines: every page goes on where the last one ended, down to the oldest record."""

import pytest

from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.timeline import TimelineQuery
from lastgood.queries import timeline as module
from lastgood.queries.timeline import Timelines
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.store import NOON, fill


@pytest.fixture
async def timelines(monkeypatch):
    """450 deployments of three applications, of which one look reads 200."""
    monkeypatch.setattr(module, "MAX_RECORDS", 200)
    store = SqlStore.in_memory()
    await fill(store, applications=3, deployments=450)
    yield Timelines((), renderer=None, clock=ManualClock(), store=store)
    store.close()


async def test_pages_of_everything_reach_the_oldest_record(timelines):
    """No record is missing between two pages, none comes twice."""
    found, mark = [], None
    while page := await timelines.timeline(TimelineQuery(limit=70, before=mark)):
        found += [(one.app, one.number) for one in page]
        mark = page[-1].cursor

    assert len(found) == len(set(found)) == 450


async def test_whoever_asks_for_all_gets_all_that_one_look_reads(timelines):
    """Without a limit the newest come, and the last one's mark leads on."""
    newest = await timelines.timeline(TimelineQuery())
    older = await timelines.timeline(TimelineQuery(before=newest[-1].cursor))
    assert len(newest) == 200
    assert len(older) >= 199
    assert newest[-1].deployment.started_at > older[0].deployment.started_at


async def test_the_timeline_of_one_application_has_no_end_before_its_first_record(monkeypatch):
    """All records come, and a page that begins far back has what it asked for."""
    monkeypatch.setattr(module, "MAX_RECORDS", 50)
    store = SqlStore.in_memory()
    await fill(store, applications=1, deployments=170)
    timelines = Timelines((), renderer=None, clock=ManualClock(), store=store)
    found = await timelines.timeline(TimelineQuery(app="service0-staging"))
    assert [one.number for one in found] == list(range(170, 0, -1))
    (last,) = await timelines.timeline(TimelineQuery(app="service0-staging", before=found[-2].cursor))
    assert last.number == 1
    store.close()


async def test_a_search_over_everything_reaches_the_oldest_record(timelines):
    """Also where the newest records, which one look reads, hold none of the words."""
    oldest = (await timelines.timeline(TimelineQuery(app="service0-staging")))[-1]
    (found,) = await timelines.timeline(TimelineQuery(search=oldest.commit, limit=50))
    assert (found.app, found.number) == (oldest.app, oldest.number)
    assert await timelines.timeline(TimelineQuery(search="nobody ever wrote that")) == []


async def test_a_record_shows_what_its_images_were_built_from(timelines):
    """With what told it; a version without a deployment has nothing of the kind."""
    (newest, *_) = await timelines.timeline(TimelineQuery(app="service0-staging"))
    assert newest.built == ()
    built = Built(image="web", reference="1", repo="https://git.example.com/o/shop", revision="a1" * 20, how="registry")
    await timelines._store.save_carried(Carried(deployment=newest.deployment.id, found_at=NOON, built=(built,)))
    (newest, *_) = await timelines.timeline(TimelineQuery(app="service0-staging"))
    assert newest.built == (built,)


async def test_source_authors_and_source_commits_find_the_deployment_that_carried_them(timelines):
    """Of one application and of everything, also beyond what one look reads; a hash may be cut."""
    (oldest,) = (await timelines.timeline(TimelineQuery(app="service0-staging")))[-1:]
    feature = Feature(
        id="PR-7", repo="o/shop", kind="pull_request", title="Gift for Karl", url=None, type=None, breaking=False,
        authors=(Person(name="Zoë Äpfel", email="zoe@example.com"),), commits=("a1" * 20,), merge="b2" * 20,
    )  # fmt: skip
    await timelines._store.save_carried(Carried(deployment=oldest.deployment.id, found_at=NOON, entered=(feature,)))

    for words in (
        {"author": "zoë Ä"},
        {"author": "zoe@example"},
        {"search": "a1" * 20},
        {"search": "b2" * 20},
        {"search": "A1A1A1A karl"},
        {"feature": "b2" * 5},
    ):
        for app in (None, "service0-staging"):
            (found,) = await timelines.timeline(TimelineQuery(app=app, limit=50, **words))
            assert (found.app, found.number) == (oldest.app, oldest.number), words
    assert await timelines.timeline(TimelineQuery(author="karl")) == []
    assert await timelines.timeline(TimelineQuery(search="c3" * 20)) == []
