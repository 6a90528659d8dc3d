"""Delete an object as it was judged: a watch may not have told yet what was done to it since. Knows no rules."""

from collections.abc import Callable

from lastgood.core.value import Value
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import LiveObject, live_object
from lastgood.targets.kubernetes.send import CONFLICT, Sender
from lastgood.targets.kubernetes.trouble import Answered

TRIES = 5
NOT_OURS = "it is no longer this application's"


class Deletion(Value, frozen=True, kw_only=True):
    """What became of an object. why_kept: "" where it may go; leaving: as it is, where it is deleted and not gone."""

    why_kept: str = ""
    leaving: LiveObject | None = None


async def delete_as_judged(
    one: LiveObject, *, kind: Kind, sender: Sender, live: Live, why_kept: Callable[[LiveObject], str]
) -> Deletion:
    """Delete an object that may go as far as is known.

    why_kept: judges it, "" where it may go. What changed since it was judged is read and judged anew.
    """
    path, set_id = kind.path(one.namespace, one.name), one.part_of
    for attempt in range(1, TRIES + 1):
        try:
            # What changes all the time was judged a moment ago.
            version = one.resource_version if attempt < TRIES else None
            there = await sender.delete(path, uid=one.uid, version=version)
        except Answered as no:
            if no.status != CONFLICT:
                raise
        else:
            return Deletion(leaving=_leaving(one, there, live=live))
        there = await sender.get(path)
        now = live_object(there, one.key[0]) if there is not None else None
        if now is None:
            live.deleted(one.key, one.uid)
            return Deletion()
        live.put(now)
        why = why_kept(now) if now.part_of == set_id else NOT_OURS
        if why:
            return Deletion(why_kept=why)
        if now.is_being_deleted:
            return Deletion(leaving=now)
        one = now
    raise AssertionError("the last attempt returns or raises")


def _leaving(one: LiveObject, said: object, *, live: Live) -> LiveObject | None:
    """Return what was deleted as the API server answered, where it is still there; None where it is gone."""
    there = live_object(said, one.key[0])
    if there is not None and there.is_being_deleted and live.get(one.key) is not None:
        # It waits for its finalizers, or for a moment's grace. Once it has gone, the watch says so.
        live.put(there)
        return there
    live.deleted(one.key, one.uid)
    return None
