"""What every store promises, whatever database is behind it."""

import asyncio
import datetime as dt
import itertools
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lastgood.core.application import Refusal
from lastgood.core.built import Built
from lastgood.core.carried import Carried
from lastgood.core.commit import Person
from lastgood.core.deployment import Phase
from lastgood.core.errors import StoreFailed, StoreUnavailable
from lastgood.core.feature import Feature
from lastgood.core.hold import HeldFile, Hold
from lastgood.core.image_facts import ImageClaim
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.last_good import known_good
from lastgood.core.observation import Observation, ResourceResult
from lastgood.core.operation import Moved, Operation
from lastgood.core.origins import NO_ORIGINS, Origins
from lastgood.core.record import DeploymentQuery, HoldRecord, Pause, RefusedHead, RepoRecord
from lastgood.core.resource import ImageChange
from lastgood.core.setting import SettingChange, Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.version import version_at
from lastgood.store import SqlStore
from lastgood.store.schema import operation_applications
from twins.store import NOON, PRIYA, fill, make_application, make_commit, make_deployment, oid

MINUTE = dt.timedelta(minutes=1)
CHART = ImageClaim(place="chart", revision="1.4.2", source="https://git.example.com/shop/web")
replace = msgspec.structs.replace


POSTGRES = os.environ.get("LASTGOOD_TEST_POSTGRES")


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory) -> Path:
    """A file that was opened once: what the migrations make of nothing is the same each time, and takes long."""
    path = tmp_path_factory.mktemp("empty") / "lastgood.db"
    SqlStore.open(path).close()
    return path


@pytest.fixture(params=["memory", "file", *(["postgresql"] if POSTGRES else [])])
def store(request, tmp_path, empty_file) -> Iterator[SqlStore]:
    if request.param == "memory":
        opened = SqlStore.in_memory()
    elif request.param == "file":
        opened = SqlStore.open(shutil.copy(empty_file, tmp_path))
    else:
        opened = SqlStore.open(str(POSTGRES))
    yield opened
    if request.param == "postgresql":
        opened._database.write_now(_drop_everything)
    opened.close()


@pytest.mark.skipif(not POSTGRES, reason="LASTGOOD_TEST_POSTGRES names no empty PostgreSQL database")
def test_postgresql_is_asked_too():
    """With a server at hand this suite runs on it as well; without one, this line says so."""
    assert POSTGRES


def _drop_everything(connection: Any) -> None:
    connection.exec_driver_sql("DROP SCHEMA public CASCADE")
    connection.exec_driver_sql("CREATE SCHEMA public")


async def numbers(store: SqlStore, **query: Any) -> list[int]:
    return [found.number for found in await store.deployments(DeploymentQuery(**query))]


# repos and heads


async def test_a_repo_is_replaced_by_name(store):
    """The last word about a repo counts, and repos come by name."""
    shop = RepoRecord(name="shop", url="u", branch="main", state="ok", message="", head=None, observed_at=None)
    await store.save_repo(shop)
    await store.save_repo(replace(shop, name="infra"))
    seen = replace(shop, state="unreachable", message="no route", head=oid("h"), observed_at=NOON)
    await store.save_repo(seen)

    assert await store.repos() == [replace(shop, name="infra"), seen]


async def test_the_log_of_heads_comes_newest_first(store):
    """Each head is appended, with an id that counts up, and a branch shows only its own."""
    first = await store.observe_head(repo="shop", branch="main", commit=oid("1"), previous=None, kind="first", at=NOON)
    await store.observe_head(repo="shop", branch="next", commit=oid("x"), previous=None, kind="first", at=NOON)
    second = await store.observe_head(
        repo="shop", branch="main", commit=oid("2"), previous=oid("1"), kind="forward", at=NOON
    )

    assert (second.commit, second.previous, second.kind, second.observed_at) == (oid("2"), oid("1"), "forward", NOON)
    assert second.id > first.id
    assert await store.observed_heads("shop", "main") == [second, first]
    assert await store.observed_heads("shop", "main", limit=1) == [second]


# applications


async def test_an_application_comes_back_as_it_was_saved(store):
    """Every field of the present state survives, nested versions included."""
    version = version_at(make_commit(), version=oid("v"), path_tree=oid("p"), ran=True)
    full = make_application(
        state="stopped",
        message="the branch was rewritten",
        current=version,
        desired=version,
        running=version,
        last_good=version,
        refused=Refusal(commit=oid("c"), hold="h1"),
        held=2,
        health="Degraded",
        sync="OutOfSync",
        health_message="web exited with 1",
        observed_at=NOON,
        updated_at=NOON + MINUTE,
        earlier=7,
    )
    await store.save_application(make_application())
    await store.save_application(full)

    assert await store.application("web-production") == full
    assert await store.application("nobody") is None


async def test_applications_come_by_name(store):
    """All applications are listed by name, removed ones too."""
    for name, state in (("web-staging", "removed"), ("cart-staging", "followed")):
        await store.save_application(make_application(name, state=state))

    assert [app.name for app in await store.applications()] == ["cart-staging", "web-staging"]
    assert [app.name for app in await store.applications({"web-staging", "never"})] == ["web-staging"]
    assert await store.applications(()) == []


async def test_an_observation_changes_health_alone(store):
    """Health, sync, message and time are set; the rest stays."""
    await store.save_application(make_application(held=3))
    seen = Observation(app="web-production", observed_at=NOON, health="Healthy", sync="Synced", message="2 of 2")
    await store.observe(seen)

    expected = make_application(held=3, health="Healthy", sync="Synced", health_message="2 of 2", observed_at=NOON)
    assert await store.application("web-production") == expected


async def test_an_observation_brings_no_application_back(store):
    """What was forgotten while a target was looked at stays forgotten."""
    await store.observe(Observation(app="gone", observed_at=NOON, health="Healthy", sync="Synced"))

    assert await store.applications() == []


# deployments


async def test_a_deployment_comes_back_as_it_was_saved(store):
    """Every phase and time, and all nested parts, survive."""
    begun = await store.start_deployment(make_deployment(commit=make_commit("web: é\n\nBody 🚀\n", parents=())))
    ended = replace(
        begun,
        outcome="failed",
        finished_at=NOON + MINUTE,
        baked_at=NOON + 2 * MINUTE,
        degraded_at=NOON + 3 * MINUTE,
        own_fault=True,
        message="web never became ready",
        digest="sha256:1",
        images=(ImageChange(name="web", from_=None, to="abc"),),
        origins=(NO_ORIGINS, Origins(charts={"web": (CHART,)}, bases={"github.com/org/app//deploy": "v1"})),
        resources=(ResourceResult(kind="Process", name="web", change="added", outcome="applied"),),
        phases=(Phase(name="render", started_at=NOON, finished_at=NOON + MINUTE, message="done"),),
        superseded_by=oid("next"),
        last_words="Traceback",
    )
    await store.save_deployment(ended)

    assert await store.deployment("web-production", 1) == ended
    assert await store.deployments(DeploymentQuery()) == [ended]


async def test_saving_keeps_what_a_deployment_was_started_with(store):
    """Version, commit, trigger and start are facts of the start: a later save cannot rewrite them."""
    begun = await store.start_deployment(make_deployment(definition={"path": "a"}, operation="op-1"))
    await store.save_deployment(
        replace(
            begun,
            outcome="succeeded",
            version=oid("other"),
            trigger="drift",
            commit=make_commit("other"),
            started_at=NOON - MINUTE,
            definition={},
            operation=None,
        )
    )

    assert await store.deployment("web-production", 1) == replace(begun, outcome="succeeded")


async def test_a_deployment_that_was_never_started_is_not_invented(store):
    """Saving an id that is not recorded is an error, not a new record."""
    with pytest.raises(StoreFailed, match="deployment 7 of web-production is not recorded"):
        await store.save_deployment(make_deployment(id=7, number=1))

    assert await store.count_deployments(DeploymentQuery()) == 0


async def test_numbers_count_up_in_each_application(store):
    """Each application has its own numbers, from 1."""
    begun = [await store.start_deployment(make_deployment(app)) for app in ("a-x", "b-x", "a-x")]

    assert [d.number for d in begun] == [1, 1, 2]
    assert len({d.id for d in begun}) == 3


async def test_a_forgotten_application_keeps_its_records_and_numbers(store):
    """After an application is deleted its deployments stay, and one of that name counts on."""
    await store.save_application(make_application())
    await store.start_deployment(make_deployment())
    await store.delete_application("web-production")

    assert await store.application("web-production") is None
    assert (await store.start_deployment(make_deployment())).number == 2
    assert await numbers(store, app="web-production") == [2, 1]
    assert await numbers(store, environment="production") == [1]


async def test_numbers_are_given_once_to_concurrent_starts(store):
    """Attempts that begin at the same time get different numbers without a gap."""
    begun = await asyncio.gather(*(store.start_deployment(make_deployment()) for _ in range(30)))

    assert sorted(d.number for d in begun) == list(range(1, 31))


async def test_pages_are_read_by_key(store):
    """before_id goes on where the last page ended, also when records were added meanwhile."""
    ids = [(await store.start_deployment(make_deployment())).id for _ in range(5)]
    page = await store.deployments(DeploymentQuery(limit=2))
    await store.start_deployment(make_deployment())

    assert [d.id for d in page] == [ids[4], ids[3]]
    assert [d.id for d in await store.deployments(DeploymentQuery(limit=9, before_id=ids[3]))] == ids[2::-1]
    assert await numbers(store, limit=0) == []
    assert await numbers(store, limit=-1) == []
    assert await numbers(store, before_id=10**30, limit=1) == [6]
    assert await store.deployment("web-production", 10**30) is None


MARTA = Person(name="MARTA Köhler", email="marta@example.com")


@pytest.fixture
async def history(store) -> SqlStore:
    """Five records of two applications, an hour's worth."""
    for name in ("web-production", "cart-staging"):
        await store.save_application(make_application(name))
    for app, changed in (
        ("web-production", {"commit": make_commit("web: release 1.4.1\n\nFixes SHOP-12 (PR-481)")}),
        ("cart-staging", {"commit": make_commit("cart: 50% off", author=MARTA), "trigger": "rollback"}),
        ("web-production", {"outcome": "failed", "images": (ImageChange(name="web", from_="web:1", to="web:2"),)}),
        ("web-production", {"trigger": "rollback", "operation": "op-1"}),
        ("cart-staging", {"outcome": "in-progress"}),
    ):
        n = await store.count_deployments(DeploymentQuery())
        begun = make_deployment(app, **{"outcome": "succeeded", "started_at": NOON + n * 10 * MINUTE} | changed)
        await store.start_deployment(begun)
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"app": "web-production"}, [4, 3, 1]),
        ({"app": "nobody"}, []),
        ({"environment": "staging"}, [5, 2]),
        ({"outcome": "succeeded"}, [4, 2, 1]),
        ({"trigger": "rollback"}, [4, 2]),
        ({"trigger": "rollback", "app": "cart-staging"}, [2]),
        ({"operation": "op-1"}, [4]),
        ({"commit": oid("cart: 50% off")}, [2]),
        ({"app": "web-production", "version": oid("nothing")}, []),
        ({"since": NOON + 20 * MINUTE}, [5, 4, 3]),
        ({"until": NOON + 20 * MINUTE}, [2, 1]),
        ({"since": NOON + 10 * MINUTE, "until": NOON + 30 * MINUTE}, [3, 2]),
        ({"since": dt.datetime(2026, 11, 19, 13, 20, tzinfo=dt.timezone(dt.timedelta(hours=1)))}, [5, 4, 3]),
        ({"author": "marta"}, [2]),
        ({"author": "KÖHLER marta@EXAMPLE"}, [2]),
        ({"author": "ö"}, [2]),
        ({"image": "WEB:1"}, [3]),
        ({"image": "web:2", "search": "release"}, [3]),
        ({"image": "web:3"}, []),
        ({"search": "Release 1.4.1"}, [1]),
        ({"search": "shop-12"}, [1]),
        ({"search": "pr-481 priya"}, [1]),
        ({"search": "PR-481 nobody"}, []),
        ({"search": oid("cart: 50% off")[:7]}, [2]),
        ({"search": "eleas", "app": "web-production"}, [4, 3, 1]),
        ({"search": "0%"}, [2]),
        ({"search": "_"}, []),
        ({"search": "50_ off"}, []),
        ({"search": "web:1"}, [3]),
        ({"search": "  "}, [5, 4, 3, 2, 1]),
    ],
)
async def test_a_filter_finds_its_records(history, query, expected):
    """The page, the count and the chart agree on which records a filter means."""
    asked = DeploymentQuery(**query)
    every = [NOON - MINUTE, NOON + 60 * MINUTE]

    assert [d.id for d in await history.deployments(asked)] == expected
    assert await history.count_deployments(replace(asked, limit=1, before_id=1)) == len(expected)
    (bar,) = await history.deployment_buckets(asked, every)
    assert sum(bar.counts.values()) == len(expected)


async def test_what_ended_is_counted_for_all_time(history):
    """By application, trigger and outcome; what is in progress has not ended, and no count ever falls by ending."""
    assert [(one.app, one.trigger, one.outcome, one.count) for one in await history.deployment_totals()] == [
        ("cart-staging", "rollback", "succeeded", 1),
        ("web-production", "commit", "failed", 1),
        ("web-production", "commit", "succeeded", 1),
        ("web-production", "rollback", "succeeded", 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '"', "''", "a AND", "NOT", "NEAR(a b)", "subject:web", "*", "web*", "(", "-web", "^web", "%", "\\", "\\%%%",
        "\0", "web\0", "\ud800", "\ud800\udfff\ud800", "'; DROP TABLE deployments; --", "x" * 100_000, "a b " * 50_000,
        "\N{ZERO WIDTH JOINER}" * 5, "🚀🚀🚀🚀", "\x1b[31m",
    ],
)  # fmt: skip
async def test_hostile_search_text_is_text(history, text):
    """Nothing that anybody types is an operator or an error; each means what it says."""
    for query in (DeploymentQuery(search=text), DeploymentQuery(author=text), DeploymentQuery(image=text)):
        await history.deployments(query)
        await history.count_deployments(query)
    found = await history.deployments(DeploymentQuery(search=f"no-such-word {text}"))

    assert found == []
    assert await history.count_deployments(DeploymentQuery()) == 5


async def test_a_record_is_found_by_the_reason_of_its_operation(store):
    """The words that somebody gave with an operation find what it did."""
    await store.save_operation(make_operation("op-1", reason="Checkout returns 500"))
    begun = await store.start_deployment(make_deployment(operation="op-1"))
    assert await numbers(store, search="CHECKOUT 500") == [1]

    await store.save_deployment(replace(begun, images=(ImageChange(name="web", from_=None, to="web:9"),)))

    assert await numbers(store, search="checkout web:9") == [1]


async def test_bars_count_by_trigger_or_by_what_went_wrong(history):
    """A bar takes its left edge and leaves its right one; success is told by trigger, the rest by outcome."""
    edges = [NOON, NOON + 10 * MINUTE, NOON + 10 * MINUTE, NOON + 30 * MINUTE, NOON + 50 * MINUTE]
    bars = await history.deployment_buckets(DeploymentQuery(), edges)

    assert [(bar.start, bar.end) for bar in bars] == list(itertools.pairwise(edges))
    assert [bar.counts for bar in bars] == [
        {"commit": 1}, {}, {"failed": 1, "rollback": 1}, {"in-progress": 1, "rollback": 1},
    ]  # fmt: skip
    assert await history.deployment_buckets(DeploymentQuery(), edges[:1]) == []


async def test_what_was_in_progress_is_found_again(store):
    """The next agent sees what the last one left unfinished, oldest first, and nothing else."""
    left = [await store.start_deployment(make_deployment(app)) for app in ("a-x", "b-x", "c-x")]
    await store.save_deployment(replace(left[1], outcome="superseded"))

    assert await store.unfinished_deployments() == [left[0], left[2]]


async def test_the_latest_record_of_many_applications(store):
    """One question brings the newest record of each application that has one."""
    for app in ("a-x", "b-x", "a-x", "c-x"):
        await store.start_deployment(make_deployment(app))
    latest = await store.latest_deployments(["a-x", "b-x", "never"])

    assert {app: d.number for app, d in latest.items()} == {"a-x": 2, "b-x": 1}
    assert await store.latest_deployments([]) == {}


async def test_judged_records_are_all_that_last_good_depends_on(store):
    """The rule gives the same answer from the judged records as from the whole history."""
    nothing: dict[str, Any] = {}
    stories = [nothing, {"baked_at": NOON}, {"baked_at": NOON, "degraded_at": NOON}, {"outcome": "superseded"}]
    stories += [{"outcome": outcome, "own_fault": own} for outcome in ("failed", "partial") for own in (True, False)]
    for n, story in enumerate(stories + stories[::-1] + stories[::3]):
        made = make_deployment(version=oid(f"v{n % 5}"), **{"outcome": "succeeded"} | story)
        await store.start_deployment(made)
    await store.start_deployment(make_deployment("other-x", baked_at=NOON))
    whole = await store.deployments(DeploymentQuery(app="web-production"))
    _, judged = await store.judged("web-production")

    assert [d.id for d in known_good(judged, other_than=())] == [d.id for d in known_good(whole, other_than=())]
    assert all(one.commit in {run.commit for run in whole} for one in judged)
    assert len(judged) == len({d.version for d in judged}) <= 5
    assert [d.id for d in judged] == sorted((d.id for d in judged), reverse=True)
    judging = [
        d.id for d in whole if d.baked_at or d.degraded_at or (d.own_fault and d.outcome in ("failed", "partial"))
    ]
    for newest in (0, 1, 3, 100):
        _, some = await store.judged("web-production", newest=newest)
        assert [one.id for one in some] == judging[:newest]


async def test_text_that_no_database_keeps_is_replaced(store):
    """NUL and lone surrogates become U+FFFD, in columns and in nested values; everything else stays."""
    bad = "a\0b\ud800c"
    commit = make_commit(f"web: {bad}\x1b", author=Person(name=bad, email="é@x"))
    begun = await store.start_deployment(
        make_deployment(commit=commit, definition={bad: [bad, 1, None]}, operation=bad, phases=())
    )
    await store.save_deployment(replace(begun, message=bad, images=(ImageChange(name=bad, from_=None, to=bad),)))
    kept = await store.deployment("web-production", 1)

    good = "a\ufffdb\ufffdc"
    assert kept is not None
    assert (kept.commit.message, kept.commit.author.name) == (f"web: {good}\x1b", good)
    assert (kept.message, kept.operation) == (good, good)
    assert kept.images[0].to is not None
    assert kept.images[0].to.endswith("\ufffdc")
    assert await store.deployment(bad, 1) is None


async def test_times_come_back_in_utc(store):
    """A time with another offset is the same moment, read back in UTC to the microsecond."""
    moment = dt.datetime(1969, 7, 20, 22, 17, 40, 123456, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    begun = await store.start_deployment(make_deployment(started_at=moment))

    assert begun.started_at == moment
    assert begun.started_at.tzinfo is dt.UTC


# operations


def make_operation(name: str, **changed: Any) -> Operation:
    given: dict[str, Any] = {
        "id": name,
        "kind": "rollback",
        "repo": "shop",
        "branch": "main",
        "moved": (Moved(app="web-production", from_=oid("1"), to=oid("2")),),
        "reason": "",
        "despite": (),
        "by": PRIYA,
        "requested_at": NOON,
        "step": "planned",
    }
    return Operation(**(given | changed))


async def test_an_operation_is_replaced_by_id(store):
    """The newest state of an operation counts, its plan included."""
    await store.save_operation(make_operation("op-1"))
    done = make_operation(
        "op-1",
        moved=(Moved(app="a-x", from_=oid("1"), to=oid("2")), Moved(app="b-x", from_=oid("1"), to=oid("2"))),
        reason="checkout returns 500",
        despite=("held",),
        step="done",
        commit=oid("c"),
        head=oid("h"),
        message="pushed",
        finished_at=NOON + MINUTE,
        plan={"applications": [{"app": "a-x"}], "nested": {"n": [1, None]}},
    )
    await store.save_operation(done)

    assert await store.operation("op-1") == done
    assert await store.operation("op-2") is None
    assert await store.operations(app="b-x") == [done]
    assert await store.operations(app="web-production") == []


async def test_an_operation_is_kept_with_the_holds_that_it_placed(store):
    """One step: the operation and its holds."""
    hold = make_hold("h-1")
    await store.save_operation(make_operation("op-1", step="done"), holds=(hold,))

    assert [found.id for found in await store.operations()] == ["op-1"]
    assert await store.holds("web-production") == [hold]


async def test_operations_come_newest_first_and_open_ones_alone(store):
    """Open is what has neither ended well nor failed: an unknown push is still to be finished."""
    for n, step in enumerate(("done", "unknown", "failed", "pushing")):
        await store.save_operation(make_operation(f"op-{n}", step=step, requested_at=NOON + n * MINUTE))

    assert [o.id for o in await store.operations()] == ["op-3", "op-2", "op-1", "op-0"]
    assert [o.id for o in await store.operations(open_only=True)] == ["op-3", "op-1"]
    assert [o.id for o in await store.operations(limit=1)] == ["op-3"]


async def test_operations_are_found_by_the_commit_that_brought_them(store):
    """That of a merge, too, which their applications share."""
    made, other = [make_operation(name, commit=commit) for name, commit in (("o-1", "a" * 40), ("o-2", "b" * 40))]
    for one in (made, other):
        await store.save_operation(one)

    assert await store.operations(commit="a" * 40) == [made]
    assert await store.operations(commit="c" * 40) == []


# holds, refusals, pauses


def make_hold(name: str, *, app: str = "web-production", **changed: Any) -> HoldRecord:
    held = Hold(
        id=name,
        version=oid(name),
        commit=oid("c"),
        images=("web:1",),
        files=(HeldFile(path="a", blob=oid("b")),),
        since=NOON,
        until=NOON + MINUTE,
    )
    return HoldRecord(app=app, hold=held, commit=oid("k"), **changed)


async def test_holds_come_oldest_first_and_ended_ones_on_request(store):
    """A hold is replaced by (app, id); one that ended is remembered with who ended it."""
    late = replace(make_hold("b"), hold=replace(make_hold("b").hold, since=NOON + MINUTE))
    other = make_hold("a", app="cart-staging", vanished=True)
    for hold in (late, make_hold("a"), other):
        await store.save_hold(hold)
    assert await store.holds() == [other, make_hold("a"), late]

    ended = make_hold("a", ended_at=NOON, ended_by="priya")
    await store.save_hold(ended)

    assert await store.holds("web-production") == [late]
    assert await store.holds("web-production", in_force=False) == [ended, late]


async def test_a_refusal_is_recorded_once(store):
    """The first refusal of a commit in an application counts; they come newest first, by time or environment."""
    await store.save_application(make_application("web-production"))
    one = RefusedHead(app="web-production", commit=oid("1"), version=oid("v"), hold="h", at=NOON)
    two = replace(one, app="cart-staging", at=NOON + MINUTE)
    for refused in (one, two, replace(one, hold="other", at=NOON + 5 * MINUTE)):
        await store.refuse(refused)

    assert await store.refused_heads() == [two, one]
    assert await store.refused_heads(limit=1) == [two]
    assert await store.refused_heads("web-production") == [one]
    assert await store.refused_heads(environment="production") == [one]
    assert await store.refused_heads(since=NOON + MINUTE) == [two]
    assert await store.refused_heads(until=NOON + MINUTE) == [one]


async def test_pauses_end_by_scope_and_name(store):
    """A pause replaces one of the same scope and name, and ends once."""
    everything = Pause(scope="everything", name=None, reason="freeze", by="priya", since=NOON)
    one = Pause(scope="application", name="web-production", reason="", by="priya", since=NOON + MINUTE)
    for pause in (replace(everything, reason="old"), one, everything):
        await store.pause(pause)
    assert await store.pauses() == [everything, one]

    assert await store.resume("everything", None)
    assert not await store.resume("everything", None)
    assert not await store.resume("environment", "web-production")
    assert await store.pauses() == [one]


# events


async def test_events_are_read_on_from_the_last_one_seen(store):
    """Ids count up; a reader goes on after the last one it has."""
    added = [
        await store.add_event(kind="deployment", app=app, payload={"n": [1, {"x": None}]}, at=NOON)
        for app in ("a-x", None, "b-x")
    ]

    assert await store.events(after=0) == added
    assert await store.events(after=added[0].id, limit=1) == [added[1]]
    assert await store.events(after=10**30) == []


# the way it works


async def test_a_cancelled_caller_leaves_no_half_write(store):
    """Whoever stops waiting for a start finds it whole or not at all; the number is not lost either way."""
    tasks = [asyncio.create_task(store.start_deployment(make_deployment())) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    kept = await numbers(store, app="web-production")

    assert kept == list(range(len(kept), 0, -1))
    assert {d.number for d in ended if not isinstance(d, BaseException)} <= set(kept)
    assert (await store.start_deployment(make_deployment())).number == len(kept) + 1


async def test_a_failed_write_leaves_nothing(store):
    """A start whose record cannot be written takes its number back."""
    naive = make_deployment(finished_at=dt.datetime(2026, 11, 19, 12, 0))  # noqa: DTZ001 the mistake that is tested
    with pytest.raises(Exception, match="offset"):
        await store.start_deployment(naive)

    assert (await store.start_deployment(make_deployment())).number == 1


async def test_rows_without_what_they_belong_to_are_refused(store):
    """Foreign keys count in every database: a row of an operation that is not there is refused."""
    lonely = operation_applications.insert().values(operation="nobody's", app="web-production")
    with pytest.raises(StoreFailed, match=r"(?i)foreign key"):
        await store._database.write(lambda connection: connection.execute(lonely))


async def test_a_closed_store_says_so(store):
    """A question after the end gets a clear answer."""
    closed = SqlStore.in_memory()
    closed.close()

    with pytest.raises(StoreUnavailable, match="closed"):
        await closed.pauses()


async def test_many_records_are_filled_in_as_if_one_by_one(store):
    """The twin that makes large stores gives what the store itself would have given."""
    await fill(store, applications=3, deployments=10)

    assert await numbers(store, app="service0-staging") == [4, 3, 2, 1]
    assert (await store.start_deployment(make_deployment("service0-staging"))).number == 5
    assert await store.count_deployments(DeploymentQuery(environment="production")) == 3
    assert str(uuid.UUID(int=0)) not in await store.latest_deployments(["service0-staging"])


# what was kept beside a record


def changed(path: str, **fields: Any) -> SettingChange:
    given: dict[str, Any] = {"kind": "Deployment", "namespace": "shop", "name": "web", "before": "256Mi", "after": None}
    return SettingChange(path=path, **(given | fields))


async def test_settings_are_kept_with_a_record_and_replaced(store):
    """As they were saved; the last word counts; what was not asked for is not there."""
    runs = [await store.start_deployment(make_deployment()) for _ in range(2)]
    unknown = KeptSettings(
        deployment=runs[0].id, found_at=NOON, settings=Settings(unknown="no chart"), again_at=NOON + MINUTE
    )
    await store.save_settings(unknown)
    assert await store.settings([runs[0].id, runs[1].id]) == {runs[0].id: unknown}
    known = KeptSettings(
        deployment=runs[0].id,
        found_at=NOON + MINUTE,
        settings=Settings(changes=(changed("spec.memory"), changed("spec.key", hidden=True, before=None)), more=7),
        before=oid("before"),
    )
    await store.save_settings(known)
    assert await store.settings([runs[0].id]) == {runs[0].id: known}
    assert await store.settings([]) == {}


async def test_what_images_were_built_from_is_read_by_application(store):
    """Newest first, at most so many, of one application alone; a record that keeps nothing of that is left out."""
    built = Built(image="web", reference="v1", repo="https://git.example/shop", revision=oid("gift"), how="chart")
    app, unknown = "web-production", Built(image="web", reference="v1")
    kept = []
    for name, some in ((app, (built, unknown)), (app, ()), ("api-production", (built,)), (app, (unknown,))):
        run = await store.start_deployment(make_deployment(app=name))
        await store.save_carried(Carried(deployment=run.id, found_at=NOON, built=some))
        kept.append((run.id, some))
    await store.start_deployment(make_deployment(app=app))

    assert await store.built(app, limit=9) == [kept[3], kept[0]]
    assert await store.built(app, limit=1) == [kept[3]]
    assert await store.built("none", limit=9) == []


async def test_records_are_found_by_their_settings_beside_their_features(store):
    """Whatever is written first, and whatever is written of the record later; what is replaced is found no more."""
    run = await store.start_deployment(make_deployment())

    async def found(*texts: str) -> list[int]:
        return [await store.count_deployments(DeploymentQuery(search=text)) for text in texts]

    def settings(*paths: str) -> KeptSettings:
        return KeptSettings(deployment=run.id, found_at=NOON, settings=Settings(changes=tuple(map(changed, paths))))

    await store.save_settings(settings("spec.Memory"))
    assert await found("memory", "256mi", "deployment/web", "gift") == [1, 1, 1, 0]
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, build="https://ci.example/gift/1"))
    await store.save_settings(settings("spec.cpu"))
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, build="https://ci.example/gift/2"))
    await store.save_deployment(replace(run, outcome="succeeded"))
    assert await found("memory", "spec.cpu", "gift/1", "gift/2", "release", "priya") == [0, 1, 0, 1, 1, 1]
    assert await store.count_deployments(DeploymentQuery(feature="gift/2")) == 1
    assert await store.count_deployments(DeploymentQuery(feature="cpu")) == 0


def gift(**changed: Any) -> Feature:
    given = {
        "id": "PR-12", "repo": "shop/web", "kind": "pull_request", "title": "Gift message for Karl", "url": None,
        "authors": (Person(name="Zoë Äpfel", email="zoe@example.com"),), "commits": (oid("gift"),), "type": None,
        "breaking": False, "merge": oid("merge"), "git_title": "Presents (wip)",
    }  # fmt: skip
    return Feature(**(given | changed))


async def test_records_are_found_by_the_people_and_commits_of_what_they_carried(store):
    """Whoever wrote what entered is an author beside that of the commit; no title makes one. A hash may be cut."""
    run = await store.start_deployment(make_deployment())
    await store.save_carried(
        Carried(deployment=run.id, found_at=NOON, entered=(gift(),), left=(gift(authors=(MARTA,)),))
    )
    await store.save_deployment(replace(run, outcome="succeeded"))

    for query, expected in (
        ({"author": "zoë"}, 1),
        ({"author": "zoe@example.com äpfel"}, 1),
        ({"author": "priya"}, 1),
        ({"author": "karl"}, 0),
        ({"author": "marta"}, 0),
        ({"search": oid("gift")}, 1),
        ({"search": oid("merge")}, 1),
        ({"search": f"{oid('gift')[:7]} karl"}, 1),
        ({"search": "presents (WIP)"}, 1),
        ({"search": oid("nothing")}, 0),
    ):
        assert await store.count_deployments(DeploymentQuery(**query)) == expected, query
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=(gift(authors=(MARTA,)),)))
    assert await store.count_deployments(DeploymentQuery(author="zoë")) == 0
    assert await store.count_deployments(DeploymentQuery(author="marta")) == 1


async def test_records_are_found_by_the_whole_ids_of_features(store):
    """Any of some; not by a part of an id, nor by a title or a message that is called like one."""
    carried = [(gift(), gift(id="#7")), (gift(id="PR-120"),), (gift(id="SHOP-1", title="About PR-12 and #7"),), ()]
    for features in carried:
        run = await store.start_deployment(make_deployment(commit=make_commit("PR-12\nPR-12\n")))
        await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=features[:1], left=features[1:]))

    for ids, numbers in (
        (("PR-12",), [1]),
        (("#7",), [1]),
        (("pr-120", "SHOP-1"), [3, 2]),
        (("PR-1", "PR", '"', "%", " ", "_R-12"), []),
        ((), [4, 3, 2, 1]),
    ):
        assert [one.number for one in await store.deployments(DeploymentQuery(features=ids))] == numbers, ids


async def test_features_are_found_however_many_a_record_carries(store):
    """Words of the last titles may be left out of what is searched; ids and commits are not."""
    many = tuple(gift(id=f"PR-{n}", title=f"Feature {n} {'x' * 200}", commits=(oid(f"{n}"),)) for n in range(400))
    run = await store.start_deployment(make_deployment())
    await store.save_carried(Carried(deployment=run.id, found_at=NOON, entered=many))
    assert await store.count_deployments(DeploymentQuery(features=("PR-399",))) == 1
    assert await store.count_deployments(DeploymentQuery(search=f"pr-399 {oid('399')[:9]}")) == 1


async def test_records_without_settings_are_found_and_those_that_are_due_again(store):
    """Oldest first, of any kind, above an id; a row that is due joins them, one that is not due stays away."""
    runs = [await store.start_deployment(make_deployment(trigger=t)) for t in ("commit", "drift", "commit", "commit")]
    for run, due in ((runs[0], NOON), (runs[2], NOON + MINUTE)):
        await store.save_settings(
            KeptSettings(deployment=run.id, found_at=NOON, settings=Settings(unknown="away"), again_at=due)
        )

    async def wanting(after: int, **words: int) -> list[int]:
        return [one.number for one in await store.wanting_settings(after_id=after, at=NOON, **words)]

    assert await wanting(0) == [1, 2, 4]
    assert await wanting(runs[1].id) == [1, 4]
    assert await wanting(0, limit=1) == [2]
    assert await wanting(2**70) == [1]


async def test_settings_of_no_record_are_refused(store):
    """What belongs to nothing is not kept."""
    with pytest.raises(StoreFailed):
        await store.save_settings(KeptSettings(deployment=77, found_at=NOON, settings=Settings()))


async def test_features_are_wanted_of_what_changed_an_image_or_a_base(store):
    """Not where neither did; a record of before bases were kept counts by its images."""
    base = Origins(bases={"github.com/org/app//deploy": "v1"})
    image = ImageChange(name="web", from_=None, to="web:1")
    begun = [
        await store.start_deployment(make_deployment(**words))
        for words in (
            {"origins": (base, NO_ORIGINS)},
            {"origins": (NO_ORIGINS, NO_ORIGINS)},
            {"origins": (NO_ORIGINS, NO_ORIGINS), "images": (image,)},
            {"images": (image,)},
            {},
        )
    ]
    wanted = await store.wanting_features(after_id=0, at=NOON)
    assert [one.number for one in wanted] == [1, 3, 4]
    assert [one.origins for one in wanted] == [begun[0].origins, begun[2].origins, None]


async def test_the_figures_read_what_ended_of_an_application(store):
    """Oldest first; what is not known of the commits is told from none."""
    images = (ImageChange(name="web", from_="web:1", to="web:2"),)
    stories = [
        ({"images": images}, Carried(deployment=0, found_at=NOON, committed=(1, 2), left=(gift(),))),
        ({"images": images}, None),
        ({}, None),
        ({"origins": (Origins(bases={"b": "1"}), Origins(bases={"b": "2"}))}, None),
        ({"images": images}, Carried(deployment=0, found_at=NOON, unknown=(NotKnown(image="web", reason="no tag"),))),
        (
            {"images": images},
            Carried(
                deployment=0,
                found_at=NOON,
                entered=(gift(),),
                committed=(1,),
                unknown=(NotKnown(image="db", reason="no tag"),),
            ),
        ),
    ]
    await store.save_application(make_application())
    for changed, carried in stories:
        run = await store.start_deployment(make_deployment(**changed))
        ended = msgspec.structs.replace(run, outcome="succeeded", finished_at=NOON + MINUTE)
        await store.save_deployment(ended)
        if carried is not None:
            await store.save_carried(msgspec.structs.replace(carried, deployment=run.id))
    await store.start_deployment(make_deployment())
    await store.start_deployment(make_deployment("other-x", outcome="failed", finished_at=NOON))

    found = await store.attempts("web-production")

    at = tuple(dt.datetime.fromtimestamp(when, dt.UTC) for when in (1, 2))
    assert [(one.number, one.committed, one.left, one.more) for one in found] == [
        (1, at, True, False), (2, None, False, False), (3, (), False, False), (4, None, False, False),
        (5, None, False, True), (6, at[:1], False, True),
    ]  # fmt: skip
    assert {(one.outcome, one.finished_at) for one in found} == {("succeeded", NOON + MINUTE)}
    for name, message in (("watch", ""), ("apply", 'said "watch"')):
        phases = (Phase(name=name, started_at=NOON, message=message),)
        run = await store.start_deployment(make_deployment("other-x"))
        await store.save_deployment(
            msgspec.structs.replace(run, outcome="failed", finished_at=NOON + MINUTE, phases=phases)
        )
    failed = await store.attempts("other-x")
    assert [one.whole for one in failed] == [False, True, False]
    assert all(one.whole for one in found)
    assert await store.attempts("web-staging") == []
