"""What the agent makes of heads: holds, rewrites, losses, and repos in trouble."""

import json
from collections import Counter

import pytest

from lastgood.core.commit import Person
from lastgood.core.errors import NotAllowed, RenderFailed, StoreFull, TargetFailed
from lastgood.core.hold import Hold, format_holds, hold_path
from lastgood.core.limits import Limits
from lastgood.core.operation import Moved, Operation
from lastgood.core.request import PressRequest
from twins.agent_world import CONFIG, app_file, compose
from twins.clock import ManualClock
from twins.store import make_application

BOT = Person(name="bot", email="bot@example.com")


def hold_file(app: str, version: str, images: tuple[str, ...] = ()) -> dict[str, str]:
    hold = Hold(id="h1", version=version, commit=None, images=images, reason="never ready", since=ManualClock().now())
    return {hold_path(app): format_holds([hold]).decode()}


async def start_with_two_versions(world) -> tuple[str, str]:
    """Run version a, then b; return both."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    await world.start()
    first = await world.run_until("web-staging", "succeeded")
    await world.run_until("cart-staging", "succeeded")
    await world.release(app_file("web-staging", "b"))
    await world.look()
    second = await world.run_until("web-staging", "succeeded", 2)
    return first.version, second.version


async def roll_back(world, bad: str) -> None:
    await world.release({**app_file("web-staging", "a"), **hold_file("web-staging", bad, ("web:b",))})
    await world.look()
    await world.run_until("web-staging", "succeeded", 3)


async def test_a_hold_keeps_a_version_out(world):
    """A bot's commit that brings a held version back is refused and recorded; what ran keeps running."""
    good, bad = await start_with_two_versions(world)
    await roll_back(world, bad)

    again = await world.release(app_file("web-staging", "b"), author=BOT)
    await world.look()

    record = await world.record("web-staging")
    assert (record.desired.version, record.running.version, record.current.version) == (good, good, bad)
    assert (record.refused.commit, record.refused.hold, record.held) == (again, "h1", 1)
    assert [refused.commit for refused in await world.store.refused_heads("web-staging")] == [again]
    assert len(await world.runs("web-staging")) == 3


async def test_a_held_image_is_kept_out_in_another_version(world):
    """A version that is new but brings the held image back is refused, too; one that does not passes."""
    _, bad = await start_with_two_versions(world)
    await roll_back(world, bad)

    await world.release({**app_file("web-staging", "b"), "apps/web/staging/notes.txt": "other files"})
    await world.look()
    refused = await world.record("web-staging")
    await world.release(app_file("web-staging", "c"))
    await world.look()

    assert refused.refused is not None
    assert refused.current.version != bad
    await world.run_until("web-staging", "succeeded", 4)
    assert (await world.record("web-staging")).refused is None


async def test_the_end_of_a_hold_deploys_nothing_until_a_press(world):
    """A refused head stays refused when its hold ends; a press lets it go."""
    _, bad = await start_with_two_versions(world)
    await roll_back(world, bad)
    await world.release(app_file("web-staging", "b"), author=BOT)
    await world.look()
    with pytest.raises(NotAllowed):
        await world.agent.press(PressRequest(app="web-staging"))
    await world.release({hold_path("web-staging"): None})
    await world.look()
    await world.clock.move(60)
    assert len(await world.runs("web-staging")) == 3
    assert [(h.ended_by is not None) for h in await world.store.holds("web-staging", in_force=False)] == [True]

    shown = await world.agent.press(PressRequest(app="web-staging"), dry_run=True)
    assert (shown.started, [f.path for f in shown.files]) == (False, ["apps/web/staging/process-compose.yaml"])
    pressed = await world.agent.press(PressRequest(app="web-staging"))

    done = await world.run_until("web-staging", "succeeded", 4)
    assert pressed.started
    assert (done.trigger, done.version) == ("retry", bad)
    assert await world.store.operations(open_only=True) == []


async def test_a_hold_that_vanished_by_a_rewrite_stays_in_force(world):
    """A push that takes the hold's commit out of history does not end the hold."""
    _, bad = await start_with_two_versions(world)
    before = world.remote.refs["refs/heads/main"]
    await roll_back(world, bad)

    # Somebody pushes the bad version over the rollback.
    await world.remote.commit_files("main", {"README.md": "x"}, parents=[before])
    await world.look()

    record = await world.record("web-staging")
    assert record.state == "stopped"
    assert [held.vanished for held in await world.store.holds("web-staging")] == [True]
    assert len(await world.runs("web-staging")) == 3


async def test_a_hold_file_that_cannot_be_read_keeps_everything_out(world):
    """A damaged hold file lets nothing new out, says so, and goes on when it is mended."""
    await start_with_two_versions(world)
    await world.release({**app_file("web-staging", "c"), hold_path("web-staging"): "version: 1\nholds: [{id: x}]"})
    await world.look()
    broken = await world.record("web-staging")
    assert (broken.state, ".lastgood/holds/web-staging.hold" in broken.message) == ("broken", True)
    assert len(await world.runs("web-staging")) == 2

    await world.release({hold_path("web-staging"): None})
    await world.look()

    await world.run_until("web-staging", "succeeded", 3)


async def test_a_rewound_branch_stops_only_what_it_changes(world):
    """A branch that went back stops the applications that it would change; one press follows it."""
    good, bad = await start_with_two_versions(world)
    first = (await world.store.deployment("web-staging", 1)).commit.oid
    world.remote.set("refs/heads/main", first)

    await world.look()

    web, cart = await world.record("web-staging"), await world.record("cart-staging")
    assert (web.state, cart.state) == ("stopped", "followed")
    assert (web.desired.version, web.current.version) == (bad, good)
    assert "went back" in web.message
    assert [head.kind for head in await world.store.observed_heads("config", "main")] == ["rewound", "forward", "first"]
    assert len(await world.runs("web-staging")) == 2
    await world.agent.press(PressRequest(app="web-staging"))
    done = await world.run_until("web-staging", "succeeded", 3)
    assert done.version == good


async def test_an_older_replica_is_not_believed(world):
    """A head that goes back for one look only, as a lagging replica's does, is not even logged."""
    await start_with_two_versions(world)
    head = world.remote.refs["refs/heads/main"]
    world.remote.set("refs/heads/main", (await world.store.deployment("web-staging", 1)).commit.oid)
    sleeping = world.clock.sleep

    async def catch_up(seconds):
        world.remote.set("refs/heads/main", head)
        await sleeping(seconds)

    world.clock.sleep = catch_up
    await world.look()

    assert (await world.record("web-staging")).state == "followed"
    assert len(await world.store.observed_heads("config", "main")) == 2


async def test_an_application_that_vanished_keeps_running(world):
    """An application that is gone from Git is removed, keeps running, and `forget --prune` ends it."""
    await start_with_two_versions(world)
    with pytest.raises(NotAllowed):
        await world.agent.forget("cart-staging", prune=True)
    await world.release({"apps/cart/staging/process-compose.yaml": None})
    await world.look()
    assert (await world.record("cart-staging")).state == "removed"
    assert (await world.target.observe("cart-staging")).health == "Healthy"
    await world.clock.move(20)
    assert world.target.told_followed == {"web-staging"}
    assert (await world.agent.forget("cart-staging", prune=True, dry_run=True)).pruned == ("Process web",)

    gone = await world.agent.forget("cart-staging", prune=True, by=BOT)

    (recorded,) = await world.store.operations(limit=1)
    assert (recorded.kind, recorded.by) == ("forget", BOT)
    assert gone.pruned == ("Process web",)
    assert await world.store.application("cart-staging") is None
    assert len(await world.runs("cart-staging")) == 1


async def test_an_application_that_is_forgotten_and_keeps_running_is_let_go(world):
    """Nothing of it is deleted, and what it has may be had by another one."""
    await start_with_two_versions(world)
    await world.release({"apps/cart/staging/process-compose.yaml": None})
    await world.look()
    assert (await world.agent.forget("cart-staging", prune=False)).pruned == ()
    assert world.target.let_go_of == ["cart-staging"]
    assert (await world.target.observe("cart-staging")).health == "Healthy"


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_application_that_was_forgotten_and_comes_back_is_deployed(world, restarted):
    """As by the commit that brings it back, though the same version ran once, and though nothing is healed."""
    await world.release(
        {"lastgood.yaml": CONFIG.replace("bake: 60s", "self_heal: false"), **app_file("web-staging", "a")}
    )
    await world.start()
    await world.run_until("web-staging", "succeeded")
    await world.release({"apps/web/staging/process-compose.yaml": None})
    await world.look()
    await world.agent.forget("web-staging", prune=True)
    if restarted:
        await world.stop()
        await world.start()
    back = await world.release(app_file("web-staging", "a"))
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)

    newest, oldest = await world.runs("web-staging")
    assert (newest.number, newest.trigger, newest.commit.oid) == (2, "commit", back)
    assert newest.version == oldest.version
    assert (await world.target.observe("web-staging")).health == "Healthy"
    # And once only: what ran since counts.
    await world.stop()
    await world.start()
    await world.clock.move(120)
    assert len(await world.runs("web-staging")) == 2


async def test_what_cannot_be_rendered_any_more_is_not_deleted_without_its_hooks(world):
    """Which hooks run first is not known, so `forget --prune` refuses and says why; without prune it forgets."""
    manifest = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    await world.release({"lastgood.yaml": CONFIG, "apps/cart/staging/a.json": manifest})
    await world.start()
    await world.run_until("cart-staging", "succeeded")
    await world.release({"apps/cart/staging/a.json": None})
    await world.look()

    async def damaged(*_):
        raise RenderFailed(app="cart-staging", file=None, reason="the chart is damaged")

    world.renderer.render = damaged
    shown = await world.agent.forget("cart-staging", prune=True, dry_run=True)
    assert "the chart is damaged" in shown.in_the_way
    with pytest.raises(TargetFailed, match=r"what runs when it is deleted .* the chart is damaged") as refused:
        await world.agent.forget("cart-staging", prune=True)
    assert "without `--prune`" in refused.value.hint
    assert (await world.target.observe("cart-staging")).health == "Healthy"
    assert (await world.agent.forget("cart-staging", prune=False)).pruned == ()


async def test_what_never_ran_is_not_said_to_keep_running(world):
    """An entry whose path never was there, and that is gone again, promises nothing."""
    await start_with_two_versions(world)
    entry = "  - {name: fixed, path: apps/nowhere, destination: twin}\n"
    await world.release({"lastgood.yaml": CONFIG + entry})
    await world.look()
    assert (await world.record("fixed")).state == "broken"
    await world.release({"lastgood.yaml": CONFIG})
    await world.look()

    record = await world.record("fixed")
    assert (record.state, "never ran" in record.message) == ("removed", True)


async def test_an_application_that_is_back_goes_on(world):
    """A removed application whose files come back unchanged is followed again, without a deployment."""
    await start_with_two_versions(world)
    await world.release({"apps/cart/staging/process-compose.yaml": None})
    await world.look()
    await world.release(app_file("cart-staging", "a"))
    await world.look()
    assert (await world.record("cart-staging")).state == "followed"
    assert len(await world.runs("cart-staging")) == 1


async def test_a_pattern_typo_stops_and_asks(world):
    """A change that loses most applications stops them, tells the repo, and changes nothing that runs."""
    await start_with_two_versions(world)
    await world.release({"lastgood.yaml": CONFIG.replace('path: "apps/', 'path: "appz/')})
    await world.look()
    (repo,) = await world.store.repos()
    assert repo.state == "broken"
    assert (await world.record("web-staging")).state == (await world.record("cart-staging")).state == "stopped"

    await world.release({"lastgood.yaml": CONFIG})
    await world.look()

    (repo,) = await world.store.repos()
    assert repo.state == "ok"
    assert (await world.record("web-staging")).state == (await world.record("cart-staging")).state == "followed"
    assert (len(await world.runs("web-staging")), len(await world.runs("cart-staging"))) == (2, 1)


async def test_a_typo_that_loses_999_of_a_thousand_deletes_nothing(world):
    """Each of them is stopped and says what to do, the repo says how many, and nothing is asked of the target."""
    await start_with_two_versions(world)
    known = await world.record("web-staging")
    lost = [f"s{n}-staging" for n in range(998)]
    await world.stop()
    for name in lost:
        await world.store.save_application(
            make_application(name, repo="config", destination="twin", running=known.running, desired=known.desired)
        )
    applied = list(world.target.applied)
    typo = CONFIG.replace('path: "apps/', 'path: "appz/')
    await world.release({"lastgood.yaml": typo, "appz/web/staging/process-compose.yaml": compose("b")})
    await world.start()
    await world.look()

    (repo,) = await world.store.repos()
    states = Counter(one.state for one in await world.store.applications())
    assert (repo.state, repo.message.split(";")[0]) == ("broken", "999 applications are gone at once")
    assert states == {"stopped": 999, "followed": 1}
    told = (await world.record("s7-staging")).message
    assert told.startswith("999 of 1000 applications are gone from config at once; they keep running; mend")
    assert world.target.applied == applied
    assert (await world.target.observe("cart-staging")).health == "Healthy"


async def test_losses_within_the_limit_and_accepted_ones_are_removed(world):
    """An operator may let any share go; where it asks, a press accepts the loss."""
    world.limits = Limits(lost_share=1.0)
    await start_with_two_versions(world)
    await world.release({"lastgood.yaml": CONFIG.replace('path: "apps/', 'path: "appz/')})
    await world.look()
    assert (await world.record("web-staging")).state == (await world.record("cart-staging")).state == "removed"


async def test_a_press_accepts_a_loss(world):
    """A press on an application that was lost with many others makes it removed."""
    await start_with_two_versions(world)
    await world.release({"lastgood.yaml": CONFIG.replace('path: "apps/', 'path: "appz/')})
    await world.look()
    shown = await world.agent.press(PressRequest(app="web-staging"), dry_run=True)
    assert (shown.started, shown.accepts_loss) == (False, True)
    pressed = await world.agent.press(PressRequest(app="web-staging"))
    assert (pressed.started, pressed.version, pressed.accepts_loss) == (True, None, True)
    assert (await world.record("web-staging")).state == "removed"


async def test_a_loss_that_was_settled_is_not_told_any_more(world):
    """Once each application was pressed or forgotten, the repo is well again, without another commit."""
    await start_with_two_versions(world)
    await world.release({"lastgood.yaml": "version: 1\napplications: []\n"})
    await world.look()
    await world.agent.press(PressRequest(app="web-staging"))
    await world.look()
    (repo,) = await world.store.repos()
    assert (repo.state, repo.message.split(";")[0]) == ("broken", "1 application, lost with others, is gone")

    await world.agent.forget("cart-staging", prune=True)
    await world.look()

    (repo,) = await world.store.repos()
    assert (repo.state, repo.message) == ("ok", "")


@pytest.mark.parametrize(
    "content",
    ["version: [", b"\xff\xfe", "version: 2\n", b"x" * 2_000_000, None],
    ids=["no yaml", "not utf-8", "unknown version", "too large", "missing"],
)
async def test_a_broken_lastgood_yaml_stops_nothing_that_runs(world, content):
    """The repo says what is wrong; applications that are known are still followed with the last good settings."""
    good, bad = await start_with_two_versions(world)
    await world.release({"lastgood.yaml": content})
    await world.look()
    (repo,) = await world.store.repos()
    assert (repo.state, "lastgood.yaml" in repo.message) == ("broken", True)
    assert (await world.record("web-staging")).state == "followed"

    await world.release(app_file("web-staging", "c"))
    await world.look()

    done = await world.run_until("web-staging", "succeeded", 3)
    assert done.version not in {good, bad}


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"x" * 50_000_000, "processes: ["], ids=["not utf-8", "50 MB", "no yaml"]
)
async def test_a_file_that_cannot_be_rendered_fails_that_version_only(world, content):
    """The attempt is recorded as failed with its reason; what ran keeps running."""
    await start_with_two_versions(world)
    await world.release({"apps/web/staging/process-compose.yaml": content})
    await world.look()

    failed = await world.run_until("web-staging", "failed", 3)
    record = await world.record("web-staging")
    assert (failed.own_fault, "process-compose.yaml" in failed.message) == (True, True)
    assert record.running.version != record.desired.version
    assert len(world.target.applied) == 3


async def test_repos_in_trouble_say_so(world):
    """An empty repo and an unreachable remote are states of the repo, with a sentence."""
    await world.start()
    (empty,) = await world.store.repos()
    world.remote.unreachable = True
    await world.look()
    (away,) = await world.store.repos()
    assert (empty.state, empty.message) == ("empty", "memory://config.git has no branch main")
    assert (away.state, "cannot be reached" in away.message) == ("unreachable", True)


async def test_records_that_cannot_be_written_are_told_until_they_can(world):
    """A full disk stops no look at what is recorded: whoever asks is told why nothing starts."""
    await start_with_two_versions(world)
    assert world.agent.records_trouble() is None
    saving = world.store._store.save_repo

    async def full(record):
        raise StoreFull

    world.store._store.save_repo = full
    with pytest.raises(StoreFull):
        await world.agent.look(None)
    assert world.agent.records_trouble() == StoreFull().message

    world.store._store.save_repo = saving
    await world.agent.look(None)
    assert world.agent.records_trouble() is None


async def test_records_that_can_be_written_again_are_not_waited_for_until_the_next_poll(world):
    """A disk that was full, or a lock, for some seconds holds up deployments for seconds, not for a poll of 30 s."""
    await start_with_two_versions(world)
    saving = world.store._store.save_repo

    async def full(record):
        raise StoreFull

    world.store._store.save_repo = full
    while world.agent.records_trouble() is None:
        await world.clock.move(1)
    world.store._store.save_repo = saving
    await world.clock.move(3)
    assert world.agent.records_trouble() is None


async def test_what_may_not_run_is_broken_with_the_reason(world):
    """An application that the operator's settings refuse is not deployed, and says why."""
    world.refuses["web-staging"] = "the server has no destination twin"
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    record = await world.record("web-staging")
    assert (record.state, record.message) == ("broken", "the server has no destination twin")
    assert await world.runs("web-staging") == []


async def test_a_reset_of_lastgoods_own_is_followed_at_once(world):
    """A branch that went back because of a recorded reset is followed, as a rollback."""
    good, _ = await start_with_two_versions(world)
    first = (await world.store.deployment("web-staging", 1)).commit.oid
    await world.store.save_operation(
        Operation(
            id="0b54a1f2-4f43-4cf3-9a5e-0d3fca34a3f5",
            kind="rollback",
            repo="config",
            branch="main",
            moved=(Moved(app="web-staging", from_=first, to=first),),
            reason="",
            despite=(),
            by=BOT,
            requested_at=world.clock.now(),
            step="done",
            commit=first,
            plan={"mode": "reset"},
        )
    )
    world.remote.set("refs/heads/main", first)
    await world.look()

    done = await world.run_until("web-staging", "succeeded", 3)
    assert (done.version, done.trigger, done.operation) == (good, "rollback", "0b54a1f2-4f43-4cf3-9a5e-0d3fca34a3f5")
    assert (await world.store.observed_heads("config", "main"))[0].kind == "reset"


async def test_an_entry_that_a_rewrite_changes_waits_for_a_press(world):
    """Also the definition of an application is not changed by a rewrite without a press."""
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a")})
    await world.start()
    await world.run_until("web-staging", "succeeded")
    before = world.remote.refs["refs/heads/main"]
    await world.release({"README.md": "x"})
    await world.look()
    await world.remote.commit_files("main", {"lastgood.yaml": CONFIG.replace("60s", "90s")}, parents=[before])
    await world.look()
    stopped = await world.record("web-staging")
    assert (stopped.state, "the entry of web-staging" in stopped.message) == ("stopped", True)
    world.target.drift("web-staging", "web")
    await world.clock.move(60)
    assert len(await world.runs("web-staging")) == 1

    await world.agent.press(PressRequest(app="web-staging"))

    assert (await world.run_until("web-staging", "succeeded", 2)).trigger == "retry"


async def test_a_hold_of_what_runs_is_counted_and_changes_nothing(world):
    """A hold placed on the version that runs is shown, and nothing is deployed for it."""
    _, running = await start_with_two_versions(world)
    await world.release(hold_file("web-staging", running))
    await world.look()
    record = await world.record("web-staging")
    assert (record.held, record.refused, record.running.version) == (1, None, running)
    assert len(await world.runs("web-staging")) == 2


async def test_a_name_that_another_repo_has_is_left_alone(world):
    """Names are unique on a server: the first one keeps it, and the second repo says so."""
    await world.store.save_application(make_application("web-staging", repo="other"))
    await world.release({"lastgood.yaml": CONFIG, **app_file("web-staging", "a"), **app_file("cart-staging", "a")})
    await world.start()
    await world.run_until("cart-staging", "succeeded")
    (repo,) = await world.store.repos()
    assert (repo.state, repo.message.startswith("web-staging: another repo")) == ("broken", True)
    assert (await world.record("web-staging")).repo == "other"
    assert await world.runs("web-staging") == []
