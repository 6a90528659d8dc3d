"""Rolling back applications that share a base, a component or a chart, in the layouts that people have."""

import msgspec
import pytest

from lastgood.core.errors import Blocked, CommandLineWrong
from lastgood.core.request import RollbackRequest
from lastgood.core.timeline import TimelineQuery
from lastgood.flows.by_feature import Chosen
from lastgood.queries.followed import Followed
from lastgood.queries.timeline import Timelines
from lastgood.store import SqlStore
from twins.renderer import InputsRenderer
from twins.rollback_world import RollbackWorld, make_world, outcome
from twins.store import make_deployment

YAML = """version: 1
applications:
  - {name: "web-{environment}", path: "overlays/{environment}", environment: "{environment}", destination: x}
"""
STAGING, PRODUCTION = "overlays/staging", "overlays/production"


def overlay(tag: str) -> str:
    return f"resources: [../../base]\nimage: shop/web:{tag}\n"


@pytest.fixture(params=["memory", "mirror", "clone"])
def world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


@pytest.fixture
def memory(tmp_path):
    yield from make_world("memory", tmp_path)


async def begin(world: RollbackWorld) -> str:
    return await world.commit(
        {
            "lastgood.yaml": YAML,
            "base/kustomization.yaml": "resources: [deployment.yaml]\n",
            "base/deployment.yaml": "replicas: 1\n",
            f"{STAGING}/kustomization.yaml": overlay("1"),
            f"{PRODUCTION}/kustomization.yaml": overlay("1"),
        }
    )


def check(plan, name: str = "shared-input"):
    return next(one for one in plan.checks if one.name == name)


async def test_an_overlay_goes_back_and_its_base_stays(world):
    """A restore takes back the overlay alone; the base's other content is named with who shares it."""
    first = await begin(world)
    await world.commit({"base/deployment.yaml": "replicas: 2\n"}, message="Two replicas for all")
    await world.commit({f"{PRODUCTION}/kustomization.yaml": overlay("2")})
    staging = await world.version(await world.head(), "web-staging")

    plan = await world.roll_back(to=first)

    head = await world.head()
    assert await world.text(head, f"{PRODUCTION}/kustomization.yaml") == overlay("1")
    assert await world.text(head, "base/deployment.yaml") == "replicas: 2\n"
    assert await world.version(head, "web-staging") == staging
    assert plan.also_affected == ()
    assert check(plan).outcome == "warn"
    assert check(plan).detail == (
        "it does not render as what ran: base/deployment.yaml (shared with web-staging) differs from then and stays as "
        "now"
    )
    assert plan.applications[0].version == await world.version(head)
    assert plan.applications[0].version != plan.applications[0].to.version


async def test_trouble_from_the_base_is_said_plainly(memory):
    """Where the newest change was the base's alone, a restore of the overlay would not help, and the plan says so."""
    first = await begin(memory)
    await memory.commit({"base/deployment.yaml": "replicas: 0\n"}, message="Save money")

    plan = await memory.plan(to=first)

    assert check(plan).outcome == "warn"
    assert check(plan).detail.endswith("Save money, is in the shared part alone: this restore does not take it back")
    assert "--with-shared" in check(plan).hint
    assert plan.applications[0].files == ()


async def test_a_base_that_differs_and_renders_the_same_is_no_warning(memory):
    """What counts is what comes out: a comment in the base changes the version and nothing that runs."""
    first = await begin(memory)
    await memory.commit({"base/deployment.yaml": "# for now\nreplicas: 1\n"})
    await memory.commit({f"{PRODUCTION}/kustomization.yaml": overlay("2")})
    plan = await memory.plan(to=first)
    assert (check(plan).outcome, check(plan).detail) == ("pass", "it renders as what ran")


async def test_with_shared_blocks_until_somebody_insists_and_then_takes_the_base_back(world):
    """Everybody who shares it moves, and stands in the plan before it runs."""
    first = await begin(world)
    then = await world.version(first)
    await world.commit({"base/deployment.yaml": "replicas: 2\n", f"{PRODUCTION}/kustomization.yaml": overlay("2")})

    plan = await world.plan(to=first, with_shared=True)
    assert [(one.app, one.how) for one in plan.also_affected] == [("web-staging", "1 of its files change")]
    assert (check(plan).outcome, check(plan).detail) == (
        "block",
        "base/deployment.yaml (shared with web-staging) is taken back, too: everybody who shares it moves",
    )
    with pytest.raises(Blocked, match="shared-input"):
        await world.roll_back(to=first, with_shared=True)

    done = await world.roll_back(to=first, with_shared=True, despite=("shared-input",))

    head = await world.head()
    assert await world.version(head) == then == done.applications[0].version
    assert await world.text(head, "base/deployment.yaml") == "replicas: 1\n"
    assert "Lastgood-Despite: shared-input" in (await world.repo.commit(head)).message


async def test_undo_takes_shared_inputs_along_as_the_rollback_did(world):
    """The inverse of the whole operation: it blocks, too, for it moves the same applications."""
    first = await begin(world)
    await world.commit({"base/deployment.yaml": "replicas: 2\n", f"{PRODUCTION}/kustomization.yaml": overlay("2")})
    before = (await world.repo.commit(await world.head())).tree
    await world.roll_back(to=first, with_shared=True, despite=("shared-input",))

    with pytest.raises(Blocked, match="shared-input"):
        await world.undo()
    await world.undo(despite=("shared-input",))

    assert (await world.repo.commit(await world.head())).tree == before


async def test_several_applications_take_their_base_back_together(memory):
    """One commit, nobody moves along who was not named; versions that contradict each other in the base are refused."""
    first = await begin(memory)
    second = await memory.commit({"base/deployment.yaml": "replicas: 2\n"})
    await memory.commit({"base/deployment.yaml": "replicas: 3\n"})
    both = ("web-production", "web-staging")
    plan = await memory.roll_back(*both, to=first, with_shared=True, despite=("shared-input",))
    assert plan.also_affected == ()
    assert [one.version for one in plan.applications] == [await memory.version(first, name) for name in both]

    with pytest.raises(CommandLineWrong, match="differ"):
        await memory.rollbacks._plan(
            await memory.branch.fetch(),
            RollbackRequest(apps=both, to=second, with_shared=True),
            operation="o",
            pins={"web-staging": Chosen((await memory.plan("web-staging", to=first)).applications[0].to)},
        )


async def test_an_input_of_its_own_outside_its_folder_goes_back_with_it(world):
    """What only this application declares is its own, wherever it lies; what it did not declare then goes."""
    first = await begin(world)
    only = "resources: [../../base, ../../extra/limits.yaml]\nimage: shop/web:2\n"
    before = (await world.repo.commit(first)).tree
    await world.commit({f"{PRODUCTION}/kustomization.yaml": only, "extra/limits.yaml": "cpu: 1\n"})
    await world.roll_back(to=first, hold=False)
    assert (await world.repo.commit(await world.head())).tree == before


async def test_a_revert_reaches_what_the_application_declared_then(memory):
    """A commit that moved an input away and let go of it is undone as a whole."""
    await begin(memory)
    only = "resources: [../../base, ../../extra/limits.yaml]\n"
    await memory.commit({f"{PRODUCTION}/kustomization.yaml": only, "extra/limits.yaml": "cpu: 1\n"})
    before = (await memory.repo.commit(await memory.head())).tree
    await memory.commit({f"{PRODUCTION}/kustomization.yaml": overlay("2"), "extra/limits.yaml": None})
    await memory.roll_back(mode="revert", hold=False)
    assert (await memory.repo.commit(await memory.head())).tree == before


async def test_the_timeline_names_the_inputs_and_who_shares_them(memory):
    """A base of which every file counts is named as a folder; else its files are; each entry as it was then."""
    await begin(memory)
    await memory.commit({"base/notes.txt": "not declared"})
    await memory.commit({"base/deployment.yaml": "replicas: 2\n"}, message="Two replicas for all")
    timelines = Timelines([Followed(memory.repo, "main")], renderer=InputsRenderer(), clock=memory.clock)

    newest, oldest = await timelines.timeline(TimelineQuery(app="web-production"))

    assert newest.subject == "Two replicas for all"
    shared = ("web-staging",)
    assert [(one.path, one.shared_with) for one in newest.inputs] == [
        (PRODUCTION, ()),
        ("base/deployment.yaml", shared),
        ("base/kustomization.yaml", shared),
    ]
    assert [(one.path, one.shared_with) for one in oldest.inputs] == [(PRODUCTION, ()), ("base", shared)]
    base = await memory.repo.entry(oldest.commit, "base")
    assert oldest.inputs[1].oid == base.oid
    assert newest.version != oldest.version
    assert newest.path_tree == oldest.path_tree


async def test_what_ran_decides_where_it_is_recorded(tmp_path):
    """`renders_as_ran` compares with the digest of the run, whatever the files say."""
    store = SqlStore.in_memory()
    world = next(make_world("memory", tmp_path, store=store))
    first = await begin(world)
    app = await world.app()
    version, path_tree = await world.repo.version(first, app.scope)
    digest = (await InputsRenderer().render(app, world.repo, first)).digest
    ran = make_deployment(
        app="web-production", version=version, path_tree=path_tree, commit=await world.repo.commit(first),
        outcome="succeeded", digest=digest, definition=app.definition,
    )  # fmt: skip
    begun = await store.start_deployment(ran)
    await store.save_deployment(msgspec.structs.replace(ran, id=begun.id, number=begun.number))
    await world.commit({f"{PRODUCTION}/kustomization.yaml": overlay("2")})
    plan = await world.plan(to=first)
    assert (plan.applications[0].renders_as_ran, outcome(plan, "shared-input")) == (True, "pass")
    await world.commit({"base/deployment.yaml": "replicas: 2\n"})
    plan = await world.plan(to=first)
    assert (plan.applications[0].renders_as_ran, outcome(plan, "shared-input")) == (False, "warn")
    store.close()
