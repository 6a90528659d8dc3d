"""Which workloads lack pods, when the cluster is asked why, and what counts of its answer."""

import asyncio
from types import SimpleNamespace

import pytest

from lastgood.targets.kubernetes import no_pods as module
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.no_pods import NoPods
from lastgood.targets.kubernetes.trouble import Answered

SET, JOB, DAEMON, POD = ("apps", "StatefulSet"), ("batch", "Job"), ("apps", "DaemonSet"), ("", "Pod")


def made(kind, name, *, owner=None, **body):
    owners = [{"uid": owner, "controller": True}] if owner else []
    metadata = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1", "ownerReferences": owners}
    return live_object({"kind": kind[1], "metadata": metadata, **body}, kind)


def event(reason, second):
    at = f"2026-11-28T09:00:{second:02}Z"
    return {"reason": reason, "message": f"{reason} at {second}", "lastTimestamp": at, "type": "Warning"}


class Events:
    """Stands for the connection. now: the events that there are; an exception is raised."""

    def __init__(self):
        self.now = [event("FailedCreate", 1)]
        self.asked = []

    async def request(self, _method, _path, *, params, repeat):
        assert not repeat
        self.asked.append(params["fieldSelector"])
        if isinstance(self.now, Exception):
            raise self.now
        return {"items": self.now}


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def live():
    return Live(lambda _: None)


@pytest.fixture
def asking(events, live, monkeypatch):
    """Asked at once, and each time."""
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(module, "ASK_AGAIN_S", 0.0)

    async def find(*_kind):
        return SimpleNamespace(path=lambda namespace: f"/api/v1/namespaces/{namespace}/events")

    return NoPods(SimpleNamespace(live=live, connection=events, kinds=SimpleNamespace(find=find)))


@pytest.mark.parametrize(
    ("kind", "body", "pods", "lacks"),
    [
        (SET, {}, 0, True),
        (SET, {}, 1, False),
        (SET, {"spec": {"replicas": 3}}, 2, True),
        (SET, {"spec": {"replicas": 0}}, 0, False),
        (DAEMON, {"status": {"desiredNumberScheduled": 2}}, 1, True),
        (DAEMON, {"status": {"desiredNumberScheduled": 2}}, 2, False),
        (DAEMON, {}, 0, False),
        (JOB, {}, 0, True),
        (JOB, {}, 1, False),
        (JOB, {"status": {"succeeded": 1}}, 0, False),
        # It has a condition of its own for it.
        (("apps", "Deployment"), {"spec": {"replicas": 3}}, 0, False),
    ],
)
async def test_only_what_lacks_pods_is_asked_about(asking, live, events, kind, body, pods, lacks):
    """And it is told what the cluster says."""
    one = made(kind, "web", **body)
    live.put(one)
    for number in range(pods):
        live.put(made(POD, f"web-{number}", owner="web"))
    expected = {one.key: "FailedCreate at 1"} if lacks else {}
    assert await asking.look([one.key]) == expected
    assert events.asked == (["involvedObject.uid=web"] if lacks else [])


async def test_what_was_refused_before_a_pod_was_made_is_over(asking, live, events):
    """The newest event counts, in whatever order they come, and others say nothing."""
    one = made(SET, "web", spec={"replicas": 2})
    live.put(one)
    events.now = [event("FailedCreate", 1), event("Scaled", 9), event("SuccessfulCreate", 5)]
    assert await asking.look([one.key]) == {}
    events.now = [event("SuccessfulCreate", 5), event("FailedCreate", 7)]
    assert await asking.look([one.key]) == {one.key: "FailedCreate at 7"}


async def test_what_was_said_stays_while_the_cluster_gives_no_answer(asking, live, events):
    """And goes with the first pod that there is."""
    one = made(SET, "web")
    live.put(one)
    assert await asking.look([one.key])
    events.now = Answered(403, "Forbidden", "may not list events")
    assert await asking.look([one.key]) == {one.key: "FailedCreate at 1"}
    live.put(made(POD, "web-0", owner="web"))
    assert await asking.look([one.key]) == {}
    live.remove((POD, "shop", "web-0"))
    assert await asking.look([one.key]) == {}


async def test_nobody_is_asked_before_the_controller_had_its_time(asking, live, events, monkeypatch):
    """A pod that is made a moment later is no news."""
    monkeypatch.setattr(module, "PATIENCE_S", 60.0)
    one = made(SET, "web")
    live.put(one)
    assert await asking.look([one.key]) == {}
    await asyncio.sleep(0)
    assert await asking.look([one.key]) == {}
    assert events.asked == []
