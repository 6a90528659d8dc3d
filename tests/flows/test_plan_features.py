"""What a plan says of the features that leave and return, and what its commit says."""

import asyncio

import msgspec
import pytest

from lastgood.cli.plan_page import plan_text
from lastgood.cli.text import Style
from lastgood.core.errors import RenderFailed
from lastgood.core.message import read_claim, trailers_of
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import NotKnown
from lastgood.flows import plan_features
from twins.rollback_world import WEB, YAML, compose, make_world
from twins.source_history import MemorySourceHistory
from twins.sources import MemorySources

SOURCES = "sources:\n  - image: web\n    repo: https://git.example.com/o/shop.git\n"


class Shop:
    """A world whose image tags are revisions of a source repo in memory."""

    def __init__(self, world, history):
        self.world = world
        self.history = history
        self.at = None
        self.made = 0

    async def merge(self, message, **files):
        """Make a commit in the source repo on top of the last."""
        self.made += 1
        files = files or {"a": str(self.made)}
        self.at = await self.history.commit(message, files, [self.at] if self.at else [])
        await self.history.refresh()
        return self.at

    async def release(self, tag, *, known=True):
        """Release an image built from the newest commit of the source repo."""
        if known:
            self.world.branch.sources.revisions[tag] = self.at
        return await self.world.commit({f"{WEB}/process-compose.yaml": compose(tag)})


@pytest.fixture
async def shop(tmp_path):
    """An empty source repo, and a config repo that names it."""
    history = MemorySourceHistory()
    (world,) = make_world("memory", tmp_path, sources=MemorySources(history))
    await world.begin()
    await world.commit({"lastgood.yaml": YAML + SOURCES})
    made = Shop(world, history)
    await made.merge("Begin")
    return made


async def test_a_plan_names_what_leaves_and_what_returns(shop):
    """Going back takes out what came since, and brings back what was reverted since."""
    gift = await shop.merge("Gift message (#1)", a="gift")
    old = await shop.release("aa")
    out = await shop.merge(f"Take out\n\nThis reverts commit {gift}.", a="1")
    await shop.merge("feat!: Wishlist (#2)", b="1")
    await shop.release("bb")
    plan = await shop.world.plan(to=old)
    found = plan.applications[0].features
    assert [one.id for one in found.leaving] == ["PR-2", out[:7]]
    assert [one.id for one in found.returning] == ["PR-1"]
    assert found.unknown == ()
    page = plan_text(plan, Style(color=False, width=100), verbose=False)
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[lines.index("leaving (2)") + 1] == "FEATURE TITLE NOTE BY MADE REPO"
    assert any(line.startswith("PR-2 feat!: Wishlist breaking Priya Raman") for line in lines)
    assert any(line.startswith(f"{out[:7]} Take out took back PR-1 Priya Raman") for line in lines)
    assert f"- PR-2 (breaking) feat!: Wishlist\n- {out[:7]} (took back PR-1) Take out\n" in plan.message
    assert "\n\nWhat returns:\n- PR-1 Gift message\n\n" in plan.message
    assert any(line.startswith("PR-1 Gift message") for line in lines[lines.index("returning (1)") :])


async def test_what_is_not_known_is_said(shop):
    """An image without a revision; a clone, which reads no source repo; a version that does not render."""
    old = await shop.release("aa", known=False)
    await shop.release("bb")
    plan = await shop.world.plan(to=old)
    assert "no revision is known of aa" in plan_text(plan, Style(color=False, width=100), verbose=False)
    assert plan.applications[0].features.unknown == (NotKnown(image="web", reason="no revision is known of aa"),)
    await shop.world.commit({f"{WEB}/process-compose.yaml": "processes: ["})
    (unknown,) = (await shop.world.plan(to=old)).applications[0].features.unknown
    assert unknown.image == "web-production"
    assert unknown.reason.startswith("what it runs now is not known: ")


async def test_a_clone_says_that_it_reads_no_source_repo(tmp_path):
    """Only where lastgood.yaml names one; else nothing is looked for."""
    (world,) = make_world("memory", tmp_path)
    await world.begin()
    old = await world.commit({f"{WEB}/process-compose.yaml": compose("aa")})
    await world.commit({f"{WEB}/process-compose.yaml": compose("bb")})
    assert (await world.plan(to=old)).applications[0].features.unknown == ()
    await world.commit({"lastgood.yaml": YAML + SOURCES})
    (unknown,) = (await world.plan(to=old)).applications[0].features.unknown
    assert "--server URL" in unknown.reason


async def test_a_source_repo_that_does_not_answer_holds_no_plan_up(shop, monkeypatch):
    """After its time the plan is there, and says so."""
    old = await shop.release("aa")
    await shop.release("bb")
    monkeypatch.setattr(plan_features, "WAIT_S", 0.01)

    async def never(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(shop.world.branch.sources, "locate", never)
    (unknown,) = (await shop.world.plan(to=old)).applications[0].features.unknown
    assert unknown == NotKnown(image="web", reason="its source repo has not answered for 0 s")


async def test_the_commit_lists_what_leaves_before_its_trailers(shop):
    """At most 20 lines and how many more; a title that would be a trailer, or two lines, is one line of the list."""
    old = await shop.release("aa")
    await shop.merge("Lastgood-Id: 0\u2028Lastgood-Operation: undo\x1b[31m (#1)")
    for n in range(2, 30):
        await shop.merge(f"Feature {n} {'x' * 500} (#{n})")
    await shop.release("bb")
    plan = await shop.world.roll_back(to=old, reason="it is slow")
    message = (await shop.world.repo.commit(plan.result.commit)).message
    lines = message.split("\n\n")[2].split("\n")
    assert lines[:2] == ["What leaves:", f"- PR-29 Feature 29 {'x' * 500}"[:202]]
    assert lines[-1] == "- and 9 more"
    assert len(lines) == 22
    assert message.split("\n\n")[3].startswith("What leaves of this repo:\n- ")
    claim = read_claim(message)
    assert (claim.kind, claim.id, claim.reason) == ("rollback", plan.id, "it is slow")
    assert all(line.startswith("Lastgood-") for line in trailers_of(message))


async def test_a_hostile_title_is_one_line_of_the_list(shop):
    """Neither a line of its own nor a control character."""
    old = await shop.release("aa")
    await shop.merge("Lastgood-Id: 0\u2028Lastgood-Operation: undo\x1b[31m (#1)")
    await shop.release("bb")
    message = (await shop.world.plan(to=old)).message
    assert "\n- PR-1 Lastgood-Id: 0" in message
    assert "\x1b" not in message
    assert read_claim(message).kind == "rollback"


async def test_a_note_says_what_goes_along_and_how_to_take_out_one_alone(shop):
    """Whoever wants to be without one feature learns which others go, how old, and the other way."""
    note = plan_features.feature_notes
    first = shop.at
    await shop.merge("Basket (#1)")
    await shop.merge("Gift message (#2)\n\nFixes #7")
    await shop.merge("Wishlist (#3)")
    found = await shop.history.features(shop.at, first, Selection())
    planned = plan_features.PlannedFeatures(leaving=found.left)
    look = await shop.world.branch.fetch()

    (told,) = note(look, "web", planned, without="#2")
    assert told.startswith("web: 2 other features leave along with #2; the oldest is PR-1 of ")
    assert told.endswith("(Basket). To take out #2 alone, revert PR-2 in o/shop and build")
    assert note(look, "web", planned, without="#7") == [told.replace("#2", "#7")]
    assert note(look, "web", planned, without="gift MESSAGE") == [told.replace("#2", "gift MESSAGE")]
    assert note(look, "web", planned, without=None) == []
    assert note(look, "web", planned, without="PR-9") == [
        "web: PR-9 does not leave with this: the version at the head is without it already"
    ]
    unsure = msgspec.structs.replace(planned, unknown=(NotKnown(image="db", reason="no tag"),))
    assert note(look, "web", unsure, without="PR-9") == [], "nobody knows"
    alone = plan_features.PlannedFeatures(leaving=tuple(one for one in found.left if one.id not in {"PR-1", "PR-3"}))
    assert [one.id for one in alone.leaving] != []
    assert note(look, "web", alone, without="PR-2") == []


async def test_the_other_way_names_what_brought_the_feature(shop):
    """The pull requests of an issue that several brought, and the commit of what had none."""
    first = shop.at
    await shop.merge("Gift message (#1)\n\nFixes #7")
    await shop.merge("Gift message once more (#2)\n\nFixes #7")
    alone = await shop.merge("Faster search")
    found = await shop.history.features(shop.at, first, Selection())
    planned = plan_features.PlannedFeatures(leaving=found.left)
    look = await shop.world.branch.fetch()
    for without, bearers in (("#7", "PR-2, PR-1"), ("faster search", alone[:7])):
        (told,) = plan_features.feature_notes(look, "web", planned, without=without)
        assert told.endswith(f"To take out {without} alone, revert {bearers} in o/shop and build")


async def test_a_plan_keeps_so_many_features_and_says_how_many_there_are(shop, monkeypatch):
    """A plan is stored; a way back of years is not."""
    old = await shop.release("aa")
    for n in range(1, 4):
        await shop.merge(f"Feature {n} (#{n})")
    await shop.release("bb")
    monkeypatch.setattr(plan_features, "MAX_FEATURES", 2)
    plan = await shop.world.plan(to=old)
    assert [one.id for one in plan.applications[0].features.leaving] == ["PR-3", "PR-2"]
    assert "only 2 of the 3 features" in plan_text(plan, Style(color=False, width=100), verbose=False)
    assert plan.notes == (
        "web-production: only 2 of the 3 features that leave are listed; `lastgood features` has all",
    )


async def test_a_base_by_git_ref_has_features_and_is_no_image(shop):
    """Its ref is its tag; the plan's images, hold and checks know nothing of it; without a ref it is unknown."""
    base = "resources: ['https://github.com/o/shop//deploy?ref=%s']\n"
    revisions = shop.world.branch.sources.revisions
    revisions["v1"] = shop.at
    old = await shop.world.commit({f"{WEB}/kustomization.yaml": base % "v1"})
    revisions["v2"] = await shop.merge("Probes (#7)")
    await shop.world.commit({f"{WEB}/kustomization.yaml": base % "v2"})
    plan = await shop.world.plan(to=old)
    (app,) = plan.applications
    assert [one.id for one in app.features.leaving] == ["PR-7"]
    assert (app.images, app.features.unknown, app.hold.images) == ((), (), ())
    assert [one.path for one in app.hold.files] == [f"{WEB}/kustomization.yaml"]
    assert not {"image-missing", "image-moved"} & {one.name for one in plan.checks if one.outcome == "block"}

    await shop.world.commit({f"{WEB}/kustomization.yaml": base % ""})
    (unknown,) = (await shop.world.plan(to=old)).applications[0].features.unknown
    assert unknown.image == "github.com/o/shop//deploy"


async def test_of_what_does_not_render_the_plan_has_the_bases(shop):
    """The images are not known, and what the declared base brings is."""

    async def render(app, _repo, _commit):
        raise RenderFailed(app=app.name, file=None, line=None, reason="the base cannot be fetched")

    base = "resources: ['https://github.com/o/shop//deploy?ref=%s']\n"
    revisions = shop.world.branch.sources.revisions
    revisions["v1"] = shop.at
    old = await shop.world.commit({f"{WEB}/kustomization.yaml": base % "v1"})
    revisions["v2"] = await shop.merge("Probes (#7)")
    await shop.world.commit({f"{WEB}/kustomization.yaml": base % "v2"})
    shop.world.branch.renderer.render = render
    found = (await shop.world.plan(to=old)).applications[0].features
    assert [one.id for one in found.leaving] == ["PR-7"]
    assert {one.image for one in found.unknown} == {"web-production"}
