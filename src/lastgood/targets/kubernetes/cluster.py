"""One cluster as everything here sees it: its connection, its kinds, what is alive in it, and who is told of changes.

Owns the watches: one for each kind, shared by all applications, begun when a kind is first needed.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence

import structlog

from lastgood.core.cluster_facts import ClusterFacts
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.connection import Connection
from lastgood.targets.kubernetes.finished import may_go
from lastgood.targets.kubernetes.kinds import GroupKind, Kind, Kinds
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.marks import DEFINITIONS, MARKING, Marks
from lastgood.targets.kubernetes.memory import Applied
from lastgood.targets.kubernetes.newest import Newest
from lastgood.targets.kubernetes.news import News
from lastgood.targets.kubernetes.options import Options
from lastgood.targets.kubernetes.parents import Parents
from lastgood.targets.kubernetes.pulse import Pulse
from lastgood.targets.kubernetes.reading import texts
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, Unreachable, said
from lastgood.targets.kubernetes.watch import KindWatch

# What the objects of applications make in turn, and what scales them: theirs are found by their owners.
SUPPORTING: tuple[GroupKind, ...] = (
    ("", "Pod"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    *MARKING,
)
# Half of what a release changes: what these say of an application, the workload and its pods say too.
QUIET: tuple[GroupKind, ...] = (("apps", "ReplicaSet"), ("discovery.k8s.io", "EndpointSlice"))
# What may stand for a set of another tool, beside the kinds whose definitions say so; of those so many are asked for.
PARENTS: tuple[GroupKind, ...] = (apply_set.PARENT, ("", "Secret"))
MAX_PARENT_KINDS = 20
# What loses to another tool's set is looked at every few seconds; whether that set has gone need not be.
STRANGER_S = 60.0
# At which place among the watches the one of the parents is; no API group has that name.
_PARENTS: GroupKind = ("applyset", "Parent")
# A new kind is served a moment after its definition is there: what is served is asked for once more then.
ASKED_AGAIN_S = 5.0
NOT_FOUND = 404
# What changes of an application while nothing turns, such as its counts, is told so late, and as one.
PROGRESS_S = 1.0
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
LIST_S = 60.0


class Cluster:
    """A cluster that is being looked at. Watches run as tasks from `follow` until `close`.

    has_own_rules: the operator judges health, too: then no change is taken for mere progress.
    """

    def __init__(self, connection: Connection, *, has_own_rules: bool = False) -> None:
        self.connection = connection
        self.kinds = Kinds(connection)
        progressed = None if has_own_rules else self._tell_soon
        self.live = Live(self.tell, progressed=progressed, marking=MARKING, quiet=QUIET, may_go=may_go)
        self.marks = Marks(self.live, now=time.monotonic)
        self.parents = Parents(self.tell)
        self.strangers: dict[str, tuple[float, str]] = {}
        self._defined: dict[str, bytes] = {}
        self._defined_at: float | None = None
        self._watches: dict[GroupKind, KindWatch] = {}
        self._tasks: dict[GroupKind, asyncio.Task[None]] = {}
        self._pulse = Pulse(connection, told=self._felt, back=self._watch_anew)
        self._pulse_task: asyncio.Task[None] | None = None
        self._listing_anew: asyncio.Task[None] | None = None
        self._beginning_anew = asyncio.Lock()
        self._listeners: list[News] = []
        self._told_soon: dict[str, asyncio.TimerHandle] = {}
        self._looks: set[asyncio.Timeout] = set()

    async def follow(self, kinds: Iterable[GroupKind]) -> None:
        """See that these kinds are watched and were listed; kinds that the cluster lacks are passed over.

        Raises Unreachable where that does not come about.
        """
        wanted = [*dict.fromkeys([*kinds, *SUPPORTING])]
        if all(kind in self._watches and self._watches[kind].synced.is_set() for kind in wanted):
            return
        found = [await self.kinds.find(*kind) for kind in wanted if kind not in self._watches]
        for kind in found:
            if kind is not None and kind.group_kind not in self._watches and "watch" in kind.verbs:
                self._begin(kind)
        await self._listed([self._watches[kind] for kind in wanted if kind in self._watches])

    async def _listed(self, waiting: Sequence[KindWatch]) -> None:
        """Wait until these were listed. Raises Unreachable where that does not come about."""
        if all(watch.synced.is_set() for watch in waiting):
            return
        try:
            async with asyncio.timeout(LIST_S):
                await asyncio.gather(*(watch.answered.wait() for watch in waiting))
        except TimeoutError as late:
            troubles = sorted({watch.trouble for watch in waiting if watch.trouble})
            raise Unreachable("; ".join(troubles) or "its objects could not be listed in time") from late
        refused = [watch.trouble for watch in waiting if not watch.synced.is_set() and watch.trouble is not None]
        if refused:
            raise Unreachable(f"{refused[0]}; `lastgood doctor` says which rules are missing")

    def _begin(self, kind: Kind) -> None:
        label = apply_set.PART_OF if kind.group_kind not in SUPPORTING else ""
        self._begin_watch(kind.group_kind, kind, live=self.live, label=label)

    def _begin_watch(
        self, at: GroupKind, kind: Kind, *, live: Newest, label: str, namespace: str | None = None
    ) -> None:
        watch = KindWatch(
            kind,
            connection=self.connection,
            kinds=self.kinds,
            live=live,
            label=label,
            namespace=namespace,
            told=lambda: self.tell(None),
            restored=self._list_anew,
        )
        self._watches[at] = watch
        self._tasks[at] = asyncio.create_task(self._run(watch))

    async def _run(self, watch: KindWatch) -> None:
        try:
            await watch.run()
        except Exception:  # noqa: BLE001 - a mistake of ours must not pass for silence of the cluster
            watch.trouble = "lastgood made a mistake while watching; its log says which"
            structlog.get_logger().exception("watch ended", kind=watch.kind.kind)
            self.tell(None)

    async def _watch_anew(self) -> None:
        """Begin all watches again where they were: what was silent may be a connection that is gone for good."""
        await self.connection.renew()
        await self._begin_anew(self._tasks)

    def _list_anew(self, noticed: KindWatch) -> None:
        """Have all kinds listed: one of them noticed that the cluster was put back, the others may be past that."""
        others = [at for at, watch in self._watches.items() if watch is not noticed]
        for at in others:
            self._watches[at].forget()
        self._listing_anew = asyncio.create_task(self._begin_anew(others))

    async def _begin_anew(self, watches: Iterable[GroupKind]) -> None:
        async with self._beginning_anew:
            before = {at: self._tasks[at] for at in watches}
            for task in before.values():
                task.cancel()
            await asyncio.gather(*before.values(), return_exceptions=True)
            self._tasks |= {at: asyncio.create_task(self._run(self._watches[at])) for at in before}

    @contextlib.asynccontextmanager
    async def while_it_answers(self) -> AsyncIterator[None]:
        """End what is done in it once the server counts as away, instead of when each of its questions is given up.

        Raises Unreachable then.
        """
        if self._pulse.trouble is not None:
            raise Unreachable(self._pulse.trouble)
        look = asyncio.timeout(None)
        try:
            async with look:
                self._looks.add(look)
                try:
                    yield
                finally:
                    self._looks.discard(look)
        except TimeoutError as late:
            if not look.expired():
                raise
            raise Unreachable(self._pulse.trouble or "the API server did not answer in time") from late

    def _felt(self) -> None:
        if self._pulse.trouble is not None:
            looks, self._looks = self._looks, set()
            for look in looks:
                look.reschedule(asyncio.get_running_loop().time())
        self.tell(None)

    async def _feel(self) -> None:
        while True:
            try:
                await self._pulse.run()
            except Exception:  # noqa: BLE001 - a mistake of ours must not pass for a cluster that lives
                structlog.get_logger().exception("the pulse cannot be felt")
                await asyncio.sleep(LIST_S)

    async def follow_parents(self, namespace: str) -> None:
        """See that the namespace of our own objects is there, and that which applications have a set is known.

        Whether the cluster answers is felt from here on: while it never did, each who asks would wait in turn.
        Raises ClusterTrouble.
        """
        if self._pulse_task is None:
            self._pulse_task = asyncio.create_task(self._feel())
        spaces = await self.kinds.find("", "Namespace")
        maps = await self.kinds.find(*apply_set.PARENT)
        if spaces is None or maps is None:
            raise Unreachable("the cluster has no namespaces or no ConfigMaps: is it one?")
        own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await Sender(self.connection, account=None, take_over=False).apply(spaces, own, Options(create_only=True))
        if _PARENTS not in self._watches:
            self._begin_watch(_PARENTS, maps, live=self.parents, label=apply_set.ID, namespace=namespace)
        await self._listed([self._watches[_PARENTS]])

    async def see_to_parent(self, applied: Applied, namespace: str) -> None:
        """See that what stands for an application says what its set has, or may still have of before.

        Also where somebody deleted our namespace. namespace: that one. Raises ClusterTrouble.
        """
        said = apply_set.parent(applied.app, namespace=namespace, kinds=applied.kinds, namespaces=applied.namespaces)
        there = self.parents.of(applied.app)
        if there is not None and there.items() >= said["metadata"]["annotations"].items():
            return
        kind = await self.kinds.find(*apply_set.PARENT)
        if kind is None:
            raise Unreachable("the cluster has no ConfigMaps: is it one?")
        sender = Sender(self.connection, account=None, take_over=True)
        try:
            sent = await sender.apply(kind, said, Options())
        except Answered as no:
            if no.status != NOT_FOUND:
                raise
            await self.follow_parents(namespace)
            sent = await sender.apply(kind, said, Options())
        written = live_object(sent.live, apply_set.PARENT)
        if written is not None:
            self.parents.put(written)

    async def read_members(self, set_id: str, kinds: Iterable[GroupKind]) -> None:
        """Read anew what a set has of these kinds: a watch may not have told yet of what was made last.

        Raises ClusterTrouble.
        """
        for group_kind in kinds:
            kind = await self.kinds.find(*group_kind)
            if kind is None or "list" not in kind.verbs:
                continue
            params = {"labelSelector": f"{apply_set.PART_OF}={set_id}"}
            listed = await self.connection.request("GET", kind.path(), params=params)
            items = listed.get("items") if isinstance(listed, dict) else None
            for item in items if isinstance(items, list) else []:
                one = live_object(
                    {"apiVersion": kind.api_version, **item} if isinstance(item, dict) else None, group_kind
                )
                if one is not None:
                    self.live.put(one)

    async def stranger(self, set_id: str) -> str:
        """Say whose a set is that no application here has, as its parent tells; asked now and then, as STRANGER_S says.

        Returns "" where it has no parent: its tool has gone, and its objects may be had. Raises ClusterTrouble.
        """
        now = asyncio.get_running_loop().time()
        asked_at, known = self.strangers.get(set_id, (-STRANGER_S, ""))
        if now - asked_at >= STRANGER_S:
            known = await self._stranger(set_id)
            self.strangers[set_id] = (now, known)
        return known

    async def _stranger(self, set_id: str) -> str:
        built_in = [await self.kinds.find(*group_kind) for group_kind in PARENTS]
        custom = await self._parent_kinds()
        for kind in (*built_in, *custom[:MAX_PARENT_KINDS]):
            if kind is None:
                continue
            params = {"labelSelector": f"{apply_set.ID}={set_id}", "limit": "1"}
            try:
                listed = await self.connection.request("GET", kind.path(), params=params, accept=_METADATA)
            except Answered as no:
                if no.status == NOT_FOUND:
                    # Its definition has gone meanwhile, and with it what stood for a set.
                    continue
                if no.is_passing:
                    raise
                # What we may not see may be there: nobody steals.
                return f"another set, {said(set_id)}, whose parent we may not look for ({no})"
            items = listed.get("items") if isinstance(listed, dict) else None
            first = items[0] if isinstance(items, list) and items else None
            metadata = first.get("metadata") if isinstance(first, dict) else None
            if isinstance(metadata, dict):
                place = f"{metadata.get('namespace')}/" if kind.namespaced else ""
                return f"another set, whose parent is the {kind.kind} {said(place + str(metadata.get('name')))}"
        if len(custom) > MAX_PARENT_KINDS:
            return f"another set, {said(set_id)}, whose parent may be of any of {len(custom)} kinds"
        return ""

    async def _parent_kinds(self) -> list[Kind]:
        """Return the kinds that may stand for sets because their definitions say so, by name."""
        named = sorted(
            one.name
            for one in self.live.of_kind(DEFINITIONS)
            if texts(one.manifest, "metadata", "labels").get(apply_set.PARENT_TYPE) == "true"
        )
        served = self.kinds.known().values()
        if set(named) - {f"{kind.plural}.{kind.group}" for kind in served}:
            await self.kinds.read()
            served = self.kinds.known().values()
        by_name = {f"{kind.plural}.{kind.group}": kind for kind in served}
        return [by_name[name] for name in named if name in by_name]

    async def facts(self) -> ClusterFacts:
        """Return what charts may ask of the cluster: asked anew once definitions changed, and again a little later."""
        now, defined = asyncio.get_running_loop().time(), self.marks.definitions()
        is_new = defined != self._defined
        if is_new or (self._defined_at is not None and now - self._defined_at >= ASKED_AGAIN_S):
            # Where it does not answer, what it said last is nearer to the truth than nothing.
            with contextlib.suppress(ClusterTrouble):
                await self.kinds.read()
                self._defined, self._defined_at = defined, now if is_new else None
        return self.kinds.facts()

    async def delete_parent(self, app: str, namespace: str) -> None:
        """Delete the object that stands for an application."""
        maps = await self.kinds.find(*apply_set.PARENT)
        if maps is not None:
            sender = Sender(self.connection, account=None, take_over=False)
            await sender.delete(maps.path(namespace, apply_set.parent_name(app)), uid=None)
        self.parents.remove((apply_set.PARENT, namespace, apply_set.parent_name(app)))

    def trouble(self, kinds: Iterable[GroupKind]) -> str | None:
        """Say why what is known of these kinds may be old; None where it is not."""
        if self._pulse.trouble is not None:
            return self._pulse.trouble
        found = (self._watches[kind] for kind in kinds if kind in self._watches)
        return next((watch.trouble for watch in found if watch.trouble is not None), None)

    def listen(self, only: str | None = None) -> News:
        """Return what gets news from now on. only: see News."""
        news = News(only)
        self._listeners.append(news)
        return news

    def deafen(self, news: News) -> None:
        """Let what `listen` returned go."""
        self._listeners.remove(news)

    def tell(self, set_id: str | None) -> None:
        """Tell all who listen for it that something concerns a set; None: all of them."""
        if set_id is not None:
            self._tell_no_more_soon(set_id)
        for news in self._listeners:
            news.tell(set_id)

    def looked_at(self, set_id: str) -> None:
        """Note that a look at a set begins: who listens to all sets need not hear what is told of it already."""
        self._tell_no_more_soon(set_id)
        for news in self._listeners:
            if news.only is None:
                news.looked_at(set_id)

    def _tell_soon(self, set_id: str) -> None:
        if set_id not in self._told_soon:
            self._told_soon[set_id] = asyncio.get_running_loop().call_later(PROGRESS_S, self.tell, set_id)

    def _tell_no_more_soon(self, set_id: str) -> None:
        soon = self._told_soon.pop(set_id, None)
        if soon is not None:
            soon.cancel()

    async def close(self) -> None:
        """End all watches and the connection."""
        # First what begins watches.
        beginning = [task for task in (self._pulse_task, self._listing_anew) if task is not None]
        self._pulse_task = None
        for task in beginning:
            task.cancel()
        await asyncio.gather(*beginning, return_exceptions=True)
        tasks, self._tasks = list(self._tasks.values()), {}
        self._watches.clear()
        for soon in self._told_soon.values():
            soon.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.connection.close()
