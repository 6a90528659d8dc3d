"""The last known good version, from deployment records. Pure; nothing is guessed where no record says it."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from lastgood.core.deployment import Deployment, Judged

Run = TypeVar("Run", Deployment, Judged)


def known_good(deployments: Sequence[Run], *, other_than: Collection[str | None]) -> tuple[Run, ...]:
    """Return the baked run of each version that may be called good, newest first.

    deployments: of one application, newest first. other_than: the versions desired and running.
    A version's newest run that says anything decides: it baked and stayed well, or it failed for its own reasons
    or degraded by itself. Runs that were superseded, or that failed for the target's reasons, say nothing.
    """
    decided: set[str] = {version for version in other_than if version is not None}
    good: list[Run] = []
    for run in deployments:
        if run.version in decided:
            continue
        if run.degraded_at is not None or (run.outcome in {"failed", "partial"} and run.own_fault):
            decided.add(run.version)
        elif run.baked_at is not None:
            decided.add(run.version)
            good.append(run)
    return tuple(good)


def last_good(deployments: Sequence[Run], *, other_than: Collection[str | None], held: Collection[str]) -> Run | None:
    """Return the newest known good run of a version that is not on hold, None where there is none.

    held: versions on hold. The rest as in `known_good`.
    """
    return next((run for run in known_good(deployments, other_than=other_than) if run.version not in held), None)
