"""Definitions of kinds that several applications bring: one has it, and the others leave it in place as it is.

A chart's `crds/` come with each of its releases, and a cluster can have a definition once only. Whoever has it changes
it; the others are told where it is not as their version has it. Writes nothing.
"""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from lastgood.targets.kubernetes.apply_set import labelled
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.compare import changed_fields
from lastgood.targets.kubernetes.live_object import Key, LiveObject
from lastgood.targets.kubernetes.marks import DEFINITIONS
from lastgood.targets.kubernetes.memory import Asked
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.trouble import ClusterTrouble, Unreachable

MAX_NAMED = 10


def may_be_left(live: LiveObject | None) -> bool:
    """Say whether an object that another one has is a definition that is there, and stays."""
    return live is not None and live.key[0] == DEFINITIONS and not live.is_being_deleted


def needed_by(key: Key, rivals: Callable[[Key], Collection[str]]) -> str:
    """Say which other applications bring a definition: deleting it would take their objects. "" for none."""
    others = sorted(rivals(key)) if key[0] == DEFINITIONS else []
    more = len(others) - MAX_NAMED
    return ", ".join(others[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


async def note_difference(asked: Asked, live: LiveObject, *, cluster: Cluster, sender: Sender) -> None:
    """Write down in what the definition that is there is not as asked for. Raises Unreachable.

    It is asked once for each content of the two.
    """
    mark = cluster.marks.of(asked.key[0])
    if (asked.equal, asked.mark) == (live.digest, mark):
        return
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


def told(asked: Asked) -> str:
    """Say that a definition is another one's, and where it is not as asked for."""
    words = f"it belongs to {asked.theirs}, which alone changes it, and is left in place"
    return f"{words}; {asked.differs}" if asked.differs else words
