"""Who may miss what a rollback takes out: other applications with the same feature, and people who know of it."""

import msgspec
import pytest

from lastgood.core.deployment import Deployment
from lastgood.core.feature import Feature
from lastgood.core.recorded_presence import is_same
from lastgood.core.resource import ImageChange
from lastgood.core.sources import Source
from lastgood.flows import feature_needed
from lastgood.flows.keep_features import KeepFeatures
from lastgood.store import SqlStore
from twins.rollback_world import YAML, compose, make_world
from twins.source_history import MemorySourceHistory
from twins.sources import MemorySources
from twins.store import make_application, make_deployment

WEB, CART = "web-production", "cart-production"
REPO = "https://git.example.com/o/shop.git"


class Shop:
    """Web, cart and staging from one source repo, with the features that their records carried."""

    def __init__(self, world, history):
        self.world = world
        self.history = history
        self.at = None
        self.tags: dict[str, str] = {}
        self.keep = KeepFeatures(
            store=world.store,
            sources=world.branch.sources,
            declared=lambda _: [Source(image="web", repo=REPO, projects=("SHOP",))],
            clock=world.clock,
        )

    async def merge(self, message, **files):
        await self.world.clock.move(2 * 24 * 3600)
        made = int(self.world.clock.now().timestamp())
        self.at = await self.history.commit(message, files or {"a": message}, [self.at] if self.at else [], made=made)
        await self.history.refresh()
        return self.at

    async def release(self, app, tag, *, outcome="succeeded", good=True) -> Deployment:
        """Release an image built from the newest commit of the source repo; it ran, and carried what lies between."""
        self.world.branch.sources.revisions.setdefault(tag, self.at)
        service, environment = app.split("-")
        commit = await self.world.commit({f"apps/{service}/{environment}/process-compose.yaml": compose(tag)})
        found = await self.world.app(app)
        version, path_tree = await self.world.repo.version(commit, found.scope)
        now = self.world.clock.now()
        made = make_deployment(
            app=app,
            version=version,
            path_tree=path_tree,
            commit=await self.world.repo.commit(commit),
            started_at=now,
            definition=found.definition,
            outcome=outcome,
            baked_at=now if good else None,
            images=(ImageChange(name="web", from_=self.tags.get(app), to=tag),),
        )
        self.tags[app] = tag
        await self.world.store.save_application(make_application(app, repo="config"))
        begun = await self.world.store.start_deployment(made)
        made = msgspec.structs.replace(made, id=begun.id, number=begun.number)
        await self.world.store.save_deployment(made)
        while await self.keep.look():
            pass
        await self.world.clock.move(60)
        return made

    async def check(self, to, **asked):
        plan = await self.world.plan(to=to, **asked)
        return next(check for check in plan.checks if check.name == "feature-needed"), plan


@pytest.fixture
async def shop(tmp_path):
    history = MemorySourceHistory()
    store = SqlStore.in_memory()
    (world,) = make_world("memory", tmp_path, store=store, sources=MemorySources(history))
    await world.begin()
    sources = f"sources:\n  - image: web\n    repo: {REPO}\n    issues: {{projects: [SHOP]}}\n"
    await world.commit({"lastgood.yaml": YAML + sources})
    made = Shop(world, history)
    await made.merge("Begin")
    yield made
    store.close()


async def test_another_application_that_has_the_feature_is_named(shop):
    """It warns and names who has it since when; what runs elsewhere, or lost it again, does not count."""
    old = await shop.release(WEB, "a1")
    await shop.release(CART, "c1")
    await shop.release("web-staging", "s1")
    await shop.merge("Gift message (#1)")
    await shop.release("web-staging", "s2")
    await shop.release(WEB, "a2")
    check, _ = await shop.check(old.commit.oid)
    assert (check.outcome, check.detail) == ("pass", "no other application of production has a feature that leaves")

    await shop.release(CART, "c2")
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "warn"
    assert check.detail == "cart-production has PR-1 since n2"
    assert check.hint == "`lastgood where PR-1` shows who has it"

    await shop.release(CART, "c1")
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "pass"


async def test_who_goes_back_together_needs_nothing_of_each_other(shop):
    """Both applications in one plan: neither is named for the other."""
    await shop.release(WEB, "a1")
    await shop.release(CART, "c1")
    await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    await shop.release(CART, "c2")
    plan = await shop.world.plan(WEB, CART, to="previous")
    assert [c.outcome for c in plan.checks if c.name == "feature-needed"] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("kind", "ident", "same"),
    [("issue", "SHOP-12", True), ("issue", "#12", False), ("pull_request", "PR-12", False)],
)
def test_the_key_of_a_tracker_means_the_same_in_every_repo(kind, ident, same):
    """A number means something in its own repo alone."""
    one, other = (
        Feature(id=ident, repo=repo, kind=kind, title="", url=None, authors=(), commits=(), type=None, breaking=False)
        for repo in ("o/web", "o/cart")
    )
    assert is_same(one, other) is same
    assert is_same(one, one)


async def test_an_attempt_that_failed_gave_nobody_a_feature(shop):
    """What never came up elsewhere is not needed there."""
    old = await shop.release(WEB, "a1")
    await shop.release(CART, "c1")
    await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    await shop.release(CART, "c2", outcome="failed", good=False)
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "pass"


async def test_a_first_deployment_that_may_have_brought_it_is_not_known(shop):
    """Nothing is on record from before it, and no source repo tells: no pass."""
    old = await shop.release(WEB, "a1")
    gift = await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    shop.world.branch.sources.revisions["c1"] = None
    await shop.release(CART, "c1")
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "unknown"
    assert check.detail == (
        "whether cart-production has PR-1 is not known (n1 may have brought it: web is new with it); "
        "`lastgood where PR-1` shows who has it"
    )

    await shop.merge(f"Take out\n\nThis reverts commit {gift}.", a="Begin")
    await shop.release(CART, "c2")
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "pass", "what left it is known to be without it"


@pytest.mark.parametrize(("late", "said"), [(False, "pass"), (True, "cart-production has PR-1")])
async def test_what_the_records_cannot_tell_the_source_repo_does(shop, late, said):
    """Of a first deployment nothing is on record from before; what it was built from is known all the same."""
    await shop.merge("Before")
    before = shop.at
    old = await shop.release(WEB, "a1")
    await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    shop.world.branch.sources.revisions["c1"] = shop.at if late else before
    await shop.release(CART, "c1")
    # A tag that moved since says nothing of what runs.
    shop.world.branch.sources.revisions["c1"] = before if late else shop.at
    check, _ = await shop.check(old.commit.oid)
    assert said in {check.outcome, check.detail}


async def test_a_first_deployment_of_another_source_repo_has_nothing_of_this_one(shop):
    """Whatever it was built from, it is not this feature's repo."""
    old = await shop.release(WEB, "a1")
    await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    run = make_deployment(app=CART, outcome="succeeded", images=(ImageChange(name="db", from_=None, to="1"),))
    run = msgspec.structs.replace(run, started_at=shop.world.clock.now())
    await shop.world.commit({"apps/cart/production/process-compose.yaml": compose("1")})
    await shop.world.store.save_application(make_application(CART, repo="config"))
    await shop.world.store.start_deployment(run)
    check, _ = await shop.check(old.commit.oid)
    assert check.outcome == "pass"


async def test_a_feature_that_came_with_a_failed_attempt_is_still_there_after_the_next(shop):
    """The next record says what it changed against that one, and does not name the feature again."""
    old = await shop.release(WEB, "a1")
    await shop.release(CART, "c1")
    await shop.merge("Gift message (#1)")
    await shop.release(WEB, "a2")
    await shop.release(CART, "c2", outcome="failed", good=False)
    await shop.merge("Mended (#2)", b="1")
    await shop.release(CART, "c3")
    check, _ = await shop.check(old.commit.oid)
    assert (check.outcome, check.detail) == ("warn", "cart-production has PR-1 since n2")


async def test_what_is_not_known_is_never_a_pass(shop, monkeypatch):
    """An image without a revision, more features than are asked for, no records: not checked, and why."""
    old = await shop.release(WEB, "a1")
    for number in range(3):
        await shop.merge(f"Feature (#{number})", **{f"f{number}": "1"})
    await shop.release(WEB, "a2")
    monkeypatch.setattr(feature_needed, "MOST_ASKED", 2)
    check, _ = await shop.check(old.commit.oid)
    assert (check.outcome, check.detail) == (
        "unknown",
        "of 3 features that leave the newest 2 were looked for elsewhere",
    )

    await shop.world.commit({f"apps/{WEB.replace('-', '/')}/process-compose.yaml": compose("nobody-knows")})
    check, _ = await shop.check(old.commit.oid)
    assert (check.outcome, check.detail) == ("unknown", "what leaves is not known of web")


async def test_who_needs_what_is_known_to_leave_is_named_beside_what_is_not_known(shop):
    """A database that comes with the head hides nothing of the program."""
    await shop.release(CART, "c1")
    old = await shop.release(WEB, "a1")
    await shop.merge("Gift message (#1)")
    await shop.release(CART, "c2")
    await shop.release(WEB, "a2")
    beside = compose("a2").replace("    web: a2\n", "    web: a2\n    db: '16'\n")
    await shop.world.commit({f"apps/{WEB.replace('-', '/')}/process-compose.yaml": beside})
    check, _ = await shop.check(old.commit.oid)
    assert (check.outcome, check.detail) == (
        "warn",
        "cart-production has PR-1 since n2; what leaves is not known of db",
    )


async def test_a_clone_does_not_know(tmp_path):
    """Git alone has no records; without sources nobody asks."""
    (world,) = make_world("memory", tmp_path)
    await world.begin()
    old = await world.commit({"apps/web/production/process-compose.yaml": compose("aa")})
    await world.commit({"apps/web/production/process-compose.yaml": compose("bb")})
    assert "feature-needed" not in {check.name for check in (await world.plan(to=old)).checks}
    await world.commit({"lastgood.yaml": f"{YAML}sources:\n  - image: web\n    repo: {REPO}\n"})
    check = next(c for c in (await world.plan(to=old)).checks if c.name == "feature-needed")
    assert check.outcome == "unknown"


async def test_what_came_with_a_failed_deployment_was_live_once_the_next_was_good(shop):
    """People were told of it by the mended release; the record that it entered with is the failed one's."""
    await shop.merge("Begin (#1)", a="1")
    old = await shop.release(WEB, "a1")
    await shop.merge("Search (#2)", b="1")
    await shop.release(WEB, "a2", outcome="failed", good=False)
    await shop.merge("Search works (#3)", b="2")
    await shop.release(WEB, "a3")
    await shop.merge("Wishlist (#4)", c="1")
    await shop.release(WEB, "a4", outcome="failed", good=False)
    _, plan = await shop.check(old.commit.oid)
    (live,) = (note for note in plan.notes if "was live" in note)
    assert "since n3" in live
    assert live.endswith("PR-3 (Search works), PR-2 (Search)")


async def test_the_pull_request_of_an_issue_does_not_leave_along_with_it(shop):
    """Also where the issue is named in the merge alone, which is none of the pull request's commits."""
    begin = await shop.merge("Begin (#1)", a="1")
    await shop.release(WEB, "a1")
    part = await shop.merge("Search", b="1")
    merge = "Merge pull request #2 from o/b\n\nSearch\n\nFixes #9"
    shop.at = await shop.history.commit(merge, {"b": "1"}, [begin, part])
    await shop.history.refresh()
    await shop.release(WEB, "a2")
    plan = await shop.world.plan(without="#9")
    assert [one.id for one in plan.applications[0].features.leaving] == ["PR-2", "#9"]
    assert not [note for note in plan.notes if "along" in note]


async def test_notes_say_what_going_back_means_for_people(shop):
    """What was live leaves, fixes leave so that bugs return, and what was taken out returns."""
    gift = await shop.merge("Gift message (#1)", a="gift")
    old = await shop.release(WEB, "a1")
    await shop.merge(f"Take out\n\nThis reverts commit {gift}.", a="Begin")
    await shop.merge("fix: rounding (#2)", b="1")
    await shop.release(WEB, "a2")
    await shop.merge("Wishlist (#3)", c="1")
    await shop.release(WEB, "a3", good=False)
    _, plan = await shop.check(old.commit.oid)
    notes = [note for note in plan.notes if note.startswith(WEB)]
    assert len(notes) == 3, notes
    live, fixes, returning = notes
    assert "since n2" in live
    assert "PR-2 (fix: rounding)" in live
    assert "PR-3" not in live, "it was never good"
    assert fixes == f"{WEB}: what these fixes mended returns: PR-2 (fix: rounding)"
    assert returning == f"{WEB}: what was taken out since then returns: PR-1 (Gift message)"


async def test_a_plan_shows_features_as_the_records_know_them(shop):
    """The forge's title and labels, in the commit, too; who is meant by words is still told by Git's own."""
    old = await shop.release(WEB, "a1")
    await shop.merge("Gift message (#1)")
    new = await shop.release(WEB, "a2")
    kept = (await shop.world.store.carried([new.id]))[new.id]
    (feature,) = kept.entered
    told = msgspec.structs.replace(feature, title="Presents", labels=("q4",))
    await shop.world.store.save_carried(msgspec.structs.replace(kept, entered=(told,)))

    plan = await shop.world.plan(without="gift message")
    assert plan.applications[0].to.commit == old.commit.oid
    (leaving,) = plan.applications[0].features.leaving
    assert (leaving.title, leaving.labels) == ("Presents", ("q4",))
    assert "\n- PR-1 Presents\n" in plan.message
    assert not any("does not leave" in note for note in plan.notes)
