"""The order of the rules, on one screen: one object in, one verdict out. Knows no cluster and no clock.

1. An object that is being deleted is Progressing.
2. An object whose controller has not seen the newest change yet is Progressing.
3. The operator's own rule for the kind, if there is one.
4. The rule of a built-in kind (`BUILT_IN`).
5. The row of an operator's kind (`table/`).
6. The conditions that many kinds share (`conditions.py`).
7. Healthy once it exists.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

from lastgood.targets.kubernetes.health.built_in import BUILT_IN, POD
from lastgood.targets.kubernetes.health.conditions import by_conditions
from lastgood.targets.kubernetes.health.general import being_deleted, not_yet_observed
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.pod import pod_health
from lastgood.targets.kubernetes.health.table import row_of
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy

NO_RULE = "no health rule"


class OwnRules(Protocol):
    """Rules that the operator wrote."""

    def judge(self, live: Live) -> HealthVerdict | None:
        """Return the verdict, None where no rule is for that kind."""


def health_of(live: Mapping[str, Any], *, now: dt.datetime, own: OwnRules | None = None) -> HealthVerdict:
    """Say how a live object is.

    live: one object as the API server sent it, `status` included; hostile, and never changed.
    now: aware UTC time. own: what the operator's settings say of kinds.
    Raises MalformedResource where a field that a rule needs is not of its kind: show Unknown with its message then.
    """
    return judge(Live(live), now=now, own=own)


def judge(live: Live, *, now: dt.datetime, own: OwnRules | None = None) -> HealthVerdict:
    """Say how an object is, by the first rule that has something to say."""
    if deleted := being_deleted(live):
        return deleted
    if waiting := not_yet_observed(live):
        return waiting
    if own is not None and (said := own.judge(live)):
        return said
    if (live.group, live.kind) == POD:
        return pod_health(live, now)
    if built_in := BUILT_IN.get((live.group, live.kind)):
        return built_in(live)
    if row := row_of(live.group, live.kind):
        return row.judge(live)
    return by_conditions(live) or healthy("", NO_RULE)
