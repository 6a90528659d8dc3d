"""Make an application's objects in a cluster those of its version.

The story: what is asked for is written down; hooks that come before run, after the namespaces and definitions that
they may need; then wave after wave is sent, each object only if it is not already as asked for, and the next wave
waits until this one is healthy; then hooks that come after run; last, what left Git is deleted in reverse order. What
fails does not stop its neighbours of the same wave, but the waves after it and the deletions. Killed between any two
of these, the next apply finds what is there and does the rest.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from itertools import groupby

import msgspec

from lastgood.core.application import Application, IgnoredDrift
from lastgood.core.hook import Hook, Moment, is_hook
from lastgood.core.kind_order import rank
from lastgood.core.observation import (
    DELETING,
    DONE,
    LEFT,
    PRUNE_IS_OFF,
    STAYS,
    ApplyResult,
    Fault,
    ResourceResult,
    left_in_place,
)
from lastgood.core.resource import Resource
from lastgood.core.value import Value
from lastgood.core.words import Change
from lastgood.targets.kubernetes import apply_set
from lastgood.targets.kubernetes.apply_set import Extent
from lastgood.targets.kubernetes.cluster import SUPPORTING, Cluster
from lastgood.targets.kubernetes.compare import Ignored, without
from lastgood.targets.kubernetes.delete import delete_as_judged
from lastgood.targets.kubernetes.finished import JOB, SAID, is_done, note_end
from lastgood.targets.kubernetes.health.general import deletion_in_words
from lastgood.targets.kubernetes.health.live import Live as LiveManifest
from lastgood.targets.kubernetes.kinds import GroupKind, Kind
from lastgood.targets.kubernetes.live_object import Key, LiveObject, content_digest, live_object, without_content
from lastgood.targets.kubernetes.memory import Applied, Asked, Hindrance
from lastgood.targets.kubernetes.no_pods import PodsRefused
from lastgood.targets.kubernetes.options import PRECIOUS, options_of
from lastgood.targets.kubernetes.order import deletion_order
from lastgood.targets.kubernetes.run_hooks import HookRuns
from lastgood.targets.kubernetes.scaled import says_replicas, with_replicas_of
from lastgood.targets.kubernetes.send import Sender, Sent, is_outdated, only_if
from lastgood.targets.kubernetes.shared import SERVED_S, Shared, needed_by
from lastgood.targets.kubernetes.together import together
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, InTheWay, Unreachable
from lastgood.targets.kubernetes.wanted import Wanted, WantedWave

SECRET: GroupKind = ("", "Secret")
# What may pass by itself is tried again in any case; what the version is to blame for, in none.
_FAULTS: tuple[Fault, ...] = ("target", "version", "way")
LOOK_AGAIN_S = 0.2
SCALED_TRIES = 5
_OF_FAILURE = "failed "


class Rules(Value, frozen=True, kw_only=True):
    """What the operator and the application's policy allow.

    namespace: of lastgood's own objects. may_delete: names of precious kinds that may be deleted. prune: whether
    anything may.
    """

    namespace: str
    prune: bool
    may_delete: frozenset[str] = frozenset()


class Apply:
    """One pass for one application.

    attempt: the number of its deployment, None for none.
    settled: waits until objects are healthy; returns why not, "" when they are; raises PodsRefused.
    words_of: asks what the containers of objects printed last.
    claimed: says whose an object is, None where it may be had. rivals: who else asks for what is this application's.
    before_deleting: waits until all who may ask for something of it now have asked.
    """

    def __init__(
        self,
        app: Application,
        *,
        cluster: Cluster,
        sender: Sender,
        before: Applied | None,
        digest: str,
        attempt: int | None,
        rules: Rules,
        write: Callable[[Applied], None],
        settled: Callable[[list[Key]], Awaitable[str]],
        words_of: Callable[[list[Key]], Awaitable[str]],
        claimed: Callable[[str, Key], Awaitable[str | None]],
        rivals: Callable[[Key], Collection[str]],
        before_deleting: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._cluster = cluster
        self._sender = sender
        self._rules = rules
        self._write = write
        self._settled = settled
        self._words_of = words_of
        self._last_words = ""
        self._claimed = claimed
        self._rivals = rivals
        self._before_deleting = before_deleting
        self._set = apply_set.set_id(app.name, rules.namespace)
        self._known = {one.key: one for one in before.objects} if before is not None else {}
        self._before = before
        self._digest = digest
        self._attempt = attempt
        self._now: Applied | None = None
        self._asked: dict[Key, Asked] = {}
        self._results: list[ResourceResult] = []
        self._away: ClusterTrouble | None = None
        self._sent: set[Key] = set()
        self._faults: set[Fault] = set()
        self._hindrances: list[Hindrance] = []
        self._extent = Extent(frozenset(), frozenset())
        self._shared = Shared(cluster=cluster, sender=sender, claimed=partial(claimed, self._set))

    async def __call__(
        self, waves: list[WantedWave], hooks: Sequence[tuple[Hook, Wanted]] = ()
    ) -> tuple[ApplyResult, Applied]:
        """Do it. Raises ClusterTrouble if nothing at all was done, OSError if nothing could be written down."""
        wanted = [one for wave in waves for one in wave.objects]
        hooks = () if self._was_complete() else hooks
        parent = self._cluster.parents.of(self._app.name)
        applied = self._applied(wanted)
        self._extent = apply_set.extent(parent, kinds=applied.kinds, namespaces=applied.namespaces)
        applied.kinds, applied.namespaces = sorted(self._extent.kinds), sorted(self._extent.namespaces)
        self._asked = {one.key: one for one in applied.objects}
        self._now = applied
        self._write(applied)
        await self._cluster.see_to_parent(applied, self._rules.namespace)
        runs = HookRuns(
            cluster=self._cluster,
            sender=self._sender,
            settled=self._settled,
            words_of=self._words_of,
            done=applied.hooks_done,
            begun=applied.hooks_begun,
            note=partial(self._note_hooks, applied),
        )
        stopped = await self._foundations(waves) if any(hook.moment == "before" for hook, _ in hooks) else ""
        stopped = stopped or await self._hooks(runs, hooks, "before")
        for number, wave in enumerate(waves):
            with_it = partial(self._with_wave, runs, hooks, wave)
            stopped = stopped or await with_it(are_sent=False)
            if not stopped:
                stopped = await self._wave(wave, last=number == len(waves) - 1 and not hooks, with_it=with_it)
        if stopped:
            self._results += await runs.sweep()
        stopped = stopped or await self._hooks(runs, hooks, "during")
        stopped = stopped or await self._hooks(runs, hooks, "after")
        if not self._has_failed() and not stopped:
            applied.left = await self._prune({one.key for one in wanted})
        complete = not self._has_failed() and not stopped
        if self._away is not None and all(one.outcome in ("failed", "unchanged") for one in self._results):
            raise self._away
        if not complete:
            self._results += await runs([one for one in hooks if one[0].moment == "failed"])
        # In place, all of it: the observation that follows reads what was found equal from the same objects.
        # And what may pass by itself is tried again in any case.
        applied.hindrances = [] if complete or "target" in self._faults else self._hindrances
        if complete:
            applied.hooks_done, applied.hooks_begun = [], {}
            applied.installed, applied.installed_by = self._digest, self._attempt
            keys = {*(one.key for one in wanted), *(one.key for one in self._members())}
            applied.kinds = sorted({key[0] for key in keys})
            applied.namespaces = sorted({key[1] for key in keys} - {""})
            await self._cluster.see_to_parent(applied, self._rules.namespace)
        self._write(applied)
        fault: Fault = next((one for one in _FAULTS if one in self._faults), "target")
        return (
            ApplyResult(
                complete=complete,
                resources=tuple(self._results),
                message=self._message(stopped),
                fault=fault,
                last_words=self._last_words,
            ),
            applied,
        )

    def _refused(self, wanted: Wanted, trouble: ClusterTrouble) -> None:
        """Note whose fault a refusal is, and what to ask before it is tried again."""
        self._faults.add(trouble.fault)
        if isinstance(trouble, PodsRefused):
            self._hindrances.append(Hindrance(key=wanted.key, words=str(trouble), how="health"))
            return
        if wanted.key[0] != SECRET:
            sent = msgspec.json.encode(wanted.manifest)
        else:
            # A namespace or a right that lacks can be asked for without its content; what else is wrong cannot.
            lacks = trouble.fault == "way" and not trouble.owner
            sent = without_content(wanted.manifest, SECRET) if lacks else b""
        claimed = isinstance(trouble, InTheWay) and bool(trouble.owner)
        self._hindrances.append(
            Hindrance(key=wanted.key, words=str(trouble), sent=sent, owner=trouble.owner, claimed=claimed)
        )

    def _has_failed(self) -> bool:
        return any(one.outcome == "failed" for one in self._results)

    def _was_complete(self) -> bool:
        """Say whether this deployment was applied whole, hooks too, and is gone on with: it was not on record yet."""
        before = self._before
        is_same = before is not None and before.digest == before.installed == self._digest
        return is_same and before is not None and self._attempt is not None and before.installed_by == self._attempt

    def _interrupted(self) -> Applied | None:
        """Return what was written down of an attempt at the same version that did not come to its end."""
        before = self._before
        is_one = before is not None and before.digest == self._digest and before.installed != self._digest
        return before if is_one else None

    async def _foundations(self, waves: Sequence[WantedWave]) -> str:
        """Send the namespaces and definitions that are not there yet: what comes before the rest may live there.

        Those that are there have their turn with the rest: a hook that fails leaves them as they are.
        """
        for wave in waves:
            if wave.wave.first:
                missing = tuple([one for one in wave.objects if not await self._is_there(one)])
                stopped = await self._wave(msgspec.structs.replace(wave, objects=missing), last=False)
                if stopped:
                    return stopped
        return ""

    async def _is_there(self, wanted: Wanted) -> bool:
        if wanted.kind is None or self._cluster.live.get(wanted.key) is not None:
            return wanted.kind is not None
        try:
            return await self._sender.get(wanted.kind.path(wanted.key[1] or None, wanted.key[2])) is not None
        except (ClusterTrouble, ValueError):
            # Sending it says what is wrong.
            return False

    def _note_hooks(self, applied: Applied, done: list[str], begun: dict[str, str]) -> None:
        """Keep which hooks have run and which have begun; those of a failure run at each."""
        applied.hooks_done = [name for name in done if not name.startswith(_OF_FAILURE)]
        applied.hooks_begun = {name: uid for name, uid in begun.items() if not name.startswith(_OF_FAILURE)}
        self._write(applied)

    async def _with_wave(
        self, runs: HookRuns, hooks: Sequence[tuple[Hook, Wanted]], wave: WantedWave, *, are_sent: bool
    ) -> str:
        """Run the hooks that have their turn before the objects of a wave are sent, or beside them once they are."""
        if wave.wave.first:
            return ""
        until = wave.wave.number if are_sent else wave.wave.number - 1
        return await self._hooks(runs, hooks, "during", until=until)

    async def _hooks(
        self, runs: HookRuns, hooks: Sequence[tuple[Hook, Wanted]], moment: Moment, *, until: int | None = None
    ) -> str:
        """Run the hooks of a moment; return why nothing may follow, "" where it may.

        until: those of later waves come later; None: none does.
        """
        mine = [
            (hook, msgspec.structs.replace(one, kind=one.kind or await self._kind(hook.resource)))
            for hook, one in hooks
            if hook.moment == moment and (until is None or hook.weight <= until)
        ]
        if not mine:
            return ""
        results = await (runs(mine) if until is None else runs.run(mine))
        self._results += results
        failed = next((one for one in results if one.outcome == "failed"), None)
        if failed is None:
            return ""
        self._faults.add(runs.fault)
        if runs.failed is not None:
            self._refused(*runs.failed)
        self._last_words = runs.last_words
        return f"the hook {failed.kind} {failed.name} failed, so nothing after it was begun"

    def _applied(self, wanted: list[Wanted]) -> Applied:
        objects = []
        for one in wanted:
            options, known = one.placed.options, self._known.get(one.key)
            ignored = ignored_of(self._app.ignore_drift, one.placed.resource)
            same = known is not None and known.wanted == one.digest and known.ignored == ignored
            objects.append(
                Asked(
                    key=one.key,
                    wanted=one.digest,
                    sent=b"" if one.key[0] == SECRET else msgspec.json.encode(one.manifest),
                    equal=known.equal if known is not None and same else None,
                    mark=known.mark if known is not None and same else "",
                    wave=options.wave,
                    delete=options.delete,
                    compare=options.compare and not options.create_only,
                    may_wait=options.skip_unknown_kind,
                    ignored=ignored,
                    bare=known.bare if known is not None and same else None,
                    theirs=known.theirs if known is not None and same else "",
                    differs=known.differs if known is not None and same else "",
                    job=known.job if known is not None and same else "",
                    ended=known is not None and same and known.ended,
                )
            )
        before, interrupted = self._before, self._interrupted()
        return Applied(
            app=self._app.name,
            set_id=self._set,
            digest=self._digest,
            installed=before.installed if before is not None else None,
            installed_by=before.installed_by if before is not None else None,
            objects=objects,
            kinds=sorted({one.key[0] for one in wanted} | set(before.kinds if before is not None else ())),
            namespaces=sorted(
                {one.key[1] for one in wanted if one.key[1]} | set(before.namespaces if before is not None else ())
            ),
            account=self._sender.account,
            left=before.left if before is not None else [],
            hooks_done=list(interrupted.hooks_done) if interrupted is not None else [],
            hooks_begun=dict(interrupted.hooks_begun) if interrupted is not None else {},
        )

    async def _wave(self, wave: WantedWave, *, last: bool, with_it: Callable[..., Awaitable[str]] | None = None) -> str:
        """Send a wave; return why nothing may follow it, "" where it may. with_it: runs the hooks beside it."""
        objects = [one for one in wave.objects if one.key not in self._sent]
        self._sent |= {one.key for one in objects}
        for _, group in groupby(objects, key=lambda one: rank(one.placed.resource.kind)):
            self._results += await together(self._one(one) for one in group)
        if self._has_failed():
            return "" if last else "the waves after it were not begun"
        if last:
            return ""
        if with_it is not None and (stopped := await with_it(are_sent=True)):
            return stopped
        keys = [
            one.key
            for one in wave.objects
            if one.placed.options.compare
            and not self._waits(one)
            and not is_done(self._asked.get(one.key), one.key, self._cluster.live)
        ]
        refused = False
        try:
            why = await self._settled(keys)
        except PodsRefused as no:
            why, refused = str(no), True
        if not why:
            return ""
        self._last_words = await self._words_of(keys)
        # Where nobody could look, it may be healthy; and what somebody deleted comes again with the next apply.
        blind = self._cluster.trouble({*(key[0] for key in keys), *SUPPORTING}) is not None
        gone = any(self._cluster.live.get(key) is None for key in keys if key[0] != JOB)
        self._faults.add("target" if blind or gone else "way" if refused else "version")
        self._hindrances += [Hindrance(key=key, words=why, how="health") for key in keys]
        return f"wave {wave.wave.number} is not healthy ({why}), so the waves after it were not begun"

    def _waits(self, wanted: Wanted) -> bool:
        """Say whether an object waits for its kind, and nothing for it."""
        return wanted.placed.options.skip_unknown_kind and wanted.key[0] not in self._cluster.kinds.known()

    async def _one(self, wanted: Wanted) -> ResourceResult:
        resource = wanted.placed.resource
        there = self._cluster.live.get(wanted.key)
        result = ResourceResult(kind=resource.kind, name=resource.name, change=None, outcome="unchanged")
        done = self._has_ended(wanted)
        if done or self._is_equal(wanted, there):
            return msgspec.structs.replace(result, message=SAID if done else "")
        try:
            owner = await self._claimed(self._set, wanted.key)
            if owner is not None:
                said = await self._shared.leave(wanted, owner=owner, asked=self._asked[wanted.key])
                return msgspec.structs.replace(result, message=said)
            self._take_over(wanted)
            kind = await self._may_send(wanted)
            if kind is None:
                return msgspec.structs.replace(result, message="its kind is not there yet; it is applied once it is")
            # A webhook that comes while it is sent may not have seen it.
            mark = self._cluster.marks.of(wanted.key)
            sent, live = await self._send(kind, wanted)
        except ClusterTrouble as trouble:
            self._refused(wanted, trouble)
            change: Change = "added" if there is None else "modified"
            return msgspec.structs.replace(result, change=change, outcome="failed", message=str(trouble))
        await self._found_equal(kind, wanted, live, sent, mark=mark)
        if there is not None and (there.uid, there.digest) == (live.uid, live.digest):
            return msgspec.structs.replace(result, message="; ".join(sent.notes))
        change = "added" if sent.created else "modified"
        return msgspec.structs.replace(result, change=change, outcome="applied", message="; ".join(sent.notes))

    def _take_over(self, wanted: Wanted) -> None:
        """Note at once that nobody else has what was another one's: of several that may have it, one takes it."""
        asked = self._asked.get(wanted.key)
        if self._now is not None and asked is not None and asked.theirs:
            asked.theirs = asked.differs = ""
            asked.equal = None
            self._write(self._now)

    async def _send(self, kind: Kind, wanted: Wanted) -> tuple[Sent, LiveObject]:
        try:
            if says_replicas(wanted.manifest) and self._cluster.marks.is_scaled(wanted.key):
                sent = await self._send_scaled(kind, wanted)
            else:
                sent = await self._sender.apply(kind, wanted.manifest, wanted.placed.options)
        except Unreachable as trouble:
            self._away = trouble
            raise
        except Answered as no:
            if no.is_of_the_server:
                self._away = ClusterTrouble(f"{wanted.label}: {no}")
            raise
        live = live_object(sent.live, wanted.key[0])
        if live is None:
            raise ClusterTrouble("the API server answered with another object")
        return sent, live

    async def _send_scaled(self, kind: Kind, wanted: Wanted) -> Sent:
        """Send an object with the replicas that are there; scaled meanwhile, it is read and sent once more."""
        path = kind.path(wanted.key[1] or None, wanted.key[2])
        for attempt in range(1, SCALED_TRIES + 1):
            there = await self._sender.get(path)
            manifest = with_replicas_of(there, wanted.manifest)
            if there is not None and attempt < SCALED_TRIES:
                manifest = only_if(manifest, there["metadata"].get("resourceVersion"))
            try:
                return await self._sender.apply(kind, manifest, wanted.placed.options)
            except Answered as no:
                if not is_outdated(no) or attempt == SCALED_TRIES:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _may_send(self, wanted: Wanted) -> Kind | None:
        """Return the kind of an object that is ours to send; None where the cluster may go without it for now.

        Raises ClusterTrouble with what is in the way.
        """
        resource = wanted.placed.resource
        kind = wanted.kind or await self._kind(resource)
        await self._shared.see_that_it_is_served(wanted, kind)
        if kind is None and not wanted.placed.options.skip_unknown_kind:
            where = resource.group or "the core group"
            raise InTheWay(
                f"the cluster has no kind {resource.kind} in {where}; add its definition to the version or the cluster"
            )
        return kind

    async def _kind(self, resource: Resource) -> Kind | None:
        """Find a kind that was not there when the pass began: its definition may have been applied a moment ago."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SERVED_S
        while True:
            kind = await self._cluster.kinds.find(resource.group, resource.kind, anew=True)
            defined = self._cluster.marks.is_defined(resource.group)
            if kind is not None or not defined or loop.time() > until:
                return kind
            await asyncio.sleep(LOOK_AGAIN_S)

    def _has_ended(self, wanted: Wanted) -> bool:
        """Say whether it is a Job of this very manifest that ended well and went: it is not run again."""
        known = self._asked.get(wanted.key)
        if known is not None:
            note_end(known, self._cluster.live)
        return is_done(known, wanted.key, self._cluster.live)

    def _is_equal(self, wanted: Wanted, there: LiveObject | None) -> bool:
        """Say whether nothing is to do: it was found to be so, and neither side changed since."""
        known = self._asked.get(wanted.key)
        if there is None or known is None or known.equal is None or known.theirs:
            return False
        return known.equal == there.digest and self._cluster.marks.holds(known.mark, wanted.key)

    async def _found_equal(self, kind: Kind, wanted: Wanted, live: LiveObject, sent: Sent, *, mark: str) -> None:
        asked = self._asked[wanted.key]
        if wanted.key[0] == JOB:
            asked.job, asked.ended = live.uid, False
        if not kind.is_watched_as(wanted.manifest["apiVersion"]):
            # The watch tells of it in another version, and only later: how it was before says nothing of it now.
            now = await self._as_watched(kind, wanted)
            if now is None:
                self._cluster.live.remove(wanted.key)
            if now is None or now.resource_version != live.resource_version:
                return
            live = now
        self._cluster.live.put(live)
        asked.equal, asked.mark = live.digest, mark
        if asked.ignored and not asked.sent:
            fields = sent.live["metadata"].get("managedFields")
            asked.bare = content_digest(without(sent.live, asked.ignored, fields))

    async def _as_watched(self, kind: Kind, wanted: Wanted) -> LiveObject | None:
        """Read an object as a watch tells of it; None where that cannot be had."""
        with contextlib.suppress(ClusterTrouble):
            there = await self._sender.get(kind.path(wanted.key[1] or None, wanted.key[2]))
            now = live_object(there, wanted.key[0])
            if now is not None:
                self._cluster.live.put(now)
            return now
        return None

    async def _prune(self, wanted: set[Key]) -> list[str]:
        """Delete what left Git, in reverse order; return what may not be deleted and stays."""
        out = [one for one in self._members() if one.key not in wanted and not is_hook(one.manifest)]
        gone = [one for one in out if not one.is_being_deleted]
        self._results += [_leaving(one) for one in out if one.is_being_deleted]
        if gone:
            await self._before_deleting()
        order = deletion_order([(options_of(one.manifest).wave, one.key[0], one.name) for one in gone])
        for one in (gone[index] for index in order):
            why = self._why_kept(one)
            self._results.append(left_in_place(one.kind, one.name, why) if why else await self._delete(one))
        return [f"{one.kind} {one.name}" for one in self._results if one.outcome == LEFT]

    def _why_kept(self, one: LiveObject) -> str:
        if not self._rules.prune:
            return PRUNE_IS_OFF
        if not options_of(one.manifest).prune:
            asked = "its annotations or labels ask for it; taken off the object in the cluster"
            return f"{asked}, it goes with the next deployment"
        others = needed_by(one.key, self._rivals)
        if others:
            return f"{others} needs it too, and deleting it would take all objects of its kind along"
        if takers := sorted(self._rivals(one.key)):
            return f"{', '.join(takers)} asks for it now, and takes it over"
        if one.key[0] in PRECIOUS and one.kind not in self._rules.may_delete:
            return (
                f"a {one.kind} takes more with it; `may_delete` of the destination in lastgood.toml, with"
                f' "{one.kind}" in it, allows it'
            )
        return ""

    async def _delete(self, one: LiveObject) -> ResourceResult:
        result = ResourceResult(kind=one.kind, name=one.name, change="removed", outcome="removed")
        try:
            kind = await self._cluster.kinds.find(*one.key[0])
            if kind is None:
                self._cluster.live.deleted(one.key, one.uid)
                return result
            deletion = await delete_as_judged(
                one, kind=kind, sender=self._sender, live=self._cluster.live, why_kept=self._why_kept
            )
        except ClusterTrouble as trouble:
            self._faults.add(trouble.fault)
            self._hindrances.append(Hindrance(key=one.key, words=str(trouble), how="delete"))
            return msgspec.structs.replace(result, outcome="failed", message=str(trouble))
        if deletion.why_kept:
            return left_in_place(one.kind, one.name, deletion.why_kept)
        return _leaving(deletion.leaving) if deletion.leaving is not None else result

    def _members(self) -> list[LiveObject]:
        return self._cluster.live.members(self._set, self._extent)

    def _message(self, stopped: str) -> str:
        """Say what was not done and what was, and what stays."""
        failed = [one for one in self._results if one.outcome == "failed"]
        sentences = []
        if failed or stopped:
            words = [f"{one.kind} {one.name} ({one.message})" for one in failed]
            sentences.append("not done: " + "; ".join([*words, *([stopped] if stopped else [])]))
            done = [f"{one.kind} {one.name}" for one in self._results if one.outcome in DONE]
            sentences.append("done: " + (", ".join(done) or "nothing"))
        left = [f"{one.kind} {one.name}" for one in self._results if one.outcome == LEFT]
        if left:
            sentences.append(f"{STAYS}: {', '.join(left)}")
        return ". ".join(sentences)


def _leaving(one: LiveObject) -> ResourceResult:
    said = deletion_in_words(LiveManifest(one.manifest))
    return ResourceResult(kind=one.kind, name=one.name, change="removed", outcome=DELETING, message=said)


def ignored_of(rules: Sequence[IgnoredDrift], resource: Resource) -> Ignored:
    """Return what of an object is no drift by its application's rules."""
    mine = [one for one in rules if one.covers(resource.group, resource.kind, resource.name)]
    return Ignored(
        pointers=tuple(dict.fromkeys(pointer for one in mine for pointer in one.pointers)),
        managers=tuple(dict.fromkeys(manager for one in mine for manager in one.managers)),
    )
