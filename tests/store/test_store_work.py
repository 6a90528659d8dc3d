"""How much the store asks of its database: statements are pinned, and many records cost what few do."""

import asyncio
import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from lastgood.core.commit import Person
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.operation import Moved, Operation
from lastgood.core.record import DeploymentQuery, RefusedHead
from lastgood.core.setting import Settings
from lastgood.store import SqlStore
from lastgood.store.event import KEPT, TRIM_EVERY
from lastgood.store.schema import events
from twins.statements import recorded
from twins.store import NOON, fill, make_application, make_deployment, oid

HOUR = dt.timedelta(hours=1)
FEW, MANY = 500, 5_000


@pytest.fixture
def store() -> Iterator[SqlStore]:
    opened = SqlStore.in_memory()
    yield opened
    opened.close()


async def test_statements_are_pinned(store):
    """Each question is one statement; a write has one for each thing that it must look up."""
    operation = Operation(
        id="op-1",
        kind="rollback",
        repo="shop",
        branch="main",
        moved=(Moved(app="web-production", from_=oid("1"), to=oid("2")),),
        reason="",
        despite=(),
        by=Person(name="p", email="p@x"),
        requested_at=NOON,
        step="done",
    )
    begun = await store.start_deployment(make_deployment())
    query = DeploymentQuery(app="web-production", search="web release", author="priya")
    settings = KeptSettings(deployment=begun.id, found_at=NOON, settings=Settings(unknown="no chart"))
    refused = RefusedHead(app="web-production", commit=oid("c"), version=oid("v"), hold="h", at=NOON)
    asked = {
        "save application": (1, lambda: store.save_application(make_application())),
        "applications": (1, store.applications),
        "save operation": (3, lambda: store.save_operation(operation)),
        "operations": (1, lambda: store.operations(app="web-production", open_only=True)),
        "start": (3, lambda: store.start_deployment(make_deployment())),
        "start of an operation": (4, lambda: store.start_deployment(make_deployment(operation="op-1"))),
        "save": (1, lambda: store.save_deployment(begun)),
        "save settings": (2, lambda: store.save_settings(settings)),
        "settings": (1, lambda: store.settings([begun.id])),
        "wanting settings": (3, lambda: store.wanting_settings(after_id=0, at=NOON)),
        "one": (1, lambda: store.deployment("web-production", 1)),
        "page": (1, lambda: store.deployments(query)),
        "count": (1, lambda: store.count_deployments(query)),
        "chart": (1, lambda: store.deployment_buckets(query, [NOON + n * HOUR for n in range(61)])),
        "latest": (1, lambda: store.latest_deployments([f"app{n}" for n in range(1000)])),
        "judged": (2, lambda: store.judged("web-production")),
        "newest judged": (2, lambda: store.judged("web-production", newest=3)),
        "unfinished": (1, store.unfinished_deployments),
        "refuse": (2, lambda: store.refuse(refused)),
        "refused": (1, lambda: store.refused_heads("web-production", since=NOON)),
        "holds": (1, lambda: store.holds("web-production")),
        "event": (1, lambda: store.add_event(kind="k", app=None, payload={}, at=NOON)),
        "events": (1, lambda: store.events(after=0)),
    }
    counted = {}
    for name, (_, ask) in asked.items():
        with recorded(store) as seen:
            await ask()
        counted[name] = len(seen.statements)

    assert counted == {name: expected for name, (expected, _) in asked.items()}


PAGES = {
    "everything": ({}, "deployments"),
    "everything, later page": ({"before_id": 200}, "deployments"),
    "one application": ({"app": "service7-production"}, "ix_deployments_app_id"),
    "environment": ({"environment": "production"}, "ix_deployments_environment_id"),
    "outcome": ({"outcome": "failed"}, "ix_deployments_outcome_id"),
    "no such outcome": ({"outcome": "partial"}, "ix_deployments_outcome_id"),
    "trigger": ({"trigger": "rollback"}, "ix_deployments_trigger_id"),
    "since": ({"since": NOON - HOUR}, "ix_deployments_started_at"),
    "since, of one application": (
        {"app": "service7-production", "since": NOON - HOUR},
        "ix_deployments_app_started_at",
    ),
    "since, in an environment": (
        {"environment": "production", "since": NOON - HOUR},
        "ix_deployments_environment_started_at",
    ),
    "until": ({"until": NOON - 8 * HOUR, "since": NOON - 8.3 * HOUR}, "ix_deployments_started_at"),
    "version": ({"app": "service7-production", "version": "x"}, "ix_deployments_app_version_id"),
    "commit": ({"app": "service7-production", "commit": "x"}, "ix_deployments_app_commit_oid_id"),
    "operation": ({"operation": "x"}, "ix_deployments_operation_id"),
    "search for what is rare": ({"search": "shop-77"}, "deployment_search"),
    "search for what is not there": ({"search": "no-such-word", "app": "service7-production"}, "deployment_search"),
}


@pytest.fixture(scope="module")
def sizes() -> Iterator[dict[int, SqlStore]]:
    """Two stores: the larger one has ten times the records, of ten times the applications."""
    stores = {}
    for records in (FEW, MANY):
        stores[records] = SqlStore.in_memory()
        asyncio.run(fill(stores[records], applications=records // 10, deployments=records))
    yield stores
    for opened in stores.values():
        opened.close()


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_costs_the_same_among_many_records(sizes, name):
    """A page is found through an index, and ten times the records do not make it twice the work."""
    query, index = PAGES[name]
    work = {}
    for records, store in sizes.items():
        with recorded(store) as seen:
            await store.deployments(DeploymentQuery(**query, limit=20))
        work[records] = seen.work
        (statement,), (values,) = seen.statements, seen.values
        plan = await store._database.read(
            lambda c, s=statement, v=values: [
                row.detail for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", tuple(v))
            ]
        )

    assert any(index in line for line in plan), plan
    assert work[MANY] < 2 * work[FEW] + 500, work


async def test_single_looks_cost_the_same_among_many_records(sizes):
    """One record, the latest and the judged ones of an application, and what is unfinished, are found by index."""
    work = {}
    for records, store in sizes.items():
        with recorded(store) as seen:
            await store.deployment("service7-production", 3)
            await store.latest_deployments(["service7-production", "service8-staging"])
            await store.judged("service7-production", newest=3)
            await store.unfinished_deployments()
            await store.operations(app="service7-production")
            await store.refused_heads("service7-production")
        work[records] = seen.work

    assert work[MANY] < 2 * work[FEW] + 500, work


async def test_what_judged_last_costs_the_same_after_years():
    """Each release asks for it several times, and nothing here ever forgets a record."""
    work = {}
    for records in (FEW, MANY):
        store = SqlStore.in_memory()
        await fill(store, applications=1, deployments=records)
        with recorded(store) as seen:
            assert len((await store.judged("service0-staging", newest=3))[1]) == 3
        work[records] = seen.work
        store.close()

    assert work[MANY] < 2 * work[FEW] + 500, work


@pytest.mark.parametrize("query", [{"app": "service7-production"}, {"since": NOON - HOUR}])
async def test_a_chart_counts_from_an_index_alone(sizes, query):
    """Bars read index entries of their time, never whole records."""
    store = sizes[MANY]
    with recorded(store) as seen:
        await store.deployment_buckets(DeploymentQuery(**query), [NOON - n * HOUR for n in range(60, -1, -1)])
    (statement,), (values,) = seen.statements, seen.values
    plan = await store._database.read(
        lambda c: [row.detail for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(values))]
    )

    assert "COVERING INDEX" in plan[0], plan


async def test_a_start_costs_the_same_among_many_records(sizes):
    """Recording an attempt does not slow down as records pile up."""
    work = {}
    for records, store in sizes.items():
        with recorded(store) as seen:
            await store.start_deployment(make_deployment("service7-production"))
        work[records] = seen.work

    assert work[MANY] < 2 * work[FEW] + 500, work


async def test_the_log_of_events_does_not_grow_for_ever(store):
    """Once in a thousand events those beyond the newest hundred thousand go; ids count on, the rest is found."""

    def add(at_id: int) -> None:
        store._database.write_now(
            lambda c: c.execute(events.insert().values(id=at_id, kind="agent", payload={}, at=NOON))
        )

    def left() -> list[int]:
        return store._database.write_now(lambda c: list(c.execute(select(events.c.id)).scalars()))

    first = await store.add_event(kind="agent", app=None, payload={}, at=NOON)
    add(TRIM_EVERY)
    add(TRIM_EVERY + 1)
    add(KEPT + TRIM_EVERY - 2)
    await store.add_event(kind="agent", app=None, payload={}, at=NOON)
    assert first.id in left()

    newest = await store.add_event(kind="agent", app=None, payload={}, at=NOON)

    assert left() == [TRIM_EVERY + 1, KEPT + TRIM_EVERY - 2, KEPT + TRIM_EVERY - 1, KEPT + TRIM_EVERY]
    assert newest.id == KEPT + TRIM_EVERY
    assert (await store.events(after=0, limit=1))[0].id == TRIM_EVERY + 1
