"""Work that waits while the writer is busy goes into one transaction, and nobody pays for another's failure."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from lastgood.core.errors import StoreFailed
from lastgood.core.record import Told
from lastgood.store import SqlStore
from twins.store import NOON, make_application, make_deployment


@pytest.fixture
def store(tmp_path) -> Iterator[SqlStore]:
    opened = SqlStore.open(tmp_path / "records.db")
    yield opened
    opened.close()


async def while_busy(store, *asked):
    """Ask while the writer is busy; return what became of each, and the number of transactions that it took."""
    begun, go_on, transactions = threading.Event(), threading.Event(), []

    def busy(_connection):
        begun.set()
        go_on.wait(30)

    first = asyncio.ensure_future(store._database.write(busy))
    await asyncio.to_thread(begun.wait, 30)
    tasks = [asyncio.ensure_future(one) for one in asked]
    for _ in range(5):
        await asyncio.sleep(0)  # each of them has asked, and one has given up, after so many turns of the loop
    event.listen(store._database.engine, "begin", lambda _connection: transactions.append(1))
    go_on.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True), len(transactions)


async def test_what_waits_is_written_together_and_in_order(store):
    """Twenty writes that were asked for while another ran are one transaction, numbered as they were asked for."""
    begun, transactions = await while_busy(store, *(store.start_deployment(make_deployment()) for _ in range(20)))

    assert [one.number for one in begun] == list(range(1, 21))
    assert transactions == 1


async def test_work_that_fails_takes_nothing_else_with_it(store):
    """What was asked for beside a write that is refused is recorded once, and only the refused one is told so."""
    unknown = make_deployment()

    said, _ = await while_busy(
        store,
        store.save_application(make_application()),
        store.save_deployment(unknown),
        store.add_event(kind="test", app=None, payload={}, at=NOON),
    )

    assert isinstance(said[1], StoreFailed)
    assert [type(one) for one in said].count(StoreFailed) == 1
    assert [one.name for one in await store.applications()] == [make_application().name]
    assert [one.kind for one in await store.events(after=0)] == ["test"]


async def test_a_write_whose_caller_is_gone_before_it_begins_is_not_done(store):
    """Cancelled while it waits, it never happens; its neighbours do."""

    async def give_up():
        asked = asyncio.ensure_future(store.add_event(kind="gone", app=None, payload={}, at=NOON))
        await asyncio.sleep(0)
        asked.cancel()

    await while_busy(store, give_up(), store.add_event(kind="here", app=None, payload={}, at=NOON))

    assert [one.kind for one in await store.events(after=0)] == ["here"]


async def test_an_event_is_recorded_with_what_it_tells_or_not_at_all(store):
    """A start's event has its number; a write that is refused tells nothing."""
    told = Told(kind="deployment", app="web", payload={"outcome": "in-progress"}, at=NOON)

    begun = await store.start_deployment(make_deployment(), told=told)
    with pytest.raises(StoreFailed):
        await store.save_deployment(make_deployment(), told=told)

    assert [one.payload for one in await store.events(after=0)] == [{"outcome": "in-progress", "number": begun.number}]
