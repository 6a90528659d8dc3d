"""Rolling back on the twin in memory, the agent's mirror and a person's clone, with Git alone."""

import asyncio
import subprocess

import pytest

from lastgood.core.checks import CHECKS
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SUBMODULE, MODE_SYMLINK, Person
from lastgood.core.commit_object import LASTGOOD
from lastgood.core.errors import (
    Blocked,
    BranchMoved,
    CommandLineWrong,
    ConfigWrong,
    NoLastGood,
    NoPrevious,
    PushRefused,
    ReasonMissing,
    UnknownApplication,
    UnknownVersion,
)
from lastgood.core.hold import hold_path, parse_holds
from lastgood.core.message import read_claim
from lastgood.core.plan import Plan
from lastgood.core.request import RollbackRequest
from lastgood.core.value import to_json
from lastgood.git.clone import CloneConfigRepo
from twins.git_fixtures import BareRemote, clone, git, hook
from twins.rollback_world import CART, TOMASZ, WEB, YAML, RollbackWorld, compose, make_world, outcome

HOLD = hold_path("web-production")


@pytest.fixture(params=["memory", "mirror", "clone"])
def world(request, tmp_path):
    yield from make_world(request.param, tmp_path)


@pytest.fixture
def memory(tmp_path):
    yield from make_world("memory", tmp_path)


async def _three(world: RollbackWorld) -> tuple[str, str, str]:
    """Make three releases of web and one of cart between them."""
    await world.begin()
    first = await world.release(name="v1")
    second = await world.release(name="v2")
    await world.release(CART, "c1")
    return first, second, await world.release(name="v3")


# restore


async def test_a_restore_changes_the_application_and_nothing_else(world):
    """The new commit is the head with the application's files of the chosen version, and the hold."""
    first, _, head = await _three(world)

    plan = await world.roll_back(to=first, reason="checkout returns 500")

    new = await world.head()
    assert plan.result.commit == new
    assert plan.result.pushed is True
    commit = await world.repo.commit(new)
    assert commit.parents == (head,)
    assert commit.tree == plan.result.tree
    before, after, then = await world.files(head), await world.files(new), await world.files(first)
    assert {p: e for p, e in after.items() if p.startswith(WEB)} == {p: e for p, e in then.items() if p.startswith(WEB)}
    outside = {p: e for p, e in after.items() if not p.startswith(WEB) and p != HOLD}
    assert outside == {p: e for p, e in before.items() if not p.startswith(WEB)}
    assert await world.version(new) == await world.version(first) == plan.applications[0].version


async def test_the_commit_says_who_why_and_what(world):
    """Author is the person, committer is lastgood, the body is the reason and what leaves; trailers follow."""
    first, second, third = await _three(world)

    plan = await world.roll_back(to=first, reason="checkout returns 500\nLastgood-Operation: undo", by=TOMASZ)

    commit = await world.repo.commit(await world.head())
    assert commit.author == TOMASZ
    assert commit.committer.name == LASTGOOD.name
    assert commit.subject == f"Roll back web-production to {first[:7]}"
    assert f"- {third[:7]} Release web v3\n- {second[:7]} Release web v2" in commit.message
    claim = read_claim(commit.message)
    assert claim is not None
    assert (claim.id, claim.kind, claim.despite) == (plan.id, "rollback", ())
    assert [(m.app, m.from_, m.to) for m in claim.moved] == [("web-production", third, first)]
    assert claim.reason == "checkout returns 500\nLastgood-Operation: undo"


async def test_the_author_is_whom_git_names_where_nobody_is_given(world):
    """In a clone the environment or the settings name the author."""
    first, _, _ = await _three(world)
    await world.roll_back(to=first)
    assert (await world.repo.commit(await world.head())).author == await world.repo.author()


async def test_what_was_planned_is_what_happens(world):
    """The plan names the tree that the commit has."""
    first, _, _ = await _three(world)
    plan = await world.plan(to=first)

    done = await world.rollbacks.do(_again(plan, to=first), planned=plan)

    assert done.id == plan.id
    assert (await world.repo.commit(done.result.commit)).tree == done.result.tree
    assert done.applications[0].files == plan.applications[0].files


def _again(plan: Plan, **words):
    return RollbackRequest(apps=tuple(app.app for app in plan.applications), **words)


async def test_a_plan_changes_nothing(world):
    """Planning moves no branch and leaves nothing in the journal."""
    first, _, head = await _three(world)
    plan = await world.plan(to=first)
    assert await world.head() == head
    assert plan.result.commit is None
    assert await world.journal.pending() == []


async def test_previous_is_the_version_before_this_one(world):
    """Going back twice with `previous` passes over what a rollback left."""
    first, second, _ = await _three(world)

    await world.roll_back(previous=True)
    assert await world.version(await world.head()) == await world.version(second)

    await world.roll_back(previous=True)
    assert await world.version(await world.head()) == await world.version(first)

    with pytest.raises(NoPrevious):
        await world.plan(previous=True)


async def test_what_a_plain_commit_went_back_from_is_still_previous(memory):
    """A revert by hand is no rollback of lastgood's: the version that it left counts as the one before."""
    await memory.begin()
    await memory.release(name="v1")
    bad = await memory.release(name="v2")
    await memory.release(name="v1", message="Revert v2\n\nLastgood-Operation: rollback")
    plan = await memory.plan(previous=True)
    assert plan.applications[0].to.commit == bad


async def test_a_false_claim_hides_no_version(memory):
    """Trailers on a commit whose content does not agree count for nothing."""
    await memory.begin()
    first = await memory.release(name="v1")
    second = await memory.release(name="v2")
    lie = (
        "Release v3\n\nLastgood-Operation: rollback\nLastgood-Id: 8c7ed0a5-8e0c-4a51-9c0e-2f9c5ad1f2aa\n"
        f"Lastgood-Moved: web-production {second} {first}\n"
    )
    await memory.release(name="v3", message=lie)
    assert (await memory.plan(previous=True)).applications[0].to.commit == second


async def test_last_good_and_numbers_need_records(world):
    """Git alone knows neither: exit 5, and the hint names what Git does know."""
    await _three(world)
    with pytest.raises(NoLastGood) as none:
        await world.plan()
    assert "--previous" in none.value.hint
    with pytest.raises(UnknownVersion) as number:
        await world.plan(to="n41")
    assert "`previous`" in number.value.hint
    assert number.value.exit_code == none.value.exit_code == 5


async def test_a_version_is_named_by_its_tree_a_tag_or_a_date(world):
    """A version id, a prefix of one, a tag and a date lead to the same version."""
    first, _, _ = await _three(world)
    version = await world.version(first)
    world.remote.set("refs/tags/good", first)
    at = (await world.repo.commit(first)).committed_at
    texts = [version, version[:12], first[:12], f"@{at:%Y-%m-%dT%H:%M:%S}Z"]
    if not isinstance(world.repo, CloneConfigRepo):  # a person's clone has the tags that the person fetched
        texts.append("good")
    for text in texts:
        assert (await world.plan(to=text)).applications[0].to.version == version, text


async def test_several_applications_go_in_one_commit(world):
    """One commit, one trailer for each application, one hold file for each."""
    await world.begin()
    await world.release(name="v1")
    first = await world.release(CART, "c1")
    await world.release(name="v2")
    await world.release(CART, "c2")

    plan = await world.roll_back("web-production", "cart-production", to=first)

    new = await world.head()
    claim = read_claim((await world.repo.commit(new)).message)
    assert [move.app for move in claim.moved] == ["web-production", "cart-production"]
    assert await world.text(new, f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
    assert await world.text(new, f"{CART}/deploy.conf") == "image: shop/cart:c1\n"
    assert all(app.hold is not None for app in plan.applications)
    assert await world.text(new, hold_path("cart-production"))


async def test_the_chosen_version_is_the_current_one(world):
    """Nothing is committed and no hold is placed; the check says so and passes."""
    *_, head = await _three(world)
    plan = await world.roll_back(to="current")
    assert await world.head() == head
    assert plan.changes_nothing
    assert plan.result.commit is None
    assert outcome(plan, "nothing-to-do") == "pass"
    assert "nothing would change" in next(c.detail for c in plan.checks if c.name == "nothing-to-do")


async def test_a_commit_of_an_unmerged_branch_is_refused(world):
    """Nobody can put an unreviewed branch on main through lastgood, unless the override is named."""
    first, _, head = await _three(world)
    side = await world.remote.commit_files(
        "side", {f"{WEB}/deploy.conf": "image: shop/web:evil\n"}, parents=(first,), message="Not reviewed"
    )
    await world.repo.fetch("side")
    with pytest.raises(Blocked) as blocked:
        await world.roll_back(to=side)
    assert blocked.value.facts["checks"] == ["not-on-branch"]
    assert await world.head() == head

    plan = await world.roll_back(to=side, despite=("not-on-branch",))
    claim = read_claim((await world.repo.commit(plan.result.commit)).message)
    assert claim.despite == ("not-on-branch",)


async def test_links_modes_and_submodules_come_back_untouched(world):
    """Symlinks, executable bits and submodules in the path are restored, beside it they are left alone."""
    await world.begin()
    outside = {
        "apps/web/link": (MODE_SYMLINK, "../../../../etc/passwd"),
        "tool": (MODE_EXECUTABLE, "#!/bin/sh\n"),
        "sub": (MODE_SUBMODULE, "1" * 40),
    }
    inside = {
        f"{WEB}/link": (MODE_SYMLINK, "/etc/passwd"),
        f"{WEB}/run.sh": (MODE_EXECUTABLE, "#!/bin/sh\n"),
        f"{WEB}/sub": (MODE_SUBMODULE, "2" * 40),
        f"{WEB}/deep/er/file": "x\n",
    }
    first = await world.commit(inside | outside)
    changed = {
        f"{WEB}/link": "a file now\n",
        f"{WEB}/run.sh": "#!/bin/sh\n",
        f"{WEB}/sub": (MODE_SUBMODULE, "3" * 40),
        f"{WEB}/deep": "a file now\n",
        "sub": (MODE_SUBMODULE, "4" * 40),
        "tool": "#!/bin/sh\n",
    }
    head = await world.commit({f"{WEB}/deep/er/file": None} | changed)

    await world.roll_back(to=first, hold=False)

    then, before, now = await world.files(first), await world.files(head), await world.files(await world.head())
    expected = {p: e for p, e in then.items() if p.startswith(f"{WEB}/")}
    expected |= {p: e for p, e in before.items() if not p.startswith(f"{WEB}/")}
    assert now == expected


async def test_an_application_at_the_root_keeps_what_is_lastgoods_own(world):
    """The root's `.lastgood` and `lastgood.yaml` stay as they are at the head."""
    yaml = "version: 1\napplications: [{name: shop, path: ., destination: production}]\n"
    await world.commit({"lastgood.yaml": yaml})
    first = await world.commit({"deploy.conf": "v1\n", "old.conf": "old\n"})
    await world.commit({"lastgood.yaml": yaml + "# changed\n", ".lastgood/notes": "keep\n"})
    head = await world.commit({"deploy.conf": "v2\n", "old.conf": None, "new/file.conf": "x\n"})

    await world.roll_back("shop", to=first)

    now, before = await world.files(await world.head()), await world.files(head)
    assert set(now) == {"deploy.conf", "old.conf", "lastgood.yaml", ".lastgood/notes", hold_path("shop")}
    assert now["lastgood.yaml"] == before["lastgood.yaml"]
    assert await world.text(await world.head(), "deploy.conf") == "v1\n"


async def test_going_back_to_before_the_application_existed_blocks(world):
    """Its path would be deleted: that is refused, unless the override is named."""
    await world.begin()
    before = await world.release(CART, "c1")
    head = await world.release(name="v1")
    with pytest.raises(Blocked) as blocked:
        await world.roll_back(to=before)
    assert "deletes-application" in blocked.value.facts["checks"]
    assert await world.head() == head

    await world.roll_back(to=before, despite=("deletes-application",))
    assert not [path for path in await world.files(await world.head()) if path.startswith(WEB)]


async def test_an_application_whose_path_was_deleted_comes_back(world):
    """Its folder is gone from the head: the chosen commit tells what it was."""
    first, _, _ = await _three(world)
    await world.commit({f"{WEB}/deploy.conf": None}, message="Remove web")
    with pytest.raises(UnknownApplication):
        await world.plan(previous=True)

    plan = await world.roll_back(to=first)

    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
    assert plan.applications[0].from_.version is None
    assert plan.applications[0].hold is None


async def test_a_renamed_path_is_another_application(world):
    """After a rename of the folder, its old versions are restored at the old path only on demand."""
    first, _, _ = await _three(world)
    await world.commit({f"{WEB}/deploy.conf": None, "apps/shop/production/deploy.conf": "image: shop/web:v3\n"})
    with pytest.raises(Blocked) as blocked:
        await world.roll_back("shop-production", to=first)
    assert "deletes-application" in blocked.value.facts["checks"]


@pytest.mark.parametrize("other", [(MODE_SYMLINK, "../../cart/production"), (MODE_SUBMODULE, "1" * 40), "a file\n"])
async def test_a_path_that_is_no_folder_is_left_again_and_never_gone_to_unasked(world, other):
    """An application's path became a link, a submodule or a file: going back gives the folder; going there deletes."""
    await world.begin()
    first = await world.release(name="v1")
    gone = await world.commit({f"{WEB}/deploy.conf": None, WEB: other}, message="No folder any more")

    plan = await world.roll_back(to=first)
    assert plan.result.pushed is True
    back = await world.head()
    assert await world.text(back, f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
    assert await world.version(back) == await world.version(first)

    assert outcome(await world.plan(to=gone), "deletes-application") == "block"
    with pytest.raises(Blocked):
        await world.roll_back(to=gone)


async def test_a_squash_merge_and_a_foxtrot_merge_are_gone_back_over(world):
    """What stands on the first-parent line is what a version is; merges the wrong way round change nothing in that."""
    await world.begin()
    first = await world.release(name="v1")
    side = await world.remote.commit_files(
        "side", {f"{WEB}/deploy.conf": "image: shop/web:v2\n"}, parents=(first,), message="On a branch"
    )
    await world.release(name="v2", message="Squash the branch (#7)")
    await world.release(CART, "c1")
    head = await world.head()
    # Foxtrot: the branch is the first parent, main the second.
    await world.commit({f"{CART}/deploy.conf": "image: shop/cart:c1\n"}, parents=(side, head), message="Foxtrot")

    plan = await world.roll_back(previous=True)

    assert await world.text(await world.head(), f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
    assert await world.text(await world.head(), f"{CART}/deploy.conf") == "image: shop/cart:c1\n"
    assert plan.applications[0].to.commit == first


async def test_a_shallow_clone_goes_back_as_far_as_it_reaches(tmp_path):
    """In a shallow clone `previous` within its depth works; beyond it the answer is a sentence, not a guess."""
    full = next(make_world("mirror", tmp_path / "full"))
    first, second, _ = await _three(full)
    repo = CloneConfigRepo(clone(full.remote.folder, tmp_path / "shallow", "--depth=3"))
    shallow = RollbackWorld(repo, full.remote)
    await shallow.roll_back(to=second)
    assert await shallow.text(await shallow.head(), f"{WEB}/deploy.conf") == "image: shop/web:v2\n"
    with pytest.raises(UnknownVersion):
        await shallow.plan(to=first)
    repo.close()


async def test_a_partial_clone_fetches_what_it_needs(tmp_path):
    """Without blobs in the clone, a restore still gives the same tree."""
    full = next(make_world("mirror", tmp_path / "full"))
    first, _, _ = await _three(full)
    repo = CloneConfigRepo(clone(full.remote.folder, tmp_path / "partial", "--filter=blob:none", "--no-checkout"))
    partial = RollbackWorld(repo, full.remote)
    await partial.roll_back(to=first)
    assert await partial.text(await partial.head(), f"{WEB}/deploy.conf") == "image: shop/web:v1\n"
    repo.close()


# the hold


async def test_the_version_left_goes_on_hold_by_its_files(memory):
    """Where nothing renders, the files that differ are held by blob."""
    first, _, third = await _three(memory)
    plan = await memory.roll_back(to=first, reason="checkout returns 500")
    hold = plan.applications[0].hold
    assert (hold.version, hold.commit, hold.reason) == (await memory.version(third), third, "checkout returns 500")
    blob = (await memory.repo.entry(third, f"{WEB}/deploy.conf")).oid
    assert [(f.path, f.blob) for f in hold.files] == [(f"{WEB}/deploy.conf", blob)]
    data = (await memory.text(await memory.head(), HOLD)).encode()
    assert parse_holds(data, file=HOLD) == (hold,)


async def test_the_version_left_goes_on_hold_by_the_images_that_entered(memory):
    """An image that was there before is not held: the version gone back to runs it, too."""
    await memory.begin()
    first = await memory.commit({f"{WEB}/process-compose.yaml": compose("aaa")})
    await memory.commit({f"{WEB}/process-compose.yaml": compose("bbb", port=9000)})
    plan = await memory.roll_back(to=first)
    assert plan.applications[0].hold.images == ("web:bbb",)
    assert plan.applications[0].hold.files == ()
    assert [(i.from_, i.to) for i in plan.applications[0].images] == [("bbb", "aaa")]
    assert [(r.kind, r.change) for r in plan.applications[0].resources]


async def test_no_hold_leaves_the_file_alone(world):
    """`--no-hold` writes no hold file."""
    first, _, _ = await _three(world)
    await world.roll_back(to=first, hold=False)
    assert await world.text(await world.head(), HOLD) is None


async def test_going_to_a_held_version_blocks_and_the_override_ends_the_hold(world):
    """The agent obeys holds, not trailers: overriding `held` takes the hold away in the same commit."""
    _, second, third = await _three(world)
    await world.roll_back(to=second)
    with pytest.raises(Blocked) as blocked:
        await world.roll_back(to=third)
    assert blocked.value.facts["checks"] == ["held"]

    plan = await world.roll_back(to=third, despite=("held",), hold=False)

    assert await world.version(await world.head()) == await world.version(third)
    assert await world.text(await world.head(), HOLD) is None
    assert plan.notes


async def test_a_broken_hold_file_is_never_no_hold(world):
    """A file that cannot be read stops a plan that would write it; with --no-hold the check is `unknown`."""
    first, _, _ = await _three(world)
    await world.commit({HOLD: "version: 1\nholds: [{id: x\n"})
    with pytest.raises(ConfigWrong) as wrong:
        await world.plan(to=first)
    assert "--no-hold" in wrong.value.hint
    plan = await world.plan(to=first, hold=False)
    assert outcome(plan, "held") == "unknown"


# shared inputs


async def test_files_that_others_use_stay(memory):
    """Two applications of one chart: its own values file goes back, the chart stays, and the plan says so."""
    yaml = """version: 1
applications:
  - {name: web-staging, path: chart, destination: staging, render: helm, helm: {values: [values-staging.yaml]}}
  - {name: web-production, path: chart, destination: production, render: helm, helm: {values: [values-prod.yaml]}}
"""
    await memory.commit({"lastgood.yaml": yaml})
    first = await memory.commit(
        {"chart/Chart.yaml": "name: web\n", "chart/values-staging.yaml": "a: 1\n", "chart/values-prod.yaml": "a: 1\n"}
    )
    await memory.commit({"chart/Chart.yaml": "name: web2\n", "chart/values-prod.yaml": "a: 2\n"})
    staging = await memory.version(await memory.head(), "web-staging")

    plan = await memory.roll_back(to=first)

    head = await memory.head()
    assert await memory.text(head, "chart/values-prod.yaml") == "a: 1\n"
    assert await memory.text(head, "chart/Chart.yaml") == "name: web2\n"
    assert await memory.version(head, "web-staging") == staging
    assert outcome(plan, "shared-input") == "warn"
    assert plan.also_affected == ()


async def test_with_shared_is_of_a_restore(memory):
    """The other modes say what they take back by commits: there the option has no meaning."""
    with pytest.raises(CommandLineWrong, match="--mode restore"):
        await memory.plan(mode="revert", with_shared=True)


# checks and refusals


async def test_git_alone_says_unknown_where_it_would_need_records(memory):
    """What needs records is unknown, never passed."""
    first, _, _ = await _three(memory)
    plan = await memory.plan(to=first)
    assert {
        name: outcome(plan, name) for name in ("never-ran", "failed-before", "not-baked", "renders")
    } == dict.fromkeys(("never-ran", "failed-before", "not-baked", "renders"), "unknown")
    assert outcome(plan, "definition-changed") == "pass"
    order = [check.name for check in CHECKS]
    assert [order.index(c.name) for c in plan.checks] == sorted(order.index(c.name) for c in plan.checks)
    assert to_json(plan)


async def test_a_version_that_does_not_render_blocks(memory):
    """A broken process-compose.yaml is not put back."""
    await memory.begin()
    broken = await memory.commit({f"{WEB}/process-compose.yaml": "processes: 3\n"})
    await memory.commit({f"{WEB}/process-compose.yaml": compose("aaa")})
    plan = await memory.plan(to=broken)
    assert outcome(plan, "renders") == "block"


async def test_an_entry_that_is_gone_is_said_before_anybody_waits_for_it(memory):
    """A rollback brings back files, and no entry; one whose pattern finds them again needs no word."""
    first, _, _ = await _three(memory)
    await memory.commit({f"{WEB}/deploy.conf": None})
    assert outcome(await memory.plan(to=first), "definition-changed") == "pass"
    await memory.commit(
        {"lastgood.yaml": YAML.replace("apps/{service}/{environment}", "other/{service}/{environment}")}
    )
    plan = await memory.plan(to=first)
    (found,) = [check for check in plan.checks if check.name == "definition-changed"]
    assert (found.outcome, found.detail) == (
        "warn",
        "lastgood.yaml has no entry for it any more: its files come back, and nothing deploys them",
    )


async def test_a_changed_definition_warns(memory):
    """The entry in lastgood.yaml is compared with what it was at the chosen commit."""
    first, _, _ = await _three(memory)
    await memory.commit({"lastgood.yaml": YAML + '    namespace: "{service}"\n'})
    assert outcome(await memory.plan(to=first), "definition-changed") == "warn"


async def test_a_bot_that_writes_here_is_named(memory):
    """A bot among the last authors warns: it may put the version back."""
    first, _, _ = await _three(memory)
    await memory.release(name="v4", author=Person(name="image-updater[bot]", email="bot@example.com"))
    plan = await memory.plan(to=first)
    assert outcome(plan, "other-writer") == "warn"
    assert "hold keeps out" in next(c.detail for c in plan.checks if c.name == "other-writer")


async def test_a_stale_plan_exits_4(memory):
    """What the person saw is no longer there: look again."""
    first, _, _ = await _three(memory)
    seen = await memory.version(first)
    with pytest.raises(Blocked) as blocked:
        await memory.roll_back(to=first, expect_versions={"web-production": seen})
    assert blocked.value.exit_code == 4
    assert Blocked.exit_code == 3


async def test_a_plan_seen_before_the_application_moved_is_not_done(world):
    """Between plan and yes the application changed: nothing is pushed."""
    first, _, _ = await _three(world)
    plan = await world.plan(to=first)
    moved = await world.release(name="v4")
    with pytest.raises(BranchMoved) as stopped:
        await world.rollbacks.do(_again(plan, to=first), planned=plan)
    assert stopped.value.exit_code == 4
    assert await world.head() == moved


async def test_a_policy_may_ask_for_a_reason(memory):
    """`reason: required`: a plan can be looked at without one, but not done."""
    await memory.commit({"lastgood.yaml": YAML + "    policy: {reason: required}\n"})
    first = await memory.release(name="v1")
    await memory.release(name="v2")
    await memory.plan(to=first)
    with pytest.raises(ReasonMissing) as missing:
        await memory.roll_back(to=first, reason=" \n\x07 ")
    assert missing.value.exit_code == 3
    await memory.roll_back(to=first, reason="500s")


@pytest.mark.parametrize(
    "words",
    [
        {"to": "current", "previous": True},
        {"to": "current", "despite": ("not-a-check",)},
        {"commits": ("abcd",)},
        {"mode": "revert", "to": "current"},
        {"mode": "reset", "to": "current", "push": False},
        {"to": "current", "via": "pr"},
        {"to": ""},
        {"to": "@yesteryear"},
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(memory, words):
    """Options that contradict each other exit 2."""
    await _three(memory)
    with pytest.raises(CommandLineWrong):
        await memory.roll_back(**words)


async def test_an_unknown_application_suggests_the_nearest(memory):
    """A typo gets the name that was meant."""
    await _three(memory)
    with pytest.raises(UnknownApplication) as unknown:
        await memory.plan("web-prodution", to="current")
    assert "web-production" in unknown.value.hint


async def test_a_protected_branch_answers_in_the_servers_words(world):
    """A hook that refuses: nothing changed, exit 1, its words."""
    first, _, head = await _three(world)
    if isinstance(world.remote, BareRemote):
        hook(world.remote.folder, "pre-receive", "echo 'main is protected' >&2; exit 1")
    else:
        world.remote.refuse = lambda ref, commit: "main is protected"
    with pytest.raises(PushRefused) as refused:
        await world.roll_back(to=first)
    assert "main is protected" in refused.value.message
    assert await world.head() == head
    assert await world.journal.pending() == []


async def test_no_push_keeps_the_commit(world):
    """The commit stands under refs/lastgood/unpushed, the branch where it was."""
    first, _, head = await _three(world)
    plan = await world.roll_back(to=first, push=False)
    kept = await world.repo.kept("refs/lastgood/unpushed/")
    assert kept == {f"refs/lastgood/unpushed/{plan.id}": plan.result.commit}
    assert plan.result.pushed is False
    assert await world.head() == head


# by hand


async def test_the_git_commands_give_the_same_tree(world, tmp_path):
    """What the plan shows can be run in a clone and comes to the same tree and message."""
    if not isinstance(world.remote, BareRemote):
        pytest.skip("needs a remote that git can reach")
    first, _, _ = await _three(world)
    plan = await world.plan(to=first, reason="it's broken: $(reboot) `id`")
    here = clone(world.remote.folder, tmp_path / "by-hand")
    for command in plan.git:
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    head = await world.head()
    assert git(here, "rev-parse", f"{head}^{{tree}}") == plan.result.tree
    assert read_claim((await world.repo.commit(head)).message) == read_claim(plan.message)
