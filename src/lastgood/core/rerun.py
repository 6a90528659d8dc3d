"""What runs again when an application goes to another version: hooks, Jobs, and the steps of a Rollout. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from lastgood.core.deployment import Deployment, reach
from lastgood.core.hook import hooks_at, is_hook
from lastgood.core.resource import Rendered, Resource
from lastgood.core.rollout import AtOnce, LiveRollout, at_once
from lastgood.core.value import Value
from lastgood.core.words import Occasion

MAX_STEPS = 1_000
MAX_DIGITS = 12
# Go's durations, which Argo Rollouts reads: any units in any order, with fractions, and no days.
_UNIT_S = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(h|ms|m|s|us|µs|ns)", re.ASCII)
MAX_TEXT = 100
# Without a word of its own, a blue-green Rollout keeps its former pods for that long.
_KEPT_S = 30
_WHEN = {"before": "before", "during": "with", "after": "after", "failed": "if it fails"}


class Steps(Value, frozen=True, kw_only=True):
    """The way of an Argo Rollout to a new template.

    pauses_s: seconds that its pauses and experiments take together, at least. waits_for_people: how many pauses have no
    end of their own. analyses: on the way, which take as long as they take. window: its `rollbackWindow` in versions, 0
    for none. kept_s: so long after a version was replaced the way back to it has no pause; 0: always. at_once: whether
    it goes past all of that, because what it goes to is its stable version or within its window.
    """

    name: str
    count: int
    pauses_s: int
    waits_for_people: int
    window: int
    analyses: int = 0
    kept_s: int = 0
    at_once: AtOnce = "unknown"


class Rerun(Value, frozen=True, kw_only=True):
    """What would run. hooks: `Job migrate (before)`, in their order; jobs: names; rollouts: with their steps."""

    hooks: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    rollouts: tuple[Steps, ...] = ()


def rerun(
    before: Rendered | None,
    after: Rendered,
    occasion: Occasion,
    *,
    live: Sequence[LiveRollout] | None = None,
    as_before: Collection[str] = (),
) -> Rerun:
    """Say what would run. before: what is there now, None where that is not known: then nothing counts as there.

    live: the Rollouts as they stand in the cluster, None where nobody knows. as_before: see `jobs_as_in`.
    """
    here = {_key(one): one.manifest for one in before.resources} if before is not None else {}
    changed = [one for one in after.resources if not is_hook(one.manifest) and here.get(_key(one)) != one.manifest]
    hooks = (f"{one.label} ({_WHEN[one.moment]})" for one in hooks_at(after.resources, occasion))
    return Rerun(
        hooks=tuple(dict.fromkeys(hooks)),
        jobs=tuple(
            one.name for one in changed if (one.group, one.kind) == ("batch", "Job") and one.name not in as_before
        ),
        rollouts=tuple(_rollouts(after.resources, here, live or ())),
    )


def jobs_as_in(version: Collection[str | None], runs: Iterable[Deployment]) -> frozenset[str]:
    """Return the names of the Jobs that are still as a version has them: nothing that came since could change them.

    version: its ids. runs: of the application, newest first.
    """
    refused: set[str] | None = None
    for run in runs:
        if run.version in version:
            return frozenset(refused or ()) if reach(run) == "whole" else frozenset()
        if reach(run) == "none":
            continue
        jobs = {
            (one.name, (one.outcome, one.change) == ("failed", "modified"))
            for one in run.resources
            if one.kind == "Job"
        }
        # Where the cluster was in trouble, what it did not say that it did may be done.
        here = {name for name, failed in jobs if failed and run.own_fault and (name, False) not in jobs}
        refused = here if refused is None else refused & here
    return frozenset()


def _key(one: Resource) -> tuple[str, str, str | None, str]:
    return (one.group, one.kind, one.namespace, one.name)


_Here = dict[tuple[str, str, str | None, str], dict[str, Any]]


def _rollouts(after: Iterable[Resource], here: _Here, live: Sequence[LiveRollout]) -> list[Steps]:
    resources = list(after)
    wanted = {_key(one): one.manifest for one in resources}
    found = []
    for one in resources:
        if (one.group, one.kind) != ("argoproj.io", "Rollout"):
            continue
        there = here.get(_key(one))
        # Only a new template goes its way in steps; a first one comes at once.
        template = _template(one.manifest, one, wanted)
        if there is None or _template(there, one, here) == template:
            continue
        steps = _steps(one.name, one.manifest)
        if steps.count:
            stands = next((other for other in live if _is_it(other, one)), None)
            found.append(msgspec.structs.replace(steps, at_once=at_once(stands, template[1], window=steps.window)))
    return found


def _is_it(live: LiveRollout, one: Resource) -> bool:
    return live.name == one.name and one.namespace in (None, live.namespace)


def _template(manifest: dict[str, Any], of: Resource, among: _Here) -> tuple[Any, Any]:
    """Return where the template of a Rollout stands, None for itself, and the template."""
    reference = _at(manifest, "spec", "workloadRef")
    if not isinstance(reference, dict):
        return (None, _at(manifest, "spec", "template"))
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    workload = (group, str(reference.get("kind")), of.namespace, str(reference.get("name")))
    return (workload, _at(among.get(workload), "spec", "template"))


def _steps(name: str, manifest: dict[str, Any]) -> Steps:
    strategy = _at(manifest, "spec", "strategy")
    blue_green = _at(strategy, "blueGreen")
    said = _at(manifest, "spec", "rollbackWindow", "revisions")
    window = said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else 0
    if isinstance(blue_green, dict):
        return _blue_green(name, blue_green, window=window)
    listed = _at(strategy, "canary", "steps")
    steps = [step for step in listed[:MAX_STEPS] if isinstance(step, dict)] if isinstance(listed, list) else []
    pauses = [_seconds(_at(step, "pause", "duration")) for step in steps if "pause" in step]
    experiments = [_seconds(_at(step, "experiment", "duration")) for step in steps if "experiment" in step]
    return Steps(
        name=name,
        count=len(listed) if isinstance(listed, list) else 0,
        pauses_s=sum(one for one in (*pauses, *experiments) if one is not None),
        waits_for_people=pauses.count(None),
        # An experiment without an end of its own ends with its analyses.
        analyses=sum("analysis" in step for step in steps) + experiments.count(None),
        window=window,
    )


def _blue_green(name: str, said: dict[str, Any], *, window: int) -> Steps:
    """Return the way of a blue-green Rollout: one step, the switch, before which it may wait."""
    automatic = said.get("autoPromotionEnabled", True) is not False
    # Zero is what Argo Rollouts takes for not said.
    seconds = _seconds(said.get("autoPromotionSeconds")) or None
    analyses = sum(isinstance(said.get(key), dict) for key in ("prePromotionAnalysis", "postPromotionAnalysis"))
    waits = seconds is not None or not automatic
    kept = _seconds(said.get("scaleDownDelaySeconds"))
    return Steps(
        name=name,
        count=1 if waits or analyses else 0,
        pauses_s=seconds or 0,
        waits_for_people=1 if waits and seconds is None else 0,
        analyses=analyses,
        window=window,
        kept_s=(_KEPT_S if kept is None else kept) if waits else 0,
    )


def _seconds(duration: Any) -> int | None:
    """Read the length of a pause as Argo Rollouts does: seconds, `90` or `1h30m`; None for one without an end.

    Part of a second is left out.
    """
    if isinstance(duration, bool) or duration is None:
        return None
    if isinstance(duration, int):
        return max(0, duration)
    text = str(duration)
    if len(text) > MAX_TEXT:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    parts = _PART.findall(text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return int(sum(Fraction(f"0{number}") * _UNIT_S[unit] for number, unit in parts))


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
