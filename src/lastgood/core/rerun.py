"""What runs again when an application goes to another version: hooks, Jobs, and the steps of a Rollout. Pure."""

from collections.abc import Iterable
from typing import Any

from lastgood.core.duration import parse_duration
from lastgood.core.hook import hooks_at, is_hook
from lastgood.core.resource import Rendered, Resource
from lastgood.core.value import Value
from lastgood.core.words import Occasion

MAX_STEPS = 1_000
_WHEN = {"before": "before", "during": "with", "after": "after", "failed": "if it fails"}


class Steps(Value, frozen=True, kw_only=True):
    """The way of an Argo Rollout to a new template.

    pauses_s: seconds that its pauses take together. waits_for_people: how many have no end of their own. may_skip:
    its rollback window may let it jump.
    """

    name: str
    count: int
    pauses_s: int
    waits_for_people: int
    may_skip: bool


class Rerun(Value, frozen=True, kw_only=True):
    """What would run. hooks: `Job migrate (before)`, in their order; jobs: names; rollouts: with their steps."""

    hooks: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    rollouts: tuple[Steps, ...] = ()


def rerun(before: Rendered | None, after: Rendered, occasion: Occasion) -> Rerun:
    """Say what would run. before: what is there now, None where that is not known: then nothing counts as there."""
    here = {_key(one): one.manifest for one in before.resources} if before is not None else {}
    changed = [one for one in after.resources if not is_hook(one.manifest) and here.get(_key(one)) != one.manifest]
    hooks = (f"{one.label} ({_WHEN[one.moment]})" for one in hooks_at(after.resources, occasion))
    return Rerun(
        hooks=tuple(dict.fromkeys(hooks)),
        jobs=tuple(one.name for one in changed if (one.group, one.kind) == ("batch", "Job")),
        rollouts=tuple(_rollouts(changed, here)),
    )


def _key(one: Resource) -> tuple[str, str, str | None, str]:
    return (one.group, one.kind, one.namespace, one.name)


def _rollouts(changed: Iterable[Resource], here: dict[tuple[str, str, str | None, str], dict[str, Any]]) -> list[Steps]:
    found = []
    for one in changed:
        if (one.group, one.kind) != ("argoproj.io", "Rollout"):
            continue
        there = here.get(_key(one))
        # Only a new template goes its way in steps; a first one comes at once.
        if there is None or _at(there, "spec", "template") == _at(one.manifest, "spec", "template"):
            continue
        steps = _steps(one.name, one.manifest)
        if steps.count:
            found.append(steps)
    return found


def _steps(name: str, manifest: dict[str, Any]) -> Steps:
    strategy = _at(manifest, "spec", "strategy")
    listed = _at(strategy, "canary", "steps")
    pauses: list[Any] = [_at(step, "pause", "duration") for step in _pausing(listed)]
    count = len(listed) if isinstance(listed, list) else 0
    blue_green = _at(strategy, "blueGreen")
    if isinstance(blue_green, dict):
        automatic = blue_green.get("autoPromotionEnabled", True) is not False
        seconds = blue_green.get("autoPromotionSeconds")
        if not automatic or seconds:
            count, pauses = 1, [seconds]
    lasting = [_seconds(one) for one in pauses]
    return Steps(
        name=name,
        count=count,
        pauses_s=sum(one for one in lasting if one is not None),
        waits_for_people=sum(one is None for one in lasting),
        may_skip=_at(manifest, "spec", "rollbackWindow") is not None,
    )


def _pausing(listed: Any) -> list[dict[str, Any]]:
    steps = listed[:MAX_STEPS] if isinstance(listed, list) else []
    return [step for step in steps if isinstance(step, dict) and "pause" in step]


def _seconds(duration: Any) -> int | None:
    """Read the length of a pause: seconds, `90` or `1h`; None for one that waits for a person."""
    if isinstance(duration, bool) or duration is None:
        return None
    if isinstance(duration, int):
        return max(0, duration)
    text = str(duration).strip()
    return int(text) if text.isdecimal() and len(text) < 10 else parse_duration(text)  # noqa: PLR2004 - a number of ours


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
