"""Make the targets that the settings name. Decides nothing, starts nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lastgood.app.health import health_rules
from lastgood.app.settings import DestinationSettings, Settings
from lastgood.core.application import Application
from lastgood.core.cluster_facts import ClusterFacts
from lastgood.core.ports import Clock, Target
from lastgood.core.rollout import LiveRollout
from lastgood.targets.process import FindSource, ProcessTarget

if TYPE_CHECKING:
    from lastgood.targets.kubernetes.connection import ClusterAccess
    from lastgood.targets.kubernetes.health.cel_rules import CelRules
    from lastgood.targets.kubernetes.target import ClusterRules, KubernetesTarget

PROCESSES = "processes"
CLUSTERS = "clusters"


class Targets:
    """The targets of a server, by the name of their destination."""

    def __init__(
        self,
        *,
        processes: Mapping[str, ProcessTarget],
        clusters: Mapping[str, "KubernetesTarget"],
        rules: "CelRules | None" = None,
    ) -> None:
        self._rules = rules
        self.processes = processes
        self.clusters = clusters
        self.all: dict[str, Target] = {**processes, **clusters}

    async def cluster_facts(self, app: Application) -> ClusterFacts | None:
        """Say what a chart may ask of the cluster that an application runs on; None for no cluster, or no answer."""
        cluster = self.clusters.get(app.destination)
        return await cluster.facts() if cluster is not None else None

    async def rollouts(self, app: Application) -> Sequence[LiveRollout] | None:
        """Say how an application's Argo Rollouts stand; None for no cluster, or where that may be old."""
        cluster = self.clusters.get(app.destination)
        return await cluster.rollouts(app.name) if cluster is not None else None

    async def close(self) -> None:
        """Let go of what the targets hold; what they run goes on."""
        for target in self.clusters.values():
            await target.close()
        if self._rules is not None:
            await asyncio.to_thread(self._rules.close)


def make_targets(settings: Settings, *, find_source: FindSource, clock: Clock) -> Targets:
    """Return the targets. find_source: which source repo an artifact comes from.

    Raises SettingsWrong for a rule of health that is none.
    """
    rules = health_rules(settings) if settings.health else None
    processes = {
        name: ProcessTarget(
            settings.data / PROCESSES / name,
            name=name,
            find_source=find_source,
            clock=clock,
            run_as=destination.run_as,
            run_as_agent=destination.run_as_agent,
        )
        for name, destination in settings.destinations.items()
        if destination.type == "process"
    }
    clusters = {
        name: _cluster(settings, name, destination, clock=clock, own_rules=rules)
        for name, destination in settings.destinations.items()
        if destination.type == "kubernetes"
    }
    return Targets(processes=processes, clusters=clusters, rules=rules)


def _cluster(
    settings: Settings, name: str, destination: DestinationSettings, *, clock: Clock, own_rules: "CelRules | None"
) -> "KubernetesTarget":
    from lastgood.targets.kubernetes.target import KubernetesTarget  # noqa: PLC0415 - only where there is one

    return KubernetesTarget(
        settings.data / CLUSTERS / name,
        name=name,
        access=cluster_access(destination),
        clock=clock,
        rules=cluster_rules(destination),
        own_rules=own_rules,
    )


def cluster_access(destination: DestinationSettings) -> "ClusterAccess":
    """Say how a destination's cluster is reached."""
    from lastgood.targets.kubernetes.connection import ClusterAccess  # noqa: PLC0415 - only where there is one

    return ClusterAccess(
        kubeconfig=destination.kubeconfig, context=destination.context, in_cluster=destination.in_cluster
    )


def cluster_rules(destination: DestinationSettings) -> "ClusterRules":
    """Say what the operator says of a destination's cluster."""
    from lastgood.targets.kubernetes.target import ClusterRules  # noqa: PLC0415 - only where there is one

    return ClusterRules(
        namespace=destination.namespace,
        take_over=destination.conflicts == "take-over",
        account=destination.act_as,
        may_delete=frozenset(destination.may_delete),
    )
