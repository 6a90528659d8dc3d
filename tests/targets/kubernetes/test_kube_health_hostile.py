"""Whatever a cluster says, a verdict comes out, or the one error that is promised."""

import contextlib
import datetime as dt
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastgood.core.words import Health
from lastgood.targets.kubernetes.health import MalformedResource, health_of, workload_health
from lastgood.targets.kubernetes.health.built_in import BUILT_IN, POD
from lastgood.targets.kubernetes.health.table import ROWS

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
KINDS = sorted(
    {
        POD,
        *BUILT_IN,
        *((row.group.replace("*", "a"), kind) for row in ROWS for kind in row.kinds.split()),
        ("x.io", "T"),
    }
)
_WORDS = """
metadata spec status conditions type reason message phase state replicas readyReplicas updatedReplicas
generation observedGeneration containerStatuses initContainerStatuses terminated waiting running name
exitCode restartCount lastState startedAt loadBalancer ingress parents ancestors listeners health ceph
updateStrategy rollingUpdate partition annotations labels nodeSets count desiredNumberScheduled active
lastScheduleTime lastSuccessfulTime deletionTimestamp creationTimestamp lastTransitionTime
environments racks clusters aggregatedStatus executorState statusReplicas scale readinessProbe
"""
WORDS = sorted(set(_WORDS.split()))
TEXTS = st.sampled_from(["True", "False", "Unknown", "Ready", "Running", "Pending", "2026-11-26T11:00:00Z", "9/3", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner),
    max_leaves=25,
)


@given(
    kind=st.sampled_from(KINDS),
    status=JSON,
    spec=JSON,
    metadata=JSON,
    conditions=st.none() | st.lists(JSON, max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_no_object_breaks_a_rule(kind, status, spec, metadata, conditions):
    """A verdict with one of the six words, or MalformedResource; nothing else."""
    if conditions is not None and isinstance(status, dict):
        status = {**status, "conditions": conditions}
    group, name = kind
    live = {"apiVersion": f"{group}/v1" if group else "v1", "kind": name}
    live |= {"metadata": metadata, "spec": spec, "status": status}
    with contextlib.suppress(MalformedResource):
        found = health_of(live, now=NOW)
        assert found.health in get_args(Health)
        assert found.since is None or found.since.tzinfo is not None
    with contextlib.suppress(MalformedResource):
        workload_health(live, [live], now=NOW)


@given(live=st.dictionaries(st.sampled_from(["apiVersion", "kind", "metadata", "status"]), JSON))
@settings(deadline=None)
def test_what_is_hardly_an_object_is_told(live):
    """Not even apiVersion and kind need be there."""
    with contextlib.suppress(MalformedResource):
        health_of(live, now=NOW)


def test_a_status_with_many_conditions_costs_little():
    """Very many conditions are read as far as the bound."""
    many = [{"type": f"C{number}", "status": "True"} for number in range(200_000)]
    live = {
        "apiVersion": "x.io/v1",
        "kind": "T",
        "status": {"conditions": [*many, {"type": "Ready", "status": "False"}]},
    }
    assert health_of(live, now=NOW).message == "no health rule"


ODD = (None, True, -1, 1.5, 2**70, "x", [], [1], [None], {}, {"a": 1}, [{"conditions": 7}], {"ingress": "x"})


# Rows are data in one language: a few of them ask with every part of it.
ODD_KINDS = [POD, *BUILT_IN, ("argoproj.io", "Rollout"), ("gateway.networking.k8s.io", "HTTPRoute"), ("x.io", "T")]


@pytest.mark.parametrize("kind", ODD_KINDS, ids="/".join)
def test_no_odd_value_breaks_a_rule(kind):
    """Each word with each odd value, in spec, status and metadata: a verdict, or MalformedResource."""
    group, name = kind
    for word in WORDS:
        for value in ODD:
            for place in ("spec", "status", "metadata"):
                live = {"apiVersion": f"{group}/v1", "kind": name, place: {word: value}}
                if not group:
                    live["apiVersion"] = "v1"
                if name == "Pod" and place == "status":
                    live["status"] |= {"phase": "Running", "containerStatuses": [{word: value, "state": {word: value}}]}
                with contextlib.suppress(MalformedResource):
                    assert health_of(live, now=NOW).health in get_args(Health)
