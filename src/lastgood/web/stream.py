"""The event stream: one feed of the store's events, made into fragments once and handed to every reader.

One task follows the events, in order. Each batch is made into frames once; readers have bounded queues, and one that
does not keep up is told to load its page again, as is one whose last event is too old. Knows no page's address.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import structlog
from starlette.requests import Request
from starlette.responses import StreamingResponse

from lastgood.core.errors import CommandLineWrong, LastgoodError
from lastgood.core.ports import Clock, Lastgood
from lastgood.core.record import Event
from lastgood.core.value import to_json
from lastgood.web.fragments import Fragments, Frame
from lastgood.web.pages import Pages
from lastgood.web.query import EventsAsked, read_query
from lastgood.web.records import Records
from lastgood.web.routes import Routes

POLL_S = 1.0
HEARTBEAT_S = 15.0
QUEUE_BATCHES = 64
BEHIND_MOST = 200
READERS_MOST = 500
RELOAD = Frame(name="reload", data="")
log = structlog.get_logger()


class _Batch:
    """What happened since the batch before: raw events for scripts, frames for pages."""

    def __init__(self, events: list[Event], frames: list[Frame]) -> None:
        self.last = events[-1].id
        raw = b"".join(_frame(event.kind, to_json(event).decode(), event.id) for event in events)
        self.for_scripts = raw
        self.for_pages = b"".join(_frame(frame.name, frame.data, self.last) for frame in frames)


class Stream:
    """Follows the events while it is entered."""

    def __init__(self, lastgood: Lastgood, records: Records, *, pages: Pages, clock: Clock) -> None:
        self._records = records
        self._pages = pages
        self._clock = clock
        self._fragments = Fragments(lastgood, pages)
        self._readers: set[asyncio.Queue[_Batch | None]] = set()
        self._missed: tuple[int, _Batch] | None = None
        self._task: asyncio.Task[None] | None = None
        self._last = 0

    async def __aenter__(self) -> Self:
        self._last = self._pages.last_event = await self._newest()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for queue in self._readers:
            _offer(queue, None)

    @property
    def readers(self) -> int:
        """How many read now."""
        return len(self._readers)

    def watch(self, operation: str) -> None:
        """Send the progress of an operation from now on, until it has ended."""
        self._fragments.watch(operation)

    async def read(self, *, after: int | None, raw: bool) -> AsyncIterator[bytes]:
        """Yield the stream for one reader, without end.

        after: the id of the last event that the reader has. raw: events as JSON (scripts), not fragments (pages).
        """
        queue: asyncio.Queue[_Batch | None] = asyncio.Queue(maxsize=QUEUE_BATCHES)
        self._readers.add(queue)
        # Before the first yield: what happens while the reader has not asked for more is in the queue, and newer.
        start = self._last
        try:
            yield b"retry: 2000\n\n"
            if after is not None and after != start:
                yield await self._since(after, raw=raw)
            while True:
                batch = await self._next(queue)
                if batch is _HEARTBEAT:
                    yield b": still here\n\n"
                elif batch is None:
                    yield _frame(RELOAD.name, "", None)
                    return
                elif isinstance(batch, _Batch) and batch.last > start:
                    yield batch.for_scripts if raw else batch.for_pages
        finally:
            self._readers.discard(queue)

    async def _next(self, queue: asyncio.Queue[_Batch | None]) -> "_Batch | object | None":
        if not queue.empty():
            return queue.get_nowait()
        get = asyncio.create_task(queue.get())
        rest = asyncio.create_task(self._clock.sleep(HEARTBEAT_S))
        try:
            await asyncio.wait({get, rest}, return_when=asyncio.FIRST_COMPLETED)
            return get.result() if get.done() else _HEARTBEAT
        finally:
            for task in (get, rest):
                task.cancel()

    async def _since(self, after: int, *, raw: bool) -> bytes:
        if after > self._last:
            return _frame(RELOAD.name, "", None)
        if self._missed is None or self._missed[0] != after or self._missed[1].last < self._last:
            events = await self._records.events(after=after, limit=BEHIND_MOST + 1)
            events = [event for event in events if event.id <= self._last]
            if not events:
                return b""
            if len(events) > BEHIND_MOST:
                return _frame(RELOAD.name, "", None)
            # After a restart of the server every page asks for the same: made once.
            self._missed = (after, _Batch(events, await self._fragments.of(events)))
        return self._missed[1].for_scripts if raw else self._missed[1].for_pages

    async def _follow(self) -> None:
        while True:
            await self._clock.sleep(POLL_S)
            try:
                events = await self._records.events(after=self._last, limit=BEHIND_MOST)
                if not events:
                    continue
                self._last = self._pages.last_event = events[-1].id
                if self._readers:
                    batch = _Batch(events, await self._fragments.of(events))
                    for queue in list(self._readers):
                        _offer(queue, batch)
            except LastgoodError as failed:
                # The pages stand as they are; the next look tries again.
                log.warning("events could not be read", reason=failed.message)

    async def _newest(self) -> int:
        # The port has no question for the newest id: find it in 2 x log2 small questions.
        below, above = 0, 1
        while await self._records.events(after=above - 1, limit=1):
            below, above = above, above * 2
        while above - below > 1:
            middle = (below + above) // 2
            if await self._records.events(after=middle - 1, limit=1):
                below = middle
            else:
                above = middle
        return below


_HEARTBEAT = object()


def _offer(queue: "asyncio.Queue[_Batch | None]", batch: _Batch | None) -> None:
    if queue.full():
        # Too slow: what it has not read is dropped, and it is told to load its page again.
        while not queue.empty():
            queue.get_nowait()
        batch = None
    queue.put_nowait(batch)


def _frame(name: str, data: str, number: int | None) -> bytes:
    lines = [f"id: {number}"] if number is not None else []
    lines.append(f"event: {name}")
    lines.extend(f"data: {line}" for line in (data.splitlines() or [""]))
    return ("\n".join(lines) + "\n\n").encode()


def stream_routes(stream: Stream) -> Routes:
    """Serve the stream: fragments for pages, events as JSON for scripts."""
    routes = Routes()

    def answer(request: Request, *, raw: bool) -> StreamingResponse:
        if raw:
            read_query(request.query_params.multi_items(), EventsAsked)
        asked = request.headers.get("last-event-id") or request.query_params.get("after")
        if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) < 19):  # noqa: PLR2004 - 64 bits
            raise CommandLineWrong("an event's id is a number")
        if stream.readers >= READERS_MOST:
            raise CommandLineWrong(f"more than {READERS_MOST} readers at once")
        body = stream.read(after=None if asked is None else int(asked), raw=raw)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(body, media_type="text/event-stream", headers=headers)

    @routes.get("/events")
    async def fragments(request: Request) -> StreamingResponse:
        return answer(request, raw=False)

    @routes.get("/api/v1/events")
    async def events(request: Request) -> StreamingResponse:
        return answer(request, raw=True)

    return routes
