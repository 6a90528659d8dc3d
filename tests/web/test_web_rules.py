"""The pure parts of pages: times, charts, periods, lanes, progress. Tables of input and answer."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lastgood.cli.timeline import marks
from lastgood.core.deployment import Phase
from lastgood.core.errors import CommandLineWrong
from lastgood.core.observation import ResourceHealth
from lastgood.core.operation import OperationView
from lastgood.core.record import Bucket
from lastgood.core.resource import ImageChange
from lastgood.web import clockface
from lastgood.web.chart import BARS_MOST, DOWN_PX, LINE_Y, UP_PX, begins_lately, draw, edges_of
from lastgood.web.period import read_filters
from lastgood.web.progress import Run, describe, progress_of
from lastgood.web.rail import change_summary, days
from lastgood.web.sign_in import local_path
from lastgood.web.verdict import verdict_of
from twins.lastgood import NOW, PRIYA, MemoryLastgood, ago, entry, oid, sample_operation

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3600, "1 h ago"),
        (86400, "1 day ago"),
        (3 * 86400, "3 days ago"),
        (14 * 86400, "on 5 November 2026"),
        (-90, "in 1 min"),
        (-15 * 86400, "on 4 December 2026"),
    ],
)
def test_times_are_relative_until_two_weeks(seconds, said):
    """After that a date says more."""
    assert clockface.ago(NOW - dt.timedelta(seconds=seconds), NOW) == said


def test_a_time_in_full_is_utc_whatever_its_zone():
    """Pages show one zone."""
    tokyo = NOW.astimezone(dt.timezone(dt.timedelta(hours=9)))

    assert clockface.absolute(tokyo) == "Thu 19 Nov 2026, 14:32:00 UTC"
    assert clockface.machine(tokyo) == "2026-11-19T14:32:00Z"


@pytest.mark.parametrize(
    ("length", "unit"), [(DAY, "hour"), (2 * DAY, "hour"), (30 * DAY, "day"), (61 * DAY, "week"), (3000 * DAY, "month")]
)
def test_a_period_has_at_most_sixty_bars(length, unit):
    """By hour, day, week or month, the period inside the edges."""
    start = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
    found, edges = edges_of(start, start + length)

    assert found == unit
    assert len(edges) - 1 <= BARS_MOST + 1
    assert edges == sorted(set(edges))
    assert edges[-1] >= start + length


COUNTS = st.dictionaries(
    st.sampled_from(
        ["commit", "succeeded", "rollback", "undo", "drift", "failed", "partial", "superseded", "in-progress", "other"]
    ),
    st.integers(0, 5000),
)


@pytest.mark.parametrize(
    ("counts", "lately"),
    [
        ([0, 0, 0, 3], True),
        ([0, 0, 2, 0], True),
        ([0, 1, 2, 3], False),
        ([1, 0, 0, 0], False),
        ([0, 0, 0, 0], False),
        ([], False),
    ],
)
def test_a_history_that_began_lately_is_told_from_one_that_did_not(counts, lately):
    """All in the last two buckets, and something in them."""
    buckets = [
        Bucket(start=NOW + n * DAY, end=NOW + (n + 1) * DAY, counts={"succeeded": one} if one else {})
        for n, one in enumerate(counts)
    ]
    assert begins_lately(buckets) is lately


@given(st.lists(COUNTS, max_size=60))
def test_every_count_is_drawn_inside_the_chart(counts):
    """Success stands on the line, failure hangs below it, nothing leaves the picture, nothing is lost."""
    buckets = [Bucket(start=NOW + n * DAY, end=NOW + (n + 1) * DAY, counts=one) for n, one in enumerate(counts)]
    chart = draw(buckets, unit="day", now=NOW, url=lambda _: "/")

    assert chart.total == sum(sum(one.values()) for one in counts)
    for bar in chart.bars:
        for block in bar.blocks:
            assert block.height > 0
            if block.kind in {"bad", "part"}:
                assert block.y >= LINE_Y
                assert block.y + block.height <= LINE_Y + DOWN_PX + 5
            else:
                assert block.y >= LINE_Y - UP_PX - 5
                assert block.y + block.height <= LINE_Y


def test_up_to_six_records_are_blocks_and_more_are_one_bar():
    """What can be counted by eye is; what cannot is to scale."""
    few = draw([Bucket(start=NOW, end=NOW + DAY, counts={"commit": 6})], unit="day", now=NOW, url=lambda _: "/")
    many = draw([Bucket(start=NOW, end=NOW + DAY, counts={"commit": 7})], unit="day", now=NOW, url=lambda _: "/")

    assert len(few.bars[0].blocks) == 6
    assert len(many.bars[0].blocks) == 1


def test_filters_survive_in_links_and_leave_one_by_one():
    """A chip's link is the same address without it; everything typed is percent-encoded."""
    filters = read_filters(
        "/timeline", {"q": "a&b=c #", "outcome": "failed", "from": "2026-11-01", "nonsense": "x", "to": ""}
    )

    assert filters.url() == "/timeline?from=2026-11-01&q=a%26b%3Dc%20%23&outcome=failed"
    assert [chip.words for chip in filters.chips()] == ["From 2026-11-01", "Search for a&b=c #", "Outcome is failed"]
    assert filters.chips()[1].without == "/timeline?from=2026-11-01&outcome=failed"
    query = filters.query("web")
    assert (query.app, query.search, query.outcome, query.until) == ("web", "a&b=c #", "failed", None)


def test_a_day_in_a_link_is_whole():
    """`to` includes its day."""
    filters = read_filters("/timeline", {"from": "2026-11-19", "to": "2026-11-19"})

    assert filters.until - filters.since == DAY
    assert filters.chart_period(NOW) == (filters.since, filters.until)


def test_dates_the_wrong_way_round_still_make_a_chart():
    """An empty one."""
    start, end = read_filters("/timeline", {"from": "2026-11-19", "to": "2026-11-01"}).chart_period(NOW)

    assert start < end


@pytest.mark.parametrize("text", ["", "x", "2026-02-30", "99999-01-01", "2026-1-1", "0001-01-01"])
def test_a_date_that_is_none_is_refused(text):
    """An empty one is no filter."""
    if text:
        with pytest.raises(CommandLineWrong):
            read_filters("/timeline", {"from": text})
    else:
        assert read_filters("/timeline", {"from": text}).since is None


@given(st.text(max_size=40))
def test_the_way_back_stays_on_this_server(text):
    """Whatever a link says, the answer is a path of ours."""
    path = local_path(text)

    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isascii()
    assert not any(ord(sign) < 33 for sign in path)


def test_of_two_lanes_that_meet_only_the_newer_is_drawn():
    """The sentence stays on both."""
    shown = [
        entry("a1", "back to c", PRIYA, ago(hours=1), number=5, trigger="rollback", same_as=oid("c3")),
        entry("b2", "back to d", PRIYA, ago(hours=2), number=4, trigger="rollback", same_as=oid("d4")),
        entry("c3", "c", PRIYA, ago(hours=3), number=3),
        entry("d4", "d", PRIYA, ago(hours=4), number=2),
    ]
    records = [record for day in days(shown, today=NOW.date(), first_page=True, ends=True) for record in day.records]

    assert [record.lane for record in records] == ["out", "mid", "in", ""]
    assert records[1].same_as == (oid("d4")[:7], "r-web-production-n2")


def test_a_way_back_to_an_older_page_has_no_lane():
    """The words lead there instead."""
    shown = [entry("a1", "back", PRIYA, ago(hours=1), number=5, trigger="rollback", same_as=oid("c3"))]
    record = days(shown, today=NOW.date(), first_page=True, ends=False)[0].records[0]

    assert record.lane == ""
    assert record.same_as == (oid("c3")[:7], "")


def test_healed_drift_says_what_it_was_and_is_no_second_rollback():
    """Its record has the commit of the rollback, and not its lane, its word or its reason."""
    back = OperationView(id="op1", kind="rollback", from_="d2", to="c3", reason="it is slow", despite=(), recorded=True)
    given = {"same_as": oid("c3"), "operation": back, "number": 2}
    healed = entry("d1", "Roll back", PRIYA, NOW, trigger="drift", message="mended: .spec.replicas", **given)
    went = entry("d1", "Roll back", PRIYA, ago(minutes=1), trigger="rollback", **{**given, "number": 1})
    brought = entry("c3", "Release", PRIYA, ago(minutes=2))

    (day,) = days([healed, went, brought], today=NOW.date(), first_page=True, ends=True)
    assert [record.why for record in day.records] == ["mended: .spec.replicas", "", ""]
    assert [record.lane for record in day.records] == ["", "out", "in"]
    assert [marks(one) for one in (healed, went)] == ["drift", "rollback"]


def test_a_long_list_of_images_is_cut_with_its_count():
    """At most twelve, then how many more."""
    images = [ImageChange(name=f"s{n}", from_="r.example:5000/x:1", to=None) for n in range(43)]

    assert change_summary(images).startswith("s0 1 → none, ")
    assert change_summary(images).endswith(", and 31 more")


def test_a_digest_is_told_by_its_first_digits():
    """All 64 would take two lines of each record."""
    image = ImageChange(name="proxy", from_="1.4", to="sha256:" + "0123456789abcdef" * 4)

    assert change_summary([image]) == "proxy 1.4 → 0123456789ab"


def test_what_the_branch_asks_for_is_nothing_to_go_back_to():
    """Whether it runs already or is still to come: the plan would say that there is nothing to do."""
    coming = entry("d1", "Release", PRIYA, NOW, outcome="in-progress", current=True, health=None)
    runs = entry("c3", "Release before", PRIYA, ago(minutes=2), current=False, health="Healthy")

    (day,) = days([coming, runs], today=NOW.date(), first_page=True, ends=True)
    assert [record.may_go_back for record in day.records] == [False, True]


async def progress_with(
    *, step="done", phases=(), under_way=(), outcome="in-progress", health="Progressing", **changed
):
    lastgood = MemoryLastgood()
    lastgood.views["web-production"] = replace(lastgood.views["web-production"], health=health)
    status = await lastgood.status("web-production")
    operation = sample_operation("op1", PRIYA, step=step, **changed)
    ran = [Phase(name=name, started_at=NOW, finished_at=NOW + dt.timedelta(seconds=1)) for name in phases]
    ran += [Phase(name=name, started_at=NOW) for name in under_way]
    deployment = replace(
        status.deployment,
        commit=replace(status.deployment.commit, oid=oid("d5e9c01")),
        outcome=outcome,
        phases=tuple(ran),
        message="what came of it",
        finished_at=None if outcome == "in-progress" else NOW,
    )
    shown = deployment if phases or outcome != "in-progress" else None
    return describe(operation, [replace(status, deployment=shown)], [Run.of(shown)] if shown else [], now=NOW)


def objects(*, config="Healthy"):
    counted = {"ready": 0, "wanted": 0}
    return (
        *(ResourceHealth(kind="ConfigMap", name=f"c{n}", health="Healthy", **counted) for n in range(20)),
        ResourceHealth(kind="ConfigMap", name="settings", health=config, **counted),
        ResourceHealth(kind="Service", name="web", health="Healthy", **counted),
        ResourceHealth(kind="Deployment", name="web", health="Healthy", ready=2, wanted=2),
    )


async def test_what_runs_is_what_there_is_a_number_of():
    """A Service or a ConfigMap is not shown as 0 of 0, and does not push out what runs."""
    status = await MemoryLastgood().status("web-production")
    verdict = verdict_of(replace(status, resources=objects()), now=NOW)

    assert [(found.kind, found.ready, found.wanted) for found in verdict.resources] == [("Deployment", 2, 2)]
    assert verdict.more_resources == 0


@pytest.mark.parametrize(
    ("outcome", "told"),
    [("in-progress", ("Rolling out", "t-run", False)), ("failed", ("What went wrong", "t-bad", True))],
)
async def test_what_hangs_after_its_deployment_failed_is_not_rolling_out(outcome, told):
    """Its health stays Progressing for good; the last good version is urged as after any failure."""
    status = await MemoryLastgood().status("web-production")
    hangs = replace(
        status,
        application=replace(status.application, health="Progressing"),
        resources=(ResourceHealth(kind="StatefulSet", name="db", health="Progressing", ready=1, wanted=3),),
        deployment=replace(status.deployment, outcome=outcome, message="Progressing after 300 s"),
    )
    verdict = verdict_of(hangs, now=NOW)

    assert (verdict.wrong_title, verdict.wrong_tone, verdict.urged) == told


async def test_what_is_wrong_with_two_of_one_name_is_said_with_their_kinds():
    """A Service and a Deployment that are both gone are not one thing told twice."""
    status = await MemoryLastgood().status("web-production")
    gone = tuple(
        ResourceHealth(kind=kind, name=name, health="Missing")
        for kind, name in (("Service", "web"), ("Deployment", "web"), ("ConfigMap", "settings"))
    )
    verdict = verdict_of(replace(status, resources=gone), now=NOW)

    assert [wrong.about for wrong in verdict.wrongs] == ["Service web", "Deployment web", "settings"]


async def test_progress_lists_what_runs_and_what_is_not_well():
    """By kind and name: a Service and a Deployment often have one name."""
    status = await MemoryLastgood().status("web-production")
    shown = replace(status, resources=objects(config="Missing"))
    progress = describe(sample_operation("op1", PRIYA), [shown], [], now=NOW)

    assert [(line.kind, line.name, line.ready) for line in progress.resources] == [
        ("ConfigMap", "settings", ""),
        ("Deployment", "web", "2 of 2"),
    ]


# What the undo of a hold plans: no application gets another version.
STAYS = {"via": "pr", "applications": [{"app": "web-production", "from": {"version": "a"}, "version": "a"}]}


@pytest.mark.parametrize(
    ("given", "states", "state"),
    [
        ({"step": "planned", "commit": None}, "now waiting waiting waiting waiting", "running"),
        ({"step": "pushing"}, "done now waiting waiting waiting", "running"),
        ({"step": "done"}, "done done waiting waiting waiting", "running"),
        ({"step": "failed", "commit": None}, "failed waiting waiting waiting waiting", "stopped"),
        ({"step": "failed"}, "done failed waiting waiting waiting", "stopped"),
        ({"step": "unknown"}, "done unknown waiting waiting waiting", "unknown"),
        ({"phases": ("render",)}, "done done done waiting waiting", "running"),
        ({"phases": ("render", "apply")}, "done done done done now", "running"),
        ({"phases": ("render",), "outcome": "failed"}, "done done failed failed waiting", "stopped"),
        (
            {"phases": ("render", "apply", "watch"), "outcome": "failed", "health": "Degraded"},
            "done done done done failed",
            "stopped",
        ),
        (
            {"phases": ("render", "apply", "watch"), "outcome": "succeeded", "health": "Healthy"},
            "done done done done done",
            "done",
        ),
        (
            {"phases": ("render", "apply", "watch"), "outcome": "superseded", "health": "Healthy"},
            "done done done done failed",
            "stopped",
        ),
        ({"kind": "hold", "step": "done"}, "done done", "done"),
        ({"kind": "undo", "step": "done", "plan": STAYS}, "done done", "done"),
        ({"kind": "undo", "step": "waiting", "plan": STAYS}, "done now", "running"),
    ],
)
async def test_progress_is_read_from_what_was_recorded(given, states, state):
    """Five steps, two for what only changes Git; a step that stopped says so, none is guessed."""
    progress = await progress_with(**given)

    assert " ".join(step.state for step in progress.steps) == states
    assert progress.state == state


async def test_progress_of_what_failed_before_a_deployment_is_over():
    """It took as long as it took, and nothing is going on any more."""
    plan = {"via": "pr", "result": {"pull_request": "https://git.example.com/o/config/pulls/7"}, "closed": True}
    progress = await progress_with(step="failed", plan=plan, finished_at=ago(seconds=14))
    assert (progress.title, progress.headline, progress.elapsed) == (
        "Rollback of web-production", "The pull request was not merged", "10 s",
    )  # fmt: skip


async def test_progress_says_what_a_deployment_waits_for():
    """A destination that is away leaves the apply under way; the step says why."""
    progress = await progress_with(phases=("render",), under_way=("apply",))
    assert [(step.name, step.state, step.detail) for step in progress.steps][2:4] == [
        ("Rendered", "done", ""),
        ("Applied", "now", "what came of it"),
    ]


async def test_a_rollback_whose_version_was_mended_or_tried_again_may_be_undone():
    """A newer deployment of its own commit is no other version."""
    status = await MemoryLastgood().status("web-production")
    operation = sample_operation("op1", PRIYA, commit=status.deployment.commit.oid)
    before = replace(Run.of(status.deployment), number=status.deployment.number - 1)

    progress = describe(operation, [status], [before], now=NOW)

    assert (progress.moved_on, progress.may_undo) == (True, True)


async def test_progress_stays_what_it_was_when_the_next_release_came():
    """The page of a finished rollback tells of its own deployment, not of the newest, and offers no undo of both."""
    lastgood = MemoryLastgood()
    newest = (await lastgood.status("web-production")).deployment
    runs = [entry for entry in lastgood.entries if entry.app == "web-production" and entry.deployment]
    before = next(run for run in runs if run.deployment.outcome == "succeeded" and run.number < newest.number)
    asked_at = before.deployment.started_at
    lastgood.operations["op1"] = sample_operation("op1", PRIYA, commit=before.commit, requested_at=asked_at)

    progress = await progress_of(lastgood, "op1", now=NOW)

    assert (progress.state, progress.moved_on, progress.may_undo) == ("done", True, False)
    assert f"web-production: deployment n{before.number} started" in [line.text for line in progress.log]
