"""A rollback on a server whose mirror an agent keeps fresh: the push asks the remote, and nothing is decided before."""

import dataclasses

import pytest

from lastgood.core.errors import Blocked, BranchMoved, RemoteUnreachable, UnknownVersion
from lastgood.core.request import RollbackRequest
from lastgood.flows.rollback import Rollbacks
from lastgood.store import SqlStore
from twins.config_repo import MemoryRemote
from twins.rollback_world import CART, WEB, RollbackWorld, make_world


@pytest.fixture
def store():
    store = SqlStore.in_memory()
    yield store
    store.close()


@pytest.fixture(params=["memory", "mirror"])
def world(request, tmp_path, store):
    for world in make_world(request.param, tmp_path, store=store, may_reset=False):
        world.branch = dataclasses.replace(world.branch, kept_fresh=True)
        world.rollbacks = Rollbacks(world.branch)
        yield world


@pytest.fixture
def fetched(world, monkeypatch) -> list[str]:
    """The branches that were fetched since the history began."""
    found: list[str] = []
    real = world.repo.fetch

    async def counted(branch):
        found.append(branch)
        return await real(branch)

    monkeypatch.setattr(world.repo, "fetch", counted)
    return found


async def _three(world: RollbackWorld, fetched: list[str]) -> list[str]:
    await world.begin()
    made = [await world.release(name=f"v{n}") for n in (1, 2, 3)]
    fetched.clear()
    return made


async def _meanwhile(world: RollbackWorld, path: str, text: str) -> str:
    """Push what our mirror has not seen yet."""
    return await world.remote.commit_files("main", {f"{path}/deploy.conf": text}, message="Meanwhile")


async def test_nobody_asks_the_remote_twice(world, fetched):
    """The push alone says whether the branch stands where it was planned; and it is recorded as ever."""
    made = await _three(world, fetched)
    done = await world.roll_back(previous=True, reason="500s")
    assert fetched == []
    head = await world.repo.commit(await world.head())
    assert (head.oid, head.parents) == (done.result.commit, (made[2],))
    (operation,) = await world.store.operations(app="web-production")
    assert (operation.step, operation.commit, operation.head) == ("done", head.oid, made[2])
    (hold,) = await world.store.holds("web-production")
    assert hold.commit == head.oid


async def test_another_application_that_moved_is_left_alone(world, fetched):
    """Our commit goes on top of a push that our mirror had not seen."""
    await _three(world, fetched)
    theirs = await _meanwhile(world, CART, "image: shop/cart:c9\n")
    done = await world.roll_back(previous=True)
    assert fetched  # the lease did not hold
    head = await world.repo.commit(await world.head())
    assert (head.oid, head.parents) == (done.result.commit, (theirs,))
    assert await world.text(head.oid, f"{CART}/deploy.conf") == "image: shop/cart:c9\n"
    assert await world.text(head.oid, f"{WEB}/deploy.conf") == "image: shop/web:v2\n"


async def test_where_nobody_saw_a_plan_the_newest_version_is_what_is_left(world, fetched):
    """The application moved before anybody looked: the choice is made anew, as if the branch was fetched first."""
    made = await _three(world, fetched)
    theirs = await _meanwhile(world, WEB, "image: shop/web:v4\n")
    done = await world.roll_back(previous=True)
    head = await world.repo.commit(await world.head())
    assert (head.oid, head.parents) == (done.result.commit, (theirs,))
    assert await world.text(head.oid, f"{WEB}/deploy.conf") == "image: shop/web:v3\n"
    part = done.applications[0]
    assert (part.from_.commit, part.to.commit) == (theirs, made[2])
    (operation,) = await world.store.operations(app="web-production")
    assert [(m.from_, m.to) for m in operation.moved] == [(theirs, made[2])]
    assert (operation.step, operation.head, operation.commit) == ("done", theirs, head.oid)
    (hold,) = await world.store.holds("web-production")
    assert hold.hold.version == await world.version(theirs)


async def test_a_plan_that_somebody_saw_stops(world, fetched):
    """The same move after a look at the plan: nothing is pushed, and what moved is shown."""
    await _three(world, fetched)
    request = RollbackRequest(apps=("web-production",), previous=True)
    seen = await world.rollbacks.plan(request)
    theirs = await _meanwhile(world, WEB, "image: shop/web:v4\n")
    with pytest.raises(BranchMoved) as moved:
        await world.rollbacks.do(request, planned=seen)
    assert (moved.value.exit_code, moved.value.facts["found"]) == (4, theirs)
    assert await world.head() == theirs


async def test_a_page_that_showed_an_older_version_stops(world, fetched):
    """Versions that somebody saw are held against the head that the remote really has."""
    made = await _three(world, fetched)
    shown = await world.version(made[2])
    theirs = await _meanwhile(world, WEB, "image: shop/web:v4\n")
    with pytest.raises(Blocked) as blocked:
        await world.roll_back(previous=True, expect_versions={"web-production": shown})
    assert blocked.value.exit_code == 4
    assert await world.head() == theirs


async def test_it_moves_again_while_it_is_planned_anew(world, fetched, monkeypatch):
    """From the first head that was fetched on it is a race as any other: the same application stops it."""
    await _three(world, fetched)
    await _meanwhile(world, WEB, "image: shop/web:v4\n")
    pushes = []
    real = world.repo.push

    async def push(*args, **words):
        pushes.append(args)
        if len(pushes) == 2:
            await _meanwhile(world, WEB, "image: shop/web:v5\n")
        return await real(*args, **words)

    monkeypatch.setattr(world.repo, "push", push)
    with pytest.raises(BranchMoved):
        await world.roll_back(previous=True)
    assert len(pushes) == 2
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v5\n"
    assert await world.journal.pending() == []


async def test_somebody_did_the_same_already(world, fetched):
    """What the branch has by now is not done again, and no commit of ours is claimed to be there."""
    made = await _three(world, fetched)
    theirs = await _meanwhile(world, WEB, "image: shop/web:v2\n")
    done = await world.roll_back(to=made[1], hold=False)
    assert (done.changes_nothing, done.result.pushed, done.result.commit) == (True, False, None)
    assert await world.head() == theirs
    (operation,) = await world.store.operations(app="web-production")
    assert (operation.step, operation.commit) == ("failed", None)


async def test_what_has_moved_away_is_gone_back_to(world, fetched):
    """The version asked for is there on the head known here, and not on the remote's: that one counts."""
    made = await _three(world, fetched)
    await _meanwhile(world, WEB, "image: shop/web:v4\n")
    done = await world.roll_back(to=made[2])
    assert done.result.pushed is True
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v3\n"


async def test_no_refusal_is_made_on_an_old_head(world, fetched):
    """Nothing would change, nothing is there, a check blocks: only the remote's head says so."""
    await world.begin()
    await world.release(name="v1")
    await _meanwhile(world, WEB, "image: shop/web:v2\n")
    done = await world.roll_back(previous=True)  # on the head known here there is none
    assert done.result.pushed is True
    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v1\n"

    v2 = done.applications[0].from_.commit
    await world.remote.commit_files("main", {".lastgood/holds/web-production.hold": None}, message="Let it go")
    fetched.clear()
    again = await world.roll_back(to=v2)  # on the head known here a hold blocks it
    assert again.result.pushed is True
    assert fetched


async def test_what_other_refs_may_mean_is_asked_first(world, fetched):
    """A tag, or a hash cut short, may be another's since our last look; and without a push nobody else asks."""
    made = await _three(world, fetched)
    await world.roll_back(to=made[0][:12], hold=False)
    assert fetched == ["main"]
    fetched.clear()
    await world.roll_back(to=made[1], push=False)
    assert fetched == ["main"]
    with pytest.raises(UnknownVersion):
        await world.roll_back(to="v9")


async def test_a_remote_that_is_gone_is_said(world, fetched, monkeypatch):
    """The plan was made without the remote; the push finds out, and nothing is claimed to have happened."""
    await _three(world, fetched)
    if isinstance(world.remote, MemoryRemote):
        world.remote.unreachable = True
    else:
        world.remote.folder.rename(world.remote.folder.with_name("away"))
    with pytest.raises(RemoteUnreachable):
        await world.roll_back(previous=True)
    assert [o.step for o in await world.store.operations(app="web-production")] == ["failed"]
