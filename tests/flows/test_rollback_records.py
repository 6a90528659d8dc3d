"""Rolling back with records: last-good, numbers, and the checks that need them."""

import dataclasses

import msgspec
import pytest

from lastgood.core.errors import Blocked, NoLastGood, StoreUnavailable
from lastgood.core.request import UndoRequest
from lastgood.flows.draft import Draft, Part
from lastgood.flows.placing import HoldChange
from lastgood.flows.preflight import preflight_application
from lastgood.flows.weigh import Weighed
from lastgood.render.renderers import Renderers
from lastgood.store import SqlStore
from twins.rollback_world import WEB, RollbackWorld, compose, make_world, outcome
from twins.store import make_deployment


@pytest.fixture
def world(tmp_path):
    store = SqlStore.in_memory()
    yield from make_world("memory", tmp_path, store=store)
    store.close()


async def ran(world: RollbackWorld, commit: str, **words):
    app = await world.app()
    version, path_tree = await world.repo.version(commit, app.scope)
    given = {"outcome": "succeeded", "baked_at": world.clock.now(), "definition": app.definition}
    made = make_deployment(
        app="web-production",
        version=version,
        path_tree=path_tree,
        commit=await world.repo.commit(commit),
        started_at=world.clock.now(),
        **(given | words),
    )
    begun = await world.store.start_deployment(made)
    await world.store.save_deployment(msgspec.structs.replace(made, id=begun.id, number=begun.number))
    await world.clock.move(60)


async def _three(world: RollbackWorld) -> list[str]:
    await world.begin()
    return [await world.commit({f"{WEB}/process-compose.yaml": compose(name)}) for name in ("aa", "bb", "cc")]


@pytest.mark.parametrize("how", ["undo", "revert"])
async def test_what_an_undo_or_a_revert_brings_back_is_known_to_have_run(world, how):
    """The records tell it, as they do of a version that somebody chose."""
    v = await _three(world)
    await ran(world, v[1])
    await ran(world, v[2])
    if how == "undo":
        await world.roll_back(to=v[1])
        plan = await world.undos.plan(UndoRequest(app="web-production"))
    else:
        plan = await world.plan(mode="revert", commits=(v[2],))
    to = plan.applications[0].to
    assert (to.commit, to.ran) == (v[2] if how == "undo" else v[1], True)


async def test_without_a_choice_it_is_the_last_good_one(world):
    """The newest that baked; its checks pass."""
    v = await _three(world)
    await ran(world, v[0])
    await ran(world, v[1], outcome="failed", own_fault=True, baked_at=None)
    await ran(world, v[2], outcome="failed", own_fault=True, baked_at=None)
    plan = await world.roll_back(reason="500s")
    assert plan.applications[0].to.commit == v[0]
    assert plan.applications[0].to.ran is True
    names = ("not-on-branch", "renders", "never-ran", "failed-before", "not-baked", "definition-changed", "held")
    assert {name: outcome(plan, name) for name in names} == dict.fromkeys(names, "pass")
    assert plan.applications[0].hold.images == ("web:cc",)


async def test_none_is_guessed(world):
    """Where nothing baked, that is said."""
    v = await _three(world)
    await ran(world, v[0], baked_at=None)
    with pytest.raises(NoLastGood):
        await world.plan()


async def test_the_checks_tell_how_it_ran(world):
    """A version that failed before and never baked warns, and may be had all the same."""
    v = await _three(world)
    await ran(world, v[0], outcome="failed", baked_at=None, message="never became ready")
    plan = await world.plan(to=v[0])
    assert {n: outcome(plan, n) for n in ("never-ran", "failed-before", "not-baked")} == {
        "never-ran": "pass",
        "failed-before": "warn",
        "not-baked": "warn",
    }
    assert outcome(await world.plan(to=v[1]), "never-ran") == "warn"
    assert (await world.roll_back(to="n1")).result.pushed


async def test_renders_as_ran_compares_digests(world):
    """The digest that ran is compared with the one that the result has now."""
    v = await _three(world)
    app = await world.app()
    digest = (await Renderers().render(app, world.repo, v[0])).digest
    await ran(world, v[0], digest=digest)
    await ran(world, v[1], digest="0" * 64)
    same, other = await world.plan(to=v[0]), await world.plan(to=v[1])
    assert (same.applications[0].renders_as_ran, outcome(same, "shared-input")) == (True, "pass")
    assert (other.applications[0].renders_as_ran, outcome(other, "shared-input")) == (False, "warn")
    assert (await world.plan(to="current")).applications[0].renders_as_ran is None


async def test_the_definition_that_ran_is_compared(world):
    """The record keeps the entry as it was then."""
    v = await _three(world)
    await ran(world, v[0], definition={"name": "web-production", "path": "elsewhere"})
    assert outcome(await world.plan(to=v[0]), "definition-changed") == "warn"


async def test_a_recorded_deployment_may_be_restored_though_the_branch_lost_it(world):
    """It ran here: that is as good as being on the branch."""
    v = await _three(world)
    await ran(world, v[1])
    world.remote.set("refs/heads/main", v[0])
    plan = await world.plan(to=v[1])
    assert outcome(plan, "not-on-branch") == "pass"
    assert outcome(await world.plan(to=v[2]), "not-on-branch") == "block"


async def test_the_operation_is_recorded_with_its_plan(world):
    """Who, why, from where to where, and the commit."""
    v = await _three(world)
    plan = await world.roll_back(to=v[0], reason="500s")
    operation = await world.store.operation(plan.id)
    assert (operation.step, operation.commit, operation.reason) == ("done", plan.result.commit, "500s")
    assert [(m.app, m.from_, m.to) for m in operation.moved] == [("web-production", v[2], v[0])]
    assert operation.plan["result"]["tree"] == plan.result.tree


async def test_a_blocked_attempt_leaves_no_operation(world):
    """Nothing was begun."""
    v = await _three(world)
    await world.hold(v[0])
    with pytest.raises(Blocked):
        await world.roll_back(to=v[0])
    assert [operation.kind for operation in await world.store.operations()] == ["hold"]


async def test_a_check_whose_records_cannot_be_read_is_unknown(world):
    """Never passed: the reason stands there."""
    v = await _three(world)

    class Broken:
        def __getattr__(self, name):
            return getattr(world.store, name)

        async def deployments(self, query):
            raise StoreUnavailable(reason="locked")

        async def holds(self, app=None, *, in_force=True):
            return []

    look = await world.branch.fetch()
    broken = dataclasses.replace(look, branch=dataclasses.replace(world.branch, store=Broken()))
    plan = await world.plan(to=v[0])
    app = look.discovered.applications["web-production"]
    part = Part(app=app, from_=plan.applications[0].from_, to=plan.applications[0].to, edits=())
    draft = Draft(
        operation=plan.id, kind="rollback", mode="restore", parts=(part,), reason="", despite=(), place_holds=True
    )
    weighed = Weighed(
        part=part,
        candidate=v[0],
        version="a",
        path_tree="a",
        files=(),
        before=None,
        after=None,
        again=None,
        holds=HoldChange(),
    )
    checks = {c.name: c for c in await preflight_application(broken, draft, weighed)}
    for name in ("never-ran", "failed-before", "not-baked", "definition-changed", "not-on-branch"):
        assert checks[name].outcome == "unknown", name
        assert "locked" in checks[name].detail
