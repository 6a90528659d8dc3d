"""How built-in kinds are judged: an object as YAML, its health and its reason."""

import datetime as dt

import pytest
import yaml

from lastgood.targets.kubernetes.health import MalformedResource, health_of

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
WORKLOAD = "metadata: {name: web, generation: 3}\n"
ALL_THERE = "replicas: 2, readyReplicas: 2, availableReplicas: 2, updatedReplicas: 2, observedGeneration: 3"


def judge(api_version: str, kind: str, rest: str):
    return health_of(yaml.safe_load(f"apiVersion: {api_version}\nkind: {kind}\n{rest}"), now=NOW)


@pytest.mark.parametrize(
    ("kind", "rest", "health", "reason"),
    [
        ("v1 ConfigMap", "metadata: {name: a}", "Healthy", ""),
        (
            "v1 ConfigMap",
            "metadata: {name: a, deletionTimestamp: '2026-11-26T11:00:00Z'}",
            "Progressing",
            "Terminating",
        ),
        (
            "v1 ConfigMap",
            "metadata: {name: a, deletionTimestamp: '2026-11-26T11:00:00Z', finalizers: [a.com/b]}",
            "Progressing",
            "Terminating",
        ),
        ("apps/v1 Deployment", WORKLOAD, "Progressing", "LessReplicas"),
        ("apps/v1 Deployment", WORKLOAD + "spec: {paused: true}", "Suspended", "Paused"),
        ("apps/v1 Deployment", WORKLOAD + f"spec: {{replicas: 2}}\nstatus: {{{ALL_THERE}}}", "Healthy", "Available"),
        (
            "apps/v1 Deployment",
            WORKLOAD + "spec: {replicas: 0}\nstatus: {observedGeneration: 3}",
            "Healthy",
            "Available",
        ),
        ("apps/v1 Deployment", WORKLOAD + "spec: {replicas: 0}", "Progressing", "NotObserved"),
        (
            "apps/v1 Deployment",
            f"metadata: {{generation: 4}}\nspec: {{replicas: 2}}\nstatus: {{{ALL_THERE}}}",
            "Progressing",
            "NotObserved",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD + "spec: {replicas: 2}\nstatus: {replicas: 3, updatedReplicas: 2, observedGeneration: 3}",
            "Progressing",
            "ExtraPods",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD + "spec: {replicas: 2}\nstatus: {replicas: 2, updatedReplicas: 1, observedGeneration: 3}",
            "Progressing",
            "LessUpdated",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD + "status: {conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}",
            "Degraded",
            "ProgressDeadlineExceeded",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD + "status: {conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate}]}",
            "Degraded",
            "FailedCreate",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD
            + f"spec: {{replicas: 2}}\nstatus: {{{ALL_THERE}, conditions: [{{type: Available, status: 'False'}}]}}",
            "Progressing",
            "NotAvailable",
        ),
        (
            "apps/v1 Deployment",
            WORKLOAD + "spec: {replicas: 2, progressDeadlineSeconds: 60}\nstatus: {"
            f"{ALL_THERE}, conditions: [{{type: Progressing, status: 'True', reason: ReplicaSetUpdated}}]}}",
            "Progressing",
            "ReplicaSetUpdated",
        ),
        ("apps/v1 StatefulSet", WORKLOAD, "Progressing", "LessReplicas"),
        (
            "apps/v1 StatefulSet",
            WORKLOAD
            + "spec: {minReadySeconds: 60}\n"
            + "status: {replicas: 1, readyReplicas: 1, availableReplicas: 0, observedGeneration: 3}",
            "Progressing",
            "LessAvailable",
        ),
        (
            "apps/v1 StatefulSet",
            WORKLOAD + "spec: {replicas: 2, updateStrategy: {type: OnDelete}}\n"
            "status: {replicas: 2, readyReplicas: 2, currentRevision: a, updateRevision: b}",
            "Healthy",
            "Ready",
        ),
        (
            "apps/v1 StatefulSet",
            WORKLOAD + "spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}}\n"
            "status: {replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}",
            "Healthy",
            "Ready",
        ),
        (
            "apps/v1 StatefulSet",
            WORKLOAD + "spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 1}}}\n"
            "status: {replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b}",
            "Progressing",
            "PartitionRollout",
        ),
        (
            "apps/v1 StatefulSet",
            WORKLOAD + "spec: {replicas: 2}\nstatus: {replicas: 2, readyReplicas: 2, currentReplicas: 2, "
            "updatedReplicas: 2, currentRevision: a, updateRevision: b}",
            "Progressing",
            "RevisionMismatch",
        ),
        ("apps/v1 DaemonSet", WORKLOAD, "Progressing", "NotObserved"),
        (
            "apps/v1 DaemonSet",
            WORKLOAD + "status: {observedGeneration: 3, desiredNumberScheduled: 0}",
            "Healthy",
            "Available",
        ),
        (
            "apps/v1 DaemonSet",
            WORKLOAD + "status: {observedGeneration: 3, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
            "updatedNumberScheduled: 1, numberAvailable: 2, numberReady: 2}",
            "Progressing",
            "LessUpdated",
        ),
        (
            "apps/v1 DaemonSet",
            WORKLOAD + "spec: {updateStrategy: {type: OnDelete}}\nstatus: {observedGeneration: 3, "
            "desiredNumberScheduled: 2, currentNumberScheduled: 2, numberAvailable: 2, numberReady: 2}",
            "Healthy",
            "Available",
        ),
        (
            "apps/v1 ReplicaSet",
            WORKLOAD + "spec: {replicas: 2}\nstatus: {conditions: [{type: ReplicaFailure, status: 'True'}]}",
            "Degraded",
            "ReplicaFailure",
        ),
        (
            "v1 ReplicationController",
            WORKLOAD + f"spec: {{replicas: 2}}\nstatus: {{{ALL_THERE}}}",
            "Healthy",
            "Available",
        ),
        ("batch/v1 Job", WORKLOAD, "Progressing", "NotStarted"),
        ("batch/v1 Job", WORKLOAD + "status: {startTime: '2026-11-26T11:00:00Z', active: 1}", "Progressing", "Running"),
        (
            # Decided, and not over: its pods may run still, and are not counted yet.
            "batch/v1 Job",
            WORKLOAD
            + "status: {startTime: '2026-11-26T11:00:00Z', conditions: [{type: SuccessCriteriaMet, status: 'True'}]}",
            "Progressing",
            "Running",
        ),
        ("batch/v1 Job", WORKLOAD + "spec: {suspend: true}", "Suspended", "Suspended"),
        (
            "batch/v1 Job",
            WORKLOAD + "status: {conditions: [{type: Suspended, status: 'False'}, {type: Complete, status: 'True'}]}",
            "Healthy",
            "Complete",
        ),
        (
            "batch/v1 Job",
            WORKLOAD + "status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}",
            "Degraded",
            "BackoffLimitExceeded",
        ),
        ("batch/v1 CronJob", WORKLOAD + "status: {}", "Healthy", "NotScheduledYet"),
        ("batch/v1 CronJob", WORKLOAD + "spec: {suspend: true}", "Suspended", "Suspended"),
        (
            "batch/v1 CronJob",
            WORKLOAD + "status: {lastScheduleTime: '2026-11-26T11:00:00Z', lastSuccessfulTime: '2026-11-26T10:00:09Z'}",
            "Degraded",
            "LastRunFailed",
        ),
        ("v1 PersistentVolumeClaim", WORKLOAD, "Progressing", "NotBound"),
        ("v1 PersistentVolumeClaim", WORKLOAD + "status: {phase: Lost}", "Degraded", "Lost"),
        ("v1 PersistentVolumeClaim", WORKLOAD + "status: {phase: Bound}", "Healthy", "Bound"),
        ("v1 PersistentVolume", WORKLOAD + "status: {phase: Failed}", "Degraded", "Failed"),
        ("v1 Service", WORKLOAD + "spec: {type: ClusterIP}", "Healthy", ""),
        ("v1 Service", WORKLOAD + "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}", "Progressing", "NoAddress"),
        (
            "v1 Service",
            WORKLOAD + "spec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}",
            "Healthy",
            "AddressAssigned",
        ),
        ("networking.k8s.io/v1 Ingress", WORKLOAD, "Progressing", "NoAddress"),
        ("autoscaling/v2 HorizontalPodAutoscaler", WORKLOAD, "Progressing", "Waiting"),
        (
            "autoscaling/v2 HorizontalPodAutoscaler",
            WORKLOAD + "status: {conditions: [{type: ScalingLimited, status: 'True', reason: TooManyReplicas}]}",
            "Healthy",
            "TooManyReplicas",
        ),
        (
            "autoscaling/v1 HorizontalPodAutoscaler",
            (
                "metadata: {annotations: {autoscaling.alpha.kubernetes.io/conditions: "
                '\'[{"type":"AbleToScale","status":"False","reason":"FailedGetScale"}]\'}}'
            ),
            "Degraded",
            "FailedGetScale",
        ),
        *(
            (
                "autoscaling/v2 HorizontalPodAutoscaler",
                WORKLOAD + f"status: {{conditions: [{{type: ScalingActive, status: 'False', reason: {reason}}}]}}",
                "Degraded",
                reason,
            )
            for reason in (
                "FailedGetResourceMetric",
                "FailedGetObjectMetric",
                "FailedGetPodsMetric",
                "FailedGetExternalMetric",
                "FailedComputeMetricsReplicas",
                "InvalidSelector",
            )
        ),
        (
            "policy/v1 PodDisruptionBudget",
            WORKLOAD + "status: {conditions: [{type: DisruptionAllowed, status: 'False', reason: InsufficientPods}]}",
            "Healthy",
            "Computed",
        ),
        (
            "policy/v1 PodDisruptionBudget",
            WORKLOAD + "status: {conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed}]}",
            "Degraded",
            "SyncFailed",
        ),
        (
            "apiregistration.k8s.io/v1 APIService",
            WORKLOAD + "status: {conditions: [{type: Available, status: 'False', reason: FailedDiscoveryCheck}]}",
            "Progressing",
            "FailedDiscoveryCheck",
        ),
        ("apiextensions.k8s.io/v1 CustomResourceDefinition", WORKLOAD, "Progressing", "Installing"),
        (
            "apiextensions.k8s.io/v1 CustomResourceDefinition",
            WORKLOAD + "status: {conditions: [{type: NamesAccepted, status: 'False', reason: Taken}]}",
            "Degraded",
            "Taken",
        ),
        ("v1 Namespace", WORKLOAD + "status: {phase: Terminating}", "Progressing", "Terminating"),
        ("v1 Node", WORKLOAD + "status: {conditions: [{type: Ready, status: Unknown}]}", "Degraded", "NotReady"),
        (
            "v1 Node",
            WORKLOAD + "spec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True'}]}",
            "Suspended",
            "Unschedulable",
        ),
        ("x.io/v1 Thing", WORKLOAD + "status: {observedGeneration: 2}", "Progressing", "NotObserved"),
        ("x.io/v1 Thing", WORKLOAD + "status: {conditions: [{type: Ready, status: 'True'}]}", "Healthy", "Ready"),
        (
            "x.io/v1 Thing",
            WORKLOAD + "status: {conditions: [{type: Ready, status: Unknown}]}",
            "Progressing",
            "NotReady",
        ),
        (
            "x.io/v1 Thing",
            WORKLOAD + "status: {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]}",
            "Progressing",
            "NotObserved",
        ),
        (
            "x.io/v1 Thing",
            WORKLOAD + "status: {conditions: [{type: Ready, status: 'True'}, {type: Stalled, status: 'True'}]}",
            "Degraded",
            "Stalled",
        ),
        (
            "x.io/v1 Thing",
            WORKLOAD + "status: {conditions: [{type: Ready, status: 'True'}, {type: Reconciling, status: 'True'}]}",
            "Progressing",
            "Reconciling",
        ),
        (
            "x.io/v1 Thing",
            WORKLOAD + "status: {conditions: [{type: Available, status: 'False'}]}",
            "Progressing",
            "NotAvailable",
        ),
    ],
)
def test_a_built_in_kind_is_judged_by_its_rule(kind, rest, health, reason):
    """The health and the reason are those of the table."""
    found = judge(*kind.split(), rest)
    assert (found.health, found.reason) == (health, reason), found


def test_a_kind_without_rule_and_conditions_says_so():
    """Healthy once it exists, and the message does not pretend to know more."""
    assert judge("x.io/v1", "Thing", WORKLOAD).message == "no health rule"


def test_since_is_when_the_condition_changed():
    """The time is that of the condition that decided."""
    found = judge(
        "x.io/v1",
        "Thing",
        "status: {conditions: [{type: Ready, status: 'False', lastTransitionTime: '2026-11-26T11:59:00+01:00'}]}",
    )
    assert found.since == dt.datetime(2026, 11, 26, 10, 59, tzinfo=dt.UTC)


@pytest.mark.parametrize("replicas", ["three", "-1", "true", "1.5", "[1]"])
def test_a_count_that_is_none_is_told_and_not_guessed(replicas):
    """MalformedResource names the field."""
    with pytest.raises(MalformedResource, match=r"spec\.replicas is .*, and not a whole number"):
        judge("apps/v1", "Deployment", f"metadata: {{name: a}}\nspec: {{replicas: {replicas}}}")


def test_a_message_is_bounded():
    """A controller's novel does not fill a record."""
    found = judge(
        "x.io/v1", "Thing", f"status: {{conditions: [{{type: Failed, status: 'True', message: {'x' * 5000}}}]}}"
    )
    assert len(found.message) == 1000


def test_a_namespace_that_goes_says_what_keeps_it():
    """Stuck for days, it is the finalizer of something inside that has to be seen to; only its conditions name it."""
    left = "Some content in the namespace has finalizers remaining: shop.example/keep in 1 resource instances"
    conditions = [
        {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "All content successfully deleted"},
        {"type": "NamespaceFinalizersRemaining", "status": "True", "message": left},
    ]
    metadata = {"name": "shop", "deletionTimestamp": "2026-11-20T10:00:00Z"}
    status = {"phase": "Terminating", "conditions": conditions}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": status}
    found = health_of(manifest, now=NOW)
    assert (found.health, found.message) == ("Progressing", f"it is being deleted: {left}")
