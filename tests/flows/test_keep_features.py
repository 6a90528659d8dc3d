"""Each record keeps the features that it carried, and is found by them when the source repo is gone."""

import datetime as dt

import msgspec
import pytest

from lastgood.core.errors import NeedsServer
from lastgood.core.image_facts import ImageClaim
from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.record import DeploymentQuery
from lastgood.core.resource import ImageChange
from lastgood.core.sources import Source
from lastgood.core.timeline import TimelineQuery
from lastgood.flows.keep_features import NOT_RECORDED, OLDER, SOON, KeepFeatures
from lastgood.queries.timeline import Timelines
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.source_history import MemorySourceHistory
from twins.sources import REPO, MemorySources
from twins.store import NOON, make_application, make_commit, make_deployment

DAY = dt.timedelta(days=1)


class World:
    """A source repo with a feature and its revert, the records of one application, and who keeps features."""

    def __init__(self):
        self.store = SqlStore.in_memory()
        self.history = MemorySourceHistory()
        self.sources = MemorySources(self.history)
        self.clock = ManualClock(NOON)
        self.declared = {"shop": (Source(image="web", repo="https://git.example.com/shop.git"),)}
        self.keep = KeepFeatures(store=self.store, sources=self.sources, declared=self.declared.get, clock=self.clock)

    async def begin(self):
        start = await self.history.commit("Begin", {"web/a": "1"})
        gift = await self.history.commit("Gift message (#16)\n\nFixes #3", {"web/a": "2"}, [start])
        out = await self.history.commit(f"Take it out\n\nThis reverts commit {gift}.", {"web/a": "1"}, [gift])
        await self.history.refresh()
        self.sources.revisions |= {"1": start, "2": gift, "3": out}
        await self.store.save_application(make_application())
        return gift

    async def deploy(self, before, after, **changed):
        image = ImageChange(name="web", from_=before, to=after)
        commit = make_commit(f"web: {after}")
        return await self.store.start_deployment(make_deployment(commit=commit, images=(image,), **changed))

    async def timeline(self, **query):
        timelines = Timelines((), renderer=None, clock=self.clock, store=self.store)
        return await timelines.timeline(TimelineQuery(**query))


@pytest.fixture
async def world():
    made = World()
    yield made
    made.store.close()


async def test_a_record_keeps_what_entered_and_what_left(world):
    """Forward: what entered. Back: what left. The timeline shows both, with pull requests, issues and people."""
    gift = await world.begin()
    await world.deploy("1", "2")
    await world.deploy("2", "1")
    assert await world.keep.look() == 2
    assert await world.keep.look() == 0

    back, there = await world.timeline(app="web-production")
    assert [one.id for one in there.features] == ["PR-16", "#3"]
    assert [one["id"] for one in there.pull_requests] == ["PR-16"]
    assert [one["id"] for one in there.issues] == ["#3"]
    assert [one.name for one in there.committers] == ["Priya Raman"]
    assert there.features[0].commits == (gift,)
    assert (back.features, [one.id for one in back.features_left]) == ((), ["PR-16", "#3"])
    told = [event for event in await world.store.events(after=0) if event.kind == "features"]
    assert [event.payload for event in told] == [
        {"number": 1, "entered": 2, "left": 0}, {"number": 2, "entered": 0, "left": 2},
    ]  # fmt: skip


async def test_what_is_kept_is_not_lost_when_a_source_repo_goes_away(world):
    """One image's features are known, another's are looked for again: meanwhile the first one's repo is gone."""
    await world.begin()
    images = tuple(ImageChange(name=name, from_="1", to=to) for name, to in (("job", "later"), ("web", "2")))
    run = await world.store.start_deployment(make_deployment(images=images))
    await world.keep.look()
    known = (await world.store.carried([run.id]))[run.id]
    assert ([one.id for one in known.entered], [one.image for one in known.unknown]) == (["PR-16", "#3"], ["job"])
    world.sources.away = True
    await world.clock.move(SOON.total_seconds())
    assert await world.keep.look() == 1
    kept = (await world.store.carried([run.id]))[run.id]
    assert (kept.entered, kept.unknown) == (known.entered, known.unknown)
    assert kept.again_at > known.again_at
    world.sources.away = False
    world.sources.revisions["later"] = world.sources.revisions["1"]
    await world.clock.move(SOON.total_seconds())
    assert await world.keep.look() == 1
    kept = (await world.store.carried([run.id]))[run.id]
    assert ([one.id for one in kept.entered], kept.unknown) == (["PR-16", "#3"], ())


async def revisions(world, run):
    kept = (await world.store.carried([run.id]))[run.id].built
    return {one.image: (one.reference, one.repo, one.revision, one.how) for one in kept}


async def test_what_an_image_was_built_from_is_kept_and_a_moved_tag_changes_nothing(world):
    """Looked at again for another image, the record fills that one in and keeps the rest; so do its features."""
    await world.begin()
    start, gift, out = (world.sources.revisions[tag] for tag in "123")
    images = tuple(ImageChange(name=name, from_="1", to=to) for name, to in (("job", "later"), ("web", "2")))
    run = await world.store.start_deployment(make_deployment(images=images))
    await world.keep.look()
    assert await revisions(world, run) == {"job": ("later", "", None, None), "web": ("2", REPO, gift, "tag")}

    world.sources.revisions |= {"2": out, "later": gift}
    await world.clock.move(SOON.total_seconds())
    assert await world.keep.look() == 1
    assert await revisions(world, run) == {"job": ("later", REPO, gift, "tag"), "web": ("2", REPO, gift, "tag")}
    kept = (await world.store.carried([run.id]))[run.id]
    assert ([one.id for one in kept.entered], kept.left, kept.unknown) == (["PR-16", "#3"], (), ())

    # What was deployed is compared with what ran, and the same tag again with what it means by then.
    world.sources.revisions |= {"1": start, "later": start}
    for before, after, left in (("2", "1", ["PR-16", "#3"]), ("1", "2", [])):
        run = await world.deploy(before, after)
        await world.keep.look()
        kept = (await world.store.carried([run.id]))[run.id]
        assert [one.id for one in kept.left] == left
    assert (await revisions(world, run))["web"][2] == out


async def test_the_build_that_an_image_names_is_kept_and_found(world):
    """Of the image that entered; a trailer of the commit counts first, and what names none has none."""
    await world.begin()
    page = "https://ci.example.com/runs/481"
    world.sources.builds = {"2": page, "3": "https://ci.example.com/runs/482"}
    await world.deploy("1", "2")
    image = ImageChange(name="web", from_="2", to="3")
    said = make_commit("web: 3\n\nBuild: https://ci.example.com/said/9\n")
    await world.store.start_deployment(make_deployment(commit=said, images=(image,)))
    await world.deploy("3", "1")
    await world.keep.look()

    assert [one.build for one in await world.timeline()] == [None, "https://ci.example.com/said/9", page]
    assert [one.number for one in await world.timeline(search="runs/481")] == [1]


async def test_records_are_found_by_their_features(world):
    """By pull request, number, issue, commit, words of the title, person: of one application and of everything."""
    gift = await world.begin()
    await world.deploy("1", "2")
    await world.deploy("2", "4")
    while await world.keep.look():
        pass
    run = (await world.store.deployments(DeploymentQuery(app="web-production")))[-1]
    await world.store.save_deployment(run)  # what is written of a record later leaves its features

    for app in ("web-production", None):
        for feature in ("PR-16", "pr-16", "#16", "#3", "gift MESSAGE", gift, gift[:9]):
            assert [one.number for one in await world.timeline(app=app, feature=feature)] == [1], feature
        for feature in ("PR-1", "#6", "wishlist", "f" * 40):
            assert await world.timeline(app=app, feature=feature) == [], feature
        assert [one.number for one in await world.timeline(app=app, search="gift pr-16")] == [1]
        assert len(await world.timeline(app=app, search="priya")) == 2


async def test_what_is_not_known_is_kept_with_its_reason_and_looked_for_again(world):
    """A source repo that is away: unknown, then known; a day later nobody asks any more."""
    await world.begin()
    await world.deploy("1", "9")
    await world.keep.look()
    (entry,) = await world.timeline(app="web-production")
    assert [(one.image, one.reason) for one in entry.features_unknown] == [("web", "no revision is known of 9")]
    assert await world.keep.look() == 0, "not at once"

    world.sources.revisions["9"] = world.sources.revisions["2"]
    await world.clock.move(SOON.total_seconds())
    assert await world.keep.look() == 1
    (entry,) = await world.timeline(app="web-production")
    assert [one.id for one in entry.features] == ["PR-16", "#3"]
    assert entry.features_unknown == ()

    await world.deploy("1", "8", started_at=NOON - DAY)
    await world.keep.look()
    await world.clock.move(2 * DAY.total_seconds())
    assert await world.keep.look() == 0


async def test_when_the_commits_were_made_is_kept_for_the_lead_time(world):
    """Known, none for going back, and not known: the figures tell them apart, when the source repo is gone, too."""
    await world.begin()
    for before, after in (("1", "2"), ("2", "1"), ("1", "9")):
        run = await world.deploy(before, after)
        await world.store.save_deployment(msgspec.structs.replace(run, outcome="succeeded", finished_at=NOON))
    while await world.keep.look():
        pass
    made = world.history._book.all[1].time
    attempts = await world.store.attempts("web-production")
    assert [one.committed for one in attempts] == [(dt.datetime.fromtimestamp(made, dt.UTC),), (), None]


async def test_until_lastgood_yaml_is_read_nothing_is_written(world):
    """Just after a start nobody knows where images come from: the records wait."""
    await world.begin()
    await world.deploy("1", "2")
    declared = world.declared.pop("shop")
    assert await world.keep.look() == 0
    world.declared["shop"] = declared
    assert await world.keep.look() == 1


async def test_what_changed_no_image_is_not_looked_at(world):
    """A heal, or a change of settings: no question, no row."""
    await world.begin()
    await world.store.start_deployment(make_deployment())
    assert await world.keep.look() == 0


async def test_of_old_records_the_newest_are_looked_at(world, monkeypatch):
    """Records of before features were kept: not all of years, and none of them before those that are new."""
    monkeypatch.setattr("lastgood.flows.keep_features.OLDER", 2)
    assert OLDER > 2
    await world.begin()
    for _ in range(5):
        await world.deploy("1", "2")
    assert await world.keep.look() == 2


async def test_git_alone_says_that_it_does_not_know(world):
    """A filter by feature in a clone is refused, not answered with nothing."""
    timelines = Timelines((), renderer=None, clock=world.clock, store=None)
    with pytest.raises(NeedsServer, match="not known here"):
        await timelines.timeline(TimelineQuery(feature="PR-16"))


BASE = "github.com/o/shop//deploy"


async def test_a_base_that_changed_alone_has_features(world):
    """No image changed, and the record is looked at all the same; what it is found by is the feature."""
    await world.begin()
    origins = (Origins(bases={BASE: "1"}), Origins(bases={BASE: "2"}))
    await world.store.start_deployment(make_deployment(origins=origins))
    assert await world.keep.look() == 1

    (entry,) = await world.timeline(feature="PR-16")
    assert [one.id for one in entry.features] == ["PR-16", "#3"]
    assert entry.images == ()
    (run,) = await world.store.deployments(DeploymentQuery())
    await world.store.save_deployment(msgspec.structs.replace(run, outcome="succeeded", finished_at=NOON))
    (attempt,) = await world.store.attempts("web-production")
    assert len(attempt.committed) == 1


async def test_an_old_record_of_a_kustomization_does_not_know_its_bases(world):
    """What its images brought is known, and it is said that bases are not; a new record has nothing to say."""
    await world.begin()
    await world.store.save_application(make_application(renderer="kustomize"))
    await world.deploy("1", "2")
    await world.deploy("1", "2", origins=(NO_ORIGINS, NO_ORIGINS))
    await world.keep.look()

    new, old = await world.timeline()
    assert [one.id for one in old.features] == ["PR-16", "#3"]
    assert [(one.image, one.reason) for one in old.features_unknown] == [("web-production", NOT_RECORDED)]
    assert new.features_unknown == ()


async def test_what_the_chart_said_is_asked_of_the_record(world):
    """The chart of that time counts, whatever the repo has now."""
    asked = []
    locate_all = world.sources.locate_all

    async def listen(declared, images, origins, built):
        asked.append((images, origins))
        return await locate_all(declared, images, origins, built)

    world.sources.locate_all = listen
    await world.begin()
    was, will = (Origins(charts={"web": (ImageClaim(place="chart", revision=one),)}) for one in "12")
    await world.deploy("1", "2", origins=(was, will))
    await world.keep.look()
    assert asked == [({"web": "1"}, was), ({"web": "2"}, will)]
