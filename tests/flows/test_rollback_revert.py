"""Revert: what given commits did is taken back path by path; conflicts stop it."""

import pytest

from lastgood.core.commit import MODE_EXECUTABLE, MODE_SYMLINK
from lastgood.core.errors import Blocked, NothingToUndo, RevertConflict
from lastgood.core.message import read_claim
from twins.rollback_world import CART, WEB, RollbackWorld, make_world, outcome

LINES = "".join(f"line {n}\n" for n in range(20))


@pytest.fixture(params=["memory", "mirror", "clone"])
def world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


@pytest.fixture
def memory(tmp_path):
    yield from make_world("memory", tmp_path)


async def _begin(world: RollbackWorld) -> str:
    await world.begin()
    return await world.commit({f"{WEB}/a": LINES, f"{WEB}/b": "1\n", f"{CART}/a": "1\n"})


async def test_an_older_commit_is_taken_back_and_newer_ones_stay(world):
    """Two commits changed one file in different lines: only the older one's lines go back."""
    await _begin(world)
    old = await world.commit({f"{WEB}/a": LINES.replace("line 2\n", "two\n"), f"{CART}/a": "2\n"})
    await world.commit({f"{WEB}/a": LINES.replace("line 2\n", "two\n").replace("line 15\n", "fifteen\n")})

    plan = await world.roll_back(mode="revert", commits=(old,))

    head = await world.head()
    assert await world.text(head, f"{WEB}/a") == LINES.replace("line 15\n", "fifteen\n")
    assert await world.text(head, f"{CART}/a") == "2\n", "what the commit did to others is theirs"
    assert plan.applications[0].to.commit is None
    claim = read_claim((await world.repo.commit(head)).message)
    assert claim.moved[0].to == plan.head, "no commit has that version: the trailer names the parent"


async def test_without_commits_the_newest_change_goes(world):
    """The newest first-parent commit that changed the application; its result is a version that a commit has."""
    first = await _begin(world)
    await world.commit({f"{WEB}/b": "2\n"})
    await world.commit({f"{CART}/a": "2\n"})
    plan = await world.roll_back(mode="revert")
    assert await world.text(await world.head(), f"{WEB}/b") == "1\n"
    assert plan.applications[0].to.commit == first


async def test_a_merge_is_taken_back_against_its_first_parent(world):
    """Mainline 1: what the merge brought to the branch goes."""
    first = await _begin(world)
    side = await world.remote.commit_files("side", {f"{WEB}/b": "side\n"}, parents=(first,))
    await world.commit({f"{CART}/a": "3\n"})
    merge = await world.commit({f"{WEB}/b": "side\n"}, parents=(await world.head(), side), message="Merge side")
    await world.roll_back(mode="revert", commits=(merge,))
    assert await world.text(await world.head(), f"{WEB}/b") == "1\n"
    assert await world.text(await world.head(), f"{CART}/a") == "3\n"


async def test_several_commits_are_taken_back_newest_first(world):
    """In whatever order they are given."""
    await _begin(world)
    one = await world.commit({f"{WEB}/b": "2\n"})
    two = await world.commit({f"{WEB}/b": "3\n", f"{WEB}/new": "x\n"})
    await world.roll_back(mode="revert", commits=(one, two))
    assert await world.text(await world.head(), f"{WEB}/b") == "1\n"
    assert await world.text(await world.head(), f"{WEB}/new") is None


async def test_a_conflict_stops_and_names_the_paths(world):
    """The same line changed since: nothing is pushed, restore is suggested."""
    await _begin(world)
    one = await world.commit({f"{WEB}/b": "2\n", f"{WEB}/a": LINES + "more\n"})
    head = await world.commit({f"{WEB}/b": "3\n"})
    with pytest.raises(RevertConflict) as conflict:
        await world.roll_back(mode="revert", commits=(one,))
    assert conflict.value.facts["paths"] == [f"{WEB}/b"]
    assert "restore" in conflict.value.hint
    assert conflict.value.exit_code == 3
    assert await world.head() == head


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("2\n", None),
        ("2\n", (MODE_SYMLINK, "elsewhere")),
        ((MODE_SYMLINK, "here"), (MODE_SYMLINK, "there")),
        (None, "back with other content\n"),
    ],
)
async def test_what_has_no_lines_to_merge_conflicts(memory, then, now):
    """Removed, replaced by a link, a link that differs, added again: a person must look."""
    await _begin(memory)
    one = await memory.commit({f"{WEB}/b": then})
    await memory.commit({f"{WEB}/b": now})
    with pytest.raises(RevertConflict):
        await memory.plan(mode="revert", commits=(one,))


async def test_modes_and_contents_merge_apart(memory):
    """A commit made a file executable; its content changed since: the bit goes, the content stays."""
    await _begin(memory)
    one = await memory.commit({f"{WEB}/b": (MODE_EXECUTABLE, "1\n")})
    await memory.commit({f"{WEB}/b": (MODE_EXECUTABLE, "2\n")})
    await memory.roll_back(mode="revert", commits=(one,))
    entry = await memory.repo.entry(await memory.head(), f"{WEB}/b")
    assert oct(entry.mode) == "0o100644"
    assert await memory.text(await memory.head(), f"{WEB}/b") == "2\n"


async def test_a_commit_that_is_gone_already_changes_nothing(memory):
    """Taken back before: there is nothing to do."""
    await _begin(memory)
    one = await memory.commit({f"{WEB}/b": "2\n"})
    head = await memory.commit({f"{WEB}/b": "1\n"})
    plan = await memory.roll_back(mode="revert", commits=(one,))
    assert plan.changes_nothing
    assert await memory.head() == head


async def test_a_commit_of_another_branch_blocks(memory):
    """Only what is on the branch can be taken back from it."""
    first = await _begin(memory)
    side = await memory.remote.commit_files("side", {f"{WEB}/b": "1\n", f"{WEB}/c": "1\n"}, parents=(first,))
    await memory.repo.fetch("side")
    await memory.commit({f"{WEB}/c": "1\n"})
    assert outcome(await memory.plan(mode="revert", commits=(side,)), "not-on-branch") == "block"
    with pytest.raises(Blocked):
        await memory.roll_back(mode="revert", commits=(side,))


async def test_an_application_without_history_has_nothing_to_revert(memory):
    """Its folder never held anything."""
    await memory.commit(
        {"lastgood.yaml": "version: 1\napplications: [{name: web-production, path: none, destination: x}]\n"}
    )
    with pytest.raises(NothingToUndo):
        await memory.plan(mode="revert")
