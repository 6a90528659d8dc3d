"""Work that waits while the writer is busy goes into one transaction, and nobody pays for another's failure."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from lastgood.core.errors import StoreFailed
from lastgood.core.record import Pause, Told
from lastgood.store import SqlStore
from lastgood.store.pause import read_all
from twins.store import NOON, make_application, make_deployment

PAUSED = Pause(scope="everything", name=None, reason="stop", by="p", since=NOON)


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


async def test_who_asks_the_same_before_it_begins_shares_the_answer(store):
    """A hundred who ask for the pauses at once cost one look; who asks once it has begun has one of its own."""
    begun, go_on, looks = threading.Event(), threading.Event(), []

    def look(connection):
        looks.append(1)
        begun.set()
        go_on.wait(30)
        return read_all(connection)

    first = [asyncio.ensure_future(store._database.read_together(look)) for _ in range(100)]
    gone = first.pop()
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.to_thread(begun.wait, 30)
    await store.pause(PAUSED)
    later = asyncio.ensure_future(store._database.read_together(look))
    await asyncio.sleep(0)
    go_on.set()

    assert {len(one) for one in await asyncio.gather(*first)} <= {0, 1}
    assert await later == [PAUSED]
    assert len(looks) == 2
    assert await asyncio.gather(*(store.pauses() for _ in range(3))) == [[PAUSED]] * 3


async def test_what_fails_fails_for_all_who_share_it(store):
    """Nobody waits for ever for an answer that there is none of."""

    def broken(_connection):
        raise StoreFailed(reason="broken")

    said = await asyncio.gather(*(store._database.read_together(broken) for _ in range(3)), return_exceptions=True)

    assert [type(one) for one in said] == [StoreFailed] * 3
