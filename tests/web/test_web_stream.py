"""The event stream: made once for all, resumed where it broke off, never without bound."""

import asyncio

import pytest

from lastgood.core.errors import StoreUnavailable
from lastgood.core.record import Event
from lastgood.web.fragments import APPS_MOST
from lastgood.web.names import stream_name
from lastgood.web.pages import Pages
from lastgood.web.stream import BEHIND_MOST, HEARTBEAT_S, POLL_S, QUEUE_BATCHES, Stream
from twins.lastgood import NOW, PRIYA, sample_operation

WAIT_S = 60


@pytest.fixture
def pages(clock):
    return Pages(clock=clock, version="0.1.0")


@pytest.fixture
async def stream(lastgood, records, pages, clock):
    async with Stream(lastgood, records, pages=pages, clock=clock) as entered:
        yield entered


class Reader:
    """One browser: what it was sent, an event at a time."""

    def __init__(self, stream, *, after=None, raw=False):
        self._chunks = stream.read(after=after, raw=raw)
        self.got = b""

    async def more(self):
        self.got += await asyncio.wait_for(anext(self._chunks), WAIT_S)
        return self.got.decode()

    async def until(self, text):
        while text not in self.got.decode():
            await self.more()
        return self.got.decode()

    async def to_the_end(self):
        async with asyncio.timeout(WAIT_S):
            async for chunk in self._chunks:
                self.got += chunk

    async def close(self):
        await self._chunks.aclose()


def names(text):
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]


async def test_an_event_reaches_every_reader_and_is_made_once(stream, lastgood, records, clock):
    """Two browsers cost what one does: all applications once, and the changed one's status and newest records."""
    first, second = Reader(stream), Reader(stream)
    await first.more()
    await second.more()
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)

    sent = await first.until("event: stale-web-production")
    assert await second.until("event: stale-web-production") == sent
    assert lastgood.calls == ["apps", "status", "timeline"]
    assert {"app-web", "facts-web-production", "verdict-web-production", "new-web-production"} <= set(names(sent))
    assert "id: 1" in sent
    await first.close()
    await second.close()


async def test_without_readers_nothing_is_made(stream, lastgood, records, pages, clock):
    """Events are counted on, no page is rendered for nobody."""
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)

    assert lastgood.calls == []
    assert pages.last_event == 1


async def test_fragments_hold_nothing_of_one_reader(stream, records, clock):
    """No form field of a session, no name of who is signed in: they are the same for all."""
    reader = Reader(stream)
    await reader.more()
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)

    sent = await reader.until("event: stale-web-production")
    assert "csrf" not in sent
    assert "Signed in" not in sent
    await reader.close()


async def test_a_reader_that_comes_back_gets_what_it_missed(stream, records, clock):
    """From its last event on, and nothing that it has already."""
    for app in ("web-production", "cart-production"):
        records.happen("deployment", app)
    await clock.move(POLL_S)
    reader = Reader(stream, after=1)

    sent = await reader.until("event: stale-cart-production")
    assert "web-production" not in " ".join(names(sent))
    await reader.close()
    up_to_date = Reader(stream, after=2)
    await up_to_date.more()
    beat = asyncio.ensure_future(up_to_date.more())
    await clock.move(HEARTBEAT_S)
    assert names(await asyncio.wait_for(beat, WAIT_S)) == []
    await up_to_date.close()


async def test_readers_that_missed_the_same_share_one_answer(stream, lastgood, records, clock):
    """After a restart of the server every page asks for the same: made once."""
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)
    readers = [Reader(stream, after=0) for _ in range(5)]
    for reader in readers:
        await reader.until("event: stale-web-production")

    assert lastgood.calls == ["apps", "status", "timeline"]
    for reader in readers:
        await reader.close()


async def test_a_reader_that_is_too_far_behind_is_told_to_load_again(stream, records, clock):
    """Also one whose last event this server never had."""
    for _ in range(BEHIND_MOST + 5):
        records.happen("health", "web-production")
    await clock.move(POLL_S * 3)
    behind, ahead = Reader(stream, after=1), Reader(stream, after=9999)

    assert names(await behind.until("event:")) == ["reload"]
    assert names(await ahead.until("event:")) == ["reload"]
    await behind.close()
    await ahead.close()


async def test_a_reader_that_does_not_read_is_dropped_and_told(stream, records, clock):
    """Its queue is bounded; the server keeps nothing more for it."""
    reader = Reader(stream)
    await reader.more()
    for _ in range(QUEUE_BATCHES + 3):
        records.happen("health", "web-production")
        await clock.move(POLL_S)

    await reader.to_the_end()
    assert names(reader.got.decode())[-1] == "reload"
    assert stream.readers == 0


async def test_a_great_change_is_one_word(stream, lastgood, records, clock):
    """When everything moves at once, pages load themselves again rather than be sent everything."""
    reader = Reader(stream)
    await reader.more()
    for number in range(APPS_MOST + 1):
        records.happen("deployment", f"app-{number}")
    await clock.move(POLL_S)

    assert names(await reader.until("event:")) == ["reload"]
    assert lastgood.calls == []
    await reader.close()


async def test_what_was_looked_at_moves_no_page(stream, lastgood, records, clock):
    """What a head leads to comes as events of applications, in the same batch or later."""
    reader = Reader(stream)
    await reader.more()
    records.happen("head", None)
    records.happen("repo", None, repo="shop-config", state="ok")
    records.happen("agent", None, state="started")
    records.happen("health", "cart-production")
    await clock.move(POLL_S)

    assert "reload" not in names(await reader.until("event: stale-cart-production"))
    await reader.close()


async def test_a_repo_that_is_lost_or_found_again_moves_all_pages_once(stream, records, clock):
    """Every application of it changes; that it is still lost is no news."""
    reader = Reader(stream)
    await reader.more()
    for state in ("unreachable", "unreachable", "ok", "ok"):
        records.happen("repo", None, repo="shop-config", state=state)
        await clock.move(POLL_S)
    records.happen("health", "cart-production")
    await clock.move(POLL_S)

    sent = names(await reader.until("event: stale-cart-production"))
    assert sent.count("reload") == 2
    await reader.close()


async def test_a_watched_operation_goes_on_whatever_else_happens(stream, lastgood, records, clock):
    """Its page is never left behind by news that make other pages load themselves again."""
    lastgood.operations["op1"] = sample_operation("op1", PRIYA)
    stream.watch("op1")
    reader = Reader(stream)
    await reader.more()
    records.happen("pause", None)
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)

    assert names(await reader.until("event: progress")) == ["reload", "title-op1", "progress-op1"]
    await reader.close()


async def test_scripts_get_the_events_themselves(stream, records, clock):
    """As JSON, with their ids."""
    reader = Reader(stream, raw=True)
    await reader.more()
    records.happen("deployment", "web-production", outcome="failed")
    await clock.move(POLL_S)

    sent = await reader.until("event: deployment")
    assert '"payload":{"outcome":"failed"}' in sent
    assert "<" not in sent
    await reader.close()


async def test_a_quiet_stream_beats(stream, clock):
    """So that proxies keep it open, and a dead connection is found."""
    reader = Reader(stream)
    await reader.more()
    beat = asyncio.ensure_future(reader.more())
    await clock.move(HEARTBEAT_S)

    assert ": still here" in await asyncio.wait_for(beat, WAIT_S)
    await reader.close()


async def test_a_locked_store_is_asked_again(stream, records, clock, monkeypatch):
    """The stream goes on when the records can be read again."""
    reader = Reader(stream)
    await reader.more()
    working = records.events

    async def locked(**_asked):
        raise StoreUnavailable(reason="locked")

    monkeypatch.setattr(records, "events", locked)
    await clock.move(POLL_S)
    monkeypatch.setattr(records, "events", working)
    records.happen("deployment", "web-production")
    await clock.move(POLL_S)

    await reader.until("event: stale-web-production")
    await reader.close()


async def test_the_progress_of_an_operation_is_sent_until_it_has_ended(stream, lastgood, records, clock):
    """Only of operations that somebody looks at, and no longer than they run."""
    lastgood.operations["op1"] = sample_operation("op1", PRIYA, step="pushing")
    stream.watch("op1")
    reader = Reader(stream)
    await reader.more()
    records.happen("operation", "web-production")
    await clock.move(POLL_S)
    # The heading says what is being done, and then that it was: it is sent as text.
    assert "event: title-op1\ndata: Rolling back web-production\n" in await reader.until("event: progress-op1")

    lastgood.operations["op1"] = sample_operation("op1", PRIYA, step="failed", message="refused")
    for _ in range(2):
        records.happen("operation", "web-production")
        await clock.move(POLL_S)
    await reader.until("id: 3")
    await asyncio.sleep(0)
    assert names(reader.got.decode()).count("progress-op1") == 2
    await reader.close()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 1000])
async def test_the_stream_begins_at_the_newest_event(lastgood, records, pages, clock, count):
    """Found in a few small questions, however many events there are."""
    records.kept = [Event(id=number + 1, at=NOW, kind="health", app=None, payload={}) for number in range(count)]
    async with Stream(lastgood, records, pages=pages, clock=clock):
        assert pages.last_event == count


@pytest.mark.parametrize("asked", ["x", "-1", "1" * 30, "²"])
def test_an_event_id_that_is_none_is_refused(script, asked):
    """It is a number, and nothing else is looked for."""
    assert script.get("/api/v1/events", params={"after": asked}).status_code == 400


@pytest.mark.parametrize("name", ["web", "a.b", "x\nevent: y", "a,b", "ä"])
def test_a_streams_names_are_one_word(name):
    """No text can end the line or name another event; different names stay different."""
    made = stream_name("app", name)

    assert made.replace("-", "").replace("_", "").isalnum()
    assert made.isascii()
    assert made != stream_name("app", name + "_")
