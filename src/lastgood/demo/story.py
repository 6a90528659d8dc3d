"""The demo's story, told as it happens: releases, a bad one, the way back, and a bot that would undo it.

Each chapter does something that a person or a bot does (a push, a command) and then waits until the server shows
what should follow. A chapter that does not come true ends the story with StoryFailed.
"""

import asyncio
import datetime as dt
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from lastgood.app.server import open_server
from lastgood.core.application import ApplicationView
from lastgood.core.ports import Lastgood
from lastgood.core.request import PressRequest
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.version import Version
from lastgood.demo.platform import Platform
from lastgood.demo.repos import ConfigWriter, build_source_repo
from lastgood.demo.server import DemoServer, run_lastgood
from lastgood.demo.shop import ENVIRONMENTS, INES, LENA, NOAH, PRIYA, SERVICES, source_history

BOT = "image-updater[bot] <image-updater@shop.example>"
BAD = "web-production"
WAIT_S = 30

T = TypeVar("T")


class StoryFailed(Exception):
    """What should have followed did not."""


class Story:
    """The demo in its folder: two repos, a server, six applications."""

    def __init__(self, folder: Path, *, platform: Platform, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._began = time.monotonic()
        self._revisions: dict[str, str] = {}
        self._platform = platform
        self._server = DemoServer(folder)
        self._writer = ConfigWriter(
            folder / "clone",
            bare=folder / "config.git",
            source=folder / "source.git",
            platform=platform,
        )

    @property
    def page(self) -> str:
        """The dashboard's address with the token that opens it."""
        return self._server.page

    def prepare(self) -> None:
        """Build the repos and the settings, and start the server."""
        self._say("A shop of three services has a source repo, and a config repo says what runs where.")
        self._revisions = build_source_repo(self._folder / "source.git", source_history(), now=dt.datetime.now(dt.UTC))
        self._writer.start()
        self._writer.write_settings()
        (self._folder / "lastgood.toml").write_text(_settings(self._folder, self._platform))
        self._server.start()
        self._say(f"Agent and dashboard run: {self.page}")

    async def tell_it(self) -> None:
        """Tell the story to its end. Raises StoryFailed."""
        async with open_server(self._server.url, self._server.token) as lastgood:
            await self._releases(lastgood)
            bad = await self._bad_release(lastgood)
            await self._way_back(lastgood, bad)
            await self._bot(lastgood, bad)
            await self._mended(lastgood)

    async def _releases(self, lastgood: Lastgood) -> None:
        for service in SERVICES:
            for environment in ENVIRONMENTS:
                self._writer.write_release(service, environment, self._revisions["start"])
        self._push("Run the shop: web, cart and payments in staging and production", PRIYA)
        await self._all_run(lastgood, "start", [f"{s}-{e}" for s in SERVICES for e in ENVIRONMENTS])
        self._say(f"Six applications are Healthy: every one {self._platform.what}.")
        for service, name, what, author in (
            ("cart", "merge-11", "delivery date in the basket (SHOP-101)", NOAH),
            ("cart", "merge-12", "VAT for each line (SHOP-104)", LENA),
            ("web", "gift", "gift message on checkout (SHOP-107)", INES),
            ("payments", "retry", "retry card authorisation (SHOP-112)", INES),
            ("web", "merge-16", "search while typing (SHOP-115)", NOAH),
        ):
            self._say(f"{service}: {what} goes to staging, then to production.")
            for environment in ENVIRONMENTS:
                self._writer.write_release(service, environment, self._revisions[name])
                self._push(f"Release {service} to {environment}: {what}", author)
                await self._all_run(lastgood, name, [f"{service}-{environment}"])

    async def _bad_release(self, lastgood: Lastgood) -> str:
        self._say("Then web gets prices in the customer's currency (SHOP-118). It starts, but never becomes ready.")
        good = await self._deployed(lastgood, BAD)
        await self._wait(
            f"{good.short} of {BAD} to have baked",
            lambda: self._deployed(lastgood, BAD),
            lambda entry: entry.deployment is not None and entry.deployment.baked_at is not None,
        )
        self._writer.write_release("web", "production", self._revisions["rates"], bad=True)
        bad = self._push("Release web to production: prices in the customer's currency (SHOP-118)", INES)
        app = await self._wait(
            f"{BAD} to be Degraded",
            lambda: _app(lastgood, BAD),
            lambda app: app.health == "Degraded" and app.running is not None and app.running.commit == bad,
        )
        self._say(f"{BAD} is {app.health} at {bad[:7]}. The last known good version is {_short(app.last_good)}.")
        if app.last_good is None or app.last_good.commit != good.commit:
            raise StoryFailed(f"the last known good version should be {good.short}, not {_short(app.last_good)}")
        return bad

    async def _way_back(self, lastgood: Lastgood, bad: str) -> None:
        command = ("rollback", BAD, "--reason", "web is never ready: RATES_URL is not set", "--yes", "--wait")
        shown = " ".join(f'"{word}"' if " " in word else word for word in command)
        self._say(f"One command brings it back:\n\n    lastgood {shown}\n")
        began = time.monotonic()
        code, said = await asyncio.to_thread(run_lastgood, self._folder, *command)
        self._tell(textwrap.indent(said.rstrip(), "    | "))
        if code:
            raise StoryFailed(f"lastgood rollback ended with {code}")
        app = await self._wait(
            f"{BAD} to be Healthy again",
            lambda: _app(lastgood, BAD),
            lambda app: app.health == "Healthy" and app.running is not None and app.running.commit != bad,
        )
        self._say(f"{BAD} is {app.health} again after {time.monotonic() - began:.1f} s, by a commit in Git.")
        newest = (await lastgood.timeline(TimelineQuery(app=BAD, limit=1)))[0]
        if newest.operation is None or not newest.operation.recorded or newest.same_as is None:
            raise StoryFailed("the timeline should show the rollback, and which version it went back to")
        if app.held != 1:
            raise StoryFailed(f"the bad version should be on hold; {app.held} holds are shown")

    async def _bot(self, lastgood: Lastgood, bad: str) -> None:
        self._say("An hour later a bot writes the bad revision once more, as bots do.")
        self._writer.pull()
        self._writer.write_release("web", "production", self._revisions["rates"], bad=True)
        again = self._push("chore: update web to the newest build", BOT)
        app = await self._wait(
            "the hold to refuse the bot's commit",
            lambda: _app(lastgood, BAD),
            lambda app: app.refused is not None and app.refused.commit == again,
        )
        if app.health != "Healthy" or app.running is None or app.running.commit in (bad, again):
            raise StoryFailed("the hold should have kept the bad version out")
        self._say(f"The hold keeps {again[:7]} out. {BAD} stays at {_short(app.running)}, {app.health}.")

    async def _mended(self, lastgood: Lastgood) -> None:
        self._say("The mended version (SHOP-119) is another one, so it passes the hold.")
        self._writer.pull()
        self._writer.write_release("web", "production", self._revisions["rates-mended"])
        self._push("Release web to production: yesterday's rates where none are configured (SHOP-119)", NOAH)
        await self._all_run(lastgood, "rates-mended", [BAD])

    async def clean_up(self) -> None:
        """Take the applications out of Git, forget them with all that they run, and stop the server."""
        try:
            if self._server.url:
                self._server.take_back()
                await self._forget_all()
        finally:
            self._server.stop()
        await self._wait("everything that ran to be gone", self._left, lambda left: not left)

    async def _left(self) -> list[str]:
        apps = [f"{service}-{environment}" for service in SERVICES for environment in ENVIRONMENTS]
        return [app for app in apps if await self._platform.is_there(app)]

    async def _forget_all(self) -> None:
        async with open_server(self._server.url, self._server.token) as lastgood:
            if not await lastgood.apps():
                return
            self._writer.pull()
            self._writer.remove_applications()
            self._push("Close the shop", PRIYA)
            await lastgood.sync(None)
            apps = await self._wait("the applications to be gone from Git", lastgood.apps, _all_gone)
            for app in apps:
                if app.state == "stopped":  # losing all of them at once waits for a press, as it should
                    await lastgood.retry(PressRequest(app=app.name))
            for app in await self._wait("the applications to be removed", lastgood.apps, _all_removed):
                await lastgood.forget(app.name, prune=True)

    async def _all_run(self, lastgood: Lastgood, name: str, apps: list[str]) -> None:
        """Wait until the applications run a revision and are Healthy; each answers over HTTP."""
        commit = self._writer.head
        await self._wait(
            f"{', '.join(apps)} to run {name} and be Healthy",
            lastgood.apps,
            lambda found: (
                all(
                    a.health == "Healthy" and a.running is not None and a.running.commit == commit
                    for a in found
                    if a.name in apps
                )
                and {a.name for a in found} >= set(apps)
            ),
        )
        for app in apps:
            if not await self._platform.is_there(app):
                raise StoryFailed(f"{app} is called Healthy, and nothing of it is there")

    async def _deployed(self, lastgood: Lastgood, app: str) -> TimelineEntry:
        return (await lastgood.timeline(TimelineQuery(app=app, limit=1)))[0]

    async def _wait(self, what: str, ask: Callable[[], Awaitable[T]], until: Callable[[T], bool]) -> T:
        """Ask until the answer is as it should be. Raises StoryFailed with the last answer."""
        deadline = time.monotonic() + WAIT_S
        while not until(answer := await ask()):
            if time.monotonic() > deadline:
                raise StoryFailed(f"waited {WAIT_S} s for {what}; the last answer was {str(answer)[:2000]}")
            await asyncio.sleep(0.1)
        return answer

    def _push(self, message: str, author: str) -> str:
        return self._writer.push(message, author)

    def _say(self, text: str) -> None:
        self._tell(f"[{time.monotonic() - self._began:4.1f} s] {text}")


async def _app(lastgood: Lastgood, name: str) -> ApplicationView:
    return next(app for app in await lastgood.apps() if app.name == name)


def _all_gone(apps: list[ApplicationView]) -> bool:
    return all(app.state in ("removed", "stopped") for app in apps)


def _all_removed(apps: list[ApplicationView]) -> bool:
    return all(app.state == "removed" for app in apps)


def _short(version: Version | None) -> str:
    return version.short or "unknown" if version else "none"


def _settings(folder: Path, platform: Platform) -> str:
    head = textwrap.dedent(f"""\
        data = "data"
        [[repos]]
        name = "shop-config"
        url = "{folder / "config.git"}"
        branch = "main"
        [[sources]]
        url = "{folder / "source.git"}"
        [web]
        port = 0
        """)
    return f"{head}{platform.destinations()}\n"
