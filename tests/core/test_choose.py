"""Choosing a version with records: what ran decides, not the shape of the history."""

import datetime as dt
import re

import msgspec
import pytest

from lastgood.core.choose import choose
from lastgood.core.errors import (
    AmbiguousVersion,
    CommandLineWrong,
    HistoryTruncated,
    NoLastGood,
    NoPrevious,
    UnknownVersion,
)
from lastgood.core.hold import HeldFile, Hold
from lastgood.core.last_good import known_good, last_good
from lastgood.core.version_text import Date, Name, Number, Word, read_version_text
from lastgood.store import SqlStore
from twins.config_repo import MemoryConfigRepo
from twins.rollback_world import WEB, RollbackWorld, make_world
from twins.store import make_deployment

NOW = dt.datetime(2026, 11, 19, 14, 0, tzinfo=dt.UTC)


@pytest.fixture
def world(tmp_path):
    store = SqlStore.in_memory()
    yield from make_world("memory", tmp_path, store=store)
    store.close()


async def ran(world: RollbackWorld, commit: str, **words):
    """Record that the version of a commit ran."""
    version, path_tree = await world.repo.version(commit, (await world.app()).scope)
    given = {"outcome": "succeeded", "trigger": "commit", "baked_at": world.clock.now(), "finished_at": NOW}
    deployment = make_deployment(
        app="web-production",
        version=version,
        path_tree=path_tree,
        commit=await world.repo.commit(commit),
        started_at=world.clock.now(),
        **(given | words),
    )
    started = await world.store.start_deployment(deployment)
    await world.store.save_deployment(msgspec.structs.replace(deployment, id=started.id, number=started.number))
    await world.clock.move(60)
    return started


async def chosen(world: RollbackWorld, text: str, **words) -> str | None:
    version = await choose(
        text,
        app=await world.app(),
        repo=world.repo,
        store=world.store,
        head=await world.head(),
        now=world.clock.now(),
        **words,
    )
    return version.commit


async def _four(world: RollbackWorld) -> list[str]:
    await world.begin()
    return [await world.release(name=f"v{n}") for n in range(4)]


async def test_previous_is_what_ran_before(world):
    """One push may carry several commits of which only the last ran: the others are not previous."""
    v = await _four(world)
    await ran(world, v[0])
    await ran(world, v[2], outcome="superseded")
    await ran(world, v[3])
    assert await chosen(world, "previous") == v[0]


async def test_previous_passes_over_what_a_rollback_left(world):
    """v1 was left by a rollback to v0; then v2 came: before it ran v0, and v1 is not offered."""
    v = await _four(world)
    await ran(world, v[0])
    await ran(world, v[1])
    await ran(world, v[0], trigger="rollback")
    await ran(world, v[3])
    assert await chosen(world, "previous") == v[0]
    await world.release(name="v0")
    await ran(world, await world.head(), trigger="rollback")
    with pytest.raises(NoPrevious):
        await chosen(world, "previous")


async def test_previous_after_an_undo_counts_again(world):
    """The undo brought the version back: it is no longer one that a rollback left."""
    v = await _four(world)
    await ran(world, v[0])
    await ran(world, v[1])
    await ran(world, v[0], trigger="rollback")
    await ran(world, v[1], trigger="undo")
    await ran(world, v[3])
    assert await chosen(world, "previous") == v[1]


async def test_last_good_is_the_newest_that_baked(world):
    """Not the current one, not one that failed, degraded, never baked or is on hold."""
    v = await _four(world)
    await ran(world, v[0])
    await ran(world, v[1])
    await ran(world, v[2], outcome="failed", own_fault=True, baked_at=None)
    await ran(world, v[3])
    assert await chosen(world, "last-good") == v[1]
    holds = [Hold(id="1", version=str(await world.version(v[1])), commit=None, since=NOW)]
    assert await chosen(world, "last-good", holds=holds) == v[0]
    blob = (await world.repo.entry(v[0], f"{WEB}/deploy.conf")).oid
    held = HeldFile(path=f"{WEB}/deploy.conf", blob=blob)
    holds.append(Hold(id="2", version="a" * 40, commit=None, files=(held,), since=NOW))
    with pytest.raises(NoLastGood):
        await chosen(world, "last-good", holds=holds)


async def test_where_nothing_baked_the_next_best_is_named(world):
    """What became Healthy last, not what failed or degraded, nor what failed when tried again, and nothing on hold."""
    v = [*await _four(world), await world.release(name="v4")]
    await ran(world, v[0], baked_at=None)
    await ran(world, v[1], baked_at=None)
    await ran(world, v[1], outcome="failed", own_fault=True, baked_at=None)
    await ran(world, v[2], outcome="failed", own_fault=True, baked_at=None)
    await ran(world, v[3], baked_at=None, degraded_at=NOW)
    await ran(world, v[4])
    with pytest.raises(NoLastGood) as none:
        await chosen(world, "last-good")
    assert none.value.hint.startswith(f"n1 ({v[0][:7]}) became Healthy, and was not for its bake time: `--to n1`")
    holds = [Hold(id="1", version=str(await world.version(v[0])), commit=None, since=NOW)]
    with pytest.raises(NoLastGood) as none:
        await chosen(world, "last-good", holds=holds)
    assert none.value.hint == "`--previous` goes back to the version before this one"


async def test_a_deployments_number(world):
    """n2 is deployment number 2 of this application."""
    v = await _four(world)
    await ran(world, v[0])
    await ran(world, v[1])
    assert await chosen(world, "n2") == v[1]
    with pytest.raises(UnknownVersion) as unknown:
        await chosen(world, "n9")
    assert unknown.value.hint == "see `lastgood timeline web-production`"


async def test_a_date_is_what_ran_then(world):
    """By the records; before the first of them by the branch."""
    v = await _four(world)
    await ran(world, v[0])
    at = world.clock.now() - dt.timedelta(seconds=1)
    await ran(world, v[3])
    assert await chosen(world, f"@{at:%Y-%m-%dT%H:%M:%S}") == v[0]
    commit = await world.repo.commit(v[1])
    assert await chosen(world, f"@{commit.committed_at:%Y-%m-%dT%H:%M:%S}") == v[1]
    with pytest.raises(UnknownVersion):
        await chosen(world, "@2001-01-01")


async def test_a_version_id_that_only_the_records_know(world):
    """After a rewrite of history the record still leads to the commit."""
    v = await _four(world)
    await ran(world, v[2])
    version = await world.version(v[2])
    world.remote.set("refs/heads/main", v[1])
    assert await chosen(world, version[:8]) == v[2]


async def test_ran_says_what_is_recorded(world):
    """True, False with records; None without."""
    v = await _four(world)
    await ran(world, v[0])
    words = {"app": await world.app(), "repo": world.repo, "head": await world.head(), "now": NOW}
    assert (await choose(v[0], store=world.store, **words)).ran is True
    assert (await choose(v[1], store=world.store, **words)).ran is False
    assert (await choose(v[1], store=None, **words)).ran is None


async def test_unknown_and_ambiguous(world):
    """Both name the application and exit 5."""
    commits = await _four(world)
    for text in ("nonsense", "f" * 40, "abcd"):
        with pytest.raises(UnknownVersion) as unknown:
            await chosen(world, text)
        assert unknown.value.app == "web-production"

    async def several(text):
        raise AmbiguousVersion(version=text, candidates=[{"oid": oid, "subject": "one"} for oid in commits[:2]])

    world.repo.resolve = several
    with pytest.raises(AmbiguousVersion) as ambiguous:
        await chosen(world, "9f31")
    named = rf"{commits[0][:7]} \(.+ ago\), {commits[1][:7]} \(.+ ago\)"
    assert re.fullmatch(f"9f31 is ambiguous in web-production: {named}", ambiguous.value.message)
    assert ambiguous.value.hint == "give one more character"
    assert ambiguous.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-11-20", "`@2026-11-20`"),
        ("3 days ago", "`'@3 days ago'`"),
        ("2026-11-20T10:00:00Z", "`@2026-11-20T10:00:00Z`"),
    ],
)
async def test_a_date_without_its_at_is_told_how_a_date_is_written(world, text, hint):
    """Who types a date means a date."""
    await _four(world)
    with pytest.raises(UnknownVersion) as unknown:
        await chosen(world, text)
    assert unknown.value.hint == f"a date is written with an @: {hint}"


async def test_a_hash_too_short_for_git_names_what_it_may_mean(world):
    """Among the application's own commits; which of several is asked, one is only named."""
    await world.begin()
    # Of seventeen, two begin with the same of sixteen digits.
    commits = [await world.release(name=f"v{n}") for n in range(17)]
    alike = next(found for oid in commits if len(found := {c for c in commits if c[0] == oid[0]}) > 1)
    with pytest.raises(AmbiguousVersion) as ambiguous:
        await chosen(world, next(iter(alike))[0])
    assert {one["oid"] for one in ambiguous.value.facts["candidates"]} >= alike

    with pytest.raises(UnknownVersion) as unknown:
        await chosen(world, commits[0][:3])
    assert unknown.value.hint.startswith(f"did you mean {commits[0][:7]} (")
    assert unknown.value.hint.endswith("a hash needs at least 4 characters")


async def test_previous_beyond_a_shallow_clone(world):
    """Where the history ends too early nothing is guessed."""
    v = await _four(world)
    shallow = MemoryConfigRepo(world.remote, shallow=frozenset({v[3]}))
    await shallow.fetch("main")
    with pytest.raises(HistoryTruncated):
        await choose("previous", app=await world.app(), repo=shallow, store=None, head=v[3], now=NOW)


async def test_previous_looks_as_far_back_as_it_must(world):
    """A bot writes what a rollback left again and again, long after: it still is no version to go back to."""
    await world.begin()
    old = await world.release(name="old")
    await world.release(name="bad")
    await world.roll_back(to=old, hold=False)
    for _ in range(40):
        await world.release(name="bad", author=(await world.repo.commit(old)).author)
        await world.release(name="old")
    world.store = None
    with pytest.raises(NoPrevious):
        await chosen(world, "previous")


# the rule of the last known good version, by itself


def run(version: str, number: int, **words):
    return make_deployment(version=version * 40, number=number, **({"outcome": "succeeded"} | words))


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], None),
        ([run("a", 1, baked_at=NOW)], "a"),
        ([run("a", 1)], None),
        ([run("c", 2, baked_at=NOW), run("a", 1, baked_at=NOW)], "a"),
        ([run("b", 2, baked_at=NOW), run("a", 1, baked_at=NOW)], "b"),
        ([run("a", 3, outcome="failed", own_fault=True), run("a", 1, baked_at=NOW)], None),
        ([run("a", 3, outcome="failed"), run("a", 1, baked_at=NOW)], "a"),
        ([run("a", 3, outcome="superseded"), run("a", 1, baked_at=NOW)], "a"),
        ([run("a", 3, baked_at=NOW, degraded_at=NOW)], None),
        ([run("a", 4, baked_at=NOW), run("a", 3, baked_at=NOW, degraded_at=NOW)], "a"),
        ([run("d", 4, baked_at=NOW), run("a", 3, baked_at=NOW)], "a"),
    ],
)
def test_the_last_known_good(runs, expected):
    """C runs now, d is on hold; the newest run of a version that says anything decides."""
    found = last_good(runs, other_than=("c" * 40, None), held={"d" * 40})
    assert (found and found.version[0]) == expected


def test_known_good_names_each_version_once():
    """Newest first."""
    runs = [run("a", 3, baked_at=NOW), run("b", 2, baked_at=NOW), run("a", 1, baked_at=NOW)]
    assert [r.number for r in known_good(runs, other_than=())] == [3, 2]


# the forms of a VERSION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last-good", Word(word="last-good")),
        (" current ", Word(word="current")),
        ("n41", Number(number=41)),
        ("n0", Name(text="n0")),
        ("n41a", Name(text="n41a")),
        ("--upload-pack=x", Name(text="--upload-pack=x")),
        ("@", Name(text="@")),
        ("@2026-11-18", Date(at=dt.datetime(2026, 11, 18, 23, 59, 59, 999_999, tzinfo=dt.UTC))),
        ("@2026-11-18T12:00+02:00", Date(at=dt.datetime(2026, 11, 18, 10, tzinfo=dt.UTC))),
        ("@3 days ago", Date(at=NOW - dt.timedelta(days=3))),
        ("@3.days.ago", Date(at=NOW - dt.timedelta(days=3))),
        ("@2h", Date(at=NOW - dt.timedelta(hours=2))),
        (
            "@yesterday",
            Date(at=(NOW - dt.timedelta(days=1)).replace(hour=23, minute=59, second=59, microsecond=999_999)),
        ),
    ],
)
def test_the_forms(text, expected):
    """Told apart by form alone."""
    assert read_version_text(text, now=NOW) == expected


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "x" * 300, "@soon", "@2026-02-30", "@99999 years ago"])
def test_what_is_no_version(text):
    """Empty, unprintable, too long, or a date that nobody can read."""
    with pytest.raises(CommandLineWrong):
        read_version_text(text, now=NOW)
