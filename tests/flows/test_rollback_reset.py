"""Reset: the branch moves back, from a clone alone; what it leaves is kept and can be had back."""

import pytest

from lastgood.core.errors import Blocked, BranchMoved, CommandLineWrong, NotAllowed, NothingToUndo
from lastgood.store import SqlStore
from twins.rollback_world import CART, TOMASZ, WEB, YAML, RollbackWorld, make_world, outcome


@pytest.fixture(params=["memory", "clone"])
def world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


@pytest.fixture
def memory(tmp_path):
    yield from make_world("memory", tmp_path)


async def _two(world: RollbackWorld) -> tuple[str, str]:
    await world.begin()
    return await world.release(name="v1"), await world.release(name="v2")


async def _remote_refs(world: RollbackWorld) -> dict[str, str]:
    return dict(world.remote.refs)


async def test_a_reset_moves_the_branch_and_keeps_the_old_head(world):
    """No commit is made; the discarded head is kept here and on the remote; that nothing keeps it out is said."""
    first, second = await _two(world)
    plan = await world.roll_back(mode="reset", to=first)
    assert await world.head() == first == plan.result.commit
    ref = f"refs/lastgood/discarded/{second}"
    assert await world.repo.kept("refs/lastgood/discarded/") == {ref: second}
    assert (await _remote_refs(world))[ref] == second
    assert plan.applications[0].hold is None
    assert plan.message == ""
    assert "nothing keeps" in plan.notes[0]
    assert any("--force-with-lease" in line for line in plan.git)


async def test_undo_of_a_reset_moves_forward_again(world):
    """The branch goes to the discarded head; nothing is made anew."""
    first, second = await _two(world)
    await world.roll_back(mode="reset", to=first)
    plan = await world.undo()
    assert await world.head() == second == plan.result.commit
    with pytest.raises(NothingToUndo, match="took back a reset"):
        await world.undo()


async def test_undo_of_a_reset_stops_if_the_branch_moved(memory):
    """Somebody pushed on top of the reset: moving forward would take that away."""
    first, _ = await _two(memory)
    await memory.roll_back(mode="reset", to=first)
    head = await memory.release(CART, "c1")
    with pytest.raises(BranchMoved):
        await memory.undo()
    assert await memory.head() == head


async def test_a_discarded_head_may_be_restored(world):
    """It is no ancestor of the head any more, and yet it is no unreviewed branch."""
    first, second = await _two(world)
    await world.roll_back(mode="reset", to=first)
    plan = await world.roll_back(to=second)
    assert outcome(plan, "not-on-branch") == "pass"
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v2\n"


async def test_other_peoples_commits_and_applications_block(world):
    """Whose commits and which applications would go is shown, and must be overridden by name."""
    first, _ = await _two(world)
    await world.release(CART, "c1")
    head = await world.release(name="v3", author=TOMASZ)
    with pytest.raises(Blocked) as blocked:
        await world.roll_back(mode="reset", to=first)
    assert blocked.value.facts["checks"] == ["others-commits"]
    assert TOMASZ.name in blocked.value.message
    assert await world.head() == head
    plan = await world.plan(mode="reset", to=first)
    await world.roll_back(mode="reset", to=first, despite=("others-commits",))
    assert await world.head() == first
    assert plan.also_affected == () or plan.also_affected[0].app == "cart-production"


async def test_another_application_that_would_move_is_named(memory):
    """The plan's also_affected names it, and others-commits blocks though all commits are mine."""
    await memory.begin()
    await memory.release(CART, "c0")
    first = await memory.release(name="v1")
    await memory.release(CART, "c1")
    plan = await memory.plan(mode="reset", to=first)
    assert [(one.app, one.how) for one in plan.also_affected] == [("cart-production", "1 of its files change")]
    assert outcome(plan, "others-commits") == "block"


async def test_a_repo_may_refuse_resets(memory):
    """`reset: refused` blocks, whatever is overridden."""
    await memory.commit({"lastgood.yaml": YAML + "reset: refused\n"})
    first = await memory.release(name="v1")
    head = await memory.release(name="v2")
    with pytest.raises(Blocked) as blocked:
        await memory.roll_back(mode="reset", to=first, despite=("reset-policy",))
    assert blocked.value.facts["checks"] == ["reset-policy"]
    assert await memory.head() == head


async def test_a_server_resets_nothing(tmp_path):
    """Only a person's clone may."""
    world = next(make_world("memory", tmp_path, may_reset=False))
    first, _ = await _two(world)
    with pytest.raises(NotAllowed):
        await world.plan(mode="reset", to=first)


async def test_a_reset_never_takes_what_nobody_looked_at(memory):
    """Somebody pushed, whatever it was: the lease fails, and the reset stops instead of planning again."""
    first, _ = await _two(memory)
    memory.remote.before_push.append(lambda: memory.remote.commit_files("main", {f"{CART}/deploy.conf": "c\n"}))
    with pytest.raises(BranchMoved):
        await memory.roll_back(mode="reset", to=first)
    assert await memory.text(await memory.head(), f"{CART}/deploy.conf") == "c\n"


async def test_a_commit_that_never_was_here_blocks(memory):
    """A reset to an unmerged branch would be a push of it."""
    first, _ = await _two(memory)
    side = await memory.remote.commit_files("side", {f"{WEB}/deploy.conf": "x\n"}, parents=(first,))
    await memory.repo.fetch("side")
    assert outcome(await memory.plan(mode="reset", to=side), "not-on-branch") == "block"


async def test_several_applications_must_agree_on_the_commit(memory):
    """One branch goes to one commit."""
    await _two(memory)
    await memory.release(CART, "c1")
    await memory.release(CART, "c2")
    with pytest.raises(CommandLineWrong):
        await memory.plan("web-production", "cart-production", mode="reset", previous=True)


async def test_a_refused_ref_does_not_stop_the_reset(memory):
    """The discarded head is offered to the remote; a server that wants no such refs still gets the push."""
    first, second = await _two(memory)
    memory.remote.refuse = lambda ref, commit: "no such refs" if ref.startswith("refs/lastgood/") else None
    await memory.roll_back(mode="reset", to=first)
    assert await memory.head() == first
    assert list((await memory.repo.kept("refs/lastgood/discarded/")).values()) == [second]


async def test_with_records_the_store_holds_the_version_left(tmp_path):
    """No file can: the store remembers the hold, it refuses the version, and the undo ends it."""
    store = SqlStore.in_memory()
    world = next(make_world("memory", tmp_path, store=store))
    first, second = await _two(world)
    plan = await world.roll_back(mode="reset", to=first)
    (record,) = await store.holds("web-production")
    assert record.vanished
    assert record.hold == plan.applications[0].hold
    assert outcome(await world.plan(to=second), "held") == "block"
    await world.undo()
    assert await store.holds("web-production") == []
    assert await world.head() == second
    store.close()


async def test_a_lost_reply_of_a_reset_is_asked_about(memory):
    """The old head is gone from the branch: the reset arrived."""
    first, _ = await _two(memory)
    memory.remote.lose_replies = 1
    plan = await memory.roll_back(mode="reset", to=first)
    assert plan.result.pushed is True
    assert await memory.head() == first
