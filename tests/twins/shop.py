"""The demo's shop for tests of whole commands: a clone with a history, or a running server beside its repos."""

import asyncio
import contextlib
import datetime as dt
import shutil
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lastgood.core.errors import LastgoodError
from lastgood.core.request import PressRequest
from lastgood.core.status import StatusView
from lastgood.demo.platform import Processes
from lastgood.demo.repos import ConfigWriter, build_source_repo, git
from lastgood.demo.server import DemoServer
from lastgood.demo.shop import INES, NOAH, PRIYA, source_history
from lastgood.remote.lastgood import RemoteLastgood

T = TypeVar("T")

WITHIN_S = 30
APPS = tuple(f"{service}-{environment}" for service in ("web", "cart") for environment in ("staging", "production"))

RELEASES = (("web", "gift", INES), ("cart", "merge-11", NOAH), ("web", "merge-16", NOAH))


class ShopClone:
    """A clone of a config repo with six releases; the clone's remote is a bare repo beside it."""

    def __init__(self, folder: Path, writer: ConfigWriter, revisions: dict[str, str]) -> None:
        self.folder = folder
        self.writer = writer
        self.revisions = revisions

    @classmethod
    def make(cls, root: Path) -> "ShopClone":
        """Make it with its whole history."""
        shop = cls.begin(root, ports=dict.fromkeys(APPS, 1))
        for release in RELEASES:
            shop.release(*release)
        return shop

    @classmethod
    def begin(cls, root: Path, *, ports: dict[str, int]) -> "ShopClone":
        """Make it with its first commit only."""
        revisions = build_source_repo(root / "source.git", source_history(), now=dt.datetime.now(dt.UTC))
        writer = ConfigWriter(
            root / "clone",
            bare=root / "config.git",
            source=root / "source.git",
            platform=Processes(python=sys.executable, ports=ports),
        )
        writer.start()
        writer.write_settings()
        for app in APPS:
            writer.write_release(*app.split("-"), revisions["start"])
        writer.push("Run the shop", PRIYA)
        return cls(root / "clone", writer, revisions)

    def copy(self, root: Path) -> Path:
        """Return the folder of a clone of its own, with a remote of its own and the same history."""
        shutil.copytree(self.folder.parent / "config.git", root / "config.git")
        shutil.copytree(self.folder, root / "clone", symlinks=True)
        git("remote", "set-url", "origin", str(root / "config.git"), folder=root / "clone")
        return root / "clone"

    def release(self, service: str, revision: str, author: str) -> None:
        """Push a release to staging, and another to production."""
        for environment in ("staging", "production"):
            self.writer.write_release(service, environment, self.revisions[revision])
            self.writer.push(f"Release {service} to {environment}", author)


class ShopServer:
    """`lastgood serve` in a folder with lastgood.toml, following the clone's remote; four real processes."""

    def __init__(self, folder: Path, shop: ShopClone, server: DemoServer) -> None:
        self.folder = folder
        self.shop = shop
        self.server = server

    @classmethod
    @contextlib.contextmanager
    def start(cls, root: Path) -> Iterator["ShopServer"]:
        taken = [socket.create_server(("127.0.0.1", 0)) for _ in APPS]
        ports = {app: one.getsockname()[1] for app, one in zip(APPS, taken, strict=True)}
        for one in taken:
            one.close()
        shop = ShopClone.begin(root, ports=ports)
        folder = root / "server"
        folder.mkdir()
        (folder / "lastgood.toml").write_text(
            "\n".join(
                (
                    'data = "data"',
                    "[[repos]]",
                    'name = "shop-config"',
                    f'url = "{root / "config.git"}"',
                    "[destinations.staging]",
                    'type = "process"',
                    "run_as_agent = true",
                    "[destinations.production]",
                    'type = "process"',
                    "run_as_agent = true",
                    "[[sources]]",
                    f'url = "{root / "source.git"}"',
                    "[web]",
                    "port = 0",
                )
            )
        )
        server = DemoServer(folder)
        shown = cls(folder, shop, server)
        try:
            server.start()
            shown.settle()
            for release in RELEASES:
                shop.release(*release)
                shown.ask(lambda there: there.sync(None))
                shown.settle()
            yield shown
        finally:
            shown.close()

    def ask(self, question: Callable[[RemoteLastgood], Awaitable[T]]) -> T:
        """Ask the server as a command would, without the program's start."""

        async def ask() -> T:
            async with RemoteLastgood(self.server.url, self.server.token) as there:
                return await question(there)

        # In a thread: whoever drives a browser has a loop that runs in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, ask()).result()

    def settle(self) -> None:
        """Wait until every application runs what Git asks for and has baked. Fails with what is seen instead."""
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=WITHIN_S)
        pause = threading.Event()
        while not (len(seen := self.ask(_statuses)) == len(APPS) and all(_settled(app) for app in seen)):
            assert dt.datetime.now(dt.UTC) < deadline, seen
            pause.wait(0.1)

    def close(self) -> None:
        """Close the shop: nothing that it started may outlive the test."""
        with contextlib.suppress(RuntimeError, AssertionError, LastgoodError):
            self.shop.writer.pull()
            self.shop.writer.remove_applications()
            self.shop.writer.push("Close the shop", PRIYA)
            self.ask(self._forget_all)
        self.server.stop()

    async def _forget_all(self, there: RemoteLastgood) -> None:
        await there.sync(None)
        for app in APPS:
            await there.retry(PressRequest(app=app))  # losing them all at once waits for a press
            await there.forget(app, prune=True)


async def _statuses(there: RemoteLastgood) -> list[StatusView]:
    return [await there.status(app.name) for app in await there.apps()]


def _settled(status: StatusView) -> bool:
    app, run = status.application, status.deployment
    as_asked = app.running is not None and app.desired is not None and app.running.version == app.desired.version
    return app.health == "Healthy" and as_asked and run is not None and run.baked_at is not None
