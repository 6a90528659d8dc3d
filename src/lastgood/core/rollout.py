"""How an Argo Rollout stands in its cluster, and whether it would go to a template at once, past its steps. Pure."""

import datetime as dt
from typing import Any, Literal

from lastgood.core.value import Value

# What a cluster writes into a template that leaves it out (the defaults of its API), and what it adds with any value.
_DEFAULTS: dict[str, Any] = {
    "apiVersion": "v1",
    "defaultMode": 420,
    "divisor": "0",
    "dnsPolicy": "ClusterFirst",
    "failureThreshold": 3,
    "periodSeconds": 10,
    "protocol": "TCP",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "scheme": "HTTP",
    "successThreshold": 1,
    "terminationGracePeriodSeconds": 30,
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "timeoutSeconds": 1,
    "type": "",
}
_ADDED = frozenset({"imagePullPolicy", "serviceAccount", "rollouts-pod-template-hash"})
MAX_DEPTH = 50

AtOnce = Literal["yes", "no", "unknown"]


class RolloutVersion(Value, frozen=True, kw_only=True):
    """A ReplicaSet of a Rollout. hash: by which the Rollout names it. template: None where it was too large to keep."""

    hash: str
    template: dict[str, Any] | None
    created_at: dt.datetime


class LiveRollout(Value, frozen=True, kw_only=True):
    """A Rollout. stable, current: hashes of the version that was promoted last and of the one that is asked for.

    Both are "" where its controller has not said them of what is asked for now.
    """

    name: str
    namespace: str | None
    stable: str
    current: str
    versions: tuple[RolloutVersion, ...]


def at_once(live: LiveRollout | None, template: Any, *, window: int) -> AtOnce:
    """Say whether a Rollout would go to another template at once. window: of its `rollbackWindow`, 0 for none.

    Source: Argo Rollouts' controllers. Both skip all steps on the way to the stable ReplicaSet, and to one that is
    older with fewer than `window` others between the two.
    """
    stable = next((one for one in live.versions if one.hash == live.stable), None) if live is not None else None
    if live is None or not live.stable or not live.current or stable is None:
        return "unknown"
    if _is_of(stable, template) == "yes":
        return "yes"
    if live.stable == live.current and not window:
        # What runs is stable, and this is something else.
        return "no"
    older = [one for one in live.versions if one.created_at < stable.created_at] if window else []
    found = [_is_of(one, template) for one in (stable, *older)]
    if "yes" in found:
        wanted = next(one for one in older if _is_of(one, template) == "yes")
        return "yes" if sum(one.created_at > wanted.created_at for one in older) < window else "no"
    return "unknown" if "unknown" in found else "no"


def _is_of(version: RolloutVersion, template: Any) -> AtOnce:
    """Say whether a ReplicaSet is that of a template. Other images: it is not; else it is where nothing is in the way.

    A cluster writes some values in its own way (`1000m` as `1`), so that what differs otherwise may be the same.
    """
    if version.template is None or not isinstance(template, dict):
        return "unknown"
    if _images(version.template) != _images(template):
        return "no"
    return "yes" if _is_in(template, version.template) else "unknown"


def _images(template: dict[str, Any]) -> dict[tuple[str, str], str]:
    spec = template.get("spec")
    listed = {key: spec.get(key) for key in ("initContainers", "containers")} if isinstance(spec, dict) else {}
    return {
        (key, str(one.get("name"))): str(one.get("image"))
        for key, found in listed.items()
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    }


def _is_in(wanted: Any, there: Any, depth: int = 0) -> bool:
    """Say whether what is there is what is wanted, with nothing more than what a cluster adds."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(wanted, dict) and isinstance(there, dict):
        more = there.keys() - wanted.keys()
        known = (_is_in(value, there.get(key), depth + 1) for key, value in wanted.items() if value is not None)
        return all(known) and all(_is_added(key, there[key]) for key in more)
    if isinstance(wanted, list) and isinstance(there, list):
        return len(wanted) == len(there) and all(_is_in(*pair, depth + 1) for pair in zip(wanted, there, strict=True))
    return bool(wanted == there) or (wanted in ({}, []) and there is None)


def _is_added(key: str, value: Any) -> bool:
    return key in _ADDED or value in (None, {}, []) or (key in _DEFAULTS and value == _DEFAULTS[key])
