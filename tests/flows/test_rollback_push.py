"""Races, lost replies and kills: either the commit is on the branch and the next start goes on, or nothing happened."""

import asyncio
import contextlib
import dataclasses

import msgspec
import pytest

from lastgood.core.errors import (
    Blocked,
    BranchMoved,
    GitFailed,
    LastgoodError,
    PushRefused,
    PushUnknown,
    RemoteUnreachable,
    StoreUnavailable,
)
from lastgood.core.message import read_claim
from lastgood.core.request import RollbackRequest
from lastgood.flows.recover import recover
from lastgood.flows.rollback import Rollbacks
from lastgood.store import SqlStore
from twins.config_repo import MemoryConfigRepo
from twins.rollback_world import CART, WEB, RollbackWorld, make_world, outcome
from twins.store import make_deployment


@pytest.fixture
def world(tmp_path):
    yield from make_world("memory", tmp_path)


@pytest.fixture(params=["memory", "mirror", "clone"])
def any_world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


async def _two(world: RollbackWorld) -> tuple[str, str]:
    await world.begin()
    return await world.release(name="v1"), await world.release(name="v2")


class Interfering:
    """The config repo, and somebody who acts just before our first push reaches the remote."""

    def __init__(self, repo, act) -> None:
        self._repo = repo
        self._act = act

    def __getattr__(self, name):
        return getattr(self._repo, name)

    async def push(self, *args, **words):
        if self._act is not None:
            act, self._act = self._act, None
            await act()
        return await self._repo.push(*args, **words)


def _interfere(world: RollbackWorld, act) -> None:
    world.branch.__dict__["repo"] = Interfering(world.repo, act)


async def test_another_application_moved_so_it_is_planned_again(any_world):
    """A race with a push to another application: our commit goes on top of it, with the same content of ours."""
    world = any_world
    first, _ = await _two(world)
    _interfere(world, lambda: world.remote.commit_files("main", {f"{CART}/deploy.conf": "cart\n"}))

    plan = await world.roll_back(to=first)

    head = await world.head()
    commit = await world.repo.commit(head)
    assert plan.result.commit == head
    assert plan.result.head == plan.head == commit.parents[0]
    assert commit.tree == plan.result.tree
    assert await world.text(head, f"{CART}/deploy.conf") == "cart\n"
    assert await world.text(head, f"{WEB}/deploy.conf") == "image: shop/web:v1\n"


async def test_the_same_application_moved_so_nothing_is_pushed(any_world):
    """A race with a push to the same application: stop, exit 4, and the other's commit stays."""
    world = any_world
    first, second = await _two(world)
    _interfere(world, lambda: world.remote.commit_files("main", {f"{WEB}/deploy.conf": "image: shop/web:v3\n"}))

    with pytest.raises(BranchMoved) as moved:
        await world.roll_back(to=first)

    assert moved.value.facts["planned_on"] == second
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v3\n"
    assert await world.journal.pending() == []


async def test_the_same_content_came_by_another_commit(world):
    """Somebody else rolled back the same application first: that is a move, too, and is shown."""
    first, _ = await _two(world)
    _interfere(world, lambda: world.remote.commit_files("main", {f"{WEB}/deploy.conf": "image: shop/web:v1\n"}))
    with pytest.raises(BranchMoved):
        await world.roll_back(to=first)


async def test_a_hold_that_somebody_added_meanwhile_is_kept(world):
    """Planning again reads the hold file again: both holds stand in it."""
    first, second = await _two(world)
    other = make_second(world)

    async def hold() -> None:
        await other.hold(first, reason="old", by=None)

    _interfere(world, hold)
    with pytest.raises(Blocked):
        await world.roll_back(to=first)
    assert len(await (await world.branch.fetch()).file_holds("web-production")) == 1
    assert await world.version(await world.head()) == await world.version(second)


def make_second(world: RollbackWorld) -> RollbackWorld:
    return RollbackWorld(MemoryConfigRepo(world.remote), world.remote)


async def test_a_lost_reply_is_asked_about(world):
    """The push arrived, the answer did not: that is found out, and it is one commit."""
    first, _ = await _two(world)
    world.remote.lose_replies = 1
    plan = await world.roll_back(to=first)
    assert plan.result.pushed is True
    assert await world.head() == plan.result.commit


async def test_a_lost_reply_with_a_bot_on_top(world):
    """The reply is lost and a bot pushes on top at once: ours is in the branch, so it is done, and only once."""
    first, _ = await _two(world)
    world.remote.lose_replies = 1
    world.remote.after_push.append(lambda: world.remote.commit_files("main", {f"{WEB}/deploy.conf": "bot\n"}))
    plan = await world.roll_back(to=first)
    head = await world.repo.commit(await world.head())
    assert head.parents == (plan.result.commit,)
    assert plan.result.pushed is True
    assert len([c for _, c in world.remote.pushes]) == 1


async def test_no_answer_at_all_is_unknown_and_the_same_command_finishes_it(world):
    """Exit 7; then the same command finds its commit on the branch and makes no second one."""
    first, _ = await _two(world)
    world.remote.lose_replies, world.remote.deaf_after_push = 1, True
    with pytest.raises(PushUnknown) as unknown:
        await world.roll_back(previous=True)
    assert unknown.value.exit_code == 7
    (operation,) = await world.journal.pending()
    assert operation.step == "unknown"

    world.remote.unreachable = False
    world.branch.live.clear()
    plan = await world.roll_back(previous=True)

    assert plan.id == operation.id
    assert plan.result.commit == operation.commit == await world.head()
    assert plan.applications[0].to.commit == first
    assert (await world.journal.operations("web-production"))[0].step == "done"


async def test_no_answer_and_it_never_arrived_so_the_same_commit_is_pushed(world):
    """The same command pushes the same commit again, if the branch stands where it was planned."""
    first, _ = await _two(world)
    _interfere(world, None)
    real = world.repo.push

    async def lost(branch, commit, *, expected):
        world.remote.unreachable = True
        raise PushUnknown(commit=commit, branch=branch)

    world.repo.push = lost
    with pytest.raises(PushUnknown):
        await world.roll_back(to=first)
    (operation,) = await world.journal.pending()

    world.remote.unreachable, world.repo.push = False, real
    plan = await world.roll_back(to=first)
    assert plan.result.commit == operation.commit == await world.head()


async def test_another_command_gives_an_unanswered_one_up(world):
    """Something else was asked for since: what never arrived is not pushed any more."""
    first, second = await _two(world)
    third = await world.release(name="v3")
    real = world.repo.push

    async def lost(branch, commit, *, expected):
        world.remote.unreachable = True
        raise PushUnknown(commit=commit, branch=branch)

    world.repo.push = lost
    with pytest.raises(PushUnknown):
        await world.roll_back(to=first)
    world.remote.unreachable, world.repo.push = False, real

    plan = await world.roll_back(to=second)

    assert plan.head == third
    assert await world.journal.pending() == []


async def test_an_unreachable_remote_changes_nothing(world):
    """Nothing was sent: exit 1, the operation is over."""
    first, second = await _two(world)
    world.remote.unreachable = True
    with pytest.raises(RemoteUnreachable):
        await world.roll_back(to=first)
    world.remote.unreachable = False
    assert await world.head() == second
    assert await world.journal.pending() == []


async def test_a_commit_that_is_not_the_planned_one_is_never_pushed(world):
    """Parents and tree are compared with the plan before anything is sent."""
    first, second = await _two(world)
    real = world.repo.make_commit

    async def wrong(*, tree, parents, author, authored_at, message):
        return await real(tree=tree, parents=[first], author=author, authored_at=authored_at, message=message)

    await world.plan(to=first)
    world.repo.make_commit = wrong
    with pytest.raises(GitFailed):
        await world.roll_back(to=first)
    assert await world.head() == second
    assert world.remote.pushes == []


async def test_a_branch_that_never_stands_still_ends_in_words(world):
    """After twenty plans it gives up, having pushed nothing."""
    first, _ = await _two(world)
    real = world.repo.push

    async def racing(branch, commit, *, expected):
        await world.remote.commit_files("main", {f"{CART}/deploy.conf": f"cart {expected}\n"})
        await real(branch, commit, expected=expected)

    world.repo.push = racing
    with pytest.raises(GitFailed, match="20 times"):
        await world.roll_back(to=first)
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v2\n"


async def test_busy_while_another_operation_is_under_way(world):
    """A second rollback of the application waits its turn; one whose process died long ago does not count."""
    first, _ = await _two(world)
    plans = []

    async def meanwhile() -> None:
        plans.append(await world.plan(to=first))

    _interfere(world, meanwhile)
    await world.roll_back(to=first)
    assert outcome(plans[0], "busy") == "block"
    assert outcome(await world.plan(to=first), "busy") == "pass"


# kills


class Killed(BaseException):
    """The process ends here."""


class Deadly:
    """A port that kills the process at its n-th call, before or after the call."""

    def __init__(self, port, counter, only=None) -> None:
        self._port = port
        self._counter = counter
        self._only = only

    def __getattr__(self, name):
        found = getattr(self._port, name)
        if not callable(found) or (self._only is not None and name not in self._only):
            return found

        async def call(*args, **words):
            self._counter.tick()
            result = await found(*args, **words)
            self._counter.tick()
            return result

        return call


class Counter:
    def __init__(self, die_at: int | None) -> None:
        self.calls = 0
        self.die_at = die_at

    def tick(self) -> None:
        self.calls += 1
        if self.calls == self.die_at:
            raise Killed


async def _killed_at(world: RollbackWorld, request: RollbackRequest, die_at: int | None) -> Counter:
    counter = Counter(die_at)
    # With a store each world costs a migration: there, only the calls that change something are deadly.
    changing = {"fetch", "push", "make_commit", "write_tree"} if world.store is not None else None
    branch = dataclasses.replace(
        world.branch,
        repo=Deadly(world.repo, counter, changing),
        journal=Deadly(world.journal, counter),
        store=Deadly(world.store, counter, {"save_operation"}) if world.store is not None else None,
        live=set(),
        # A server's mirror: what dies there began without asking the remote first.
        kept_fresh=world.store is not None,
    )
    branch.repo.__dict__["name"] = world.repo.name
    with contextlib.suppress(Killed):
        await Rollbacks(branch).do(request)
    return counter


@pytest.mark.parametrize("with_store", [False, True])
@pytest.mark.parametrize("again", ["recover", "same command"])
async def test_killed_at_any_step_it_is_all_or_nothing(tmp_path, with_store, again):
    """Killed before or after every call of every port: afterwards one commit of ours is on the branch, or none.

    The same command, given again at once, does it: nobody waits for a process that is dead.
    """

    async def fresh() -> tuple[RollbackWorld, str, str, SqlStore | None]:
        store = SqlStore.in_memory() if with_store else None
        world = next(make_world("memory", tmp_path, store=store))
        first, second = await _two(world)
        return world, first, second, store

    world, first, _, store = await fresh()
    calls = (await _killed_at(world, RollbackRequest(apps=("web-production",), to=first), None)).calls
    if store is not None:
        store.close()
    assert calls > 15
    seen = set()
    for die_at in range(1, calls + 1):
        world, first, second, store = await fresh()
        request = RollbackRequest(apps=("web-production",), to=first, reason="500s")
        await _killed_at(world, request, die_at)

        if again == "recover":
            await recover(world.branch)
        else:
            sent = [o for o in await world.journal.pending() if o.step not in {"planned", "committed"}]
            # As a person does it: look at the plan first, unless there is a push to ask about.
            seen_plan = None if sent else await world.rollbacks.plan(request)
            assert seen_plan is None or not seen_plan.blocking, die_at
            await world.rollbacks.do(request, planned=seen_plan)

        head = await world.repo.commit(await world.head())
        seen.add(head.oid == second)
        if head.oid == second:
            assert again == "recover"
        else:
            assert head.parents == (second,), die_at
            assert read_claim(head.message) is not None
            assert await world.text(head.oid, f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
            done = [o for o in await world.journal.operations("web-production") if o.step == "done"]
            if store is not None and done:
                assert [h.hold.version for h in await store.holds("web-production")] == [await world.version(second)]
        open_ones = [o for o in await world.journal.pending() if o.step not in {"planned", "committed"}]
        assert open_ones == [], die_at
        if store is not None:
            store.close()
    assert seen == ({True, False} if again == "recover" else {False})


@pytest.mark.parametrize("mode", ["revert", "reset"])
@pytest.mark.parametrize("again", ["recover", "same command"])
async def test_a_revert_and_a_reset_killed_at_any_step_are_all_or_nothing(tmp_path, mode, again):
    """As for a restore: the branch is where it was or where it was to go, and never anywhere else."""

    async def fresh() -> tuple[RollbackWorld, RollbackRequest, str, str]:
        world = next(make_world("memory", tmp_path))
        first, second = await _two(world)
        words = {"commits": (second,)} if mode == "revert" else {"to": first, "despite": ("others-commits",)}
        return world, RollbackRequest(apps=("web-production",), mode=mode, reason="500s", **words), first, second

    world, request, _, _ = await fresh()
    calls = (await _killed_at(world, request, None)).calls
    assert calls > 15
    seen = set()
    for die_at in range(1, calls + 1):
        world, request, first, second = await fresh()
        await _killed_at(world, request, die_at)

        if again == "recover":
            await recover(world.branch)
        elif await world.head() == second:
            await world.rollbacks.do(request)

        head = await world.repo.commit(await world.head())
        seen.add(head.oid == second)
        if head.oid == second:
            assert again == "recover", die_at
        elif mode == "reset":
            assert head.oid == first, die_at
        else:
            assert head.parents == (second,), die_at
            assert await world.text(head.oid, f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
        if again == "recover":
            assert await world.journal.pending() == [], die_at
    assert seen == ({True, False} if again == "recover" else {False})


async def test_recover_pushes_what_never_arrived_and_leaves_what_it_cannot_reach(world):
    """At the next start: the same commit is pushed if the branch stands where it did; without a remote it waits."""
    first, second = await _two(world)
    real = world.repo.push

    async def lost(branch, commit, *, expected):
        world.remote.unreachable = True
        raise PushUnknown(commit=commit, branch=branch)

    world.repo.push = lost
    with pytest.raises(PushUnknown):
        await world.roll_back(to=first)
    assert [o.step for o in await recover(world.branch)] == ["unknown"]

    world.remote.unreachable, world.repo.push = False, real
    assert [o.step for o in await recover(world.branch)] == ["done"]
    assert (await world.repo.commit(await world.head())).parents == (second,)


async def _three(tmp_path) -> tuple[RollbackWorld, str]:
    """Return a world in which three versions ran and baked, and the commit of the first."""
    world = next(make_world("memory", tmp_path, store=SqlStore.in_memory()))
    await world.begin()
    commits = [await world.release(name=f"v{n}") for n in range(1, 4)]
    app, now = await world.app(), world.clock.now()
    for commit in commits:
        version, path_tree = await world.repo.version(commit, app.scope)
        run = make_deployment(version=version, path_tree=path_tree, commit=await world.repo.commit(commit))
        run = msgspec.structs.replace(run, outcome="succeeded", baked_at=now, definition=app.definition)
        begun = await world.store.start_deployment(run)
        await world.store.save_deployment(msgspec.structs.replace(run, id=begun.id, number=begun.number))
    return world, commits[0]


@pytest.mark.parametrize("choice", [{"previous": True}, {}])
async def test_what_was_finished_after_a_crash_is_told_to_the_same_command(tmp_path, choice):
    """Nobody has heard of it: planned anew it would go one version further back. In other words it is another one."""
    request = RollbackRequest(apps=("web-production",), reason="500s", **choice)
    world, _ = await _three(tmp_path)
    calls = (await _killed_at(world, request, None)).calls
    world.store.close()
    finished = 0
    for die_at in range(1, calls + 1):
        world, first = await _three(tmp_path)
        await _killed_at(world, request, die_at)
        if any(one.step == "done" for one in await recover(world.branch)):
            finished += 1
            head = await world.head()
            assert (await world.rollbacks.plan(request)).asked_before, die_at
            done = await world.rollbacks.do(request)
            assert (done.result.commit, done.result.pushed, await world.head()) == (head, True, head), die_at
            further = msgspec.structs.replace(request, to=first, previous=False)
            assert not (await world.rollbacks.plan(further)).asked_before, die_at
        world.store.close()
    assert finished


async def test_recover_gives_up_where_the_branch_moved(world):
    """Hours later nobody expects a rollback on top of other work: it is marked as failed, and nothing is pushed."""
    first, _ = await _two(world)
    real = world.repo.push

    async def lost(branch, commit, *, expected):
        world.remote.unreachable = True
        raise PushUnknown(commit=commit, branch=branch)

    world.repo.push = lost
    with pytest.raises(PushUnknown):
        await world.roll_back(to=first)
    world.remote.unreachable, world.repo.push = False, real
    head = await world.release(CART, "c9")
    assert [o.step for o in await recover(world.branch)] == ["failed"]
    assert await world.head() == head


async def test_no_attempt_starts_that_cannot_be_recorded(tmp_path):
    """A locked database: nothing is pushed."""
    store = SqlStore.in_memory()
    world = next(make_world("memory", tmp_path, store=store))
    first, second = await _two(world)

    async def locked(operation):
        raise StoreUnavailable(reason="the database is locked")

    store.save_operation = locked
    with pytest.raises(StoreUnavailable):
        await world.roll_back(to=first)
    assert await world.head() == second
    assert world.remote.pushes == []
    store.close()


async def test_pushed_but_not_there_is_said_and_recorded_later(tmp_path):
    """The disk fills up after the push: the result says that it is pushed, and the next start records it."""
    store = SqlStore.in_memory()
    world = next(make_world("memory", tmp_path, store=store))
    first, _ = await _two(world)
    real = store.save_operation

    async def full(operation, **words):
        if operation.step == "done":
            raise StoreUnavailable(reason="the disk is full")
        await real(operation, **words)

    store.save_operation = full
    plan = await world.roll_back(to=first)
    assert plan.result.pushed is True
    assert "not yet recorded" in plan.notes[-1]
    store.save_operation = real
    assert [o.step for o in await recover(world.branch)] == ["done"]
    assert len(await store.holds("web-production")) == 1
    store.close()


async def test_a_refusal_after_planning_again_is_the_servers(world):
    """The second push is refused by a rule: its words, nothing pushed, the operation is over."""
    first, _ = await _two(world)

    async def move_and_protect() -> None:
        await world.remote.commit_files("main", {f"{CART}/deploy.conf": "cart\n"})
        world.remote.refuse = lambda ref, commit: "freeze"

    _interfere(world, move_and_protect)
    with pytest.raises(PushRefused, match="freeze"):
        await world.roll_back(to=first)
    assert await world.journal.pending() == []


@pytest.mark.parametrize("with_store", [False, True])
async def test_the_same_plan_started_twice_at_once_makes_one_commit(tmp_path, with_store):
    """A double click, or two people at two pages: one of them is told that it is done or under way."""
    store = SqlStore.in_memory() if with_store else None
    world = next(make_world("memory", tmp_path, store=store))
    first, second = await _two(world)
    request = RollbackRequest(apps=("web-production",), to=first, reason="500s")
    planned = await world.rollbacks.plan(request)

    async def start():
        try:
            return await world.rollbacks.do(request, planned=planned)
        except LastgoodError as refused:
            return refused

    answers = await asyncio.gather(start(), start())

    head = await world.repo.commit(await world.head())
    assert head.parents == (second,)
    pushed = [answer.result for answer in answers if not isinstance(answer, LastgoodError) and answer.result.pushed]
    assert {result.commit for result in pushed} == {head.oid}
    await start()
    assert (await world.head()) == head.oid
    if store is not None:
        store.close()


@pytest.mark.parametrize("meanwhile", [None, CART, WEB])
async def test_what_was_just_planned_is_pushed_without_asking_again(world, monkeypatch, meanwhile):
    """The lease tells whether the branch moved since: then as ever, and nothing is planned on what was seen before."""
    first, second = await _two(world)
    request = RollbackRequest(apps=("web-production",), to=first, reason="500s")
    planned = await world.rollbacks.plan(request)
    if meanwhile is not None:
        file = {f"{meanwhile}/deploy.conf": "image: shop/else:v9\n"}
        await world.remote.commit_files("main", file, message="Meanwhile")
    fetched = []
    real = world.repo.fetch

    async def counted(branch):
        fetched.append(branch)
        return await real(branch)

    monkeypatch.setattr(world.repo, "fetch", counted)
    if meanwhile == WEB:
        with pytest.raises(BranchMoved):
            await world.rollbacks.do(request, planned=planned)
        return
    done = await world.rollbacks.do(request, planned=planned)

    assert done.result.pushed is True
    assert bool(fetched) is (meanwhile is not None)
    head = await world.repo.commit(await world.head())
    assert head.oid == done.result.commit
    assert (head.parents == (second,)) is (meanwhile is None)
