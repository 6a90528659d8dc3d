"""What `lastgood doctor` says of a destination that is a Kubernetes cluster. Changes nothing there."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from lastgood.app.doctor import Finding
from lastgood.app.settings import DestinationSettings
from lastgood.app.targets import CLUSTERS, cluster_access, cluster_rules

if TYPE_CHECKING:
    from lastgood.targets.kubernetes.permissions import Need

MAX_NAMED = 6
# Needed to tell what goes on, and for no deployment.
TELLING = ("pods/log", "events")


def examine_cluster(name: str, destination: DestinationSettings, data: Path) -> Finding:
    """Ask the cluster how it is and what lastgood may do there."""
    from lastgood.targets.kubernetes.examine import examine  # noqa: PLC0415 - only where there is a cluster

    called = f"destination {name}"
    access, rules = cluster_access(destination), cluster_rules(destination)
    found = asyncio.run(examine(access, rules, destination=name, root=data / CLUSTERS / name))
    if found.trouble:
        hint = f"its applications are Unknown and wait for it; check how [destinations.{name}] reaches the cluster"
        return Finding(name=called, outcome="wrong", detail=found.trouble, hint=hint)
    who = f", as {found.user}" if found.user is not None else ""
    answers = f"reachable; Kubernetes {found.version or 'of an unknown version'}{who}"
    if not found.refused:
        acts = "; what applications may do is up to the accounts that it acts as" if rules.account is not None else ""
        return Finding(name=called, outcome="ok", detail=f"{answers}; it may do all that lastgood needs{acts}")
    must = [need for need in found.refused if need.must]
    detail = f"{answers}; it may not {_some(must or found.refused)}"
    if must:
        hint = "nothing is deployed there until it may"
    elif all(need.resource in TELLING for need in found.refused):
        hint = "why something fails there cannot be shown in full"
    else:
        hint = "applications that have such objects cannot be deployed there"
    hint += f"; `lastgood doctor --rules {name}` prints rules that allow it"
    return Finding(name=called, outcome="wrong" if must else "warn", detail=detail, hint=hint, rules=found.role)


def _some(refused: "list[Need] | tuple[Need, ...]") -> str:
    named = [f"{', '.join(need.verbs)} {need.resource}{f'.{need.group}' if need.group else ''}" for need in refused]
    more = len(named) - MAX_NAMED
    return "; ".join(named[:MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
