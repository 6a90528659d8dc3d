"""Judge a HorizontalPodAutoscaler. Pure. Version 1 of its API keeps the conditions in an annotation."""

import json

from lastgood.targets.kubernetes.health.live import Condition, Live, read_condition
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing

_ANNOTATION = "autoscaling.alpha.kubernetes.io/conditions"
_FAILURES = {
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    *(
        ("ScalingActive", reason)
        for reason in (
            "FailedGetResourceMetric",
            "FailedGetObjectMetric",
            "FailedGetPodsMetric",
            "FailedGetExternalMetric",
            "FailedComputeMetricsReplicas",
            "InvalidSelector",
        )
    ),
}
_MAX_ANNOTATION = 300_000


def horizontal_pod_autoscaler_health(live: Live) -> HealthVerdict:
    """Say whether it can scale. At its limit it is Healthy: it does what was asked."""
    conditions = live.conditions() or _annotated(live)
    for found in conditions.values():
        if (found.type, found.reason) in _FAILURES:
            return degraded(found.reason, found.said(), since=found.since)
    for name in ("AbleToScale", "ScalingLimited"):
        if (found_fine := conditions.get(name)) and found_fine.true:
            return healthy(found_fine.reason, found_fine.said("it can scale"), since=found_fine.since)
    return progressing("Waiting", "it has not scaled yet")


def _annotated(live: Live) -> dict[str, Condition]:
    text = live.annotation(_ANNOTATION)
    if not text:
        return {}
    try:
        found = json.loads(text[:_MAX_ANNOTATION])
    except (ValueError, RecursionError):
        live.wrong(("metadata", "annotations", _ANNOTATION), "JSON", text)
    conditions = (read_condition(one) for one in found) if isinstance(found, list) else ()
    return {one.type: one for one in conditions if one is not None}
