"""Show what is inside an application in a cluster: its tree and services from memory, a pod's log and events on demand.

Applies nothing, and knows no more than what the watches keep.
"""

import asyncio

from lastgood.core.errors import TargetFailed, UnknownPod
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Clock
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.family import Family, belongs
from lastgood.targets.kubernetes.health import OwnRules
from lastgood.targets.kubernetes.kinds import POD, GroupKind, Kind
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.memory import Applied
from lastgood.targets.kubernetes.pod_reader import container_to_read, read_events, read_log
from lastgood.targets.kubernetes.services import make_services
from lastgood.targets.kubernetes.tree import make_tree
from lastgood.targets.kubernetes.trouble import ClusterTrouble

EVENT: GroupKind = ("", "Event")
MAX_CHARS = 253


class Inside:
    """Looks into applications of one cluster. destination: its name, for messages. rules: the operator's of health."""

    def __init__(self, cluster: Cluster, *, destination: str, clock: Clock, rules: OwnRules | None) -> None:
        self._cluster = cluster
        self._destination = destination
        self._clock = clock
        self._rules = rules

    async def tree(self, app: str, applied: Applied | None, trouble: str) -> ResourceTree:
        """Return the tree. applied: None for what was never applied. trouble: why what is known may be old."""
        now = self._clock.now()
        if applied is None:
            return ResourceTree(app=app, observed_at=now, nodes=(), trouble=trouble)
        family = Family(applied, self._cluster.live)
        # Thousands of objects take their time, which the watches must not wait for.
        nodes, edges, left_out = await asyncio.to_thread(make_tree, family, now=now, rules=self._rules, trouble=trouble)
        return ResourceTree(app=app, observed_at=now, nodes=nodes, edges=edges, left_out=left_out, trouble=trouble)

    async def services(self, app: str, applied: Applied | None, trouble: str) -> Services:
        """Return the services; as `tree`."""
        now = self._clock.now()
        if applied is None:
            return Services(app=app, observed_at=now, services=(), trouble=trouble)
        family = Family(applied, self._cluster.live)
        found, left_out = await asyncio.to_thread(make_services, family, now=now, rules=self._rules, trouble=trouble)
        return Services(app=app, observed_at=now, services=found, left_out=left_out, trouble=trouble)

    async def pod_events(
        self, app: str, applied: Applied | None, pod: str, namespace: str | None
    ) -> tuple[PodEvent, ...]:
        """Return what the cluster tells of a pod. Raises UnknownPod, TargetFailed."""
        one = self._pod(app, applied, pod, namespace)
        try:
            return await read_events(self._cluster.connection, await self._kind(EVENT), one)
        except ClusterTrouble as trouble:
            raise self._failed(app, f"the events of the pod {pod} cannot be had: {trouble}") from trouble

    async def pod_log(self, request: PodLogRequest, applied: Applied | None) -> PodLog:
        """Return the end of a pod's log. Raises UnknownPod, Unknown, TargetFailed."""
        one = self._pod(request.app, applied, request.pod, request.namespace)
        container = container_to_read(one.manifest, request.container)
        try:
            text, cut = await read_log(
                self._cluster.connection,
                await self._kind(POD),
                one,
                container,
                tail_lines=request.tail_lines,
                limit_bytes=request.limit_bytes,
                previous=request.previous,
            )
        except ClusterTrouble as trouble:
            raise self._failed(request.app, f"the log of the pod {one.name} cannot be had: {trouble}") from trouble
        return PodLog(
            app=request.app,
            pod=one.name,
            namespace=one.namespace,
            container=container,
            previous=request.previous,
            text=text,
            cut=cut,
        )

    def _pod(self, app: str, applied: Applied | None, name: str, namespace: str | None) -> LiveObject:
        """Return a pod of an application's own, whatever pods there are beside it. Raises UnknownPod."""
        live = self._cluster.live
        found = [
            one
            for one in live.named(POD, name)
            if applied is not None and namespace in (None, one.namespace) and belongs(one, applied, live)
        ]
        if not found:
            raise UnknownPod(app=app, pod=name[:MAX_CHARS])
        return found[0]

    async def _kind(self, kind: GroupKind) -> Kind:
        found = await self._cluster.kinds.find(*kind)
        if found is None:
            raise ClusterTrouble(f"the cluster has no kind {kind[1]}")
        return found

    def _failed(self, app: str, reason: str) -> TargetFailed:
        return TargetFailed(app=app, destination=self._destination, reason=reason)
