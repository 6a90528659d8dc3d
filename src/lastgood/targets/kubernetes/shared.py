"""Definitions of kinds that several applications bring: one has it, and the others leave it in place as it is.

A chart's `crds/` come with each of its releases, and a cluster can have a definition once only. Whoever has it changes
it; the others are told where it is not as their version has it. Writes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec

from lastgood.targets.kubernetes.apply_set import labelled
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.compare import changed_fields
from lastgood.targets.kubernetes.kinds import GroupKind, Kind
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.marks import DEFINITIONS
from lastgood.targets.kubernetes.memory import Asked
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.trouble import ClusterTrouble, InTheWay, Unreachable
from lastgood.targets.kubernetes.wanted import Wanted, defines

Claimed = Callable[[Key], Awaitable[str | None]]
"""Says whose an object is, None where it may be had. Raises ClusterTrouble."""

MAX_NAMED = 10
# How long after its definition was established a kind may take to be served.
SERVED_S = 10.0
LOOK_AGAIN_S = 0.2


def may_be_left(live: LiveObject | None) -> bool:
    """Say whether an object that another one has is a definition that is there, and stays."""
    return live is not None and live.key[0] == DEFINITIONS and not live.is_being_deleted


def is_shared(asked: Asked, live: LiveObject, set_id: str) -> bool:
    """Say whether a definition is another one's, as far as is known, or by what the cluster says of it."""
    return bool(asked.theirs) or (may_be_left(live) and live.part_of not in (None, set_id))


async def owner_now(asked: Asked, live: LiveObject, claimed: Claimed) -> str | None:
    """Say whose a definition is now, None where it may be taken over. Raises Unreachable.

    Where that cannot be said, it is whose it was; and what is being deleted is not taken.
    """
    try:
        owner = await claimed(asked.key)
    except Unreachable:
        raise
    except ClusterTrouble:
        return asked.theirs
    return asked.theirs if owner is None and live.is_being_deleted else owner


def needed_by(key: Key, rivals: Callable[[Key], Collection[str]]) -> str:
    """Say which other applications bring a definition: deleting it would take their objects. "" for none."""
    others = sorted(rivals(key)) if key[0] == DEFINITIONS else []
    more = len(others) - MAX_NAMED
    return ", ".join(others[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


async def note_difference(asked: Asked, live: LiveObject, *, cluster: Cluster, sender: Sender) -> None:
    """Write down in what the definition that is there is not as asked for. Raises Unreachable.

    It is asked once for each content of the two.
    """
    if asked.equal == live.digest and cluster.marks.holds(asked.mark, asked.key):
        return
    mark = cluster.marks.of(asked.key)
    try:
        asked.differs = await _difference(asked, live, cluster=cluster, sender=sender)
    except Unreachable:
        raise
    except ClusterTrouble as trouble:
        asked.differs = f"whether it is as asked for cannot be said: {trouble}"
    asked.equal, asked.mark = live.digest, mark


async def _difference(asked: Asked, live: LiveObject, *, cluster: Cluster, sender: Sender) -> str:
    kind = await cluster.kinds.find(*asked.key[0])
    manifest: dict[str, Any] = msgspec.json.decode(asked.sent)
    if kind is None:
        return ""
    if live.part_of is not None:
        # It keeps its owner's label: that is no difference.
        manifest = labelled(manifest, live.part_of)
    would_be = await sender.dry_run(kind, manifest)
    version = manifest["apiVersion"].rpartition("/")[2]
    there = await sender.get(kind.path(None, live.name, version=version))
    changed = changed_fields(would_be, there) if there is not None else []
    return f"it is not as this version has it: {', '.join(changed)}" if changed else ""


APPLICATION = "the application "
"""How one of this server's own applications is named among those who may have an object."""


def told(asked: Asked) -> str:
    """Say that a definition is another one's, and where it is not as asked for."""
    words = f"it belongs to {asked.theirs}, which alone changes it, and is left in place"
    return f"{words}; {asked.differs}" if asked.differs else words


class Shared:
    """What one pass does about definitions that another one has. claimed: says whose an object is, None: to be had."""

    def __init__(self, *, cluster: Cluster, sender: Sender, claimed: Claimed) -> None:
        self._cluster = cluster
        self._sender = sender
        self._claimed = claimed
        self._owners: dict[GroupKind, str] = {}

    async def leave(self, wanted: Wanted, *, owner: str, asked: Asked) -> str:
        """Leave a definition that another one has as it is; say so. Raises InTheWay for anything else.

        Of two applications that come at once the other one is only now sending it.
        """
        defined = defines(wanted.placed.resource)
        live = await self._awaited(wanted.key) if defined is not None else self._cluster.live.get(wanted.key)
        if defined is None or live is None or not may_be_left(live):
            ours = owner.removeprefix(APPLICATION)
            gone = f", or `lastgood forget {ours}` if that is gone from Git" if ours != owner else ""
            raise InTheWay(f"it belongs to {owner}; take it out of one of the two{gone}", owner=owner)
        asked.theirs = owner
        await note_difference(asked, live, cluster=self._cluster, sender=self._sender)
        self._owners[defined] = owner
        return told(asked)

    async def _awaited(self, key: Key) -> LiveObject | None:
        loop = asyncio.get_running_loop()
        until = loop.time() + SERVED_S
        while (live := self._cluster.live.get(key)) is None:
            if loop.time() > until or await self._claimed(key) is None:
                return None
            await asyncio.sleep(LOOK_AGAIN_S)
        return live

    async def see_that_it_is_served(self, wanted: Wanted, kind: Kind | None) -> None:
        """See that another one's definition serves the version of an object. Raises InTheWay where it does not."""
        owner = self._owners.get(wanted.key[0])
        version = wanted.manifest["apiVersion"].rpartition("/")[2]
        if owner is None or kind is None or version in kind.versions:
            return
        kind = await self._cluster.kinds.find(*wanted.key[0], anew=True)
        if kind is not None and version not in kind.versions:
            raise InTheWay(
                f"the cluster serves {kind.kind} as {', '.join(kind.versions)} and not as {version}; its definition"
                f" belongs to {owner}, which has to serve that first"
            )
