"""What forges say is kept with the records: beside what Git says, never in its way, and there when they are gone."""

import asyncio
import datetime as dt

import msgspec
import pytest

from lastgood.core.commit import Person
from lastgood.core.forge_facts import forge_facts
from lastgood.core.resource import ImageChange
from lastgood.core.source_commit import Selection
from lastgood.core.sources import Source
from lastgood.core.timeline import TimelineQuery
from lastgood.flows import ask_forge
from lastgood.flows.ask_forge import AskForge
from lastgood.flows.keep_features import AGAIN, SOON, KeepFeatures
from lastgood.queries.selection import entry_matches
from lastgood.queries.timeline import Timelines
from lastgood.store.sql_store import SqlStore
from twins.clock import ManualClock
from twins.config_repo import PRIYA
from twins.forge import MemoryForge
from twins.source_history import MemorySourceHistory
from twins.sources import MemorySources
from twins.store import NOON, make_application, make_commit, make_deployment

REPO = "https://git.example.com/o/shop"
JIRA = "https://jira.example.com"
PAGE = "https://ci.example.com/runs/7"
GIFT = forge_facts(title="Gifts for everyone", labels=["shop", "q4"], login="sam")


class World:
    """A source repo, the records of one application, a forge, and who keeps features."""

    def __init__(self):
        self.store = SqlStore.in_memory()
        self.history = MemorySourceHistory(f"{REPO}.git")
        selection = Selection(projects=("SHOP",), trackers=(("jira", JIRA),))
        self.sources = MemorySources(self.history, selection)
        self.clock = ManualClock(NOON)
        self.forge = MemoryForge()
        self.keep = self.keeping(self.forge)

    def keeping(self, forge, **patience):
        declared = {"shop": (Source(image="web", repo=f"{REPO}.git"),)}
        asking = AskForge(forge, clock=self.clock, **patience)
        return KeepFeatures(
            store=self.store,
            sources=self.sources,
            declared=declared.get,
            clock=self.clock,
            forge=asking,
        )

    async def begin(self):
        start = await self.history.commit("Begin", {"web/a": "1"})
        message = "Gift message (#16)\n\nFixes #3, o/shop#4 and secret/plans#5\n\nSHOP-115"
        self.gift = await self.history.commit(message, {"web/a": "2"}, [start])
        await self.history.refresh()
        self.sources.revisions |= {"1": start, "2": self.gift}
        await self.store.save_application(make_application())

    async def deploy(self, before="1", after="2", message="web", **changed):
        image = ImageChange(name="web", from_=before, to=after)
        return await self.store.start_deployment(
            make_deployment(commit=make_commit(message), images=(image,), **changed)
        )

    async def timeline(self, **query):
        timelines = Timelines((), renderer=None, clock=self.clock, store=self.store)
        return await timelines.timeline(TimelineQuery(**query))

    async def features(self):
        (entry,) = await self.timeline()
        return {one.id: one for one in entry.features}

    async def events(self):
        return [one.payload for one in await self.store.events(after=0) if one.kind == "features"]


@pytest.fixture
async def world():
    made = World()
    await made.begin()
    yield made
    made.store.close()


async def test_titles_labels_and_people_are_kept_and_found(world):
    """The forge's title and labels in place of Git's; its author before Git's; shown and searched without the forge."""
    world.forge.said |= {
        ("pull", REPO, 16): GIFT,
        ("issue", REPO, 3): forge_facts(title="No gifts!", labels=["bug"], login="kim"),
        ("ticket", f"{JIRA}/browse/SHOP-115"): forge_facts(title="Sell more", labels=["goal"]),
    }
    await world.deploy()
    assert await world.keep.look() == 1
    assert await world.keep.look() == 0

    found = await world.features()
    pull = found["PR-16"]
    assert (pull.title, pull.git_title, pull.labels) == ("Gifts for everyone", "Gift message", ("shop", "q4"))
    assert pull.authors == (Person(name="sam", email=""), PRIYA)
    assert (found["#3"].title, found["#3"].labels, found["#3"].authors) == ("No gifts!", ("bug",), (PRIYA,))
    assert (found["SHOP-115"].title, found["SHOP-115"].labels) == ("Sell more", ("goal",))
    assert found["o/shop#4"].title == "Gift message", "the forge has none"

    (entry,) = await world.timeline()
    assert [one["title"] for one in entry.pull_requests] == ["Gifts for everyone"]
    assert [one.name for one in entry.committers] == ["sam", PRIYA.name]
    for search in ("everyone", "q4", "goal", "sam"):
        assert len(await world.timeline(search=search)) == 1, search
    only = msgspec.structs.replace(entry, features=(pull,))
    for words in ("gifts everyone", "gift message"):
        assert entry_matches(only, TimelineQuery(search=words)), words
        assert len(await world.timeline(feature=words)) == 1, words


async def test_only_the_source_repo_itself_is_asked_about(world):
    """A commit message that names another repo must not read it with the token of lastgood."""
    await world.deploy()
    await world.keep.look()
    assert set(world.forge.asked) == {
        ("build", REPO, world.gift), ("pull", REPO, 16), ("issue", REPO, 3), ("issue", REPO, 4),
        ("ticket", f"{JIRA}/browse/SHOP-115"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("person", "facts"),
    [
        (Person(name="Priya", email="x@example.com"), forge_facts(title="", name="priya", login="p7")),
        (Person(name="P", email="7+priya@users.noreply.example.com"), forge_facts(title="", login="priya")),
        (Person(name="P", email="Priya@example.com"), forge_facts(title="", login="priya")),
        (Person(name="Priya Raman", email="x@example.com"), forge_facts(title="", login="priya-raman")),
        (Person(name="P", email="priya.raman@example.com"), forge_facts(title="", name="Priya Raman", login="p7")),
    ],
)
async def test_an_author_whom_git_knows_is_not_told_twice(world, person, facts):
    """By name, or by an address made of the short name; Git's own is shown."""
    message = "Nicer gifts (#17)\n\nCo-authored-by: Sam <sam@example.com>"
    nicer = await world.history.commit(message, {"web/a": "3"}, [world.gift], author=person)
    await world.history.refresh()
    world.sources.revisions["3"] = nicer
    world.forge.said["pull", REPO, 17] = facts
    await world.deploy("2", "3")
    await world.keep.look()
    assert [one.name for one in (await world.features())["PR-17"].authors] == [person.name, "Sam"]


async def test_a_forge_that_is_away_is_asked_again(world):
    """What Git says is there at once; what was told stays when the forge goes away later, and nothing is told twice."""
    world.forge.away = "it answers with HTTP status 500"
    await world.deploy()
    await world.keep.look()
    assert (await world.features())["PR-16"].title == "Gift message"
    assert await world.keep.look() == 0

    world.forge.away, world.forge.said = "", {("pull", REPO, 16): GIFT, ("build", REPO, world.gift): PAGE}
    await world.clock.move(AGAIN.total_seconds())
    assert await world.keep.look() == 1
    assert (await world.features())["PR-16"].title == "Gifts for everyone"
    assert len(await world.events()) == 2
    await world.clock.move(2 * AGAIN.total_seconds())
    assert await world.keep.look() == 0, "all is known"

    # It is looked at once more for another reason, and the forge is away again.
    (kept,) = (await world.store.carried([1])).values()
    await world.store.save_carried(msgspec.structs.replace(kept, again_at=world.clock.now()))
    world.forge.away = "it is gone"
    assert await world.keep.look() == 1
    (entry,) = await world.timeline()
    assert ({one.id: one.title for one in entry.features}["PR-16"], entry.build) == ("Gifts for everyone", PAGE)
    assert len(await world.events()) == 2


async def test_an_old_record_is_asked_about_once(world):
    """As with everything that is not known: a day later nobody asks any more."""
    world.forge.away = "it is gone"
    await world.deploy(started_at=NOON - dt.timedelta(days=2))
    await world.keep.look()
    await world.clock.move(2 * AGAIN.total_seconds())
    assert await world.keep.look() == 0


@pytest.mark.parametrize(
    ("message", "image", "shown", "asked"),
    [
        ("web", None, PAGE, True),
        ("web", "https://ci.example.com/image", "https://ci.example.com/image", False),
        ("web\n\nBuild: https://ci.example.com/trailer\n", None, "https://ci.example.com/trailer", False),
    ],
)
async def test_the_build_is_a_trailers_then_an_images_then_a_status(world, message, image, shown, asked):
    """The forge is asked only where neither of the others names one."""
    world.forge.said["build", REPO, world.gift] = PAGE
    if image is not None:
        world.sources.builds["2"] = image
    await world.deploy(message=message)
    await world.keep.look()
    (entry,) = await world.timeline()
    assert entry.build == shown
    assert (("build", REPO, world.gift) in world.forge.asked) is asked


async def test_so_many_are_asked_about_and_no_more(world, monkeypatch):
    """The newest; the others keep Git's titles."""
    monkeypatch.setattr(ask_forge, "MOST_ASKED", 3)
    last = world.gift
    for number in range(20, 30):
        last = await world.history.commit(f"Change {number} (#{number})", {"web/a": str(number)}, [last])
        world.forge.said["pull", REPO, number] = forge_facts(title=f"Better {number}")
    await world.history.refresh()
    world.sources.revisions["3"] = last
    await world.deploy("2", "3")
    await world.keep.look()
    assert [question for question in world.forge.asked if question[0] == "pull"] == [
        ("pull", REPO, 29), ("pull", REPO, 28), ("pull", REPO, 27),
    ]  # fmt: skip
    assert [one.title for one in (await world.features()).values()][:4] == [
        "Better 29", "Better 28", "Better 27", "Change 26",
    ]  # fmt: skip


class Hanging(MemoryForge):
    """Says the title, and never the build."""

    async def build(self, repo, commit):
        self.asked.append(("build", repo.base, commit))
        await asyncio.Event().wait()


async def test_nobody_waits_long_for_a_slow_forge(world):
    """What came in time is kept; for the rest of the minute nobody waits, whatever many records there are."""
    forge = Hanging()
    forge.said["pull", REPO, 16] = GIFT
    keep = world.keeping(forge, wait_s=0.05)
    await world.deploy()
    await keep.look()
    assert (await world.features())["PR-16"].title == "Gifts for everyone"
    assert [one.again_at for one in (await world.store.carried([1])).values()] == [NOON + SOON]

    asked = len(forge.asked)
    await world.deploy()
    await keep.look()
    assert len(forge.asked) == asked
    await world.clock.move(ask_forge.PER_S)
    await world.deploy()
    await keep.look()
    assert len(forge.asked) > asked


async def test_without_a_forge_nothing_is_read_and_nothing_changes(world):
    """Each record is asked about once, and those of a look together."""
    read = []
    store = world.store

    class Counting:
        def __getattr__(self, name):
            read.append(name)
            return getattr(store, name)

    keep = KeepFeatures(store=Counting(), sources=world.sources, declared=lambda _: (), clock=world.clock)
    await world.deploy()
    await keep.look()
    assert read == ["deployments", "wanting_features", "applications", "carried", "built", "save_carried"]
    assert {one.labels for one in (await world.features()).values()} == {()}
