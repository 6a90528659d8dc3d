"""Waiting for what a rollback pushed: it ends when it is Healthy, when it failed, or when time is over."""

import asyncio

import msgspec
import pytest

from lastgood.core.plan import Plan, PlannedApplication, PlannedFeatures, PlanResult
from lastgood.core.version import Version
from lastgood.local.waiting import wait_healthy
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.store import make_application, make_commit, make_deployment, oid

COMMIT = make_commit("Roll back web")
VERSION = Version(
    version=oid("good"), path_tree=oid("good"), commit=COMMIT.oid, short=COMMIT.short, subject="Roll back web",
    author=COMMIT.author, committed_at=COMMIT.committed_at, ran=None,
)  # fmt: skip


def plan() -> Plan:
    app = PlannedApplication(
        app="web-production", from_=VERSION, to=VERSION, version=VERSION.version, path_tree=VERSION.path_tree,
        files=(), resources=(), renders_as_ran=None, images=(), features=PlannedFeatures(), hold=None,
    )  # fmt: skip
    return Plan(
        id="op", mode="restore", via="push", branch="main", head=oid("head"), applications=(app,), also_affected=(),
        checks=(), git=(), result=PlanResult(tree=oid("tree"), commit=COMMIT.oid, pushed=True, head=oid("head")),
    )  # fmt: skip


@pytest.fixture
async def store():
    made = SqlStore.in_memory()
    yield made
    made.close()


async def application(store, clock, **changed):
    words = {"desired": VERSION, "running": VERSION, "health": "Healthy", "observed_at": clock.now()}
    await store.save_application(make_application("web-production", **(words | changed)))


async def test_it_ends_when_the_deployment_succeeded_and_the_target_is_healthy(store):
    """Its own deployment counts, found by the commit."""
    clock = ManualClock()
    await application(store, clock)
    run = await store.start_deployment(make_deployment(commit=COMMIT, version=VERSION.version))
    waiting = asyncio.create_task(wait_healthy(plan(), store=store, clock=clock, timeout_s=60))
    await clock.move(2)
    assert not waiting.done()

    await store.save_deployment(msgspec.structs.replace(run, outcome="succeeded"))
    while not waiting.done():
        await clock.move(1)
        await application(store, clock)
        await asyncio.sleep(0)
    assert (await waiting).healthy is True


@pytest.mark.parametrize("outcome", ["failed", "partial", "superseded"])
async def test_it_ends_at_once_when_the_deployment_ended_otherwise(store, outcome):
    """Nobody waits for what will not come; the message says why."""
    clock = ManualClock()
    await application(store, clock)
    run = await store.start_deployment(make_deployment(commit=COMMIT, version=VERSION.version))
    await store.save_deployment(msgspec.structs.replace(run, outcome=outcome))

    result = await wait_healthy(plan(), store=store, clock=clock, timeout_s=60)

    assert (result.healthy, result.outcome) == (False, {"web-production": outcome})
    assert result.message.startswith("web-production: the deployment ")


@pytest.mark.parametrize("outcome", ["failed", "partial"])
async def test_it_says_why_the_deployment_came_to_nothing(store, outcome):
    """In the record's own words, as the status has them."""
    clock = ManualClock()
    await application(store, clock)
    run = await store.start_deployment(make_deployment(commit=COMMIT, version=VERSION.version))
    await store.save_deployment(msgspec.structs.replace(run, outcome=outcome, message="no image shop/web:9"))

    result = await wait_healthy(plan(), store=store, clock=clock, timeout_s=60)

    assert result.message == f"web-production: the deployment ended as {outcome}: no image shop/web:9"


@pytest.mark.parametrize(
    ("waits", "said"),
    [("the cluster does not answer", "the cluster does not answer"), ("", "Pod web-1: ImagePullBackOff")],
)
async def test_it_says_what_is_waited_for_when_time_is_over(store, waits, said):
    """What keeps the deployment, or else how the application is."""
    clock = ManualClock()
    await application(store, clock, health="Degraded", health_message="Pod web-1: ImagePullBackOff")
    run = await store.start_deployment(make_deployment(commit=COMMIT, version=VERSION.version))
    await store.save_deployment(msgspec.structs.replace(run, message=waits))

    result = await wait_healthy(plan(), store=store, clock=clock, timeout_s=0)

    assert result.message == f"web-production is Degraded after 0 s: {said}"


async def test_no_deployment_is_needed_for_what_runs_already(store):
    """The bad successor never ran: what is wanted is what runs, and it is Healthy."""
    clock = ManualClock()
    await application(store, clock)
    assert (await wait_healthy(plan(), store=store, clock=clock, timeout_s=0)).healthy is True


async def test_stale_health_is_no_health(store):
    """What was Healthy an hour ago is Unknown, and the time runs out."""
    clock = ManualClock()
    await application(store, clock)
    await clock.move(3600)

    result = await wait_healthy(plan(), store=store, clock=clock, timeout_s=0)

    assert (result.healthy, result.health) == (False, {"web-production": "Unknown"})
    assert result.message == "web-production is Unknown after 0 s"
