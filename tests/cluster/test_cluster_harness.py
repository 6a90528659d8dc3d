"""The control plane of the tests does what a cluster does, and fails in each way that the tests need."""

import json
import secrets
import time
import urllib.error

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stages")]

WAIT_S = 30


def until(ask, true):
    """Ask until the answer is as it should be; return it. A watch is the product's part, not the harness's."""
    end = time.monotonic() + WAIT_S
    while not true(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


@pytest.fixture
def run(cluster):
    """Run a deployment of two replicas that behaves in that way; return its name."""
    made = []

    def start(behaves, **annotations):
        name = f"{behaves or 'well'}-{secrets.token_hex(4)}"
        labels = {"app": name}
        if behaves:
            annotations = {"behaves": behaves, **annotations}
        annotations = {f"lastgood.test/{key}": value for key, value in annotations.items()}
        pod = {"metadata": {"labels": labels, "annotations": annotations}}
        pod["spec"] = {"containers": [{"name": "main", "image": "registry.example.com/shop/web:1"}]}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        cluster.request("POST", "/apis/apps/v1/namespaces/default/deployments", body)
        made.append(name)
        return name

    yield start
    for name in made:
        cluster.request("DELETE", f"/apis/apps/v1/namespaces/default/deployments/{name}")


def available(cluster, name):
    status = cluster.request("GET", f"/apis/apps/v1/namespaces/default/deployments/{name}")["status"]
    return status.get("availableReplicas", 0)


def pods(cluster, name):
    return cluster.request("GET", f"/api/v1/namespaces/default/pods?labelSelector=app%3D{name}")["items"]


def test_a_deployment_becomes_available(cluster, run):
    """Its pods are scheduled and ready."""
    name = run(None)
    until(lambda: available(cluster, name), lambda count: count == 2)


def test_a_slow_start_becomes_available_later(cluster, run):
    """Not before its delay is over."""
    began = time.monotonic()
    name = run("slow-start", delay="2s")
    until(lambda: available(cluster, name), lambda count: count == 2)
    assert time.monotonic() - began >= 2


def test_what_is_never_ready_runs_all_the_same(cluster, run):
    """Running, not ready."""
    name = run("never-ready")
    seen = until(lambda: pods(cluster, name), lambda found: [p["status"]["phase"] for p in found] == ["Running"] * 2)
    assert not any(status["ready"] for pod in seen for status in pod["status"]["containerStatuses"])
    assert available(cluster, name) == 0


@pytest.mark.parametrize(
    ("behaves", "reason"), [("crash-loop", "CrashLoopBackOff"), ("image-pull", "ImagePullBackOff")]
)
def test_a_container_waits_for_the_reason_that_kubernetes_gives(cluster, run, behaves, reason):
    """The words are those that a kubelet writes."""
    name = run(behaves)

    def reasons():
        return [
            status["state"].get("waiting", {}).get("reason")
            for pod in pods(cluster, name)
            for status in pod["status"].get("containerStatuses", [])
        ]

    until(reasons, lambda found: found == [reason] * 2)


def test_an_evicted_pod_has_failed(cluster, run):
    """With the reason Evicted; the ReplicaSet makes another one."""
    name = run("evicted")
    until(lambda: [p["status"].get("reason") for p in pods(cluster, name)], lambda found: "Evicted" in found)
    assert available(cluster, name) == 0


def test_a_job_ends_well(cluster):
    """Its pod completes, and the job with it."""
    pod = {
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example.com/shop/job:1"}]}
    }
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": {"template": pod}}
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    cluster.request("POST", jobs, body)
    until(lambda: cluster.request("GET", f"{jobs}/migrate")["status"].get("succeeded"), lambda count: count == 1)
    cluster.request("DELETE", f"{jobs}/migrate?propagationPolicy=Background")


def test_the_api_server_can_be_away_for_a_while(own_cluster):
    """It comes back at the same address, with what it had."""
    before = own_cluster.request("GET", "/api/v1/namespaces/default")["metadata"]["uid"]
    own_cluster.stop_api_server()
    with pytest.raises(urllib.error.URLError):
        own_cluster.request("GET", "/readyz")
    own_cluster.start_api_server()
    assert own_cluster.request("GET", "/api/v1/namespaces/default")["metadata"]["uid"] == before


def test_the_kubeconfig_is_its_owner_s_alone(own_cluster):
    """It holds a token."""
    assert own_cluster.kubeconfig.stat().st_mode & 0o077 == 0
    assert json.loads(own_cluster.kubeconfig.read_text())["current-context"] == "test"
