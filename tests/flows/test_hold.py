"""Hold and unhold: commits that touch the hold file alone, with Git alone and with records."""

import datetime as dt

import pytest

from lastgood.core.errors import Blocked, CommandLineWrong, ConfigWrong, PushUnknown, UnknownVersion
from lastgood.core.hold import Hold, format_holds, hold_path
from lastgood.core.message import read_claim
from lastgood.core.record import HoldRecord
from lastgood.core.request import HoldRequest
from lastgood.store import SqlStore
from twins.clock import ManualClock
from twins.rollback_world import CART, WEB, RollbackWorld, compose, make_world

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


async def test_a_hold_is_a_commit_of_the_hold_file_alone(world):
    """Nothing else changes; the trailers tell what it is; the result names the hold."""
    _, second = await _two(world)
    result = await world.hold(second, reason="checkout returns 500")
    head = await world.head()
    before, after = await world.files(second), await world.files(head)
    assert {path for path in after if after[path] != before.get(path)} == {HOLD}
    assert set(before) < set(after)
    assert (result.commit, result.pushed) == (head, True)
    claim = read_claim((await world.repo.commit(head)).message)
    assert (claim.kind, claim.id, claim.reason) == ("hold", result.operation, "checkout returns 500")
    (hold,) = await (await world.branch.fetch()).file_holds("web-production")
    assert result.holds == (hold,)
    author = await world.repo.author()
    assert (hold.version, hold.commit, hold.by) == (
        await world.version(second),
        second,
        f"{author.name} <{author.email}>",
    )


async def test_a_hold_names_what_entered_with_the_version(memory):
    """The images that the version before did not have; where none entered, the changed files."""
    await memory.begin()
    await memory.commit({f"{WEB}/process-compose.yaml": compose("aaa")})
    image = await memory.commit({f"{WEB}/process-compose.yaml": compose("bbb")})
    port = await memory.commit({f"{WEB}/process-compose.yaml": compose("bbb", port=9000)})
    assert (await memory.hold(image)).holds[0].images == ("web:bbb",)
    held = (await memory.hold(port)).holds[0]
    assert held.images == ()
    assert [file.path for file in held.files] == [f"{WEB}/process-compose.yaml"]


async def test_a_held_version_is_not_rolled_back_to(world):
    """The hold refuses the version in a plan, until it is let go."""
    first, _ = await _two(world)
    await world.hold(first)
    with pytest.raises(Blocked):
        await world.roll_back(to=first)
    await world.unhold(first)
    assert await world.text(await world.head(), HOLD) is None
    assert (await world.roll_back(to=first)).result.pushed


async def test_holding_twice_commits_once(memory):
    """A version that is on hold already needs no second entry."""
    _, second = await _two(memory)
    first_result = await memory.hold(second)
    again = await memory.hold(second)
    assert (again.commit, again.pushed) == (None, False)
    assert again.holds == first_result.holds


async def test_a_hold_ends_at_its_date(memory):
    """After `until` it refuses nothing; a date that has passed is refused at once."""
    first, _ = await _two(memory)
    until = memory.clock.now() + dt.timedelta(hours=1)
    await memory.hold(first, until=until)
    with pytest.raises(Blocked):
        await memory.roll_back(to=first)
    await memory.clock.move(3601)
    await memory.roll_back(to=first)
    with pytest.raises(CommandLineWrong):
        await memory.hold(first, until=until)


async def test_unhold_ends_every_entry_that_refuses_the_version(memory):
    """By version, or by a file that it still has; other holds stay."""
    await memory.begin()
    await memory.commit({f"{WEB}/a": "1\n", f"{WEB}/b": "1\n"})
    bad = await memory.commit({f"{WEB}/a": "bad\n"})
    also = await memory.commit({f"{WEB}/b": "2\n"})
    other = await memory.commit({f"{WEB}/a": "3\n", f"{WEB}/b": "3\n"})
    await memory.hold(bad)
    await memory.hold(other)
    result = await memory.unhold(also)
    assert [hold.version for hold in result.holds] == [await memory.version(bad)]
    assert [h.commit for h in await (await memory.branch.fetch()).file_holds("web-production")] == [other]


async def test_unhold_where_nothing_holds(memory):
    """Nothing to let go: no commit, no hold named."""
    _, second = await _two(memory)
    result = await memory.unhold(second)
    assert (result.holds, result.commit) == ((), None)
    assert await memory.head() == second


async def test_unhold_by_the_name_in_the_hold(memory):
    """A version that no commit here has any more is still let go, by the start of its id."""
    await _two(memory)
    hold = Hold(id="h1", version="ab" * 20, commit=None, since=memory.clock.now())
    await memory.commit({HOLD: format_holds([hold])})
    assert (await memory.unhold("abab")).holds == (hold,)
    assert await memory.text(await memory.head(), HOLD) is None
    with pytest.raises(UnknownVersion):
        await memory.unhold("abab")


async def test_a_dry_run_changes_nothing(world):
    """It names the hold and the commands, and commits nothing."""
    _, second = await _two(world)
    result = await world.holds.hold(_request(second), dry_run=True)
    assert (result.commit, result.pushed, len(result.holds)) == (None, False, 1)
    assert any("git commit" in line for line in result.git)
    assert await world.head() == second


def _request(version: str, **words):
    return HoldRequest(app="web-production", version=version, **words)


async def test_a_broken_hold_file_is_not_overwritten(memory):
    """What cannot be read is not replaced: the error names file and line."""
    _, second = await _two(memory)
    await memory.commit({HOLD: "version: 1\nholds:\n  - {id: x, version: nonsense}\n"})
    with pytest.raises(ConfigWrong) as wrong:
        await memory.hold(second)
    assert (wrong.value.facts["file"], wrong.value.facts["line"]) == (HOLD, 3)


async def test_a_hold_goes_on_top_of_what_others_pushed(memory):
    """A race: planned again on the new head, also if the same application moved: a hold moves nothing."""
    _, second = await _two(memory)
    memory.remote.before_push.append(
        lambda: memory.remote.commit_files("main", {f"{WEB}/deploy.conf": "v3\n", f"{CART}/deploy.conf": "c\n"})
    )
    result = await memory.hold(second)
    assert result.commit == await memory.head()
    assert await memory.text(await memory.head(), f"{WEB}/deploy.conf") == "v3\n"


async def test_an_unanswered_hold_is_finished_by_the_same_command(memory):
    """Exit 7, then the same command finds its commit."""
    _, second = await _two(memory)
    memory.remote.lose_replies, memory.remote.deaf_after_push = 1, True
    with pytest.raises(PushUnknown):
        await memory.hold(second, reason="slow")
    memory.remote.unreachable = False
    result = await memory.hold(second, reason="slow")
    assert result.commit == await memory.head()
    assert len(result.holds) == 1


async def test_no_push_keeps_the_commit(world):
    """The commit stands under refs/lastgood/unpushed."""
    _, second = await _two(world)
    result = await world.hold(second, push=False)
    assert await world.repo.kept("refs/lastgood/unpushed/") == {
        f"refs/lastgood/unpushed/{result.operation}": result.commit
    }
    assert await world.head() == second


async def test_the_store_follows(recorded):
    """A hold is remembered with its commit, and ended with its end."""
    _, second = await _two(recorded)
    result = await recorded.hold(second, reason="slow")
    (record,) = await recorded.store.holds("web-production")
    assert (record.hold, record.commit) == (result.holds[0], result.commit)
    await recorded.clock.move(1)
    await recorded.unhold(second)
    assert await recorded.store.holds("web-production") == []
    assert [o.kind for o in await recorded.store.operations(app="web-production")] == ["unhold", "hold"]


async def test_a_hold_that_only_the_store_remembers_is_ended_there(recorded):
    """After a rewrite of history no file names the hold: letting go needs no commit."""
    first, second = await _two(recorded)
    hold = Hold(id="h1", version=str(await recorded.version(first)), commit=first, since=ManualClock().now())
    await recorded.store.save_hold(HoldRecord(app="web-production", hold=hold, commit=None, vanished=True))
    with pytest.raises(Blocked):
        await recorded.roll_back(to=first)
    result = await recorded.unhold(first)
    assert (result.holds, result.commit) == ((hold,), None)
    assert await recorded.store.holds("web-production") == []
    assert await recorded.head() == second
