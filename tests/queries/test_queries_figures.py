"""The figures of a period whose story began before it: counted from real records."""

import datetime as dt

import pytest
from msgspec.structs import replace

from lastgood.core.carried import Carried
from lastgood.core.figures import FiguresQuery
from lastgood.core.resource import ImageChange
from lastgood.queries.figures import delivery_figures
from lastgood.store import SqlStore
from twins.clock import ManualClock
from twins.store import NOON, make_application, make_deployment

HOUR = dt.timedelta(hours=1)
APP = "web-production"
NEW_IMAGE = (ImageChange(name="web", from_="web:1", to="web:2"),)


@pytest.fixture
async def store():
    opened = SqlStore.in_memory()
    await opened.save_application(make_application(APP))
    yield opened
    opened.close()


async def ran(store, outcome, trigger="commit", *, hour, commits=(), app=APP, **changed):
    """Write a deployment that ended so at an hour, and when the commits were made that it carried."""
    at = NOON + hour * HOUR
    made = make_deployment(app, trigger=trigger, images=NEW_IMAGE, started_at=at, **changed)
    run = await store.start_deployment(made)
    await store.save_deployment(replace(run, outcome=outcome, finished_at=at))
    made = tuple(int((NOON + n * HOUR).timestamp()) for n in commits)
    await store.save_carried(Carried(deployment=run.id, found_at=at, committed=made))


async def counted(store, since, **query):
    asked = FiguresQuery(since=NOON + since * HOUR, until=NOON + 100 * HOUR, **query)
    return (await delivery_figures(asked, store=store, clock=ManualClock(NOON + 200 * HOUR))).figures


async def test_a_repair_of_what_failed_before_the_period_is_rework_and_brings_its_commits(store):
    """The failure is not counted; the commits that waited for a success come in the period."""
    await ran(store, "succeeded", hour=0)
    await ran(store, "failed", hour=1, commits=(-1, -2))
    await ran(store, "succeeded", hour=3, commits=(2,))
    found = await counted(store, 2)
    assert (found.deployments, found.change_fail_rate.count, found.rework_rate.count) == (1, 0, 1)
    assert found.lead_time.count == 3


async def test_what_ran_before_a_release_that_a_rollback_overtook_is_no_failure(store):
    """The rollback brings its version again."""
    await ran(store, "succeeded", hour=1, version="a" * 40)
    await ran(store, "superseded", hour=2, version="b" * 40)
    await ran(store, "succeeded", "rollback", hour=3, version="a" * 40)
    found = await counted(store, 0)
    assert (found.deployments, found.change_fail_rate.count, found.rework_rate.count) == (2, 0, 0)


async def test_a_retry_that_failed_again_belongs_to_the_deployment_before_the_period(store):
    """It is that deployment still."""
    await ran(store, "failed", hour=1)
    await ran(store, "failed", "retry", hour=3)
    assert (await counted(store, 2)).deployments == 0


async def test_an_environment_has_what_was_deployed_while_it_was_called_so(store):
    """Apart and by itself alike, also of an application that was forgotten, and of a name that none has any more."""
    await store.save_application(make_application(APP, environment="prod"))
    await ran(store, "succeeded", hour=1)
    await ran(store, "failed", hour=2, commits=(1, 1.5))
    await store.save_application(make_application(APP, environment="production"))
    await ran(store, "succeeded", hour=3)
    for _ in range(2):
        asked = FiguresQuery(since=NOON, until=NOON + 100 * HOUR, by="environment")
        view = await delivery_figures(asked, store=store, clock=ManualClock(NOON + 200 * HOUR))
        assert [(part.name, part.figures.deployments) for part in view.parts] == [("prod", 2), ("production", 1)]
        for part in view.parts:
            alone = await counted(store, 0, environment=part.name)
            assert replace(alone, weeks=(), failures=()) == part.figures
        # What failed under the one name was repaired under the other.
        (prod, production) = (part.figures for part in view.parts)
        assert (prod.open, production.rework_rate.count, production.lead_time.count) == (0, 1, 2)
        await store.delete_application(APP)


async def test_what_people_had_before_the_period_is_not_new_when_it_comes_again(store):
    """Live, rolled back, and brought again."""
    await ran(store, "succeeded", hour=0, commits=(-1,))
    await ran(store, "succeeded", "rollback", hour=1)
    await ran(store, "succeeded", hour=3, commits=(-1, 2))
    assert (await counted(store, 2)).lead_time.count == 1


async def test_each_application_has_a_story_of_its_own_and_one_that_was_forgotten_has_one(store):
    """What another deployed repairs nothing; records stay when their application goes, outside of every group."""
    await store.save_application(make_application("cart-production"))
    await ran(store, "failed", hour=1)
    await ran(store, "succeeded", hour=3, app="cart-production")
    found = await counted(store, 2)
    assert (found.deployments, found.rework_rate.count) == (1, 0)
    await store.delete_application("cart-production")
    assert (await counted(store, 2)).deployments == 1
    assert (await counted(store, 0, group="web")).deployments == 1
    assert (await counted(store, 0, environment="production", app=APP)).deployments == 1
