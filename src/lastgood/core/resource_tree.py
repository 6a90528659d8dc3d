"""What an application consists of where it runs: what Git asks for, and what was made from that. Values only."""

import datetime as dt
from typing import Literal

from lastgood.core.value import Value
from lastgood.core.words import Health

Leads = Literal["owns", "selects", "sends", "routes"]


class TreeNode(Value, frozen=True, kw_only=True):
    """One object, or one process.

    id: unique in the tree, and the same after a restart; see `node_id`. asked: it stands in Git; others were made from
    such as do. created_at: None where it is not known, or the object is Missing. images: of its containers; of a
    process, the source revision that it runs from. leaving: it is being deleted. containers: of a pod, all that have a
    log, the one that is read if none is named first.
    """

    id: str
    group: str
    kind: str
    namespace: str | None
    name: str
    asked: bool
    health: Health
    reason: str = ""
    message: str = ""
    created_at: dt.datetime | None = None
    images: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    leaving: bool = False
    containers: tuple[str, ...] = ()


class TreeEdge(Value, frozen=True, kw_only=True):
    """How one node leads to another, by their ids.

    leads: owns (the second was made for the first), selects (a Service and what runs its pods), sends (an EndpointSlice
    and a pod that gets its traffic), routes (an Ingress or a route and a Service).
    """

    from_: str
    to: str
    leads: Leads


class ResourceTree(Value, frozen=True, kw_only=True):
    """The tree of one application at one moment.

    nodes: what Git asks for first, then what was made, nearest first. edges: between these nodes only; a node may have
    several above it, or none. left_out: how many further nodes there are, beyond what is told. trouble: why the target
    cannot be seen now, "" where it can; every health is Unknown then.
    """

    app: str
    observed_at: dt.datetime
    nodes: tuple[TreeNode, ...]
    edges: tuple[TreeEdge, ...] = ()
    left_out: int = 0
    trouble: str = ""


def node_id(group: str, kind: str, namespace: str | None, name: str) -> str:
    """Return what names a node: `group/kind/namespace/name`, parts that do not apply empty."""
    return f"{group}/{kind}/{namespace or ''}/{name}"
