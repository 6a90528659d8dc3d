"""Which pods count for a workload: those of the version that it has now, also while older ones are still there."""

import pytest

from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.pods import newest_pods

DAEMON_SET, POD = ("apps", "DaemonSet"), ("", "Pod")
GENERATION = "deprecated.daemonset.template.generation"


def sent(kind, name, **body):
    metadata = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1", **body.pop("metadata", {})}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, **body}


@pytest.mark.parametrize(
    ("annotations", "strategy", "expected"),
    [
        ({GENERATION: "2"}, "RollingUpdate", ["new"]),
        # Older ones stay there until somebody deletes them: they are what runs.
        ({GENERATION: "2"}, "OnDelete", ["new", "old"]),
        ({}, "RollingUpdate", ["new", "old"]),
    ],
)
def test_an_older_pod_of_a_daemon_set_says_nothing_of_its_new_version(annotations, strategy, expected):
    """The way back from a version whose pods crash is not Degraded by the last of these."""
    live, status = Live(lambda _: None), {"observedGeneration": 2}
    spec = {"updateStrategy": {"type": strategy}}
    metadata = {"generation": 2, "annotations": annotations}
    manifest = sent("DaemonSet", "node", metadata=metadata, spec=spec, status=status)
    daemon_set = live_object(manifest, DAEMON_SET)
    live.put(daemon_set)
    for name, generation in (("old", "1"), ("new", "2")):
        labels = {"pod-template-generation": generation}
        owned = {"labels": labels, "ownerReferences": [{"uid": "node", "controller": True}]}
        live.put(live_object(sent("Pod", name, metadata=owned), POD))
    assert [one["metadata"]["name"] for one in newest_pods(daemon_set, manifest, live)] == expected
