"""Choosing the version to go back to by a feature of the source repo."""

import msgspec
import pytest

from lastgood.cli.plan_page import plan_text
from lastgood.cli.rollback import command_of
from lastgood.cli.text import Style
from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.errors import CommandLineWrong, NeedsServer, NoLastGood, NoVersionByFeature, UnknownFeature
from lastgood.core.feature import Feature
from lastgood.core.request import RollbackRequest
from lastgood.core.resource import ImageChange
from lastgood.core.source_features import ONE_ONLY, NotKnown
from lastgood.core.value import to_json, to_plain
from lastgood.core.version import version_at
from lastgood.flows.by_feature import FIRST_BATCH
from lastgood.store import SqlStore
from twins.rollback_world import WEB, YAML, compose, make_world
from twins.source_history import MemorySourceHistory
from twins.sources import MemorySources
from twins.store import NOON, make_application, make_deployment

APP = "web-production"


@pytest.fixture
async def shop(tmp_path):
    """A source repo with two features, and a world in which any tag is the revision that `tag` says."""
    history = MemorySourceHistory()
    store = SqlStore.in_memory()
    (world,) = make_world("memory", tmp_path, store=store, sources=MemorySources(history))
    await world.begin()
    await world.commit(
        {"lastgood.yaml": f"{YAML}sources:\n  - image: web\n    repo: https://git.example.com/o/shop.git\n"}
    )
    start = await history.commit("Begin", {"a": "1"})
    one = await history.commit("Gift message (#1)", {"a": "2"}, [start])
    two = await history.commit("Wishlist (#2)", {"b": "1"}, [one])
    await history.commit("Not released (#3)", {"c": "1"}, [two])
    out = await history.commit(f"Take out\n\nThis reverts commit {one}.", {"a": "1"}, [two])
    await history.refresh()
    yield world, {"start": start, "one": one, "two": two, "out": out}
    store.close()


async def release(world, tag, revision, *, app=APP, good=True, was=None, carried=None):
    """Release an image that is built from a revision (None: nobody knows), and record that it ran.

    was: the tag before it, None for the first. carried: what is kept beside the record, None for nothing yet.
    """
    if revision is not None:
        world.branch.sources.revisions[tag] = revision
    service, environment = app.split("-")
    commit = await world.commit({f"apps/{service}/{environment}/process-compose.yaml": compose(tag)})
    found = await world.app(app)
    version, path_tree = await world.repo.version(commit, found.scope)
    made = make_deployment(
        app=app,
        version=version,
        path_tree=path_tree,
        commit=await world.repo.commit(commit),
        started_at=world.clock.now(),
        definition=found.definition,
        outcome="succeeded" if good else "failed",
        own_fault=not good,
        baked_at=world.clock.now() if good else None,
        images=(ImageChange(name="web", from_=was, to=tag),),
    )
    begun = await world.store.start_deployment(made)
    await world.store.save_deployment(msgspec.structs.replace(made, id=begun.id, number=begun.number))
    if carried is not None:
        await world.store.save_carried(Carried(deployment=begun.id, found_at=world.clock.now(), **carried))
    await world.clock.move(60)
    return commit


async def test_the_newest_good_version_without_a_feature(shop):
    """Not one that contains it, not one that is unknown, not one that failed: the newest that is left."""
    world, at = shop
    wanted = await release(world, "aa", at["start"])
    await release(world, "bb", at["one"])
    await release(world, "cc", at["out"], good=False)
    await release(world, "dd", None)
    await release(world, "ee", at["two"])
    plan = await world.plan(without="PR-1")
    assert plan.applications[0].to.commit == wanted
    assert (await world.roll_back(without="#1")).applications[0].to.commit == wanted


async def test_a_tag_that_was_moved_chooses_as_it_was_when_it_ran(shop):
    """What ran was built before the tag was moved; of one that no record tells, the tag does."""
    world, at = shop

    def built(tag, revision):
        return {"built": (Built(image="web", reference=tag, revision=at[revision], how="tag"),)}

    oldest = await release(world, "aa", at["start"], carried={})
    wanted = await release(world, "bb", at["one"], carried=built("bb", "one"))
    await release(world, "cc", at["two"], carried=built("cc", "two"))
    world.branch.sources.revisions |= {"aa": at["two"], "bb": at["two"], "cc": at["start"]}

    assert (await world.plan(without="PR-2")).applications[0].to.commit == wanted
    plan = await world.plan(to=wanted)
    assert [one.id for one in plan.applications[0].features.leaving] == ["PR-2"]
    with pytest.raises(NoVersionByFeature):
        await world.plan(without="PR-1")
    world.branch.sources.revisions["aa"] = at["start"]
    assert (await world.plan(without="PR-1")).applications[0].to.commit == oldest


async def test_the_newest_good_version_with_a_feature(shop):
    """A reverted feature is not contained; the version that still had it is found."""
    world, at = shop
    await release(world, "aa", at["start"])
    wanted = await release(world, "bb", at["two"])
    await release(world, "cc", at["out"])
    assert (await world.plan(with_="gift message")).applications[0].to.commit == wanted


@pytest.mark.parametrize(
    ("revision", "asked", "so"),
    [
        ("out", {"without": "PR-1"}, "is without PR-1 already"),
        ("two", {"with_": "gift message"}, "has gift message already"),
    ],
)
async def test_what_is_so_already_needs_no_way_back(shop, revision, asked, so):
    """Nothing changes, nothing goes on hold, nothing is pushed, and the plan says why."""
    world, at = shop
    await release(world, "aa", at["start"])
    await release(world, "bb", at["two"])
    await release(world, "cc", at["out"])
    head = await release(world, "dd", at[revision])
    plan = await world.plan(**asked)
    assert plan.changes_nothing
    assert not plan.blocking
    assert [app.to.version for app in plan.applications] == [app.from_.version for app in plan.applications]
    assert plan.notes == (
        f"{APP}: what Git asks for {so}; to leave it for another reason, choose with `--to` or `--previous`",
    )
    done = await world.roll_back(**asked)
    assert (done.result.commit, await world.repo.head("main")) == (None, head)


async def test_only_those_go_back_that_are_not_so_already(shop):
    """Of several applications in one plan."""
    world, at = shop
    old = await release(world, "aa", at["start"])
    await release(world, "ca", at["start"], app="cart-production")
    await release(world, "bb", at["one"])
    plan = await world.plan(APP, "cart-production", without="PR-1")
    assert plan.applications[0].to.commit == old
    assert [bool(app.files) for app in plan.applications] == [True, False]
    assert [note.partition(":")[0] for note in plan.notes if "already" in note] == ["cart-production"]


async def test_what_is_so_and_failed_is_left_all_the_same(shop):
    """To have a feature is no reason to stay with what failed; to be without one is, where that runs."""
    world, at = shop
    good = await release(world, "aa", at["one"])
    await release(world, "bb", at["two"], good=False)
    assert (await world.plan(with_="PR-1")).applications[0].to.commit == good

    older = await release(world, "cc", at["start"])
    has = await release(world, "dd", at["one"])
    failed = await release(world, "ee", at["out"], good=False)
    for commit, expected in ((has, older), (failed, None)):
        version, path_tree = await world.repo.version(commit, (await world.app(APP)).scope)
        running = version_at(await world.repo.commit(commit), version=version, path_tree=path_tree, ran=True)
        await world.store.save_application(make_application(APP, repo="config", running=running))
        plan = await world.plan(without="PR-1")
        assert plan.changes_nothing if expected is None else plan.applications[0].to.commit == expected


async def test_what_runs_is_gone_back_to_where_the_head_has_it(shop):
    """The head has the feature and does not run: what runs is without it, so Git is brought back to that."""
    world, at = shop
    await release(world, "aa", at["start"])
    runs = await release(world, "bb", at["out"])
    version, path_tree = await world.repo.version(runs, (await world.app(APP)).scope)
    running = version_at(await world.repo.commit(runs), version=version, path_tree=path_tree, ran=True)
    await world.store.save_application(make_application(APP, repo="config", running=running))
    await world.commit({"apps/web/production/process-compose.yaml": compose("cc")})
    world.branch.sources.revisions["cc"] = at["two"]
    assert (await world.plan(without="PR-1")).applications[0].to.commit == runs


async def test_a_held_version_is_passed_over(shop):
    """As by `--last-good`."""
    world, at = shop
    older = await release(world, "aa", at["start"])
    newer = await release(world, "bb", at["out"])
    await release(world, "cc", at["two"])
    assert (await world.plan(without="PR-1")).applications[0].to.commit == newer
    await world.hold(newer)
    assert (await world.plan(without="PR-1")).applications[0].to.commit == older


PR_1 = Feature(
    id="PR-1", repo="o/shop", kind="pull_request", title="Gift message", url=None, authors=(), commits=(), type=None,
    breaking=False, at=NOON,
)  # fmt: skip
FIRST = {"unknown": (NotKnown(image="web", reason=ONE_ONLY),)}


@pytest.fixture
async def gone(shop):
    """A shop whose source repo is gone; its records know that PR-1 came, went, and came again."""
    world, _ = shop
    commits = {}
    for tag, was, carried in (
        ("aa", None, FIRST),
        ("bb", "aa", {"entered": (PR_1,)}),
        ("cc", "bb", {"left": (PR_1,)}),
        ("dd", "cc", None),
        ("ee", "dd", {"unknown": (NotKnown(image="web", reason="no tag"),)}),
        ("ff", "ee", {"left": (PR_1,)}),
        ("gg", "ff", {"entered": (PR_1,)}),
    ):
        commits[tag] = await release(world, tag, None, was=was, carried=carried)
    return world, commits


async def test_where_the_source_repo_is_gone_the_records_choose(gone):
    """And the plan says that they alone tell; what leaves with it is from the records, too."""
    world, commits = gone
    plan = await world.plan(without="PR-1")
    (app,) = plan.applications
    assert app.to.commit == commits["ff"]
    said = f"{APP}: {commits['ff'][:7]} is without PR-1 by its deployment records: n6 took it out; no source repo tells"
    assert said in plan.notes
    assert [one.id for one in app.features.leaving] == ["PR-1"]
    assert (app.features.unknown, [one.image for one in app.features.recorded]) == ((), ["web"])
    page = " ".join(plan_text(plan, Style(color=False, width=100), verbose=False).split())
    assert "FROM THE RECORDS WHY web no revision is known of" in page
    done = await world.rollbacks.do(RollbackRequest(apps=(APP,), without="PR-1"), planned=plan)
    assert done.applications[0].to.commit == commits["ff"]
    assert done.notes == plan.notes, "who carries it out is told the same"


async def test_what_the_records_do_not_tell_is_no_version_without(gone):
    """A record without its features, one whose revision was not known: they are passed over, whatever came before."""
    world, commits = gone
    await world.hold(commits["ff"])
    assert (await world.plan(without="PR-1")).applications[0].to.commit == commits["cc"]
    await world.hold(commits["cc"])
    assert (await world.plan(without="PR-1")).applications[0].to.commit == commits["aa"], "it came later"
    await world.hold(commits["aa"])
    with pytest.raises(NoVersionByFeature) as raised:
        await world.plan(without="PR-1")
    unknown = {one["commit"]: one["reason"] for one in raised.value.facts["passed_over"]}
    assert unknown[commits["dd"]].startswith(
        "is unknown (by its deployment records: n4 may have brought it: its features are not kept yet; web: no revision"
    )


async def test_the_records_say_what_is_so_already(gone):
    """What Git asks for has the feature by the record of its own version."""
    world, _ = gone
    plan = await world.plan(with_="gift message")
    assert plan.changes_nothing
    (note,) = plan.notes
    assert note.startswith(
        f"{APP}: what Git asks for has gift message already by its deployment records: n7 brought it; to leave it for"
    )


async def test_a_source_repo_that_nobody_names_any_more(gone):
    """`sources` of lastgood.yaml is empty since: a version from since then is not known to be without it."""
    world, commits = gone
    await world.commit({"lastgood.yaml": YAML})
    unnamed = {"unknown": (NotKnown(image="web", reason="`sources` does not name it", named=False),)}
    await release(world, "hh", None, was="gg", carried=unnamed)
    await release(world, "ii", None, was="hh", carried=unnamed)
    (app,) = (await world.plan(without="PR-1")).applications
    assert app.to.commit == commits["ff"]
    assert app.features.recorded == ()
    await world.commit({f"{WEB}/process-compose.yaml": compose("gg")})
    (app,) = (await world.plan(without="PR-1")).applications
    assert ([one.id for one in app.features.leaving], len(app.features.recorded)) == (["PR-1"], 1)


async def test_a_version_of_which_the_records_disagree_is_not_known(gone):
    """It ran twice, and a tag that moved brought something else."""
    world, commits = gone
    await world.commit({f"{WEB}/process-compose.yaml": compose("zz")})
    await release(world, "ff", None, was="gg", carried={})
    await world.commit({f"{WEB}/process-compose.yaml": compose("gg")})
    assert (await world.plan(without="PR-1")).applications[0].to.commit == commits["cc"]


async def test_each_application_gets_its_own_version(shop):
    """Chosen for each by what it ran itself."""
    world, at = shop
    web = await release(world, "aa", at["start"])
    cart = await release(world, "ca", at["start"], app="cart-production")
    await release(world, "cb", at["one"], app="cart-production")
    await release(world, "bb", at["one"])
    plan = await world.plan(APP, "cart-production", without="PR-1")
    assert [app.to.commit for app in plan.applications] == [web, cart]


async def test_where_none_fits_the_error_says_which_were_passed_over_and_why(shop):
    """Unknown is not "does not contain"."""
    world, at = shop
    dark = await release(world, "aa", None)
    has = await release(world, "bb", at["one"])
    await release(world, "cc", at["two"])
    with pytest.raises(NoVersionByFeature) as raised:
        await world.plan(without="PR-1")
    assert raised.value.message == (
        f"no good version of {APP} is known not to contain PR-1: {has[:7]} contains it; "
        f"{dark[:7]} is unknown (web: no revision is known of aa; no deployment on record names PR-1)"
    )
    assert [one["commit"] for one in raised.value.facts["passed_over"]] == [has, dark]
    assert raised.value.exit_code == 5
    await release(world, "dd", at["one"])
    await world.hold(await release(world, "ee", at["two"]))
    with pytest.raises(NoVersionByFeature, match=r"known to contain PR-3: \w{7} does not \(PR-3 was not merged"):
        await world.plan(with_="PR-3")


async def test_where_one_on_hold_alone_fits_the_error_names_it(shop):
    """It is not chosen, and whoever asked learns that it is there, and how to let it go."""
    world, at = shop
    out = await release(world, "aa", at["start"])
    held = await release(world, "bb", at["two"])
    await release(world, "cc", at["out"])
    await world.hold(held)
    with pytest.raises(NoVersionByFeature) as raised:
        await world.plan(with_="PR-1")
    assert raised.value.message == (
        f"no good version of {APP} is known to contain PR-1: "
        f"{out[:7]} does not (PR-1 was not merged into it, and {at['out'][:7]} took it out since); "
        f"{held[:7]}, which is on hold, does"
    )
    assert raised.value.hint == f"`lastgood unhold {APP} {held[:7]}` ends the hold"


async def test_an_unknown_feature_suggests_the_nearest_names(shop):
    """By number and by title; the source repos are looked at once more before that is said."""
    world, at = shop
    await release(world, "aa", at["start"])
    await release(world, "bb", at["two"])
    with pytest.raises(UnknownFeature) as raised:
        await world.plan(without="PR-12")
    assert raised.value.facts["nearest"][:2] == ["PR-2", "PR-1"]
    assert raised.value.hint.startswith("did you mean PR-2, PR-1")
    assert raised.value.exit_code == 5
    with pytest.raises(UnknownFeature, match="there is no wishlst in o/shop") as raised:
        await world.plan(with_="wishlst")
    assert raised.value.facts["nearest"] == ["PR-2 (Wishlist)"]
    assert world.branch.sources.refreshed == 2


async def test_a_feature_merged_a_moment_ago_is_found_by_looking_once_more(shop):
    """The source repo knows it; the index did not yet."""
    world, at = shop
    wanted = await release(world, "aa", at["start"])
    await release(world, "bb", at["two"])
    real = world.branch.sources.history

    class Late:
        """Knows nothing of the feature until it is refreshed."""

        def __getattr__(self, name):
            return getattr(real, name)

        async def presences(self, feature, revisions, selection):
            if not world.branch.sources.refreshed:
                raise UnknownFeature(feature=feature, repo=real.repo)
            return await real.presences(feature, revisions, selection)

    world.branch.sources.history = Late()
    assert (await world.plan(without="PR-1")).applications[0].to.commit == wanted


async def test_it_is_found_far_back(shop):
    """Beyond the first versions that are looked at."""
    world, at = shop
    wanted = await release(world, "aa", at["start"])
    for n in range(FIRST_BATCH * 3):
        await release(world, f"b{n}", at["one"])
    assert (await world.plan(without="PR-1")).applications[0].to.commit == wanted


async def test_without_any_good_version_nothing_is_chosen(shop):
    """No record calls a version good."""
    world, at = shop
    await release(world, "aa", at["start"], good=False)
    await release(world, "bb", at["one"])
    with pytest.raises(NoLastGood):
        await world.plan(without="PR-1")


@pytest.mark.parametrize("with_store", [True, False])
async def test_where_no_source_repo_is_read_it_says_so(tmp_path, with_store, monkeypatch):
    """In a clone, and beside records without a server; before anything is asked of the remote."""
    store = SqlStore.in_memory() if with_store else None
    (world,) = make_world("memory", tmp_path, store=store)
    await world.begin()
    await world.release()
    monkeypatch.setattr(world.repo, "fetch", None)
    with pytest.raises(NeedsServer) as raised:
        await world.plan(without="PR-1")
    assert "--server URL" in raised.value.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"without": "PR-1", "with_": "PR-2"}, "choose one of"),
        ({"without": "PR-1", "to": "n1"}, "choose one of"),
        ({"with_": "PR-1", "last_good": True}, "choose one of"),
        ({"with_": "  "}, "--with names no feature"),
        ({"without": "PR-1", "mode": "revert"}, "a revert takes commits"),
    ],
)
async def test_a_choice_that_makes_no_sense_is_refused(shop, words, said):
    """One choice, with a feature in it."""
    world, at = shop
    await release(world, "aa", at["start"])
    with pytest.raises(CommandLineWrong, match=said):
        await world.plan(**words)


def test_the_request_and_its_command_name_the_feature():
    """`with` in JSON, as in the API; the command that a plan suggests chooses the same way."""
    asked = RollbackRequest(apps=(APP,), with_="gift message", hold=False)
    assert to_plain(asked)["with"] == "gift message"
    assert msgspec.json.decode(to_json(asked), type=RollbackRequest) == asked
    assert command_of(asked) == f"lastgood rollback {APP} --with 'gift message' --no-hold"
    assert command_of(RollbackRequest(apps=(APP,), without="#1")) == f"lastgood rollback {APP} --without '#1'"
