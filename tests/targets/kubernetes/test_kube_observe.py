"""What a look finds from memory alone: what was Healthy is not judged anew, unless time or a change says so."""

import datetime as dt
from types import SimpleNamespace

import msgspec
import pytest

from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.cluster import QUIET
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.marks import MARKING, SETTLES_S, Marks
from lastgood.targets.kubernetes.memory import Applied, Asked
from lastgood.targets.kubernetes.no_pods import ACCOUNT_S
from lastgood.targets.kubernetes.observe import Look, look, observation
from lastgood.targets.kubernetes.said_before import HEARD_S, SaidBefore
from lastgood.targets.kubernetes.scaled import AUTOSCALER

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
SET = "applyset-of-web"
DEPLOYMENT, REPLICA_SET, POD = ("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")
REVISION = {"deployment.kubernetes.io/revision": "1"}
PROBED = {"containers": [{"name": "main", "readinessProbe": {}}]}
AVAILABLE = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


def made(key, name, *, owner=None, version=1, annotations=None, **body):
    owners = [{"uid": owner, "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "shop", "uid": f"{key[1]}-{name}", "resourceVersion": str(version)}
    labels = {} if owner else {PART_OF: SET}
    metadata |= {"labels": labels, "ownerReferences": owners, "annotations": annotations or {}}
    api_version = f"{key[0]}/v1" if key[0] else "v1"
    found = live_object({"apiVersion": api_version, "kind": key[1], "metadata": metadata, **body}, key)
    assert found is not None
    return found


def pod(*, version=1, ready=False, waiting=None):
    started = (NOW - dt.timedelta(seconds=10)).isoformat()
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": started}}
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [{"name": "main", "ready": ready, "state": state}],
    }
    return made(POD, "web-1", owner="ReplicaSet-web", version=version, spec=PROBED, status=status)


class Judges:
    """The operator's rules, asked for each object that is judged: they say nothing, and count."""

    def __init__(self):
        self.judged = []

    def judge(self, live):
        self.judged.append(live.kind)


@pytest.fixture
def web():
    """A Deployment that says it is available, its ReplicaSet and a ConfigMap; return a look at them."""
    told, progress = [], []
    live = Live(told.append, progressed=progress.append, quiet=QUIET)
    live.put(made(DEPLOYMENT, "web", annotations=REVISION, spec={"replicas": 1}, status=AVAILABLE))
    live.put(made(REPLICA_SET, "web", owner="Deployment-web", annotations=REVISION))
    live.put(made(("", "ConfigMap"), "settings"))
    keys = [(DEPLOYMENT, "shop", "web"), (("", "ConfigMap"), "shop", "settings")]
    applied = Applied(app="web", set_id=SET, digest="d", objects=[Asked(key=key, wanted=b"") for key in keys])
    healthy, rules, before = {}, Judges(), SaidBefore()

    def look(*, after_s=0):
        rules.judged.clear()
        seen = observation(
            applied,
            Look(differing=[], unknown=[]),
            cluster=SimpleNamespace(live=live),
            now=NOW + dt.timedelta(seconds=after_s),
            rules=rules,
            last_words=lambda _: "",
            healthy=healthy,
            before=before,
        )
        return seen.health, list(rules.judged)

    return SimpleNamespace(
        live=live, look=look, told=told, progress=progress, healthy=healthy, applied=applied, before=before
    )


def test_what_is_healthy_is_judged_once(web):
    """And anew when it or one of its pods changed, each for itself."""
    web.live.put(pod(ready=True))
    assert web.look() == ("Healthy", ["Deployment", "ConfigMap"])
    assert web.look(after_s=3600) == ("Healthy", [])
    web.live.put(pod(ready=True, version=2))
    assert web.look() == ("Healthy", ["Deployment"])
    web.live.put(made(("", "ConfigMap"), "settings", version=2))
    assert web.look() == ("Healthy", ["ConfigMap"])


def test_a_pod_that_does_not_become_ready_is_bad_news_by_time_alone(web):
    """Nothing changed but the clock: a Deployment that calls itself available is Degraded for its pod."""
    web.live.put(pod())
    assert web.look()[0] == "Healthy"
    assert web.look(after_s=600)[0] == "Degraded"


def test_what_is_asked_for_no_more_is_not_kept(web):
    """An application whose objects are renamed with each version keeps none of the earlier ones."""
    web.look()
    del web.applied.objects[1]
    web.look()
    assert len(web.healthy) <= 1


def test_nobody_is_told_of_what_a_controller_made_and_only_counts(web):
    """What a ReplicaSet says of a Deployment, its pods and the Deployment itself say too; one of Git is told of."""
    web.told.clear()
    web.live.put(made(REPLICA_SET, "web", owner="Deployment-web", version=2, annotations=REVISION))
    assert web.told == []
    web.live.put(pod())
    web.live.put(pod(version=2, ready=True))
    assert web.told == []
    web.live.put(made(REPLICA_SET, "alone"))
    assert web.told == [SET]


def test_a_pod_in_trouble_is_told_of_and_when_it_is_well_again(web):
    """What crashes is news at once, whatever its Deployment says; going away in peace is none."""
    web.live.put(pod(ready=True))
    web.told.clear()
    web.live.put(crashing := pod(version=2, waiting="CrashLoopBackOff"))
    assert web.told == [SET]
    web.live.put(pod(version=3, waiting="CrashLoopBackOff"))
    assert (web.told, web.progress) == ([SET], [SET])
    web.live.put(pod(version=4, ready=True))
    assert web.told == [SET, SET]
    web.live.gone(pod(version=5, ready=True))
    assert web.told == [SET, SET]
    web.live.put(msgspec.structs.replace(crashing, uid="another", resource_version="6"))
    web.live.gone(msgspec.structs.replace(crashing, uid="another", resource_version="7"))
    assert web.told == [SET, SET, SET, SET]
    assert web.progress == [SET]


ROLLING = {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}


def test_what_only_counts_on_is_progress_and_what_turns_is_news(web):
    """A Deployment says the same health, while its counts move; of what turns, drifts or goes one is told at once."""

    def deployment(version, *, wanted=1, uid="Deployment-web", leaves=False, **status):
        spec, annotations = {"replicas": wanted}, REVISION
        one = made(DEPLOYMENT, "web", version=version, annotations=annotations, spec=spec, status=status)
        return msgspec.structs.replace(one, uid=uid, is_being_deleted=leaves)

    def put(*args, **how):
        web.told.clear()
        web.progress.clear()
        web.live.put(deployment(*args, **how))
        return len(web.told), len(web.progress)

    news, progress = (1, 0), (0, 1)
    assert put(2, **ROLLING) == news
    assert put(3, **{**ROLLING, "replicas": 3}) == progress
    assert put(4, **AVAILABLE) == news
    assert put(5, **AVAILABLE) == progress
    assert put(6, **AVAILABLE, wanted=2) == news
    assert put(7, **ROLLING) == news
    assert put(8, **ROLLING, leaves=True) == news
    assert put(9, **ROLLING, uid="anew") == news


@pytest.mark.parametrize(
    "status", [{"phase": "Unknown"}, {"phase": "Failed"}, {"phase": "Running", "containerStatuses": 5}]
)
def test_a_pod_that_cannot_be_judged_or_is_lost_is_in_trouble(status):
    """Whatever may be bad news is told of."""
    assert made(POD, "web-1", owner="ReplicaSet-web", status=status).says in ("Degraded", "Unknown")


@pytest.mark.parametrize(
    ("account", "after_s", "health"),
    [
        ("default", 0, "Progressing"),
        ("default", ACCOUNT_S, "Degraded"),
        ("builder", 0, "Degraded"),
    ],
)
def test_the_account_that_each_namespace_gets_may_come_a_moment_later(web, account, after_s, health):
    """Any other has to be in Git, or made by somebody."""
    words = f'pods "web-1" is forbidden: error looking up service account shop/{account}: '
    words += f'serviceaccount "{account}" not found'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": words}
    status = {"conditions": [{**failure, "lastTransitionTime": NOW.isoformat()}]}
    web.live.put(made(DEPLOYMENT, "web", version=2, annotations=REVISION, spec={"replicas": 1}, status=status))
    assert web.look(after_s=after_s)[0] == health


BAD = {"conditions": [{"type": "Stalled", "status": "True", "message": "no such store"}]}
STORE = ("example.com", "Store")


def test_what_was_bad_before_an_apply_says_nothing_of_it_until_something_is_said(web):
    """A kind without generations in its status: mended, it is not taken for bad by what was said of it before."""
    web.applied.objects.append(Asked(key=(STORE, "shop", "store"), wanted=b""))
    web.live.put(made(STORE, "store", spec={"a": 1}, status=BAD))
    assert web.look()[0] == "Degraded"
    web.before.begin(NOW)
    web.live.put(made(STORE, "store", version=2, spec={"a": 2}, status=BAD))
    web.before.go_on(NOW)
    assert web.look()[0] == "Progressing"
    assert web.look(after_s=HEARD_S - 1)[0] == "Progressing"
    assert web.look(after_s=HEARD_S)[0] == "Degraded"
    web.live.put(made(STORE, "store", version=3, spec={"a": 2}, status={}))
    assert web.look()[0] == "Healthy"


def test_what_is_said_after_an_apply_counts_at_once(web):
    """Also where it is as bad as before, in other words; and what was well before is bad by what came."""
    web.applied.objects.append(Asked(key=(STORE, "shop", "store"), wanted=b""))
    web.live.put(made(STORE, "store", status=BAD))
    web.look()
    web.before.begin(NOW)
    other = {"conditions": [{"type": "Stalled", "status": "True", "message": "store refused"}]}
    web.live.put(made(STORE, "store", version=2, status=other))
    assert web.look()[0] == "Degraded"
    web.live.put(made(STORE, "store", version=3, status=BAD))
    assert web.look()[0] == "Degraded"
    web.live.put(made(STORE, "store", version=4, status={}))
    web.look()
    web.before.begin(NOW)
    web.live.put(made(STORE, "store", version=5, status=BAD))
    assert web.look()[0] == "Degraded"


CRON_JOB = ("batch", "CronJob")


@pytest.mark.parametrize(("by_git", "health"), [(True, "Healthy"), (False, "Suspended")])
def test_what_git_suspends_does_not_keep_its_application_from_being_well(web, by_git, health):
    """A CronJob that Git suspends is as asked for; one that somebody else suspended is not."""
    sent = msgspec.json.encode({"spec": {"suspend": True} if by_git else {}})
    web.applied.objects.append(Asked(key=(CRON_JOB, "shop", "report"), wanted=b"", sent=sent))
    web.live.put(made(CRON_JOB, "report", spec={"suspend": True}, status={}))
    assert web.look()[0] == health


async def test_a_secret_is_no_drift_because_a_webhook_came():
    """Its content is kept nowhere, so nobody can be asked what the webhook makes of it; what is as it was, is equal."""
    secret, webhook = ("", "Secret"), ("admissionregistration.k8s.io", "MutatingWebhookConfiguration")
    live = Live(lambda _: None, marking=MARKING)
    live.put(made(secret, "password"))
    cluster = SimpleNamespace(live=live, marks=Marks(live, now=lambda: 0.0), parents=SimpleNamespace(of=lambda _: None))
    there = live.get((secret, "shop", "password"))
    asked = Asked(key=there.key, wanted=b"", equal=there.digest, mark=cluster.marks.of(there.key))
    applied = Applied(app="web", set_id=SET, digest="d", objects=[asked])
    live.put(made(webhook, "injector"))
    assert asked.mark != cluster.marks.of(there.key)
    found = await look(applied, cluster=cluster, sender=None, differs={}, claimed=None)
    assert (found.differing, found.unknown) == ([], [])


@pytest.mark.parametrize(
    "decides",
    [
        (("admissionregistration.k8s.io", "MutatingAdmissionPolicy"), "mirror"),
        (("apiextensions.k8s.io", "CustomResourceDefinition"), "widgets.example.com"),
    ],
)
def test_what_was_found_just_after_a_change_counts_for_as_long_as_the_server_may_not_go_by_it(decides):
    """The API server reads its policies now and then: what it said of an object meanwhile is asked once more."""
    live, time = Live(lambda _: None, marking=MARKING), SimpleNamespace(s=100.0)
    marks, widget = Marks(live, now=lambda: time.s), (("example.com", "Widget"), "shop", "w")
    before = marks.of(widget)
    live.put(made(*decides))
    soon = marks.of(widget)
    assert (marks.holds(before, widget), marks.holds(soon, widget)) == (False, True)
    time.s += SETTLES_S
    later = marks.of(widget)
    assert (marks.holds(soon, widget), marks.holds(later, widget)) == (False, True)
    live.remove((decides[0], "shop", decides[1]))
    assert not marks.holds(later, widget)
    # What was found long before the change and its end counts again.
    assert marks.holds(before, widget)


def test_what_an_autoscaler_decided_is_asked_anew_when_it_has_gone():
    """The replicas that it left are not Git's any more; other objects keep their mark, and its status changes none."""
    live = Live(lambda _: None, marking=MARKING)
    marks, web, other = Marks(live, now=lambda: 0.0), (DEPLOYMENT, "shop", "web"), (DEPLOYMENT, "shop", "other")
    alone = marks.of(web)
    target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    live.put(made(AUTOSCALER, "web", spec=target))
    decided = marks.of(web)
    live.put(made(AUTOSCALER, "web", spec=target, version=2, status={"currentReplicas": 5}))
    assert (marks.of(web), marks.of(other)) == (decided, alone)
    live.remove((AUTOSCALER, "shop", "web"))
    assert decided != alone == marks.of(web)
