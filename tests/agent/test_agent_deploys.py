"""The agent deploys what Git asks for, and records it."""

import asyncio
import json

import pytest

from lastgood.core.errors import TargetRefused
from lastgood.core.record import Pause
from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, app_file
from twins.target import MemoryTarget


async def test_a_first_head_is_deployed(world):
    """Every application of a new repo is deployed once, and recorded with its commit."""
    head = await world.release(
        {"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")}
    )

    await world.start()

    done = await world.run_until("web-staging", "succeeded")
    await world.run_until("cart-staging", "succeeded")
    record = await world.record("web-staging")
    assert (done.number, done.trigger, done.commit.oid) == (1, "commit", head)
    assert [phase.name for phase in done.phases] == ["render", "apply", "watch"]
    assert (record.running.commit, record.desired.commit, record.health) == (head, head, "Healthy")


async def test_only_the_application_that_changed_is_deployed(world):
    """A push of two commits deploys the application that they changed, laid to the commit that changed it."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")
    await world.run_until("cart-staging", "succeeded")

    changed = await world.release(app_file("web-staging", "b"))
    await world.release({"README.md": "hello"})
    await world.look()

    done = await world.run_until("web-staging", "succeeded", 2)
    assert done.commit.oid == changed
    assert [(i.name, i.from_, i.to) for i in done.images] == [("web", "a", "b")]
    assert len(await world.runs("cart-staging")) == 1


async def test_what_is_overtaken_in_progress_is_superseded(world):
    """A newer version stops the wait for the older one, which is recorded as superseded."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Progressing")
    await world.start()
    await world.run_until("web-staging", "in-progress")

    newer = await world.release(app_file("web-staging", "b"))
    await world.look()

    await world.run_until("web-staging", "in-progress", 2)
    world.target.set_health("web-staging", "Healthy")
    await world.run_until("web-staging", "succeeded", 2)
    newest, older = await world.runs("web-staging")
    assert (older.outcome, older.superseded_by) == ("superseded", newest.version)
    assert newest.commit.oid == newer


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_overtook_halfway_is_taken_back_to_what_ran_before(world, restarts):
    """The good version is asked for again while the next one is under way: it is deployed again, as what runs is mixed.

    So it is with every rollback of a release that is not over yet, also where the agent ends in between.
    """
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    first = await world.run_until("web-staging", "succeeded")
    world.target.set_health("web-staging", "Progressing")
    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "in-progress", 2)
    if restarts:
        await world.stop()
    await world.release(app_file("web-staging", "a"))
    if restarts:
        await world.start()
    else:
        await world.look()
    await world.run_until("web-staging", "in-progress", 3)
    world.target.set_health("web-staging", "Healthy")
    again = await world.run_until("web-staging", "succeeded", 3)
    assert again.version == first.version
    assert [run.outcome for run in await world.runs("web-staging")] == ["succeeded", "superseded", "succeeded"]
    assert (await world.record("web-staging")).running.version == first.version


async def test_a_version_that_fails_is_not_tried_again(world):
    """A failure of the version itself waits for a press or another version."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    world.target.set_health("web-staging", "Degraded", "web: exit status 1", last_words="no RATES_URL")
    await world.start()

    failed = await world.run_until("web-staging", "failed")
    await world.clock.move(1500)

    assert (failed.own_fault, failed.message, failed.last_words) == (True, "web: exit status 1", "web: no RATES_URL")
    assert len(await world.runs("web-staging")) == 1


async def test_what_was_never_applied_whole_is_installed_still(world):
    """What a chart does before its installation is not passed over because the first attempt ended there."""
    hook = {"metadata": {"name": "b", "annotations": {"helm.sh/hook": "pre-install"}}}
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]
    objects.append({"apiVersion": "batch/v1", "kind": "Job", **hook})
    files = {f"apps/cart/staging/{n}.json": json.dumps(one) for n, one in enumerate(objects)}
    await world.release({"lastgood.yaml": CONFIG, **files})
    world.target.half_apply("cart-staging", "a", fault="way")
    await world.start()
    await world.run_until("cart-staging", "partial")
    world.target.clear_the_way("cart-staging")
    await world.run_until("cart-staging", "succeeded", 2, passing=1)
    await world.release({"apps/cart/staging/2.json": json.dumps(objects[0] | {"metadata": {"name": "c"}})})
    await world.look()
    await world.run_until("cart-staging", "succeeded", 3)

    assert world.target.occasions == ["install", "install", "upgrade"]


def _chart_like(value):
    """Return the files of an application with hooks, of a version that `value` tells from others."""
    hook = {"name": "b", "annotations": {"helm.sh/hook": "pre-upgrade"}}
    objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"v": value}}]
    objects.append({"apiVersion": "batch/v1", "kind": "Job", "metadata": hook})
    return {f"apps/cart/staging/{n}.json": json.dumps(one) for n, one in enumerate(objects)}


async def test_the_way_back_to_a_version_that_did_not_bake_is_a_way_back(world):
    """What it migrated it has migrated, however soon the next version came."""
    await world.release({"lastgood.yaml": CONFIG, **_chart_like("1")})
    await world.start()
    await world.run_until("cart-staging", "succeeded", 1, passing=1)
    for number, value in ((2, "2"), (3, "1")):
        await world.release(_chart_like(value))
        await world.look()
        await world.run_until("cart-staging", "succeeded", number, passing=1)

    assert all(run.baked_at is None for run in await world.runs("cart-staging"))
    assert world.target.occasions == ["install", "upgrade", "return"]


async def test_a_version_whose_hooks_failed_never_ran(world):
    """Its migration is not passed over at the next try: that is an upgrade still, and no way back.

    The record has what the hook printed last.
    """
    await world.release({"lastgood.yaml": CONFIG, **_chart_like("1")})
    await world.start()
    await world.run_until("cart-staging", "succeeded", 1, passing=1)
    world.target.half_apply("cart-staging", "a", fault="version", last_words="a: no such column")
    await world.release(_chart_like("2"))
    await world.look()
    failed = await world.run_until("cart-staging", "failed", 2, passing=1)
    await world.agent.press(PressRequest(app="cart-staging"))
    await world.run_until("cart-staging", "succeeded", 3, passing=1)

    assert (failed.own_fault, failed.last_words) == (True, "a: no such column")
    assert world.target.occasions == ["install", "upgrade", "upgrade"]


async def test_one_applications_trouble_does_not_delay_another(world):
    """While one application's apply hangs, another is deployed."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    world.target.block_apply("web-staging")
    await world.start()

    await world.run_until("cart-staging", "succeeded")
    await world.run_until("web-staging", "in-progress")


async def test_a_version_bakes_and_becomes_last_good(world):
    """A version that stays Healthy for its bake time bakes, and is the last good one when another one runs."""
    first = await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")

    await world.clock.move(59)
    assert (await world.runs("web-staging"))[0].baked_at is None

    async def baked():
        return (await world.runs("web-staging"))[0].baked_at is not None

    await world.until(baked, passing=1)
    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)
    assert (await world.record("web-staging")).last_good.commit == first


async def test_drift_is_healed(world):
    """What somebody takes away behind lastgood's back is put back, recorded as drift."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")

    world.target.drift("web-staging", "web")

    done = await world.run_until("web-staging", "succeeded", 2)
    assert done.trigger == "drift"
    assert done.message == "mended: web was taken away, last by somebody"
    assert next((phase.name, phase.message) for phase in done.phases) == (
        "drift",
        "web was taken away, last by somebody",
    )


async def test_a_changed_definition_deploys_the_same_version(world):
    """A changed entry deploys the same version anew, laid to the commit that changed the entry."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    first = await world.run_until("web-staging", "succeeded")

    changed = await world.release({"lastgood.yaml": CONFIG.replace("60s", "90s")})
    await world.look()

    done = await world.run_until("web-staging", "succeeded", 2)
    assert (done.trigger, done.version, done.commit.oid) == ("definition", first.version, changed)


async def test_another_destination_is_told_with_what_stays_on_the_former(world):
    """Nothing there is stopped or deleted: who moves an application reads that it runs twice."""
    world.other_targets["second"] = MemoryTarget(world.clock, name="second")
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")

    await world.release({"lastgood.yaml": CONFIG.replace('destination: "twin"', 'destination: "second"')})
    await world.look()

    done = await world.run_until("web-staging", "succeeded", 2)
    assert done.trigger == "definition"
    said = "it was on twin before: what runs there keeps running, and nothing follows it any more"
    assert done.message.endswith(f"; {said}")
    assert done.phases[0].name == "moved"


async def test_what_the_render_warns_of_stays_in_sight(world):
    """A key without effect is named with the application, also after a restart, until a version comes without it."""
    path = "apps/web/staging/process-compose.yaml"
    files = app_file("web-staging", "a")
    await world.release({"lastgood.yaml": CONFIG, path: files[path] + "log_level: debug\nis_tui_disabled: true\n"})
    await world.start()
    await world.run_until("web-staging", "succeeded")

    async def warned():
        return "log_level is not supported" in (await world.record("web-staging")).message

    await world.until(warned)
    assert "is_tui_disabled is not supported" in (await world.record("web-staging")).message
    await world.stop()
    await world.start()
    assert await warned()

    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)

    async def quiet():
        return not (await world.record("web-staging")).message

    await world.until(quiet)


async def test_what_a_target_never_runs_is_not_tried_again(world):
    """A version that the destination cannot run waits for another one, and fills no timeline."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})

    async def refuse(app, _rendered, **_words):
        raise TargetRefused(app=app.name, destination="twin", reason="this destination runs no such thing")

    apply, world.target.apply = world.target.apply, refuse
    await world.start()
    failed = await world.run_until("web-staging", "failed")
    await world.clock.move(1500)

    assert failed.own_fault
    assert len(await world.runs("web-staging")) == 1
    world.target.apply = apply
    await world.release(app_file("web-staging", "b"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)


async def test_a_version_that_was_applied_is_not_healthy_because_the_one_before_was(world):
    """Between the apply and the first look nobody knows: what was seen is of what ran before."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")
    looked = asyncio.Event()
    original = world.target.observe

    async def later(app):
        await looked.wait()
        return await original(app)

    world.target.observe = later
    await world.release(app_file("web-staging", "b"))
    await world.look()

    async def applied():
        record = await world.record("web-staging")
        return record.running is not None and record.running.commit == await world.repo.head("main")

    await world.until(applied, "applied")
    assert (await world.record("web-staging")).health == "Progressing"
    looked.set()
    await world.run_until("web-staging", "succeeded", 2)
    assert (await world.record("web-staging")).health == "Healthy"


async def applied_and_starting(world, name: str, number: int) -> None:
    """Release a version and wait until it was applied and does not become healthy yet."""
    world.target.set_health("web-staging", "Progressing", "it starts")
    await world.release(app_file("web-staging", name))
    await world.look()

    async def starting():
        return len(world.target.applied) == number and (await world.record("web-staging")).health_message == "it starts"

    await world.until(starting, "applied")


async def paused_while_it_starts(world) -> None:
    """Pause everything once a version was applied, so that nobody puts back what is changed then."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")
    await applied_and_starting(world, "b", 2)
    await world.store.pause(Pause(scope="everything", name=None, reason="fair", by="Priya", since=world.clock.now()))


async def test_what_is_changed_while_a_version_starts_is_put_back_and_not_its_fault(world):
    """At the worst moment: after the apply and before it is healthy. The same record goes on, and says what it was."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")
    await applied_and_starting(world, "b", 2)
    world.target.set_health("web-staging", "Degraded", "it lacks its settings")
    world.target.drift("web-staging", "web")

    async def put_back():
        return len(world.target.applied) == 3

    apply = world.target.apply

    async def and_then_healthy(*words, **named):
        world.target.set_health("web-staging", "Healthy")
        return await apply(*words, **named)

    world.target.apply = and_then_healthy
    await world.until(put_back, "put back")
    run = await world.run_until("web-staging", "succeeded", 2)
    assert [phase.name for phase in run.phases] == ["render", "apply", "watch", "apply", "watch"]
    assert run.phases[2].message == "web was taken away, last by somebody"
    assert world.target.occasions[-1] == "heal"
    assert len(await world.runs("web-staging")) == 2


async def test_what_is_changed_while_a_version_starts_stays_where_nothing_heals(world):
    """Under a pause nothing is written, and the version is watched on."""
    await paused_while_it_starts(world)
    world.target.drift("web-staging", "web")

    async def seen():
        return (await world.record("web-staging")).sync == "OutOfSync"

    await world.until(seen, "seen")
    await world.clock.move(30)
    assert len(world.target.applied) == 2
    assert (await world.runs("web-staging"))[0].outcome == "in-progress"


async def test_a_version_that_is_well_is_not_to_blame_for_what_was_changed_by_hand(world):
    """Nobody puts it back, so the time is over one day; the version is as good as it was."""
    await paused_while_it_starts(world)
    world.target.set_health("web-staging", "Healthy")
    world.target.drift("web-staging", "web")

    async def seen():
        record = await world.record("web-staging")
        return (record.sync, record.health) == ("OutOfSync", "Healthy")

    await world.until(seen, "seen")
    await world.clock.move(300)
    failed = await world.run_until("web-staging", "failed", 2)
    assert failed.own_fault is False
    assert failed.message == "Healthy after 300 s: web was taken away, last by somebody"
