"""Judge a Pod. Pure: what its events and logs say is not in it.

Source: the kubelet's reasons for waiting and the scheduler's condition; vectors in tests.
"""

import datetime as dt

from lastgood.core.observation import NODE_LOST
from lastgood.targets.kubernetes.health.container import Container, containers_of, worst_container
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, degraded, healthy, progressing

# A scheduler looks again and again, and a new node needs a moment: before this, unschedulable is no news.
SCHEDULING_S = 15.0
# A program whose readiness probe never passed may be slow; see `_never_ready`.
LEAST_START_S = 60.0
_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy"


def pod_health(live: Live, now: dt.datetime) -> HealthVerdict:
    """Say how a Pod is: the worst of its containers first, then its phase.

    One that ends by itself (restartPolicy Never or OnFailure) is Progressing while it runs, unless it says that its
    restart policy is to be ignored.
    """
    phase = live.text("status", "phase")
    if phase == "Succeeded":
        return healthy("Completed", live.text("status", "message") or "it ended well")
    containers = containers_of(live)
    if phase == "Failed":
        return _failed(live, containers)
    if bad := worst_container(containers):
        return degraded(bad.reason, bad.said)
    if phase == "Running":
        return _running(live, containers, now) if _serves(live) else progressing("Running", "it runs until it ends")
    if phase == "Pending":
        return _pending(live, containers, now)
    if phase == "Unknown":
        return HealthVerdict(health="Unknown", reason=NODE_LOST, message="its node does not answer")
    return progressing("NotObserved", "it was not seen by the scheduler yet")


def _failed(live: Live, containers: list[Container]) -> HealthVerdict:
    reason, said = live.text("status", "reason"), live.text("status", "message")
    ended = next((one for one in containers if one.exit_code), None)
    disrupted = live.condition("DisruptionTarget")
    if not reason and disrupted and disrupted.true:
        # Its containers ended well or badly because it was told to go.
        reason, said = disrupted.reason, said or disrupted.message
    if not said and ended is not None:
        said = ended.how_it_ended()
    return degraded(reason or (ended.exit_reason if ended else "") or "PodFailed", said or "it failed")


def _serves(live: Live) -> bool:
    """Whether it is meant to run on and on."""
    if live.text("spec", "restartPolicy", default="Always") == "Always":
        return True
    return live.annotation(_IGNORE_RESTART_POLICY) == "true" and not any(map(live.annotation, _HOOKS))


def _running(live: Live, containers: list[Container], now: dt.datetime) -> HealthVerdict:
    ready = live.condition("Ready")
    if ready and ready.true:
        return healthy("Ready", live.text("status", "message") or "it is ready", since=ready.since)
    for one in containers:
        if not one.ready and (one.exit_code is not None or one.last_exit is not None):
            return degraded(one.exit_reason or one.last_reason or "Restarted", one.how_it_ended())
    since = ready.since if ready else None
    for one in containers:
        if one.ready or one.started_at is None:
            continue
        if since and since > one.started_at:
            # It was ready, with this very run of the container: the probe that passed fails now.
            return degraded("ReadinessFailed", f"container {one.name} was ready and is no more", since=since)
        if _never_ready(live, one, now):
            said = f"container {one.name} runs, and its readiness probe has not passed"
            return degraded("ReadinessFailed", said, since=one.started_at)
    settled = live.condition("ContainersReady")
    if ready and ready.false and settled and settled.true and not live.items("spec", "readinessGates"):
        # The kubelet writes both at once: somebody else wrote this one, because the kubelet is silent.
        return degraded(NODE_LOST, "its containers were ready, and its node does not answer", since=since)
    said = ready.said("it runs and is not ready") if ready else "it runs and is not ready"
    return progressing("NotReady", said, since=since)


def _never_ready(live: Live, one: Container, now: dt.datetime) -> bool:
    """Whether a container had twice the time that its author gives a readiness probe, and at least a minute.

    With a startup probe the kubelet itself ends what does not start.
    """
    spec = next((found for found in live.parts("spec", "containers") if found.text("name") == one.name), None)
    if spec is None or one.started_at is None or spec.get("startupProbe") is not None:
        return False
    if spec.get("readinessProbe") is None:
        return False
    delay = spec.count("readinessProbe", "initialDelaySeconds")
    failures = spec.count("readinessProbe", "failureThreshold", default=3)
    period = spec.count("readinessProbe", "periodSeconds", default=10)
    allowed_s = max(delay + 2 * failures * period, LEAST_START_S)
    return (now - one.started_at).total_seconds() > allowed_s


def _pending(live: Live, containers: list[Container], now: dt.datetime) -> HealthVerdict:
    for one in containers:
        if one.init and not one.ready and (one.exit_code or one.last_exit):
            # Between two tries, too: it would come and go with each of them.
            return degraded(one.exit_reason or one.last_reason or "InitFailed", one.how_it_ended())
    placed = live.condition("PodScheduled")
    if placed and placed.false and placed.reason == "Unschedulable":
        created = live.time("metadata", "creationTimestamp")
        said = placed.said("no node can take it")
        if created is None or (now - created).total_seconds() >= SCHEDULING_S:
            return degraded("Unschedulable", said, since=placed.since)
        return progressing("NotScheduled", said, since=placed.since)
    if placed and placed.false:
        return progressing(placed.reason or "NotScheduled", placed.said("it has no node yet"), since=placed.since)
    return progressing("Pending", live.text("status", "message") or "its containers are being started")
