"""What every target promises, asked of the twin, of real processes and of a real cluster."""

import asyncio
from signal import SIGKILL

import pytest

from cluster.control_plane import LOGS
from lastgood.core.application import Policy
from lastgood.core.errors import TargetRefused, UnknownPod
from lastgood.core.pod import PodLogRequest
from lastgood.targets.process.identity import send_signal
from twins.clock import ManualClock
from twins.clusters import Corner, deployment, manifests
from twins.processes import Room, application, eventually, render, until_health
from twins.target import MemoryTarget

RUN = "exec sleep 1000"


class Memory:
    """The twin, and how to spoil something behind its back."""

    kind = "Process"

    def __init__(self):
        self.target = MemoryTarget(ManualClock())

    def application(self, name="web", **words):
        return application(name, **words)

    def render(self, commands):
        return render(commands)

    def render_talking(self, name, *, lines):
        self.target.logs["web", name] = "".join(f"line {number}\n" for number in range(1, lines + 1))
        return self.render({name: RUN})

    async def spoil(self, name):
        self.target.drift("web", name)


class Processes(Memory):
    """Real processes, and how to spoil something behind the target's back."""

    def __init__(self, room):
        self.room = room
        self.target = room.target()

    def render_talking(self, name, *, lines):
        return self.render({name: f"for n in $(seq {lines}); do echo line $n; done; {RUN}"})

    async def spoil(self, name):
        send_signal(self.room.state(name).supervisor, SIGKILL)


class Deployments(Memory):
    """Deployments in a real cluster, and how to spoil something behind the target's back."""

    kind = "Deployment"

    def __init__(self, corner):
        self.corner = corner
        self.target = corner.target()

    def application(self, name="web", **words):
        return self.corner.application(name, **words)

    def render(self, commands):
        return manifests(*(deployment(name, env={"RUN": command}) for name, command in commands.items()))

    def render_talking(self, name, *, lines):
        # What a container of that name prints, the control plane of the tests says.
        assert LOGS["now"][-1] == f"line {lines}"
        return manifests(deployment(name, container="talks"))

    async def spoil(self, name):
        path = f"/apis/apps/v1/namespaces/{self.corner.namespace()}/deployments/{name}"
        self.corner.ask("DELETE", path)


@pytest.fixture(params=["memory", "process", pytest.param("cluster", marks=pytest.mark.cluster)])
async def world(request, tmp_path):
    if request.param == "memory":
        yield Memory()
    elif request.param == "process":
        room = Room(tmp_path / "root")
        yield Processes(room)
        room.end()
    else:
        request.getfixturevalue("stages")
        corner = Corner(request.getfixturevalue("cluster"), tmp_path)
        yield Deployments(corner)
        await corner.close()


def outcomes(result):
    return {r.name: (r.change, r.outcome) for r in result.resources}


async def test_what_was_never_applied_is_missing(world):
    """An application that nobody applied is Missing, and nothing can be said of its sync."""
    seen = await world.target.observe("web")
    assert (seen.app, seen.health, seen.sync, seen.digest) == ("web", "Missing", "Unknown", None)


async def test_what_is_applied_becomes_healthy_and_synced(world):
    """After an apply everything runs, and the digest installed is that of what was asked for."""
    rendered = world.render({"a": RUN, "b": RUN})
    result = await world.target.apply(world.application(), rendered)
    assert (result.complete, result.message) == (True, "")
    assert outcomes(result) == {"a": ("added", "applied"), "b": ("added", "applied")}
    seen = await until_health(world.target, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", rendered.digest)
    assert [(r.kind, r.name, r.health, r.ready) for r in seen.resources] == [
        (world.kind, "a", "Healthy", 1),
        (world.kind, "b", "Healthy", 1),
    ]


async def test_applying_the_same_again_touches_nothing(world):
    """What is as asked for is left alone."""
    rendered = world.render({"a": RUN})
    await world.target.apply(world.application(), rendered)
    result = await world.target.apply(world.application(), rendered)
    assert (result.complete, outcomes(result)) == (True, {"a": (None, "unchanged")})


async def test_a_new_version_changes_what_differs_and_removes_what_is_gone(world):
    """Equal resources stay, changed ones are modified, new ones added, and those that are gone removed."""
    await world.target.apply(world.application(), world.render({"same": RUN, "changed": RUN, "gone": RUN}))
    after = world.render({"same": RUN, "changed": f"{RUN}0", "new": RUN})
    result = await world.target.apply(world.application(), after)
    assert result.complete
    assert outcomes(result) == {
        "same": (None, "unchanged"),
        "changed": ("modified", "applied"),
        "new": ("added", "applied"),
        "gone": ("removed", "removed"),
    }
    seen = await until_health(world.target, "Healthy")
    assert [r.name for r in seen.resources] == ["changed", "new", "same"]
    assert (seen.sync, seen.digest) == ("Synced", after.digest)


async def test_without_prune_what_is_gone_stays(world):
    """A policy that does not prune removes nothing, and what stays is named, with what allows it to go."""
    careful = world.application(policy=Policy(prune=False))
    await world.target.apply(careful, world.render({"a": RUN, "gone": RUN}))
    result = await world.target.apply(careful, world.render({"a": RUN}))
    assert outcomes(result) == {"a": (None, "unchanged"), "gone": (None, "left")}
    assert result.resources[-1].message.startswith("left Git and stays: prune is off")
    assert (await world.target.observe("web")).left == (f"{world.kind} gone",)


async def test_an_empty_version_stops_nothing(world):
    """An empty render is refused, whenever it is tried, and what runs goes on."""
    await world.target.apply(world.application(), world.render({"a": RUN}))
    with pytest.raises(TargetRefused):
        await world.target.apply(world.application(), world.render({}))
    assert (await until_health(world.target, "Healthy")).sync == "Synced"


async def test_prune_removes_everything_and_says_what(world):
    """Pruning leaves nothing; pruning again has nothing to do."""
    await world.target.apply(world.application(), world.render({"b": RUN, "a": RUN}))
    assert await world.target.prune("web") == [f"{world.kind} a", f"{world.kind} b"]
    assert (await world.target.observe("web")).health == "Missing"
    assert await world.target.prune("web") == []


async def test_applications_do_not_touch_each_other(world):
    """Two applications with processes of the same name are two."""
    await world.target.apply(world.application("web"), world.render({"a": RUN}))
    await world.target.apply(world.application("web.b"), world.render({"a": RUN}))
    await world.target.prune("web")
    assert (await until_health(world.target, "Healthy", "web.b")).sync == "Synced"
    assert await world.target.prune("web.b") == [f"{world.kind} a"]


async def test_what_is_followed_no_more_runs_on(world):
    """To hear of it changes nothing of an application."""
    await world.target.apply(world.application(), world.render({"a": RUN}))
    world.target.followed([])
    assert (await until_health(world.target, "Healthy", "web")).sync == "Synced"


async def test_what_is_spoilt_is_out_of_sync_and_the_next_apply_mends_it(world):
    """Drift shows in `sync`, and applying the same version again repairs just that."""
    rendered = world.render({"a": RUN, "b": RUN})
    await world.target.apply(world.application(), rendered)
    await until_health(world.target, "Healthy")
    await world.spoil("b")

    async def differs():
        return (await world.target.observe("web")).sync == "OutOfSync"

    await eventually(differs)
    result = await world.target.apply(world.application(), rendered)
    assert result.complete
    assert outcomes(result)["a"] == (None, "unchanged")
    assert outcomes(result)["b"][1] == "applied"
    seen = await until_health(world.target, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", rendered.digest)


async def test_a_tree_has_a_node_for_everything_asked_for(world):
    """Nothing where nothing is installed; else each resource with the health that is observed, by a name of its own."""
    nothing = await world.target.tree("web")
    assert (nothing.app, nothing.nodes, nothing.edges, nothing.trouble) == ("web", (), (), "")
    await world.target.apply(world.application(), world.render({"a": RUN, "b": RUN}))
    await until_health(world.target, "Healthy")
    tree = await world.target.tree("web")
    assert [(node.kind, node.name, node.health) for node in tree.nodes if node.asked] == [
        (world.kind, "a", "Healthy"),
        (world.kind, "b", "Healthy"),
    ]
    ids = [node.id for node in tree.nodes]
    assert len(set(ids)) == len(ids)
    assert {end for edge in tree.edges for end in (edge.from_, edge.to)} <= set(ids)


async def test_services_say_what_runs_and_which_pods(world):
    """Ready and wanted; each pod by the name that its log is asked for with."""
    assert (await world.target.services("web")).services == ()
    await world.target.apply(world.application(), world.render({"a": RUN, "b": RUN}))
    await until_health(world.target, "Healthy")
    services = (await world.target.services("web")).services
    assert [(one.kind, one.name, one.health, one.ready, one.wanted) for one in services] == [
        (world.kind, "a", "Healthy", 1, 1),
        (world.kind, "b", "Healthy", 1, 1),
    ]
    for one in services:
        (pod,) = one.pods
        assert isinstance(await world.target.pod_events("web", pod), tuple)


@pytest.mark.parametrize("app", ["web", "other"])
async def test_a_pod_of_nobody_and_of_another_application_is_unknown(world, app):
    """Neither its log nor its events are told, whatever the pod is called."""
    await world.target.apply(world.application("first"), world.render({"a": RUN}))
    await world.target.apply(world.application("web"), world.render({"b": RUN}))
    await until_health(world.target, "Healthy", "first")
    (pod,) = (await world.target.services("first")).services[0].pods
    for name in (pod, "none", "..", "../../nodes", ""):
        with pytest.raises(UnknownPod):
            await world.target.pod_log(PodLogRequest(app=app, pod=name))
        with pytest.raises(UnknownPod):
            await world.target.pod_events(app, name)
    with pytest.raises(UnknownPod):
        await world.target.pod_log(PodLogRequest(app="first", pod=pod, namespace="elsewhere"))


async def test_the_end_of_a_log_is_bounded(world):
    """As many lines as asked for, then as many bytes, both from the end."""
    await world.target.apply(world.application(), world.render_talking("a", lines=30))
    await until_health(world.target, "Healthy")
    (pod,) = (await world.target.services("web")).services[0].pods

    async def log(**words):
        return await world.target.pod_log(PodLogRequest(app="web", pod=pod, **words))

    async def talked():
        return (await log()).text.endswith("line 30\n")

    await eventually(talked)
    assert ((await log(tail_lines=2)).text, (await log(tail_lines=2)).cut) == ("line 29\nline 30\n", False)
    few = await log(limit_bytes=8)
    assert (few.text, few.cut, few.app, few.pod, few.previous) == ("line 30\n", True, "web", pod, False)


async def test_changes_name_the_application(world):
    """Whoever watches hears the application's name when it is applied and when it is spoilt."""
    heard: list[str] = []

    async def listen():
        async for name in world.target.changes():
            heard.append(name)  # noqa: PERF401  # the list is read while it grows

    listening = asyncio.create_task(listen())
    commands = (f"{RUN}{number}" for number in range(1000))

    async def change():
        # The watch begins at its own time: change something until it is heard.
        assert not listening.done(), listening.exception()
        await world.target.apply(world.application(), world.render({"a": next(commands), "b": RUN}))
        return "web" in heard

    try:
        await eventually(change)
        await until_health(world.target, "Healthy")
        heard.clear()
        await world.spoil("b")
        await eventually(lambda: "web" in heard)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
