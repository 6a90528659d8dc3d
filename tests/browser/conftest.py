"""A real Chromium, and what it looks at: a server that runs the shop, or made-up states in a thread of this process."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright

from lastgood.web.access import Access
from lastgood.web.app import create_web
from twins.lastgood import NOW, PRIYA, MemoryLastgood, MemoryRecords
from twins.shop import ShopServer

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TOKEN = "the-token-in-the-link"
START_S = 20
# Half a second on a machine with nothing else to do.
expect.set_options(timeout=30_000)


class StandingClock:
    """Shows the shop's time; its seconds pass as they do, so that the stream moves."""

    def now(self) -> Any:
        return NOW

    async def sleep(self, seconds: float) -> None:
        import asyncio  # noqa: PLC0415 - the server's own loop sleeps

        await asyncio.sleep(min(seconds, 0.1) if seconds < 10 else seconds)


class Shop:
    """The server, and what it shows: change `lastgood` and `records` and the pages follow."""

    def __init__(self) -> None:
        self.lastgood = MemoryLastgood()
        self.records = MemoryRecords(self.lastgood)
        access = Access(token=TOKEN, operator=PRIYA, session_key="browser tests")
        web = create_web(self.lastgood, self.records, access=access, clock=StandingClock(), version="0.1.0")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.page = f"{self.url}/?token={TOKEN}"
        config = uvicorn.Config(web, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)

    def start(self) -> None:
        self._thread.start()
        end = time.monotonic() + START_S
        while not self._server.started and time.monotonic() < end:
            threading.Event().wait(0.01)
        assert self._server.started

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(START_S)
        self._listening.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopServer]:
    with ShopServer.start(tmp_path_factory.mktemp("shop")) as started:
        started.settle()
        yield started


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()
