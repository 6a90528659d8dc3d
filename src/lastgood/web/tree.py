"""Lay the resource tree of an application out for a page: what owns what, open where a person should look. Pure.

Only ownership makes the tree, so that each object stands in it once; how else objects lead to each other is told of
the one that was chosen.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from lastgood.core.resource_tree import ResourceTree, TreeNode
from lastgood.core.value import Value
from lastgood.web.asked import has_words, read_health, text
from lastgood.web.badge import HEALTH, Badge, health_badge
from lastgood.web.pages import address
from lastgood.web.services import URGENCY

MAX_DEPTH = 12
SIBLINGS_MOST = 50
SIBLINGS_FIRST = 20
SWITCHED_MOST = 100
_FINE = ("Healthy", "Suspended")
_SORTS = {
    "Workloads": "Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Pod Job CronJob Rollout Process",
    "Network": (
        "Service Endpoints EndpointSlice Ingress IngressClass NetworkPolicy Gateway HTTPRoute GRPCRoute TLSRoute"
        " TCPRoute VirtualService DestinationRule"
    ),
    "Configuration": "ConfigMap Secret ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding",
}
_GROUPS = {kind: name for name, kinds in _SORTS.items() for kind in kinds.split(" ")}
_ORDER = (*_SORTS, "Other")
_LEADS = {
    "owns": ("Made", "Made by"),
    "selects": ("Selects", "Selected by"),
    "sends": ("Sends to", "Gets traffic from"),
    "routes": ("Routes to", "Reached by"),
}


class Asked(Value, frozen=True, kw_only=True):
    """What the page's address asks for; "" is anything. chosen: an id. opened, closed: ids whose branch was switched.

    whole: long lists of siblings are shown whole. container, previous: which log of the chosen pod; another object has
    others, so that no other address of this page keeps them.
    """

    path: str
    query: str = ""
    kind: str = ""
    health: str = ""
    chosen: str = ""
    opened: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    whole: bool = False
    container: str = ""
    previous: bool = False

    @property
    def filters(self) -> bool:
        """Say whether only some objects are asked for."""
        return bool(self.query or self.kind or self.health)

    def url(self, **changes: str | None) -> str:
        """Return the address of this page with some of it changed."""
        given: dict[str, str | None] = {
            "q": self.query,
            "kind": self.kind,
            "health": self.health,
            "r": self.chosen,
            "open": ",".join(self.opened),
            "close": ",".join(self.closed),
            "all": "1" if self.whole else "",
        }
        return address(self.path, {**given, **changes})

    def switched(self, node: str, *, opens: bool) -> str:
        """Return the address at which a branch is open, or closed."""
        opened = [one for one in self.opened if one != node]
        closed = [one for one in self.closed if one != node]
        (opened if opens else closed).append(node)
        return self.url(open=",".join(opened[-SWITCHED_MOST:]), close=",".join(closed[-SWITCHED_MOST:]))


class NodeView(Value, frozen=True, kw_only=True):
    """One object in the tree. expanded: None where it made nothing. more: how many siblings below it are left out.

    left: it left Git and stays.
    """

    node: TreeNode
    left: bool
    badge: Badge
    url: str
    current: bool
    expanded: bool | None
    twist_url: str
    children: tuple["NodeView", ...]
    more: int


class Group(Value, frozen=True, kw_only=True):
    """Objects of one sort with nothing above them."""

    name: str
    nodes: tuple[NodeView, ...]
    more: int


class Count(Value, frozen=True, kw_only=True):
    """How many objects have a health, and the address that shows them alone."""

    badge: Badge
    count: int
    url: str


class Relation(Value, frozen=True, kw_only=True):
    """How the chosen object leads to others, or they to it."""

    word: str
    nodes: tuple[tuple[TreeNode, str], ...]


class Layout(Value, frozen=True, kw_only=True):
    """The tree as laid out. asked: how many objects stand in Git."""

    groups: tuple[Group, ...]
    counts: tuple[Count, ...]
    kinds: tuple[str, ...]
    total: int
    asked: int
    shown: int
    whole_url: str
    clear_url: str


def read_asked(path: str, query: Mapping[str, str]) -> Asked:
    """Read the page's address. Raises CommandLineWrong."""
    health = read_health(query)
    return Asked(
        path=path,
        query=text(query.get("q", "")),
        kind=text(query.get("kind", "")),
        health=health,
        chosen=text(query.get("r", ""), most=1_000),
        opened=_ids(query.get("open", "")),
        closed=_ids(query.get("close", "")),
        whole=query.get("all") == "1",
        container=text(query.get("container", "")),
        previous=query.get("previous") == "1",
    )


def _ids(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in text(given, most=50_000).split(",") if one))[:SWITCHED_MOST]


def lay_out(tree: ResourceTree, asked: Asked, left: Collection[str] = ()) -> Layout:
    """Put the nodes below what owns them, choose what is asked for, and open the way to what needs a person.

    left: what left Git and stays, as `Kind name`.
    """
    work = _Work(tree, asked, left)
    groups: dict[str, list[str]] = {name: [] for name in _ORDER}
    for root in work.roots:
        if root in work.kept:
            groups[_GROUPS.get(work.nodes[root].kind, "Other")].append(root)
    counted: Counter[str] = Counter(node.health for node in tree.nodes)
    return Layout(
        groups=tuple(_group(work, name, ids) for name, ids in groups.items() if ids),
        counts=tuple(
            Count(badge=health_badge(word), count=counted[word], url=Asked(path=asked.path, health=word).url())
            for word in HEALTH
            if counted[word]
        ),
        kinds=tuple(sorted({node.kind for node in tree.nodes} | ({asked.kind} if asked.kind else set()))),
        total=len(tree.nodes),
        asked=sum(node.asked for node in tree.nodes),
        shown=len(work.kept),
        whole_url=asked.url(all="1"),
        clear_url=asked.path,
    )


def _group(work: "_Work", name: str, ids: list[str]) -> Group:
    shown, more = work.some(ids)
    return Group(name=name, nodes=tuple(work.view(one, 0) for one in shown), more=more)


def relations(tree: ResourceTree, asked: Asked) -> tuple[Relation, ...]:
    """Say how the chosen object leads to others, and they to it."""
    nodes = {node.id: node for node in tree.nodes}
    found: dict[str, list[TreeNode]] = {}
    for edge in tree.edges:
        for here, there, word in ((edge.from_, edge.to, 0), (edge.to, edge.from_, 1)):
            if here == asked.chosen and there in nodes:
                found.setdefault(_LEADS[edge.leads][word], []).append(nodes[there])
    return tuple(
        Relation(word=word, nodes=tuple((one, asked.url(r=one.id)) for one in some[:SIBLINGS_FIRST]))
        for word, some in found.items()
    )


class _Work:
    """The nodes by id, what is below what, and which are kept and open."""

    def __init__(self, tree: ResourceTree, asked: Asked, left: Collection[str]) -> None:
        self.left = left
        self.nodes = {node.id: node for node in tree.nodes}
        self._asked = asked
        self._below: dict[str, list[str]] = {}
        above: dict[str, str] = {}
        for edge in tree.edges:
            if edge.leads != "owns" or edge.from_ not in self.nodes or edge.to not in self.nodes:
                continue
            # Each object stands below the first that owns it, and a ring of owners is cut: a cluster may lie to us.
            if edge.to not in above and edge.to not in (edge.from_, *_up(edge.from_, above)):
                above[edge.to] = edge.from_
                self._below.setdefault(edge.from_, []).append(edge.to)
        self.roots = [node for node in self.nodes if node not in above]
        matching = [node for node in self.nodes.values() if _matches(node, asked)]
        self.kept = {one for node in matching for one in (node.id, *_up(node.id, above))}
        drawing = matching if asked.filters else [node for node in matching if node.health not in _FINE]
        self._open = {one for node in drawing for one in _up(node.id, above)}
        if asked.chosen in self.nodes:
            self._open |= set(_up(asked.chosen, above))

    def some(self, ids: list[str]) -> tuple[list[str], int]:
        """Return those to show, worst first, and how many are left out."""
        ids.sort(key=lambda one: (URGENCY.get(self.nodes[one].health, 1), self.nodes[one].kind, self.nodes[one].name))
        if len(ids) <= SIBLINGS_MOST or self._asked.whole:
            return ids, 0
        return ids[:SIBLINGS_FIRST], len(ids) - SIBLINGS_FIRST

    def view(self, one: str, depth: int) -> NodeView:
        """Return a node with what is below it, where that is open."""
        node, asked = self.nodes[one], self._asked
        below = [child for child in self._below.get(one, ()) if child in self.kept] if depth < MAX_DEPTH else []
        is_open = (one in self._open or one in asked.opened) and one not in asked.closed
        shown, more = self.some(below) if is_open else ([], 0)
        return NodeView(
            node=node,
            left=f"{node.kind} {node.name}" in self.left and not node.asked,
            badge=health_badge(node.health),
            url=asked.url(r=one),
            current=one == asked.chosen,
            expanded=is_open if below else None,
            twist_url=asked.switched(one, opens=not is_open),
            children=tuple(self.view(child, depth + 1) for child in shown),
            more=more,
        )


def _up(one: str, above: Mapping[str, str]) -> list[str]:
    """Return what is above a node, nearest first."""
    found: list[str] = []
    while one in above:
        one = above[one]
        found.append(one)
    return found


def _matches(node: TreeNode, asked: Asked) -> bool:
    if (asked.kind and node.kind != asked.kind) or (asked.health and node.health != asked.health):
        return False
    texts = [node.name, node.kind, *node.images, *(f"{key}={value}" for key, value in node.labels.items())]
    return has_words(asked.query, texts)
