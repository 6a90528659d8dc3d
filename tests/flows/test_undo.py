"""Undo is the exact inverse of one operation, its hold included, on the twin, the mirror and a clone."""

import pytest

from lastgood.core.errors import Blocked, BranchMoved, NothingToUndo, ReasonMissing, UnknownOperation
from lastgood.core.hold import hold_path
from lastgood.core.message import read_claim
from lastgood.store import SqlStore
from twins.rollback_world import CART, WEB, YAML, RollbackWorld, make_world

HOLD = hold_path("web-production")


@pytest.fixture(params=["memory", "mirror", "clone"])
def world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


@pytest.fixture
def memory(tmp_path):
    yield from make_world("memory", tmp_path)


@pytest.fixture
def recorded(tmp_path):
    store = SqlStore.in_memory()
    yield from make_world("memory", tmp_path, store=store)
    store.close()


async def _two(world: RollbackWorld) -> tuple[str, str]:
    await world.begin()
    return await world.release(name="v1"), await world.release(name="v2")


async def _tree(world: RollbackWorld, commit: str | None = None) -> str:
    return (await world.repo.commit(commit or await world.head())).tree


def _forget(world: RollbackWorld) -> None:
    """Go on as another person would, in another clone: no journal tells what was done."""
    world.journal.kept.clear()


@pytest.mark.parametrize("remembered", [True, False])
async def test_an_undo_brings_back_exactly_what_was(world, remembered):
    """The tree is what it was before the rollback, the hold gone; found by the journal or by the commit's claim."""
    first, second = await _two(world)
    rolled = await world.roll_back(to=first)
    if not remembered:
        _forget(world)

    plan = await world.undo(reason="it was the database")

    assert await _tree(world) == await _tree(world, second)
    claim = read_claim((await world.repo.commit(await world.head())).message)
    assert (claim.kind, claim.reason, plan.kind) == ("undo", "it was the database", "undo")
    assert [(m.app, m.from_, m.to) for m in claim.moved] == [("web-production", rolled.result.commit, second)]
    assert {file.path for file in plan.applications[0].files} == {f"{WEB}/deploy.conf", HOLD}


@pytest.mark.parametrize("remembered", [True, False])
async def test_undo_of_undo_does_it_again(world, remembered):
    """The last operation is the undo: taking it back gives the rollback's tree, hold included."""
    first, _ = await _two(world)
    await world.roll_back(to=first)
    rolled = await _tree(world)
    for _ in range(2):
        if not remembered:
            _forget(world)
        await world.undo()
    assert await _tree(world) == rolled
    assert await world.text(await world.head(), HOLD) is not None


async def test_other_applications_may_move_meanwhile(world):
    """What others did after the rollback stays."""
    first, second = await _two(world)
    await world.roll_back(to=first)
    await world.release(CART, "c2")
    await world.undo()
    head = await world.head()
    assert await world.text(head, f"{CART}/deploy.conf") == "image: shop/cart:c2\n"
    assert await world.version(head) == await world.version(second)


async def test_it_stops_if_the_application_moved_since(world):
    """A release after the rollback: an undo would take that away, so it stops with exit 4."""
    first, _ = await _two(world)
    plan = await world.roll_back(to=first)
    head = await world.release(name="v3")
    with pytest.raises(BranchMoved) as moved:
        await world.undo()
    assert (moved.value.facts["planned_on"], moved.value.facts["found"]) == (plan.result.commit, head)
    assert moved.value.message.startswith("web-production moved on main since its last operation, ")
    assert "`lastgood timeline web-production` shows what came since" in moved.value.hint
    assert await world.head() == head


async def test_an_undo_takes_back_all_applications_of_the_operation(world):
    """A rollback of two applications is one operation; one of them moved since: nothing is undone."""
    await world.begin()
    await world.release(CART, "c1")
    first = await world.release(name="v1")
    await world.release(CART, "c2")
    second = await world.release(name="v2")
    await world.roll_back("web-production", "cart-production", to=first)
    await world.undo("cart-production")
    assert await _tree(world) == await _tree(world, second)

    await world.roll_back("web-production", "cart-production", to=first)
    await world.release(CART, "c3")
    with pytest.raises(BranchMoved) as moved:
        await world.undo("web-production")
    assert moved.value.app == "cart-production"


async def test_a_hand_written_hold_file_comes_back_byte_for_byte(memory):
    """Comments in the file survive a rollback and its undo."""
    first, _ = await _two(memory)
    text = "# ask Ines first\nversion: 1\nholds: []\n"
    before = await memory.commit({HOLD: text})
    await memory.roll_back(to=first)
    assert await memory.text(await memory.head(), HOLD) != text
    await memory.undo()
    assert await _tree(memory) == await _tree(memory, before)


async def test_a_hold_placed_since_stays(memory):
    """Only what the operation added goes."""
    first, second = await _two(memory)
    third = await memory.release(name="v3")
    await memory.roll_back(to=first)
    rolled = await memory.head()
    placed = await memory.hold(second, reason="slow")
    operation = read_claim((await memory.repo.commit(rolled)).message).id
    assert (await memory.undo(operation=operation)).result.pushed
    holds = await (await memory.branch.fetch()).file_holds("web-production")
    assert [hold.id for hold in holds] == [placed.holds[0].id]
    assert await memory.version(await memory.head()) == await memory.version(third)


@pytest.mark.parametrize("remembered", [True, False])
async def test_hold_and_unhold_are_undone(world, remembered):
    """The last operation may be a hold, or the end of one; the application may have moved since."""
    first, second = await _two(world)
    await world.hold(first)
    await world.release(CART, "c1")
    if not remembered:
        _forget(world)
    plan = await world.undo()
    assert await world.text(await world.head(), HOLD) is None
    assert not plan.changes_nothing
    await world.hold(first)
    held = await world.text(await world.head(), HOLD)
    await world.unhold(first)
    await world.undo()
    assert await world.text(await world.head(), HOLD) == held
    assert await world.version(await world.head()) == await world.version(second)


async def test_nothing_to_undo(world):
    """Where lastgood never did anything, that is said; a plain commit is not an operation."""
    await _two(world)
    with pytest.raises(NothingToUndo) as nothing:
        await world.undo()
    assert nothing.value.exit_code == 5
    with pytest.raises(UnknownOperation):
        await world.undo(operation="5f0c2a7e-0000-4000-8000-000000000000")


async def test_a_forged_claim_is_not_undone(memory):
    """A commit that says it is a rollback, but whose content does not agree, is no operation."""
    first, second = await _two(memory)
    await memory.release(
        name="v3",
        message="Roll back\n\nLastgood-Operation: rollback\nLastgood-Id: 8c7ed0a5-8e0c-4a51-9c0e-2f9c5ad1f2aa\n"
        f"Lastgood-Moved: web-production {second} {first}\n",
    )
    with pytest.raises(NothingToUndo):
        await memory.undo()


async def test_a_rollback_that_was_not_pushed_is_not_undone(memory):
    """It is not on the branch, so there is nothing to take back."""
    first, _ = await _two(memory)
    await memory.roll_back(to=first, push=False)
    with pytest.raises(NothingToUndo):
        await memory.undo()


async def test_an_undone_version_that_is_on_another_hold_blocks(memory):
    """The operation's own hold goes; another one that refuses the version still blocks."""
    first, second = await _two(memory)
    await memory.hold(second, reason="known to be bad")
    await memory.roll_back(to=first)
    with pytest.raises(Blocked) as blocked:
        await memory.undo()
    assert blocked.value.facts["checks"] == ["held"]
    await memory.undo(despite=("held",))
    assert await (await memory.branch.fetch()).holds("web-production") == ()


async def test_a_deleted_application_comes_back(memory):
    """A rollback to before the application existed is undone, though the head knows no such application."""
    await memory.begin()
    before = await memory.release(CART, "c1")
    second = await memory.release(name="v1")
    await memory.roll_back(to=before, despite=("deletes-application",))
    await memory.undo()
    assert await _tree(memory) == await _tree(memory, second)


async def test_a_revert_is_undone_by_the_journal(memory):
    """The result of a revert that no commit had before is known from the journal alone."""
    await memory.begin()
    await memory.commit({f"{WEB}/a": "1\n", f"{WEB}/b": "1\n"})
    second = await memory.commit({f"{WEB}/a": "2\n"})
    head = await memory.commit({f"{WEB}/b": "2\n"})
    await memory.roll_back(mode="revert", commits=(second,))
    await memory.undo()
    assert await _tree(memory) == await _tree(memory, head)


async def test_the_store_ends_and_begins_holds_with_the_commits(recorded):
    """With records, the rollback's hold is in force, ends with its undo, and begins again with the undo of that."""
    first, second = await _two(recorded)
    await recorded.roll_back(to=first)
    assert [r.hold.version for r in await recorded.store.holds("web-production")] == [await recorded.version(second)]
    await recorded.undo()
    assert await recorded.store.holds("web-production") == []
    await recorded.undo()
    assert len(await recorded.store.holds("web-production")) == 1
    assert [o.step for o in await recorded.store.operations()] == ["done"] * 3


async def test_a_reason_is_asked_for_here_too(memory):
    """`reason: required` holds for undo."""
    first, _ = await _two(memory)
    await memory.roll_back(to=first)
    await memory.commit({"lastgood.yaml": YAML + "    policy: {reason: required}\n"})
    with pytest.raises(ReasonMissing):
        await memory.undo()
