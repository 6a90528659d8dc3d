"""Watch one kind of a cluster: list it, then follow every change, and go on without loss after whatever happens.

The story: list in pages, keep what concerns applications, watch from the list's resourceVersion with bookmarks. When
the server ends the watch or the connection drops, the watch begins again where it was; when that is too long ago
(410 Gone), or watches end again and again before they tell of anything, everything is listed anew, and what is
missing in the list is gone. So it is where the cluster was put back to an earlier state, from a backup of its store:
a watch from a version that is still to come would be silent until then, so after each drop the server is asked for
its version first. While nothing is heard, `trouble` says why: what is kept then is old. Cancelling ends it.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from lastgood.core.back_off import back_off
from lastgood.targets.kubernetes.connection import Connection, chance
from lastgood.targets.kubernetes.kinds import Kind, Kinds
from lastgood.targets.kubernetes.live_object import LiveObject, live_object
from lastgood.targets.kubernetes.marks import MARKING
from lastgood.targets.kubernetes.newest import Newest, number_of
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, Unreachable

PAGE = 500
MAX_OBJECTS = 200_000
# The server ends a watch after this time, and we begin the next one.
SHORTEST_S, LONGEST_S = 300, 600
FIRST_WAIT_S = 0.2
MOST_WAIT_S = 15.0
BUSY_WAIT_S = 4.0
AT_ONCE_S = 0.1
# A watch that told of nothing for so long was one all the same.
LASTING_S = 5.0
# Being woken for each change costs more than reading it. All kinds are read at the same moments: what a workload says
# of its pods is not to be known before they are.
EVERY_S = 0.05
GONE = 410
FORBIDDEN = 403
NOT_FOUND = 404


class _Event(msgspec.Struct):
    type: str
    object: dict[str, Any]


class KindWatch:
    """Follows a kind until `run` is cancelled.

    label: only objects that have it are asked for, "": all. namespace: to look in, None: everywhere. live: what is
    told. told: called when trouble comes or goes. restored: called where the cluster was put back to an earlier state.
    trouble: why nothing is heard, None while all is well. synced: set once everything was listed. answered: set once
    that came about or the server said that we may not.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        connection: Connection,
        kinds: Kinds,
        live: Newest,
        label: str,
        namespace: str | None = None,
        told: Callable[[], None],
        restored: Callable[["KindWatch"], None],
    ) -> None:
        self.kind = kind
        self.trouble: str | None = f"the objects of the kind {kind.kind} were not listed yet"
        self.synced = asyncio.Event()
        self.answered = asyncio.Event()
        self._connection = connection
        self._kinds = kinds
        self._live = live
        self._selector = {"labelSelector": label} if label else {}
        self._namespace = namespace
        self._told = told
        self._restored = restored
        self._version: str | None = None
        self._may_be_restored = False
        self._failures = 0
        self._taken_at: float | None = None
        self._is_told = False
        self._was_gone = False

    async def run(self) -> None:
        """List and watch, for ever."""
        wait_s = 0.0
        self._may_be_restored = True
        while True:
            await asyncio.sleep(wait_s)
            wait_s = await self.turn()

    def forget(self) -> None:
        """Have everything listed when it runs again: the version that it was at is of a story that never happened."""
        self._version = None

    async def turn(self) -> float:
        """Go on until the watch ends, and return how long to wait before the next time, in seconds."""
        self._taken_at = None
        trouble: ClusterTrouble | None = None
        try:
            if self._may_be_restored:
                await self._notice_restore()
            if self._version is None:
                await self._list()
            await self._watch()
        except ClusterTrouble as wrong:
            trouble = wrong
        if self._taken_at is not None and asyncio.get_running_loop().time() - self._taken_at >= LASTING_S:
            self._failures = 0
        if trouble is not None:
            return await self._after(trouble)
        if self._is_told:
            return 0.0
        self._failures += 1
        return back_off(self._failures, first_s=FIRST_WAIT_S, most_s=MOST_WAIT_S, jitter=chance())

    async def _after(self, trouble: ClusterTrouble) -> float:
        """Take in what went wrong; return how long to wait, in seconds."""
        self._failures += 1
        self._may_be_restored = True
        answer = trouble if isinstance(trouble, Answered) else None
        status = answer.status if answer is not None else None
        # A connection that drops once is taken up again at once; that is no trouble to tell.
        is_again = self._failures > 1
        # After whatever else, as after an outage, a list may well help.
        is_gone_again, self._was_gone = self._was_gone and status == GONE, status == GONE
        if status in (GONE, NOT_FOUND) or (is_again and self._taken_at is not None):
            # Where watches are taken and tell of nothing, lists still do.
            self._version = None
        if status == GONE and not is_gone_again:
            return AT_ONCE_S
        if status == NOT_FOUND:
            await self._find_anew()
        if is_again or self._version is None or status == FORBIDDEN:
            self._say(self._in_words(trouble))
        if status == FORBIDDEN:
            # Waiting for more does not help whoever waits; asked again it is, in case it is allowed by then.
            self.answered.set()
        # Who answers is there, and well again soon: a server that begins anew answers so for a moment.
        most_s = BUSY_WAIT_S if answer is not None and answer.is_passing else MOST_WAIT_S
        wait_s = back_off(self._failures, first_s=FIRST_WAIT_S, most_s=most_s, jitter=chance())
        return max(wait_s, (answer.retry_after_s if answer is not None else None) or 0.0)

    async def _find_anew(self) -> None:
        """The address is gone: the kind is served in another version, or its API group went and the objects with it."""
        with contextlib.suppress(ClusterTrouble):
            kind = await self._kinds.find(*self.kind.group_kind, anew=True)
            if kind is None:
                self._live.begin_list(self.kind.group_kind)
                self._live.replace(self.kind.group_kind, ())
            else:
                self.kind = kind

    def _say(self, trouble: str | None) -> None:
        if self.trouble != trouble:
            self.trouble = trouble
            self._told()

    def _in_words(self, trouble: ClusterTrouble) -> str:
        """Name the kind where the trouble is about it; a server that is away is away for all kinds."""
        # What stands behind `Secret:` would be taken for one.
        return str(trouble) if isinstance(trouble, Unreachable) else f"{self.kind.kind} objects: {trouble}"

    async def _notice_restore(self) -> None:
        """Have everything listed anew where the cluster is at an earlier version than it was."""
        if self._version is not None:
            now, before = number_of(_version_of(await self._page({"limit": "1"}))), number_of(self._version)
            if now is not None and before is not None and now < before:
                structlog.get_logger().warning("cluster was put back to an earlier state", kind=self.kind.kind)
                self._version = None
                self._restored(self)
        self._may_be_restored = False

    async def _list(self) -> None:
        found: list[LiveObject] = []
        more: str | None = ""
        version = None
        self._live.begin_list(self.kind.group_kind)
        while more is not None:
            page = await self._page({"limit": str(PAGE), **({"continue": more} if more else {})})
            for item in page["items"] if isinstance(page["items"], list) else []:
                one = self._read(item)
                if one is not None:
                    found.append(one)
            if len(found) > MAX_OBJECTS:
                raise ClusterTrouble(f"there are more than {MAX_OBJECTS} objects of the kind {self.kind.kind}")
            version = _version_of(page)
            more = _metadata(page).get("continue") or None
        self._live.replace(self.kind.group_kind, found)
        self._version = version or ""
        self.synced.set()
        self.answered.set()
        self._say(None)

    async def _page(self, asked: dict[str, str]) -> dict[str, Any]:
        page = await self._connection.request(
            "GET", self.kind.path(self._namespace), params={**asked, **self._selector}
        )
        # Taken for an empty list, it would mean that everything is gone.
        if not isinstance(page, dict) or "items" not in page or _version_of(page) is None:
            raise ClusterTrouble("the API server's answer is no list")
        return page

    async def _watch(self) -> None:
        seconds = random.randint(SHORTEST_S, LONGEST_S)  # noqa: S311 - spreads the ends of watches
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version or "",
            "timeoutSeconds": str(seconds),
            **self._selector,
        }
        self._is_told = False
        async for line in self._connection.watch(self.kind.path(self._namespace), params, every_s=EVERY_S):
            if line is None:
                self._taken_at = asyncio.get_running_loop().time()
                self._say(None)
                continue
            try:
                event = msgspec.json.decode(line, type=_Event)
            except msgspec.DecodeError as wrong:
                raise ClusterTrouble("the API server sent an event that is no JSON") from wrong
            self._take(event)
            self._failures, self._was_gone, self._is_told = 0, False, True

    def _take(self, event: _Event) -> None:
        if event.type == "ERROR":
            code = event.object.get("code")
            said = str(event.object.get("message") or "the watch failed")
            raise Answered(code if isinstance(code, int) else 500, str(event.object.get("reason") or ""), said)
        version = _version_of(event.object)
        if event.type != "BOOKMARK":
            one = live_object(event.object, self.kind.group_kind)
            if one is not None and event.type != "DELETED" and self._concerns(one):
                self._live.put(one)
            elif one is not None:
                self._live.gone(one)
        if version:
            self._version = version

    def _read(self, item: Any) -> LiveObject | None:
        if isinstance(item, dict):
            # The items of a list do not say it; rules of health go by it.
            item.setdefault("apiVersion", self.kind.api_version)
        one = live_object(item, self.kind.group_kind)
        return one if one is not None and self._concerns(one) else None

    def _concerns(self, one: LiveObject) -> bool:
        """Say whether to keep an object: ours, or what something of ours may own; others' are not looked at."""
        return bool(self._selector) or one.part_of is not None or bool(one.owners) or self.kind.group_kind in _ALL_KEPT


def _metadata(sent: dict[str, Any]) -> dict[str, Any]:
    metadata = sent.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _version_of(sent: dict[str, Any]) -> str | None:
    version = _metadata(sent).get("resourceVersion")
    return version if isinstance(version, str) else None


_ALL_KEPT = frozenset(MARKING)
