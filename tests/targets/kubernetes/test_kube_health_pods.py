"""How Pods are judged, and workloads together with their pods."""

import datetime as dt

import pytest
import yaml

from lastgood.targets.kubernetes.health import health_of, workload_health

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)


def pod(status: str, *, spec: str = "{}", annotations: str = "{}", created: str = "2026-11-26T11:00:00Z"):
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web-1, creationTimestamp: '{created}', annotations: {annotations}}}
spec: {spec}
status: {status}
"""
    return yaml.safe_load(text)


def waiting(reason: str, *, last: str = "null") -> str:
    return (
        "{phase: Pending, containerStatuses: [{name: main, ready: false, restartCount: 2, "
        f"state: {{waiting: {{reason: {reason}, message: no luck}}}}, lastState: {{terminated: {last}}}}}]}}"
    )


NOT_READY = (
    "{{phase: Running, conditions: [{{type: Ready, status: 'False', lastTransitionTime: '{since}'}}], "
    "containerStatuses: [{{name: main, ready: false, state: {{running: {{startedAt: '{started}'}}}}}}]}}"
)
LOST = (
    "{phase: Running, conditions: [{type: Ready, status: 'False'}, {type: ContainersReady, status: 'True'}], "
    "containerStatuses: [{name: main, ready: true, state: {running: {startedAt: '2026-11-26T11:00:00Z'}}}]}"
)
PROBED = "{containers: [{name: main, readinessProbe: {periodSeconds: 30, failureThreshold: 2}}]}"


@pytest.mark.parametrize(
    ("live", "health", "reason"),
    [
        (pod("null"), "Progressing", "NotObserved"),
        (pod("{phase: Succeeded}"), "Healthy", "Completed"),
        (pod("{phase: Failed, reason: Evicted, message: out of disk}"), "Degraded", "Evicted"),
        (pod("{phase: Pending}"), "Progressing", "Pending"),
        (pod("{phase: Unknown}"), "Unknown", "NodeLost"),
        (pod("{phase: Running, conditions: [{type: Ready, status: 'True'}]}"), "Healthy", "Ready"),
        (pod(waiting("ContainerCreating")), "Progressing", "Pending"),
        (pod(waiting("CrashLoopBackOff")), "Degraded", "CrashLoopBackOff"),
        (pod(waiting("ImagePullBackOff")), "Degraded", "ImagePullBackOff"),
        (pod(waiting("ErrImagePull")), "Degraded", "ErrImagePull"),
        (pod(waiting("CreateContainerConfigError")), "Degraded", "CreateContainerConfigError"),
        (pod(waiting("InvalidImageName")), "Degraded", "InvalidImageName"),
        (pod(waiting("SignatureValidationFailed")), "Degraded", "SignatureValidationFailed"),
        (pod(waiting("ImageVolumeMountFailed")), "Degraded", "ImageVolumeMountFailed"),
        (pod(waiting("RROUnsupported")), "Degraded", "RROUnsupported"),
        (pod(waiting("PodInitializing")), "Progressing", "Pending"),
        (pod(waiting("ImagePullBackOff"), spec="{restartPolicy: Never}"), "Degraded", "ImagePullBackOff"),
        (
            pod("{phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: CrashLoopBackOff}}}]}"),
            "Degraded",
            "CrashLoopBackOff",
        ),
        (
            pod("{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}"),
            "Degraded",
            "Unschedulable",
        ),
        (
            pod(
                "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}",
                created="2026-11-26T11:59:50Z",
            ),
            "Progressing",
            "NotScheduled",
        ),
        # It starts: its readiness is as old as itself.
        (
            pod(NOT_READY.format(since="2026-11-26T11:59:00Z", started="2026-11-26T11:59:02Z")),
            "Progressing",
            "NotReady",
        ),
        # It was ready after it had started, and is no more.
        (
            pod(NOT_READY.format(since="2026-11-26T11:59:30Z", started="2026-11-26T11:59:02Z")),
            "Degraded",
            "ReadinessFailed",
        ),
        # Its probe may take 60 s, and had 119 s, then 121 s.
        (
            pod(NOT_READY.format(since="2026-11-26T11:58:00Z", started="2026-11-26T11:58:01Z"), spec=PROBED),
            "Progressing",
            "NotReady",
        ),
        (
            pod(NOT_READY.format(since="2026-11-26T11:57:58Z", started="2026-11-26T11:57:59Z"), spec=PROBED),
            "Degraded",
            "ReadinessFailed",
        ),
        (
            pod(
                "{phase: Running, containerStatuses: [{name: main, ready: false, restartCount: 1, "
                "state: {running: {}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}]}"
            ),
            "Degraded",
            "OOMKilled",
        ),
        # Between two tries: it ended a moment ago, and nobody has started it again yet.
        (
            pod(
                "{phase: Running, containerStatuses: [{name: main, ready: false, restartCount: 0, "
                "state: {terminated: {exitCode: 137, reason: OOMKilled}}}]}"
            ),
            "Degraded",
            "OOMKilled",
        ),
        (
            pod(
                "{phase: Pending, initContainerStatuses: [{name: i, ready: false, restartCount: 1, "
                "state: {running: {}}, lastState: {terminated: {exitCode: 2, reason: Error}}}]}"
            ),
            "Degraded",
            "Error",
        ),
        (
            pod(
                "{phase: Pending, initContainerStatuses: [{name: i, ready: true, state: {terminated: {exitCode: 0}}}]}"
            ),
            "Progressing",
            "Pending",
        ),
        # A sidecar is an init container that runs on.
        (
            pod(
                "{phase: Running, initContainerStatuses: [{name: s, ready: false, restartCount: 1, "
                "state: {running: {}}, lastState: {terminated: {exitCode: 1, reason: Error}}}]}"
            ),
            "Degraded",
            "Error",
        ),
        (
            pod(
                "{phase: Failed, conditions: [{type: DisruptionTarget, status: 'True', reason: PreemptionByScheduler}],"
                " containerStatuses: [{name: main, state: {terminated: {exitCode: 143, reason: Error}}}]}"
            ),
            "Degraded",
            "PreemptionByScheduler",
        ),
        (pod(LOST), "Degraded", "NodeLost"),
        # Somebody else's condition is awaited, such as a load balancer's.
        (pod(LOST, spec="{readinessGates: [{conditionType: x.io/attached}]}"), "Progressing", "NotReady"),
        (pod("{phase: Running}", spec="{restartPolicy: Never}"), "Progressing", "Running"),
        (
            pod(
                "{phase: Running, conditions: [{type: Ready, status: 'True'}]}",
                spec="{restartPolicy: OnFailure}",
                annotations="{argocd.argoproj.io/ignore-restart-policy: 'true'}",
            ),
            "Healthy",
            "Ready",
        ),
        (
            pod(
                "{phase: Running, conditions: [{type: Ready, status: 'True'}]}",
                spec="{restartPolicy: Never}",
                annotations="{argocd.argoproj.io/ignore-restart-policy: 'true', argocd.argoproj.io/hook: PreSync}",
            ),
            "Progressing",
            "Running",
        ),
    ],
)
def test_a_pod_is_judged_by_its_containers_and_its_phase(live, health, reason):
    """Bad news first, then the phase."""
    found = health_of(live, now=NOW)
    assert (found.health, found.reason) == (health, reason), found


DEPLOYMENT = yaml.safe_load("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, generation: 1}
spec: {replicas: 2}
status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2}
""")


def test_a_pod_that_crashes_tells_before_the_deadline_does():
    """The workload is Degraded, and the pod, the container and its last words are named."""
    crashing = pod(waiting("CrashLoopBackOff", last="{exitCode: 3, message: no database}"))
    found = workload_health(DEPLOYMENT, [pod("{phase: Pending}"), crashing], now=NOW)
    assert found.own.health == "Progressing"
    assert found.verdict.health == "Degraded"
    assert (found.pod, found.container, found.restarts, found.wanted) == ("web-1", "main", 2, 2)
    assert found.verdict.message == (
        "pod web-1: container main: no luck; container main ended with 3, restarted 2 times: no database"
    )


def test_a_deadline_that_passes_does_not_silence_the_pod():
    """What stands on a page after the deadline is why, as before it; who has no such pod says that it is late."""
    late = "{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: timed out}"
    failure = "{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: quota}"
    for conditions, pods, reason in (
        (late, [pod(waiting("CrashLoopBackOff"))], "CrashLoopBackOff"),
        (late, [pod("{phase: Pending}")], "ProgressDeadlineExceeded"),
        (failure, [pod(waiting("CrashLoopBackOff"))], "FailedCreate"),
    ):
        status = yaml.safe_load(f"{{conditions: [{conditions}]}}")
        found = workload_health({**DEPLOYMENT, "status": status}, pods, now=NOW)
        assert (found.verdict.health, found.verdict.reason) == ("Degraded", reason)


def test_pods_on_their_way_change_nothing():
    """The workload's own verdict stays."""
    found = workload_health(DEPLOYMENT, [pod("{phase: Pending}")], now=NOW)
    assert found.verdict == found.own


def test_a_paused_workload_stays_suspended():
    """Somebody asked it to wait; its pods are no news."""
    paused = {**DEPLOYMENT, "spec": {"paused": True}}
    assert workload_health(paused, [pod(waiting("CrashLoopBackOff"))], now=NOW).verdict.health == "Suspended"


def test_a_job_that_completed_forgets_its_failed_pods():
    """It tried again by itself."""
    job = yaml.safe_load("{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: 'True'}]}}")
    assert workload_health(job, [pod("{phase: Failed}")], now=NOW).verdict.health == "Healthy"


def test_a_job_that_may_try_again_is_not_judged_by_a_pod_that_failed():
    """Its controller says when it has failed; a pod that cannot even start is bad news of its own."""
    job = yaml.safe_load("{apiVersion: batch/v1, kind: Job, spec: {backoffLimit: 3}, status: {failed: 1}}")
    job["status"]["startTime"] = "2026-11-26T11:59:00Z"
    found = workload_health(job, [pod("{phase: Failed}"), pod("{phase: Pending}")], now=NOW)
    assert (found.verdict.health, found.verdict.message) == ("Progressing", "0 of 1 completed, 1 failed so far")
    found = workload_health(job, [pod("{phase: Failed}"), pod(waiting("ImagePullBackOff"))], now=NOW)
    assert (found.verdict.health, found.verdict.reason) == ("Degraded", "ImagePullBackOff")


def test_a_run_of_a_cron_job_that_cannot_start_is_told():
    """It would be under way for ever; one whose pod failed may be tried again."""
    cron_job = yaml.safe_load("{apiVersion: batch/v1, kind: CronJob, status: {active: [{name: night-1}]}}")
    cron_job["status"]["lastScheduleTime"] = "2026-11-26T11:59:00Z"
    assert workload_health(cron_job, [pod("{phase: Failed}")], now=NOW).verdict.health == "Healthy"
    found = workload_health(cron_job, [pod(waiting("ImagePullBackOff"))], now=NOW)
    assert (found.verdict.health, found.verdict.reason) == ("Degraded", "ImagePullBackOff")


def test_a_pod_that_cannot_be_judged_is_left_out():
    """One strange pod does not hide the others."""
    strange = pod("{phase: 7}")
    found = workload_health(DEPLOYMENT, [strange, pod(waiting("ErrImagePull"))], now=NOW)
    assert found.verdict.reason == "ErrImagePull"
