"""Say how an application is, from what is in memory: health of each object with its pods, and whether all is as asked.

A live object with the digest that was last found equal is equal; any other is decided by a dry run, once. Knows no
lanes and no records.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from operator import is_
from types import MappingProxyType
from typing import Any

import msgspec

from lastgood.core.errors import MalformedResource
from lastgood.core.health_words import in_words
from lastgood.core.hook import is_hook
from lastgood.core.observation import NOT_AS_ASKED, Observation, ResourceHealth, worst
from lastgood.core.words import Sync
from lastgood.targets.kubernetes.adopt import other_managers
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.compare import Ignored, changed_fields, without
from lastgood.targets.kubernetes.finished import ENDED, SAID, is_done, note_end
from lastgood.targets.kubernetes.health import OwnRules, workload_health
from lastgood.targets.kubernetes.health.general import deletion_in_words
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.held_up import held_up
from lastgood.targets.kubernetes.kinds import POD, Kind
from lastgood.targets.kubernetes.live_object import Key, LiveObject, content_digest
from lastgood.targets.kubernetes.memory import Applied, Asked, Hindrance, extent_of
from lastgood.targets.kubernetes.no_pods import REFUSED, is_too_early
from lastgood.targets.kubernetes.options import options_of
from lastgood.targets.kubernetes.pods import looked_at, newest_pods
from lastgood.targets.kubernetes.reading import at
from lastgood.targets.kubernetes.said_before import SaidBefore
from lastgood.targets.kubernetes.scaled import says_replicas, with_replicas_of
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.shared import Claimed, is_shared, note_difference, owner_now, told
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, Unreachable, said

MAX_NAMED = 10
# It says nothing of how the application is.
NO_KIND = "NoSuchKind"
MISSING = "it is not in the cluster"
NOT_HEARD = "NotHeardYet"


class Look(msgspec.Struct):
    """What a look at one application found beside its health.

    notes: what people should know and is no difference. waiting: what the cluster may go without while it lacks its
    kind. changed: something was found equal that was not known. may_go_on, left, leaving: as in Observation.
    """

    differing: list[str]
    unknown: list[str]
    notes: list[str] = []
    waiting: set[Key] = set()
    changed: bool = False
    may_go_on: bool | None = None
    left: list[str] = []
    leaving: list[str] = []


Differs = dict[Key, tuple[tuple[bytes, bytes, str, Ignored], str]]
"""What was found to differ, so that it is asked once: (digest wanted, digest alive, mark of the kind, what is ignored),
and the difference in words."""


Healthy = dict[Key, tuple[tuple[LiveObject, ...], ResourceHealth]]
"""What was Healthy at the last look, with all that was looked at: only bad news comes with time alone, so while that is
the same, it is Healthy still."""


LastWordsOf = Callable[[Sequence[dict[str, Any]]], str]
"""Returns the last words of the one among these pods that fails, "" where there are none."""


async def look(
    applied: Applied,
    *,
    cluster: Cluster,
    sender: Sender,
    differs: Differs,
    claimed: Claimed,
    is_applied_now: bool = False,
) -> Look:
    """Compare every object with what was asked for; `differs` is read and written. Raises Unreachable.

    claimed: says whose an object is, None where it may be had.
    is_applied_now: then the answers are on their way that say what is equal, and the cluster is not asked for them.
    """
    found = Look(differing=[], unknown=[])
    refused = refused_of(applied)
    for one in applied.objects:
        live = cluster.live.get(one.key)
        found.changed = note_end(one, cluster.live) or found.changed
        if one.key in refused:
            found.differing.append(said(f"{_label(one.key)} was not applied: {refused[one.key].words}"))
        elif live is None and one.may_wait and await cluster.kinds.find(*one.key[0]) is None:
            found.waiting.add(one.key)
        elif is_done(one, one.key, cluster.live) or (one.ended and live is not None and live.is_being_deleted):
            continue
        elif live is None:
            found.differing.append(f"{_label(one.key)} is missing")
        elif is_shared(one, live, applied.set_id):
            await _note_theirs(one, live, found, cluster=cluster, sender=sender, claimed=claimed)
        elif not one.compare or _is_known_equal(one, live, cluster):
            continue
        elif is_applied_now:
            found.differing.append(f"{_label(one.key)} is being applied")
        else:
            await _compare(one, live, found, cluster=cluster, sender=sender, differs=differs)
    _tell_extra(applied, found, cluster=cluster)
    return found


async def _note_theirs(
    one: Asked, live: LiveObject, found: Look, *, cluster: Cluster, sender: Sender, claimed: Claimed
) -> None:
    """Add what differs of a definition that another one has: a warning, since it is not ours to mend.

    What that one has no more is a difference: it is to be taken over.
    """
    owner = await owner_now(one, live, claimed)
    if owner is None:
        found.differing.append(
            f"{_label(one.key)} belonged to {one.theirs or 'a set that has gone'}, which keeps it no more"
        )
        return
    if owner != one.theirs:
        one.theirs, one.equal, found.changed = owner, None, True
    if not _is_known_equal(one, live, cluster):
        await note_difference(one, live, cluster=cluster, sender=sender)
        found.changed = True
    if one.differs:
        found.notes.append(said(f"{_label(one.key)}: {told(one)}"))


def _tell_extra(applied: Applied, found: Look, *, cluster: Cluster) -> None:
    """Add what the set has and nobody asks for; what may not be deleted stays for good, and is no difference."""
    asked = {one.key for one in applied.objects}
    if not cluster.live.has_more(applied.set_id, asked):
        return
    # Where the cluster was put back to an earlier state, the set may have kinds again that we are done with.
    extent = extent_of(applied, cluster.parents.of(applied.app))
    for live in cluster.live.members(applied.set_id, extent):
        if live.key in asked:
            continue
        if live.is_being_deleted:
            if not is_hook(live.manifest):
                found.leaving.append(said(f"{_label(live.key)} left Git: {deletion_in_words(Live(live.manifest))}"))
            continue
        if f"{live.kind} {live.name}" in applied.left:
            found.left.append(f"{live.kind} {live.name}")
            continue
        manifest = live.manifest
        if not options_of(manifest).ignore_extra and not is_hook(manifest):
            found.differing.append(f"{_label(live.key)} is there and nobody asks for it")


def refused_of(applied: Applied) -> dict[Key, Hindrance]:
    """Return what the last apply was refused, by object."""
    return {one.key: one for one in applied.hindrances if one.how == "apply"}


def _is_known_equal(one: Asked, live: LiveObject, cluster: Cluster) -> bool:
    # What a webhook would make of a Secret can be asked of nobody, because its content is not kept.
    return one.equal == live.digest and (not one.sent or cluster.marks.holds(one.mark, one.key))


async def _compare(
    one: Asked, live: LiveObject, found: Look, *, cluster: Cluster, sender: Sender, differs: Differs
) -> None:
    mark = cluster.marks.of(one.key)
    compared = (one.wanted, live.digest, mark, one.ignored)
    known = differs.get(one.key)
    if known is not None and known[0] == compared:
        found.differing.append(known[1])
        return
    kind = await cluster.kinds.find(*one.key[0])
    if kind is None:
        found.unknown.append(f"{_label(one.key)}: the cluster no longer has its kind")
        return
    try:
        words, is_live = await _difference(one, live, kind, cluster=cluster, sender=sender)
    except Unreachable:
        raise
    except ClusterTrouble as trouble:
        no = trouble if isinstance(trouble, Answered) else None
        why = "the cluster is busy" if no is not None and no.is_passing else "a dry run is refused"
        found.unknown.append(f"{_label(one.key)}: {why}: {trouble}")
        return
    if one.ended and not is_live:
        # A Job that has done what it is for may go while we ask.
        return
    if words:
        found.differing.append(words)
    if not is_live:
        # It changed while we asked: the answer is about what the watch is only going to tell.
        return
    if words:
        differs[one.key] = (compared, words)
        return
    differs.pop(one.key, None)
    one.equal, one.mark, found.changed = live.digest, mark, True


async def _difference(
    one: Asked, live: LiveObject, kind: Kind, *, cluster: Cluster, sender: Sender
) -> tuple[str, bool]:
    """Say in words that an object is not as asked for, and by whom; "" where it is. Raises ClusterTrouble.

    The second: whether that was said of the very content that `live` has.
    """
    version, would_be = None, None
    if one.sent:
        manifest = msgspec.json.decode(one.sent)
        if says_replicas(manifest) and cluster.marks.is_scaled(one.key):
            manifest = with_replicas_of(await sender.get(kind.path(live.namespace, live.name)), manifest)
        would_be = await sender.dry_run(kind, manifest)
        if content_digest(would_be) == live.digest:
            return "", True
        version = manifest["apiVersion"].rpartition("/")[2]
    # Read as it was applied: the watch may tell of it in another version. And who changed it is not kept in memory.
    there = await sender.get(kind.path(live.namespace, live.name, version=version))
    if there is None:
        return f"{_label(one.key)} is missing", False
    # In another version than the watch's the two cannot be compared; then it is taken for the same.
    is_live = not kind.is_watched_as(str(there.get("apiVersion"))) or content_digest(there) == live.digest
    fields = there["metadata"].get("managedFields")
    is_there = without(there, one.ignored, fields)
    changed: list[str] = []
    if would_be is not None:
        wanted = without(would_be, one.ignored, fields)
        if content_digest(wanted) == content_digest(is_there):
            return "", is_live
        changed = changed_fields(wanted, is_there)
    elif one.ignored and one.bare == content_digest(is_there):
        # The content of a Secret is not kept, so that there is nothing to ask the cluster with.
        return "", is_live
    others = other_managers(fields)[:1]
    if one.equal is None:
        # It never was as this version asks for: nobody changed it.
        words = f"{_label(one.key)} differs"
    else:
        words = f"{_label(one.key)} was changed" + (f", last by {others[0]}" if others else "")
    return said(words + (f": {', '.join(changed)}" if changed else "")), is_live


def observation(
    applied: Applied,
    seen: Look,
    *,
    cluster: Cluster,
    now: dt.datetime,
    rules: OwnRules | None,
    last_words: LastWordsOf,
    healthy: Healthy,
    before: SaidBefore,
    no_pods: Mapping[Key, str] = MappingProxyType({}),
) -> Observation:
    """Put together what is known. last_words: asked for what is Degraded, unless another application holds it.

    healthy, before: of this application's looks; read and written. no_pods: why workloads get no pods.
    """
    if len(healthy) > len(applied.objects):
        healthy.clear()
    refused = refused_of(applied)
    resources = [
        _lost(one, refused, cluster.live.get(one.key), applied.set_id)
        or _health(
            one,
            cluster=cluster,
            now=now,
            rules=rules,
            last_words=last_words,
            set_id=applied.set_id,
            healthy=healthy,
            before=before,
        )
        for one in applied.objects
    ]
    resources = [
        _as_known(one, asked.key, seen=seen, no_pods=no_pods)
        for asked, one in zip(applied.objects, resources, strict=True)
    ]
    troubled = [one for one in resources if one.health not in ("Healthy", "Suspended")]
    sync: Sync = "OutOfSync" if seen.differing else "Unknown" if seen.unknown else "Synced"
    if sync == "Synced" and seen.leaving:
        sync = "OutOfSync"
    message = "; ".join(f"{one.kind} {one.name}: {_words(one)}" for one in troubled[:MAX_NAMED])
    told = [*seen.differing, *seen.unknown, *seen.leaving]
    if not message and told:
        message = NOT_AS_ASKED + "; ".join(told[:MAX_NAMED])
    message = message or "; ".join(seen.notes[:MAX_NAMED])
    return Observation(
        app=applied.app,
        observed_at=now,
        health=worst(
            [one.health for asked, one in zip(applied.objects, resources, strict=True) if _counts(asked, one)]
        ),
        sync=sync,
        message=message,
        drift="; ".join(seen.differing[:MAX_NAMED]),
        digest=applied.installed if seen.differing else applied.digest,
        may_go_on=seen.may_go_on,
        left=tuple(seen.left),
        leaving=tuple(seen.leaving),
        resources=tuple(resources),
    )


def _counts(asked: Asked, one: ResourceHealth) -> bool:
    """Say whether an object says something of how its application is.

    One that waits for its kind does not, nor does one that does nothing because Git says so, as a CronJob with
    `suspend: true`: its application has all that it asks for.
    """
    if one.reason == NO_KIND:
        return False
    return (
        one.health != "Suspended"
        or not asked.sent
        or at(msgspec.json.decode(asked.sent), "spec", "suspend") is not True
    )


def _lost(one: Asked, refused: Mapping[Key, Hindrance], live: LiveObject | None, set_id: str) -> ResourceHealth | None:
    """Say of an object that was refused and is not the application's what is so; None for any other.

    How another one's object is says nothing of this application.
    """
    no = refused.get(one.key)
    if no is None or (live is not None and live.part_of == set_id):
        return None
    kind, name = one.key[0][1], one.key[2]
    if no.owner:
        reason = "Claimed" if no.claimed else "Conflict"
        return ResourceHealth(kind=kind, name=name, health="Degraded", reason=reason, message=no.words, wanted=0)
    said = f"it was not applied: {no.words}"
    return ResourceHealth(kind=kind, name=name, health="Missing", reason="Refused", message=said, wanted=0)


def _health(
    one: Asked,
    *,
    cluster: Cluster,
    now: dt.datetime,
    rules: OwnRules | None,
    last_words: LastWordsOf | None = None,
    set_id: str = "",
    healthy: Healthy | None = None,
    before: SaidBefore,
) -> ResourceHealth:
    kind, name = one.key[0][1], one.key[2]
    live = cluster.live.get(one.key)
    if is_done(one, one.key, cluster.live):
        return ResourceHealth(kind=kind, name=name, health="Healthy", reason=ENDED, message=SAID, wanted=0)
    if live is None:
        return ResourceHealth(kind=kind, name=name, health="Missing", reason="Missing", message=MISSING, wanted=0)
    seen = looked_at(live, cluster.live)
    known = healthy.pop(one.key, None) if healthy is not None else None
    if known is not None and healthy is not None and len(known[0]) == len(seen) and all(map(is_, known[0], seen)):
        healthy[one.key] = known
        return known[1]
    manifest = live.manifest
    pods = newest_pods(live, manifest, cluster.live)
    try:
        found = held_up(workload_health(manifest, pods, now=now, own=rules), live, manifest, cluster.live)
    except MalformedResource as wrong:
        return ResourceHealth(
            kind=kind, name=name, health="Unknown", reason="Malformed", message=wrong.message, wanted=0
        )
    is_early = is_too_early(found.verdict, now)
    is_degraded = found.verdict.health == "Degraded" and not is_early
    before.note(one.key, seen, is_degraded=is_degraded)
    if is_early or (is_degraded and before.holds(one.key, seen, now)):
        said = f"nothing is said of it yet since it was applied; before: {found.verdict.message or 'Degraded'}"
        return ResourceHealth(
            kind=kind,
            name=name,
            health="Progressing",
            reason=found.verdict.reason if is_early else NOT_HEARD,
            message=found.verdict.message if is_early else said,
            ready=found.ready,
            wanted=found.wanted,
        )
    words = ""
    if last_words is not None and found.verdict.health == "Degraded" and live.part_of == set_id:
        words = last_words([manifest] if live.key[0] == POD else pods)
    judged = ResourceHealth(
        kind=kind,
        name=name,
        health=found.verdict.health,
        reason=found.verdict.reason,
        message=found.verdict.message,
        last_words=words,
        ready=found.ready,
        wanted=found.wanted,
    )
    # A pod that is not ready may turn into bad news with nothing but time.
    if healthy is not None and judged.health == "Healthy" and found.ready == len(pods):
        healthy[one.key] = (seen, judged)
    return judged


def unhealthy(
    keys: Sequence[Key], *, cluster: Cluster, now: dt.datetime, rules: OwnRules | None, before: SaidBefore
) -> tuple[str, bool]:
    """Say which of these objects are not healthy yet, and whether one is Degraded, so that waiting is idle.

    before: of their application.
    """
    told, degraded = [], False
    for key in keys:
        asked = Asked(key=key, wanted=b"")
        found = _health(asked, cluster=cluster, now=now, rules=rules, before=before)
        if found.health not in ("Healthy", "Suspended"):
            told.append(f"{_label(key)} is {found.health}: {_words(found)}")
            degraded = degraded or found.health == "Degraded"
    return "; ".join(told[:MAX_NAMED]), degraded


def _as_known(one: ResourceHealth, key: Key, *, seen: Look, no_pods: Mapping[Key, str]) -> ResourceHealth:
    """Return what is said of an object where more is known than it says itself."""
    if key in seen.waiting:
        words = "the cluster does not have its kind yet"
        return ResourceHealth(kind=key[0][1], name=key[2], health="Missing", reason=NO_KIND, message=words, wanted=0)
    if key in no_pods and one.health == "Progressing":
        words = f"it gets no pods: {no_pods[key]}"
        return msgspec.structs.replace(one, health="Degraded", reason=REFUSED, message=words)
    return one


def _words(one: ResourceHealth) -> str:
    return in_words(one.health, one.reason, one.message)


def _label(key: Key) -> str:
    return f"{key[0][1]} {key[2]}"
