"""The Kubernetes target: an application's objects in one cluster, and how they are.

What is asked for and what was found equal to it is remembered in a folder; what is alive is watched. A cluster that
cannot be reached is trouble of the destination: its applications are Unknown, and are looked after again when it is
back.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lastgood.core.application import Application
from lastgood.core.cluster_facts import ClusterFacts
from lastgood.core.errors import TargetFailed, TargetRefused
from lastgood.core.hook import Hook, hooks_at, kept
from lastgood.core.leaving import Going, Leaving
from lastgood.core.observation import ApplyResult, Observation
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Clock
from lastgood.core.resource import Rendered
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.rollout import LiveRollout
from lastgood.core.service import Services
from lastgood.core.value import Value
from lastgood.core.words import Occasion
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.apply import Apply, Rules
from lastgood.targets.kubernetes.apply_set import Extent
from lastgood.targets.kubernetes.claims import Claims
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from lastgood.targets.kubernetes.finished import JOB
from lastgood.targets.kubernetes.health import OwnRules
from lastgood.targets.kubernetes.hindrances import Hindrances
from lastgood.targets.kubernetes.inside import Inside
from lastgood.targets.kubernetes.kinds import POD, GroupKind
from lastgood.targets.kubernetes.last_words import EndedRun, LastWords, ended_run
from lastgood.targets.kubernetes.live_object import Key
from lastgood.targets.kubernetes.marks import DEFINITIONS
from lastgood.targets.kubernetes.memory import Applied, Memory, extent_of
from lastgood.targets.kubernetes.no_pods import NoPods, PodsRefused
from lastgood.targets.kubernetes.observe import Differs, Healthy, Look, look, observation, unhealthy
from lastgood.targets.kubernetes.pods import newest_pods
from lastgood.targets.kubernetes.rollouts import live_rollouts
from lastgood.targets.kubernetes.run_hooks import HookRuns
from lastgood.targets.kubernetes.said_before import SaidBefore
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.shared import APPLICATION
from lastgood.targets.kubernetes.take_away import TakeAway, going_and_staying
from lastgood.targets.kubernetes.trouble import ClusterTrouble, Unreachable
from lastgood.targets.kubernetes.wanted import Asks, Wanted, WantedWave

SETTLE_S = 300.0
# A release of one application makes some twenty changes at once; they are told as a few.
GATHER_S = 0.25
# What was pushed goes before news of what runs, so many times at most: a thousand applications are released sooner so.
GIVES_WAY = 8
# A page or a person waits for a chart meanwhile.
FACTS_S = 10.0
# So long after such a wait nobody waits anew.
SILENT_S = 30.0
# So long at most a deletion waits for whoever may ask for the same now, and who asks for whoever may give it.
ASKED_S = 10.0
NOT_YET = "the cluster has not answered yet"
PROCESS_KIND = "Process"

Taken = TypeVar("Taken")


class ClusterRules(Value, frozen=True, kw_only=True):
    """What the operator says of a cluster.

    namespace: of lastgood's own objects. take_over: fields that somebody else manages become ours. account: the user
    to act as for an application, with {namespace} and {app}; None: our own. may_delete: precious kinds that may go.
    """

    namespace: str = "lastgood"
    take_over: bool = True
    account: str | None = None
    may_delete: frozenset[str] = frozenset()


class KubernetesTarget:
    """The port Target on one cluster.

    root: a folder of its own, the same after each restart. name: the destination's. rules: the operator's. own_rules:
    of health. settle_s: how long a wave may take to become healthy before those after it are given up.
    """

    def __init__(
        self,
        root: Path,
        *,
        name: str,
        access: ClusterAccess,
        clock: Clock,
        rules: ClusterRules | None = None,
        own_rules: OwnRules | None = None,
        settle_s: float = SETTLE_S,
    ) -> None:
        self.name = name
        self.connection = Connection(access)
        self._cluster = Cluster(self.connection, has_own_rules=own_rules is not None)
        self._memory = Memory(root)
        self._clock = clock
        self._rules = rules or ClusterRules()
        self._own_rules = own_rules
        self._settle_s = settle_s
        self._last_words = LastWords(self._cluster)
        self._no_pods = NoPods(self._cluster)
        self._inside = Inside(self._cluster, destination=name, clock=clock, rules=own_rules)
        self._applied: dict[str, Applied] | None = None
        self._apps: dict[str, str] = {}
        self._followed: set[str] | None = None
        self._claims = Claims()
        self._asking: set[str] = set()
        self._asked = asyncio.Event()
        self._takers: list[tuple[str, str]] = []
        self._hindrances = Hindrances(self._cluster, claimed=self._claimed, is_healthy=self._is_healthy)
        self._differs: Differs = {}
        self._healthy: dict[str, Healthy] = {}
        self._said_before: dict[str, SaidBefore] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._starting = asyncio.Lock()
        self._is_set_up = False
        self._silent_until = 0.0

    # the port
    async def apply(
        self,
        app: Application,
        rendered: Rendered,
        *,
        occasion: Occasion = "upgrade",
        attempt: int | None = None,
        before_deleting: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyResult:
        """Make it so. Raises TargetFailed if nothing at all was done."""
        self._asking.add(app.name)
        try:
            return await self._apply(app, rendered, occasion, attempt, before_deleting)
        finally:
            self._has_asked(app.name)

    async def _apply(
        self,
        app: Application,
        rendered: Rendered,
        occasion: Occasion,
        attempt: int | None,
        before_deleting: Callable[[], Awaitable[None]] | None,
    ) -> ApplyResult:
        async with self._locks.setdefault(app.name, asyncio.Lock()):
            try:
                await self._set_up()
                if self._followed is not None:
                    # What is new may be applied before it is heard of.
                    self._followed.add(app.name)
                self._begin_anew(app.name)
                waves, hooks = await self._wanted(app, rendered, occasion)
                objects = [*(one for wave in waves for one in wave.objects), *(one for _, one in hooks)]
                await self._follow(app.name, {*(one.key[0] for one in objects), *self._extent_of(app.name).kinds})
                self._before(app.name).begin(self._clock.now())
                result, _ = await self._pass(app, rendered, attempt, before_deleting)(waves, hooks)
                self._before(app.name).go_on(self._clock.now())
            except ClusterTrouble as trouble:
                raise self._failed(app.name, str(trouble)) from trouble
            except OSError as wrong:
                reason = f"what is wanted cannot be written down: {wrong.strerror}"
                raise self._failed(app.name, reason) from wrong
            return result

    async def observe(self, app: str) -> Observation:
        """Look once, at what the watches keep; a request only for what changed and was not compared yet."""
        now = self._clock.now()
        try:
            async with self._cluster.while_it_answers():
                await self._set_up()
                applied = (self._applied or {}).get(app)
                if applied is None:
                    return Observation(
                        app=app, observed_at=now, health="Missing", sync="Unknown", message="nothing is installed"
                    )
                kinds = {one.key[0] for one in applied.objects}
                await self._cluster.follow({*kinds, *applied.kinds})
                trouble = self._cluster.trouble(kinds)
                if trouble is not None:
                    raise Unreachable(trouble)
                sender = self._sender_of(applied.account)
                lock = self._locks.get(app)
                self._cluster.looked_at(applied.set_id)
                seen = await look(
                    applied,
                    cluster=self._cluster,
                    sender=sender,
                    differs=self._differs,
                    claimed=partial(self._claimed, applied.set_id),
                    is_applied_now=lock is not None and lock.locked(),
                )
                if seen.changed and (self._applied or {}).get(app) is applied:
                    # Applied anew or taken away while we looked: what was asked for before is not written over that.
                    self._write(applied)
                seen.may_go_on = await self._hindrances.may_go_on(applied, sender)
                is_now = (self._applied or {}).get(app) is applied and not (lock is not None and lock.locked())
                if is_now and self._cluster.parents.of(app) is None:
                    await self._write_parent(applied, seen)
        except ClusterTrouble as trouble:
            message = f"destination {self.name}: {trouble}; how {app} is there cannot be said"
            return Observation(app=app, observed_at=now, health="Unknown", sync="Unknown", message=message)
        except OSError as wrong:
            message = f"what was applied cannot be read or written down: {wrong.strerror}"
            return Observation(app=app, observed_at=now, health="Unknown", sync="Unknown", message=message)
        self._tell_contested(applied, seen)
        ended: list[EndedRun] = []

        def last_words(pods: Sequence[dict[str, Any]]) -> str:
            run = ended_run(pods)
            if run is None:
                return ""
            ended.append(run)
            return self._last_words.of(run)

        put_together = partial(
            observation,
            applied,
            seen,
            cluster=self._cluster,
            now=now,
            rules=self._own_rules,
            last_words=last_words,
            healthy=self._healthy.setdefault(app, {}),
            before=self._before(app),
        )
        found = await self._beside(put_together)
        more = bool(ended) and await self._last_words.ask(ended, applied.set_id)
        waiting = zip(applied.objects, found.resources, strict=True)
        no_pods = await self._no_pods.look([one.key for one, is_ in waiting if is_.health == "Progressing"])
        return await self._beside(partial(put_together, no_pods=no_pods)) if more or no_pods else found

    async def tree(self, app: str) -> ResourceTree:
        """Return what an application consists of, from memory."""
        return await self._inside.tree(app, *await self._known(app))

    async def services(self, app: str) -> Services:
        """Return what an application runs, from memory."""
        return await self._inside.services(app, *await self._known(app))

    async def rollouts(self, app: str) -> Sequence[LiveRollout] | None:
        """Return how an application's Argo Rollouts stand, from memory; None where what is known may be old."""
        applied, trouble = await self._known(app)
        return live_rollouts(applied, self._cluster.live) if applied is not None and not trouble else None

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> tuple[PodEvent, ...]:
        """Ask what the cluster tells of a pod. Raises UnknownPod, TargetFailed."""
        applied, trouble = await self._known(app)
        if trouble:
            raise self._failed(app, f"the events of the pod {pod} cannot be had: {trouble}")
        return await self._inside.pod_events(app, applied, pod, namespace)

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """Ask for the end of a pod's log. Raises UnknownPod, Unknown, TargetFailed."""
        applied, trouble = await self._known(request.app)
        if trouble:
            raise self._failed(request.app, f"the log of the pod {request.pod} cannot be had: {trouble}")
        return await self._inside.pod_log(request, applied)

    async def _known(self, app: str) -> tuple[Applied | None, str]:
        """Return what was asked for, None for nothing, and why what is known of it may be old, "" where it is not."""
        try:
            await self._set_up_soon()
        except ClusterTrouble as trouble:
            return None, str(trouble)
        except OSError as wrong:
            return None, f"what was applied cannot be read: {wrong.strerror}"
        applied = (self._applied or {}).get(app)
        kinds = {one.key[0] for one in applied.objects} if applied is not None else set()
        return applied, self._cluster.trouble({*kinds, POD}) or ""

    async def _beside(self, work: Callable[[], Observation]) -> Observation:
        """Do it here; in a thread where the operator's own rules are asked of another process, which takes its time."""
        return await asyncio.to_thread(work) if self._own_rules is not None else work()

    async def prune(self, app: str, *, leaving: Leaving | None = None) -> list[str]:
        """Delete everything of an application that may be deleted, in reverse order, and the set's parent.

        leaving: whose hooks run before and after.
        """
        return await self._taking(app, partial(self._prune, app, leaving))

    async def let_go(self, app: str) -> None:
        """See Target.let_go: no set says any more whose its objects are."""

        async def let_go() -> None:
            await self._set_up_soon()
            await self._let_go(app)

        await self._taking(app, let_go)

    async def _taking(self, app: str, work: Callable[[], Awaitable[Taken]]) -> Taken:
        """Take away something of an application, one thing at a time. Raises TargetFailed."""
        async with self._locks.setdefault(app, asyncio.Lock()):
            try:
                return await work()
            except ClusterTrouble as trouble:
                raise self._failed(app, str(trouble)) from trouble
            except OSError as wrong:
                raise self._failed(
                    app, f"a file of what was applied cannot be written or deleted: {wrong.strerror}"
                ) from wrong

    async def going(self, app: str) -> Going:
        """See Target.going."""
        try:
            await self._set_up()
            extent = self._extent_of(app)
            await self._cluster.follow(extent.kinds)
            set_id = apply_set.set_id(app, self._rules.namespace)
            await self._cluster.read_members(set_id, extent.kinds)
        except (ClusterTrouble, OSError) as trouble:
            raise self._failed(app, str(trouble)) from trouble
        parts = going_and_staying(
            self._cluster.live,
            set_id,
            extent,
            may_delete=self._rules.may_delete,
            rivals=partial(self._claims.others, app),
        )
        goes, stays = (tuple(f"{one.kind} {one.name}" for one in part) for part in parts)
        return Going(goes=goes, stays=stays)

    def followed(self, apps: Collection[str]) -> None:
        """See Target.followed."""
        before, self._followed = self._followed, set(apps)
        if self._followed != before:
            for applied in (self._applied or {}).values():
                self._note(applied)

    async def changes(self) -> AsyncIterator[str]:
        """Yield the name of an application each time something of it changed; of all where a watch fails or is back.

        What a look has seen that began since is no news any more.
        """
        news = self._cluster.listen()
        try:
            with contextlib.suppress(ClusterTrouble):
                await self._set_up()
            while True:
                await news.come()
                await asyncio.sleep(GATHER_S)
                await self._give_way()
                ids = news.take()
                named = (
                    list(self._apps.values()) if None in ids else [self._apps[one] for one in ids if one in self._apps]
                )
                for app in named:
                    yield app
        finally:
            self._cluster.deafen(news)

    async def _give_way(self) -> None:
        for _ in range(GIVES_WAY):
            if not self.connection.in_flight:
                return
            await asyncio.sleep(GATHER_S)

    async def facts(self) -> ClusterFacts | None:
        """Say what a chart may ask of this cluster; None where it does not answer."""
        try:
            await self._set_up_soon()
        except ClusterTrouble:
            return None
        return await self._cluster.facts()

    async def close(self) -> None:
        """End the watches; what runs in the cluster runs on."""
        await self._last_words.close()
        await self._cluster.close()

    # being there
    async def _set_up_soon(self) -> None:
        """Be set up, or say that the cluster keeps us waiting. Raises ClusterTrouble.

        A plan asks several times: it waits once.
        """
        loop = asyncio.get_running_loop()
        if not self._is_set_up and loop.time() < self._silent_until:
            raise Unreachable(NOT_YET)
        try:
            async with asyncio.timeout(FACTS_S):
                await self._set_up()
        except TimeoutError as late:
            self._silent_until = loop.time() + SILENT_S
            raise Unreachable(NOT_YET) from late

    async def _set_up(self) -> None:
        """Read what is remembered, see that our namespace is there, and who has which set. Raises ClusterTrouble."""
        if self._is_set_up:
            return
        async with self._starting:
            if self._is_set_up:
                return
            if self._applied is None:
                self._applied = {one.app: one for one in await asyncio.to_thread(self._memory.read_all)}
                for one in self._applied.values():
                    self._note(one)
            await self._cluster.follow_parents(self._rules.namespace)
            await self._cluster.follow({kind for app in self._applied for kind in self._extent_of(app).kinds})
            self._is_set_up = True

    def _extent_of(self, app: str) -> Extent:
        """Return where an application's set may have objects, as remembered here and as its parent says."""
        applied, parent = (self._applied or {}).get(app), self._cluster.parents.of(app)
        found = extent_of(applied, parent) if applied is not None else apply_set.extent(parent)
        # Of its own namespace a parent does not speak.
        return found._replace(namespaces=found.namespaces | {self._rules.namespace})

    def _note(self, applied: Applied) -> None:
        self._apps[applied.set_id] = applied.app
        lost = {one.key for one in applied.hindrances if one.claimed} | {
            one.key for one in applied.objects if one.theirs or self._may_be_had(one.key, applied.app)
        }
        self._claims.claim(applied.app, {one.key for one in applied.objects} - lost)
        for key in lost:
            self._claims.contest(key, applied.app)

    def _write(self, applied: Applied) -> None:
        if self._applied is not None:
            self._applied[applied.app] = applied
        self._note(applied)
        # Here and now: it is a small file that nobody waits for to be on disk, and a thread costs more.
        self._memory.write(applied)

    # applying
    async def _follow(self, app: str, kinds: set[GroupKind]) -> None:
        """Follow the kinds of an application; where we may not, whoever examines the cluster is told of them."""
        try:
            await self._cluster.follow(kinds)
        except Unreachable:
            self._memory.note_waiting(app, kinds)
            raise
        self._memory.note_waiting(app, ())

    def _begin_anew(self, app: str) -> None:
        """Forget what the last apply was refused: it says nothing of this one, also where this one never begins."""
        self._hindrances.forget(app)
        self._cluster.strangers.clear()
        applied = (self._applied or {}).get(app)
        if applied is not None and applied.hindrances:
            applied.hindrances = []
            self._write(applied)

    async def _wanted(
        self, app: Application, rendered: Rendered, occasion: Occasion
    ) -> tuple[list[WantedWave], list[tuple[Hook, Wanted]]]:
        if not rendered.resources:
            raise self._refused(
                app.name, "the version renders to nothing, and an empty version never deletes what runs"
            )
        if any(one.kind == PROCESS_KIND and not one.group for one in rendered.resources):
            raise self._refused(app.name, "this destination is a cluster, and the version describes processes")
        asks = self._asks(app)
        hooks = hooks_at(rendered.resources, occasion)
        try:
            waves = await asks.waves(kept(rendered.resources))
            return waves, [(hook, await asks.object(hook.resource)) for hook in hooks]
        except ValueError as wrong:
            raise self._refused(app.name, str(wrong)) from wrong

    def _asks(self, app: Application) -> Asks:
        return Asks(
            app,
            set_id=apply_set.set_id(app.name, self._rules.namespace),
            parents=self._rules.namespace,
            kinds=self._cluster.kinds,
        )

    def _pass(
        self,
        app: Application,
        rendered: Rendered,
        attempt: int | None,
        before_deleting: Callable[[], Awaitable[None]] | None,
    ) -> Apply:
        account = self._account(app)
        return Apply(
            app,
            cluster=self._cluster,
            sender=self._sender_of(account),
            before=(self._applied or {}).get(app.name),
            digest=rendered.digest,
            attempt=attempt,
            rules=Rules(namespace=self._rules.namespace, prune=app.policy.prune, may_delete=self._rules.may_delete),
            write=self._write_asked,
            settled=partial(self._settled, app.name),
            words_of=partial(self._words_of, app.name),
            claimed=partial(self._claimed_at_last, app.name, before_deleting),
            rivals=partial(self._claims.others, app.name),
            before_deleting=partial(self._until_all_asked, app.name, before_deleting),
        )

    def _write_asked(self, applied: Applied) -> None:
        self._write(applied)
        self._has_asked(applied.app)

    def _has_asked(self, app: str) -> None:
        self._asking.discard(app)
        self._asked.set()

    async def _until_all_asked(self, app: str, others: Callable[[], Awaitable[None]] | None) -> None:
        """Wait until everybody who is applied now has said what it asks for, for some time at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASKED_S):
                if others is not None:
                    await others()
                while self._asking - {app}:
                    self._asked.clear()
                    await self._asked.wait()

    def _account(self, app: Application) -> str | None:
        if self._rules.account is None:
            return None
        return self._rules.account.replace("{namespace}", app.namespace or "default").replace("{app}", app.name)

    def _sender_of(self, account: str | None) -> Sender:
        return Sender(
            self.connection, account=account, take_over=self._rules.take_over, may_delete=self._rules.may_delete
        )

    async def _claimed(self, set_id: str, key: Key) -> str | None:
        """Say whose an object is, if it is not this set's: another application's or another tool's."""
        mine, live = self._apps.get(set_id), self._cluster.live.get(key)
        if live is not None and live.part_of == set_id:
            # Whoever asked first in this process: the cluster knows whose it is.
            return None
        other = None
        if live is not None and live.part_of is not None:
            had_by = self._apps.get(live.part_of)
            if had_by is None or not (self._is_left(had_by, key) or self._may_be_had(key, had_by)):
                other = had_by or self._cluster.parents.application_of(live.part_of, self._rules.namespace)
                stranger = await self._cluster.stranger(live.part_of) if other is None else ""
                if stranger:
                    return stranger
        # Asked for last: of two that wait for the same answer, the first one has it.
        other = other or self._claims.owner(key)
        if other is None or other == mine:
            return None
        self._claims.contest(key, mine or "another application")
        return f"{APPLICATION}{other}"

    async def _claimed_at_last(
        self, app: str, others: Callable[[], Awaitable[None]] | None, set_id: str, key: Key
    ) -> str | None:
        """Say whose an object is, once the application that may be about to give it has: for some time at most.

        A definition stays where it is: nobody waits for that.
        """
        owner = await self._claimed(set_id, key)
        if owner is None or not owner.startswith(APPLICATION) or key[0] == DEFINITIONS:
            return owner
        await self._until_all_asked(app, others)
        giver = owner.removeprefix(APPLICATION)
        self._takers.append((app, giver))
        self._asked.set()
        try:
            async with asyncio.timeout(ASKED_S):
                # Of two that take from each other, one has to begin.
                while self._is_giving(giver, key) and (giver, app) not in self._takers:
                    self._asked.clear()
                    await self._asked.wait()
        except TimeoutError:
            return owner
        finally:
            self._takers.remove((app, giver))
        return await self._claimed(set_id, key)

    def _is_giving(self, app: str, key: Key) -> bool:
        """Say whether an application that is being applied asks for an object no more."""
        applied, lock = (self._applied or {}).get(app), self._locks.get(app)
        is_applied_now = lock is not None and lock.locked()
        return is_applied_now and applied is not None and all(one.key != key for one in applied.objects)

    def _may_be_had(self, key: Key, app: str) -> bool:
        """Say whether an application has a definition of a kind and nobody keeps it: it is followed here no more."""
        return key[0] == DEFINITIONS and self._followed is not None and app not in self._followed

    def _is_left(self, app: str, key: Key) -> bool:
        """Say whether an application had an object, asks for it no more and left it in place: it may be had.

        So it may where that application itself waits for nothing but what others have: two that swap objects would
        wait for each other for ever.
        """
        applied, lock = (self._applied or {}).get(app), self._locks.get(app)
        if applied is None or (lock is not None and lock.locked()) or any(one.key == key for one in applied.objects):
            return False
        waits_for_others = bool(applied.hindrances) and all(one.claimed for one in applied.hindrances)
        return waits_for_others or f"{key[0][1]} {key[2]}" in applied.left

    async def _write_parent(self, applied: Applied, seen: Look) -> None:
        """Write what stands for an application anew: somebody deleted it. Raises Unreachable."""
        try:
            await self._cluster.see_to_parent(applied, self._rules.namespace)
        except Unreachable:
            raise
        except ClusterTrouble as trouble:
            seen.notes.append(f"the ConfigMap that stands for it was deleted and cannot be written: {trouble}")

    def _tell_contested(self, applied: Applied, seen: Look) -> None:
        for one in applied.objects:
            others = self._claims.rivals(one.key)
            # A definition is there for all who bring it, and each of them is told whose it is.
            if others and one.key[0] != DEFINITIONS and self._claims.owner(one.key) == applied.app:
                names = ", ".join(sorted(others))
                seen.notes.append(
                    f"{one.key[0][1]} {one.key[2]} is claimed by {names} too, and stays with {applied.app}"
                )

    def _before(self, app: str) -> SaidBefore:
        return self._said_before.setdefault(app, SaidBefore())

    def _is_healthy(self, key: Key) -> bool:
        now, before = self._clock.now(), SaidBefore()
        return not unhealthy([key], cluster=self._cluster, now=now, rules=self._own_rules, before=before)[0]

    async def _settled(self, app: str, keys: list[Key]) -> str:
        """Wait until objects of an application are healthy; return why not, where one is Degraded or the time is over.

        What somebody deletes meanwhile is waited for no more, and a Job that has ended may go.
        Raises PodsRefused where a Job gets no pods.
        """
        there: set[Key] = set()
        news, before = self._cluster.listen(apply_set.set_id(app, self._rules.namespace)), self._before(app)
        before.go_on(self._clock.now())
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settle_s
        try:
            while True:
                keys = [key for key in keys if key not in self._cluster.live.went]
                there &= set(keys)
                now = self._clock.now()
                why, degraded = unhealthy(keys, cluster=self._cluster, now=now, rules=self._own_rules, before=before)
                there |= {key for key in keys if self._cluster.live.get(key) is not None}
                is_gone = any(self._cluster.live.get(key) is None for key in there)
                if not why or degraded or is_gone or loop.time() > until:
                    return why
                keys = [key for key in keys if key[0] != JOB or not self._is_healthy(key)]
                there &= set(keys)
                for key, refused in (await self._no_pods.look([key for key in keys if key[0] == JOB])).items():
                    raise PodsRefused(f"Job {key[2]} gets no pods: {refused}")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(1.0, until - loop.time() + 0.01)):
                        await news.come()
                # However much was told meanwhile, one look answers it.
                news.take()
        finally:
            self._cluster.deafen(news)

    async def _words_of(self, app: str, keys: list[Key]) -> str:
        """Return what the failing containers of an application's objects printed last, each after the object's name."""
        runs: dict[str, EndedRun] = {}
        for one in (self._cluster.live.get(key) for key in keys):
            if one is not None:
                pods = [one.manifest] if one.key[0] == POD else newest_pods(one, one.manifest, self._cluster.live)
                run = ended_run(pods)
                if run is not None:
                    runs[one.name] = run
        await self._last_words.ask(list(runs.values()), apply_set.set_id(app, self._rules.namespace))
        words = {name: self._last_words.of(run) for name, run in runs.items()}
        return "\n".join(f"{name}: {said}" for name, said in words.items() if said)

    # taking away
    async def _prune(self, app: str, leaving: Leaving | None) -> list[str]:
        await self._set_up()
        applied = (self._applied or {}).get(app)
        set_id = apply_set.set_id(app, self._rules.namespace)
        extent = self._extent_of(app)
        hooks = await self._hooks_of(leaving) if leaving is not None else []
        await self._cluster.follow({*extent.kinds, *(one.key[0] for _, one in hooks)})
        # For good: what is not found now runs on, and nobody knows of it.
        await self._cluster.read_members(set_id, extent.kinds)
        account = self._account(leaving.app) if leaving is not None else None
        sender = self._sender_of(applied.account if applied is not None else account)

        def note(done: list[str], begun: dict[str, str]) -> None:
            if applied is not None:
                applied.hooks_done, applied.hooks_begun = list(done), dict(begun)
                self._write(applied)

        runs = HookRuns(
            cluster=self._cluster,
            sender=sender,
            settled=partial(self._settled, app),
            words_of=partial(self._words_of, app),
            done=applied.hooks_done if applied is not None else [],
            begun=applied.hooks_begun if applied is not None else {},
            note=note,
        )
        deleted = await TakeAway(
            cluster=self._cluster,
            sender=sender,
            runs=runs,
            may_delete=self._rules.may_delete,
            rivals=partial(self._claims.others, app),
        )(set_id, extent, hooks)
        await self._let_go(app)
        return deleted

    async def _let_go(self, app: str) -> None:
        """Take away what stands for an application, and forget it."""
        await self._cluster.delete_parent(app, self._rules.namespace)
        if self._applied is not None:
            self._applied.pop(app, None)
        self._apps.pop(apply_set.set_id(app, self._rules.namespace), None)
        self._healthy.pop(app, None)
        self._said_before.pop(app, None)
        self._claims.release(app)
        await asyncio.to_thread(self._memory.forget, app)

    async def _hooks_of(self, leaving: Leaving) -> list[tuple[Hook, Wanted]]:
        asks = self._asks(leaving.app)
        try:
            return [(hook, await asks.object(hook.resource)) for hook in leaving.hooks]
        except ValueError as wrong:
            raise self._refused(leaving.app.name, str(wrong)) from wrong

    def _refused(self, app: str, reason: str) -> TargetRefused:
        return TargetRefused(app=app, destination=self.name, reason=reason)

    def _failed(self, app: str, reason: str) -> TargetFailed:
        return TargetFailed(app=app, destination=self.name, reason=reason)
