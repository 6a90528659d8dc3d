"""A real API server that is busy, broken, slow or cut off in the middle of an answer: behind a way that fails so."""

import itertools
import json

import pytest

from lastgood.core.errors import TargetFailed
from lastgood.targets.kubernetes import connection
from twins.clusters import annotated, config_map, deployment, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

ANSWERS = {
    "busy": {"status": 429, "headers": {"Retry-After": "1"}},
    "broken": {"status": 500},
    "starting": {"status": 503},
    "cut": {"cut_after": 20},
}
PATIENCE = 10_000
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""


def path_of(corner, name, kind="configmaps"):
    base = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
    return f"{base}/namespaces/{corner.namespace()}/{kind}/{name}"


def change(corner, name, **data):
    """Change an object behind the agent's back."""
    there = corner.ask("GET", path_of(corner, name))
    corner.ask("PUT", path_of(corner, name), {**there, "data": data})


def is_apply(name):
    return lambda asked: asked.method == "PATCH" and asked.path.endswith(f"/{name}") and not asked.is_dry_run


def is_dry_run(asked):
    return asked.is_dry_run


def is_list(asked):
    return asked.method == "GET" and asked.path == "/api/v1/configmaps" and not asked.is_watch


def is_watch(asked):
    return asked.path == "/api/v1/configmaps" and asked.is_watch


def is_discovery(asked):
    return asked.path == "/apis"


REQUESTS = {
    "apply": is_apply("settings"),
    "dry-run": is_dry_run,
    "list": is_list,
    "watch": is_watch,
    "discovery": is_discovery,
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("request_of", REQUESTS)
async def test_a_request_that_fails_in_passing_is_made_again(corner, way, request_of, answer):
    """Two failures of any kind of request change nothing about what comes of it, and each is asked again in bounds."""
    fault = way.fails(REQUESTS[request_of], times=2, **ANSWERS[answer])
    app, target = corner.application(), corner.target(access=way.access)
    result = await target.apply(app, manifests(config_map("settings", a="1")))
    assert (result.complete, result.resources[0].outcome) == (True, "applied"), result.message
    await until_synced(target)
    change(corner, "settings", a="by hand")

    async def is_seen():
        return (await target.observe("web")).sync == "OutOfSync"

    await eventually(is_seen)
    assert (await target.apply(app, manifests(config_map("settings", a="1")))).complete
    await until_synced(target)
    assert len(fault.met) == 2
    assert len([one for one in way.asked if fault.which(one)]) <= 8
    there = corner.ask("GET", path_of(corner, "settings"))
    assert there["data"] == {"a": "1"}
    assert [one["manager"] for one in there["metadata"]["managedFields"] if one["operation"] == "Apply"] == ["lastgood"]


async def until_synced(target):
    async def is_synced():
        return (await target.observe("web")).sync == "Synced"

    await eventually(is_synced)


async def test_a_watch_heeds_when_a_busy_server_wants_to_be_asked_again(corner, way):
    """Refused with 429, it is begun again no earlier than the server said."""
    fault = way.fails(is_watch, times=3, status=429, headers={"Retry-After": "1"})
    target = corner.target(access=way.access)
    await target.apply(corner.application(), manifests(config_map("settings")))

    async def is_watched():
        return len([one for one in way.asked if is_watch(one)]) > 3

    await eventually(is_watched)
    at = [one.at for one in way.asked if is_watch(one)][:4]
    assert [later - earlier >= 1 for earlier, later in itertools.pairwise(at)] == [True] * 3
    assert len(fault.met) == 3


@pytest.mark.usefixtures("stages")
async def test_a_hook_whose_answer_was_cut_runs_once(corner, way):
    """The API server took the Job before the connection broke: asked again, it says so, and no second one is made."""
    fault = way.fails(is_apply("migrate"), cut_after=20)
    app, target = corner.application(), corner.target(access=way.access)
    hook = annotated(job("migrate"), **{"argocd.argoproj.io/hook": "PreSync"})
    result = await target.apply(app, manifests(config_map("settings"), hook))
    assert result.complete, result.message

    def counted():
        there = corner.ask("GET", path_of(corner, "migrate", "jobs"))
        return (there["metadata"]["generation"], there["status"].get("succeeded")) == (1, 1)

    await eventually(counted)
    assert [one.method for one in way.asked if one.path.endswith("/jobs/migrate")].count("DELETE") == 0
    assert len(fault.met) == 1


async def test_a_replacement_whose_answer_was_cut_is_no_conflict(corner, way):
    """The object that we just replaced ourselves is not taken for one that somebody else changed."""
    app, target = corner.application(), corner.target(access=way.access)
    replaced = {"argocd.argoproj.io/sync-options": "Replace=true"}
    await target.apply(app, manifests(annotated(config_map("settings", a="1"), **replaced)))
    fault = way.fails(lambda asked: asked.method == "PUT", cut_after=20)
    result = await target.apply(app, manifests(annotated(config_map("settings", a="2"), **replaced)))
    assert result.complete, result.message
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"a": "2"}
    assert len(fault.met) == 1


async def test_what_was_deleted_while_the_answer_was_cut_is_told_as_deleted(corner, way):
    """Taking an application away names all that it took, also what the second request found gone."""
    app, target = corner.application(), corner.target(access=way.access)
    await target.apply(app, manifests(config_map("a"), config_map("b")))
    fault = way.fails(lambda asked: asked.method == "DELETE", cut_after=20)
    assert await target.prune("web") == ["ConfigMap a", "ConfigMap b"]
    assert len(fault.met) == 1


async def test_an_answer_that_comes_too_late_is_not_waited_for(corner, way, monkeypatch):
    """The request is made again, and what the first one did stands."""
    monkeypatch.setattr(connection, "REQUEST_S", 2.0)
    fault = way.fails(is_apply("settings"), slow=True)
    app, target = corner.application(), corner.target(access=way.access)
    result = await target.apply(app, manifests(config_map("settings", a="1")))
    assert result.complete, result.message
    assert len(fault.met) == 1
    assert corner.ask("GET", path_of(corner, "settings"))["data"] == {"a": "1"}


@pytest.mark.parametrize("answer", ["busy", "broken", "starting"])
async def test_a_server_that_stays_broken_is_trouble_of_the_cluster(corner, way, monkeypatch, answer):
    """Nothing was done and that is said; the number of tries is bounded; once it is well, the next attempt does it."""
    monkeypatch.setattr(connection, "TRIES", 3)
    app, target = corner.application(), corner.target(access=way.access)
    await target.apply(app, manifests(config_map("other")))
    fault = way.fails(is_apply("settings"), times=None, **ANSWERS[answer])
    version = manifests(config_map("settings", a="1"))
    with pytest.raises(TargetFailed) as failed:
        await target.apply(app, version)
    assert f"told to fail with {ANSWERS[answer]['status']}" in str(failed.value)
    assert "ConfigMap settings: " in str(failed.value)
    assert len(fault.met) == 3
    assert corner.ask("GET", path_of(corner, "other")) is not None
    way.heal()
    assert (await target.apply(app, version)).complete
    assert corner.ask("GET", path_of(corner, "other")) is None


async def test_what_was_not_reached_of_a_version_is_named(corner, way, monkeypatch):
    """One object went through, for the other the server stays broken: partial, both are named, the next goes on."""
    monkeypatch.setattr(connection, "TRIES", 2)
    app, target = corner.application(), corner.target(access=way.access)
    await corner.target(access=way.access).apply(app, manifests(config_map("settings", a="1")))
    way.fails(is_apply("settings"), times=None, status=500)
    version = manifests(config_map("settings", a="2"), config_map("other"))
    result = await target.apply(app, version)
    assert {one.name: one.outcome for one in result.resources} == {"settings": "failed", "other": "applied"}
    assert result.message == "not done: ConfigMap settings (told to fail with 500). done: ConfigMap other"
    assert (await target.observe("web")).drift == "ConfigMap settings differs: .data.a"
    way.heal()
    result = await target.apply(app, version)
    assert {one.name: one.outcome for one in result.resources} == {"settings": "applied", "other": "unchanged"}


@pytest.mark.parametrize("how", [{"status": 503}, {"cut_after": 20}])
async def test_a_cluster_whose_discovery_fails_is_unknown_and_comes_back(corner, way, monkeypatch, how):
    """Nothing is said of the application but why; nothing is pruned; it goes on when the answer is whole again."""
    monkeypatch.setattr(connection, "TRIES", 2)
    app = corner.application()
    await corner.target().apply(app, manifests(config_map("settings")))
    way.fails(is_discovery, times=None, **how)
    target = corner.target(access=way.access)
    assert (await target.observe("web")).health == "Unknown"
    with pytest.raises(TargetFailed):
        await target.apply(app, manifests(config_map("settings", a="1")))
    way.heal()
    assert (await target.apply(app, manifests(config_map("settings", a="1")))).complete
    await until_synced(target)


@pytest.mark.usefixtures("stages")
async def test_what_happens_while_watches_are_cut_in_the_middle_of_an_event_is_not_lost(corner, way):
    """Each watch ends within its first events and goes on where it was: the deployment still becomes healthy."""
    fault = way.fails(lambda asked: asked.is_watch, times=20, cut_after=3_000)
    app, target = corner.application(), corner.target(access=way.access)
    await target.apply(app, manifests(deployment("web"), config_map("settings", a="1")))
    await until_health(target, "Healthy")
    change(corner, "settings", a="by hand")

    async def is_seen():
        return (await target.observe("web")).sync == "OutOfSync"

    await eventually(is_seen)
    assert fault.met


async def test_an_agent_records_a_broken_server_as_what_it_is_and_catches_up(corner, way, world, monkeypatch):
    """The deployment waits and says why, its neighbour goes on, and healed the same one succeeds."""
    monkeypatch.setattr(connection, "TRIES", 2)
    world.other_targets = {
        "here": corner.target("here", clock=world.clock),
        "away": corner.target("away", access=way.access, clock=world.clock),
    }
    config = {"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace())}
    await world.release({**config, **files("here", a="1"), **files("away", a="1")})
    await world.start()
    for app in ("here", "away"):
        await world.run_until(app, "succeeded", looks=PATIENCE)
    good = (await world.record("away")).last_good

    fault = way.fails(is_apply("settings-away"), times=None, status=500)
    await world.release({**files("here", a="2"), **files("away", a="2")})
    await world.look()
    await world.run_until("here", "succeeded", 2, looks=PATIENCE)

    async def waits():
        newest = (await world.runs("away"))[0]
        return newest.outcome == "in-progress" and "told to fail with 500" in newest.message

    await world.until(waits, "waits", looks=PATIENCE)
    assert (await world.record("away")).last_good == good
    assert len(fault.met) == 2
    way.heal()
    await world.run_until("away", "succeeded", 2, passing=0.1, looks=PATIENCE)
    assert corner.ask("GET", path_of(corner, "settings-away"))["data"] == {"a": "2"}
    await world.stop()


def files(app, **data):
    return {f"apps/{app}/settings.json": json.dumps(config_map(f"settings-{app}", **data))}


def job(name):
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example.com/job:1"}]}}
    metadata = {"name": name}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": pod, "backoffLimit": 0}}
