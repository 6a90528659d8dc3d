"""Which pods count for a workload: those of the version that it has now, also while older ones are still there."""

import datetime as dt

import pytest

from lastgood.targets.kubernetes.health import workload_health
from lastgood.targets.kubernetes.held_up import held_up
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.pods import looked_at, newest_pods

DAEMON_SET, CRON_JOB, JOB, POD = ("apps", "DaemonSet"), ("batch", "CronJob"), ("batch", "Job"), ("", "Pod")
HASH, NOW = "controller-revision-hash", dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
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


@pytest.mark.parametrize(
    ("image", "conditions", "expected"),
    [
        ("night:2", [], ["night-1-pod"]),
        ("night:2", [{"type": "Suspended", "status": "False"}], ["night-1-pod"]),
        # A run of the version before goes on as that had it.
        ("night:1", [], []),
        ("night:2", [{"type": "Complete", "status": "True"}], []),
        ("night:2", [{"type": "Failed", "status": "True"}], []),
    ],
)
def test_what_a_cron_job_has_under_way_counts_for_it(image, conditions, expected):
    """A run that cannot pull its image or crashes again and again is under way for ever."""
    live = Live(lambda *_: None)
    manifest = sent("CronJob", "night", spec={"jobTemplate": {"spec": {"template": template("night:2")}}})
    cron_job = live_object(manifest, CRON_JOB)
    live.put(cron_job)
    owned = {"ownerReferences": [{"uid": "night", "controller": True}]}
    spec, status = {"template": template(image)}, {"conditions": conditions}
    live.put(live_object(sent("Job", "night-1", metadata=owned, spec=spec, status=status), JOB))
    pod = live_object(sent("Pod", "night-1-pod", metadata={"ownerReferences": [{"uid": "night-1"}]}), POD)
    live.put(pod)
    assert [one["metadata"]["name"] for one in newest_pods(cron_job, manifest, live)] == expected
    assert pod in looked_at(cron_job, live)


def template(image):
    return {"spec": {"containers": [{"name": "main", "image": image}]}}


@pytest.mark.parametrize(
    ("ready", "revision", "spec", "named"),
    [
        ("False", "old", {}, True),
        ("True", "old", {}, False),
        # Of the new version itself: its own health says how it is.
        ("False", "new", {}, False),
        ("False", "old", {"podManagementPolicy": "Parallel"}, False),
        ("False", "old", {"updateStrategy": {"type": "OnDelete"}}, False),
    ],
)
def test_the_pod_for_which_a_stateful_set_waits_is_named(ready, revision, spec, named):
    """The way back from a version whose pod never becomes ready does not begin before somebody deletes that pod."""
    live = Live(lambda *_: None)
    status = {"replicas": 2, "readyReplicas": 1, "updateRevision": "new", "currentRevision": "old"}
    manifest = sent("StatefulSet", "db", spec={"replicas": 2, **spec}, status=status)
    stateful_set = live_object(manifest, ("apps", "StatefulSet"))
    live.put(stateful_set)
    for name, its, is_ready in (("db-1", "old", "True"), ("db-0", revision, ready)):
        owned = {"labels": {HASH: its}, "ownerReferences": [{"uid": "db", "controller": True}]}
        conditions = {"conditions": [{"type": "Ready", "status": is_ready}]}
        live.put(live_object(sent("Pod", name, metadata=owned, status=conditions), POD))
    found = held_up(workload_health(manifest, [], now=NOW), stateful_set, manifest, live)
    assert found.verdict.health == "Progressing"
    assert ("kubectl delete pod db-0 -n shop" in found.verdict.message) is named
