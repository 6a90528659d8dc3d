"""What every target promises, asked of the twin and of real processes."""

import asyncio
from signal import SIGKILL

import pytest

from lastgood.core.application import Policy
from lastgood.core.errors import TargetFailed
from lastgood.targets.process.identity import send_signal
from twins.clock import ManualClock
from twins.processes import Room, application, eventually, render, until_health
from twins.target import MemoryTarget

RUN = "exec sleep 1000"


class Memory:
    """The twin, and how to spoil something behind its back."""

    def __init__(self):
        self.target = MemoryTarget(ManualClock())

    def spoil(self, process):
        self.target.drift("web", process)


class Processes:
    """Real processes, and how to spoil something behind the target's back."""

    def __init__(self, room):
        self.room = room
        self.target = room.target()

    def spoil(self, process):
        send_signal(self.room.state(process).supervisor, SIGKILL)


@pytest.fixture(params=["memory", "process"])
def world(request, tmp_path):
    if request.param == "memory":
        yield Memory()
        return
    room = Room(tmp_path / "root")
    yield Processes(room)
    room.end()


def outcomes(result):
    return {r.name: (r.change, r.outcome) for r in result.resources}


async def test_what_was_never_applied_is_missing(world):
    """An application that nobody applied is Missing, and nothing can be said of its sync."""
    seen = await world.target.observe("web")
    assert (seen.app, seen.health, seen.sync, seen.digest) == ("web", "Missing", "Unknown", None)


async def test_what_is_applied_becomes_healthy_and_synced(world):
    """After an apply everything runs, and the digest installed is that of what was asked for."""
    rendered = render({"a": RUN, "b": RUN})
    result = await world.target.apply(application(), rendered)
    assert (result.complete, result.message) == (True, "")
    assert outcomes(result) == {"a": ("added", "applied"), "b": ("added", "applied")}
    seen = await until_health(world.target, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", rendered.digest)
    assert [(r.kind, r.name, r.health, r.ready) for r in seen.resources] == [
        ("Process", "a", "Healthy", 1),
        ("Process", "b", "Healthy", 1),
    ]


async def test_applying_the_same_again_touches_nothing(world):
    """What is as asked for is left alone."""
    rendered = render({"a": RUN})
    await world.target.apply(application(), rendered)
    result = await world.target.apply(application(), rendered)
    assert (result.complete, outcomes(result)) == (True, {"a": (None, "unchanged")})


async def test_a_new_version_changes_what_differs_and_removes_what_is_gone(world):
    """Equal resources stay, changed ones are modified, new ones added, and those that are gone removed."""
    await world.target.apply(application(), render({"same": RUN, "changed": RUN, "gone": RUN}))
    after = render({"same": RUN, "changed": f"{RUN}0", "new": RUN})
    result = await world.target.apply(application(), after)
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
    """A policy that does not prune removes nothing."""
    careful = application(policy=Policy(prune=False))
    await world.target.apply(careful, render({"a": RUN, "gone": RUN}))
    result = await world.target.apply(careful, render({"a": RUN}))
    assert outcomes(result) == {"a": (None, "unchanged")}


async def test_an_empty_version_stops_nothing(world):
    """An empty render is refused, and what runs goes on."""
    await world.target.apply(application(), render({"a": RUN}))
    with pytest.raises(TargetFailed):
        await world.target.apply(application(), render({}))
    assert (await until_health(world.target, "Healthy")).sync == "Synced"


async def test_prune_removes_everything_and_says_what(world):
    """Pruning leaves nothing; pruning again has nothing to do."""
    await world.target.apply(application(), render({"b": RUN, "a": RUN}))
    assert await world.target.prune("web") == ["Process a", "Process b"]
    assert (await world.target.observe("web")).health == "Missing"
    assert await world.target.prune("web") == []


async def test_applications_do_not_touch_each_other(world):
    """Two applications with processes of the same name are two."""
    await world.target.apply(application("web"), render({"a": RUN}))
    await world.target.apply(application("web.b"), render({"a": RUN}))
    await world.target.prune("web")
    assert (await until_health(world.target, "Healthy", "web.b")).sync == "Synced"
    assert await world.target.prune("web.b") == ["Process a"]


async def test_what_is_spoilt_is_out_of_sync_and_the_next_apply_mends_it(world):
    """Drift shows in `sync`, and applying the same version again repairs just that."""
    rendered = render({"a": RUN, "b": RUN})
    await world.target.apply(application(), rendered)
    await until_health(world.target, "Healthy")
    world.spoil("b")

    async def differs():
        return (await world.target.observe("web")).sync == "OutOfSync"

    await eventually(differs)
    result = await world.target.apply(application(), rendered)
    assert result.complete
    assert outcomes(result)["a"] == (None, "unchanged")
    assert outcomes(result)["b"][1] == "applied"
    seen = await until_health(world.target, "Healthy")
    assert (seen.sync, seen.digest) == ("Synced", rendered.digest)


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
        await world.target.apply(application(), render({"a": next(commands), "b": RUN}))
        return "web" in heard

    try:
        await eventually(change)
        await until_health(world.target, "Healthy")
        heard.clear()
        world.spoil("b")
        await eventually(lambda: "web" in heard)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
