"""The figures of delivery, counted by hand and held against their definitions."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.figures import LEAST, MOST_FAILURES, WEEK, Attempt, figures, figures_by, judge
from twins.lastgood import judge_all

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SINCE = NOON - 2 * WEEK
HOUR = dt.timedelta(hours=1)


def attempt(number, outcome="succeeded", trigger="commit", *, app="web", after=None, **changed):
    ended = SINCE + (after if after is not None else number * HOUR)
    given = {"started_at": ended - dt.timedelta(minutes=1), "finished_at": ended, "degraded_at": None, "committed": ()}
    given["version"] = f"v{number}"
    return Attempt(app=app, number=number, outcome=outcome, trigger=trigger, **(given | changed))


def counted(*attempts, since=SINCE, until=NOON):
    period = {"since": since, "until": until}
    return figures(judge_all(attempts, **period), **period)


def test_what_is_no_deployment_is_not_counted():
    """Healed drift, superseded attempts, what is in progress, and what ended outside the period."""
    found = counted(
        attempt(1),
        attempt(2, trigger="drift"),
        attempt(3, "superseded"),
        attempt(4, "in-progress", finished_at=None),
        attempt(5, after=-HOUR),
        attempt(6, after=2 * WEEK),
    )
    assert (found.deployments, found.deployments_per_day) == (1, 1 / 14)


def test_lead_time_is_from_each_commit_to_the_end_of_its_deployment():
    """Ten commits: the median and the 90th percentile; going back and failing bring none; unknown is left out."""
    ended = SINCE + HOUR
    commits = tuple(ended - n * HOUR for n in range(1, 11))
    found = counted(
        attempt(1, committed=commits),
        attempt(2, "failed", committed=commits),
        attempt(3, trigger="rollback", committed=commits),
        attempt(4, committed=None),
        attempt(5, committed=()),
    ).lead_time
    assert (found.count, found.median_s, found.p90_s, found.left_out) == (10, 5.5 * 3600, 9 * 3600, 1)


def test_a_deployment_of_which_only_a_part_is_known_is_counted_and_counted_as_left_out():
    """The commits of one image, and nothing of the other: what is known counts, and that it is not all is said."""
    found = counted(attempt(1, committed=(SINCE,), more=True), attempt(2, committed=(SINCE,))).lead_time
    assert (found.count, found.left_out) == (2, 1)


@pytest.mark.parametrize(
    ("story", "hours"),
    [
        # Mended forward, tried again, overtaken by the next: the commits wait for the success.
        ([("failed", "commit", [1, 2], False), ("succeeded", "commit", [3], False)], [-1, 0, 1]),
        ([("failed", "commit", [1, 2], False), ("succeeded", "retry", [], False)], [0, 1]),
        ([("superseded", "commit", [1], False), ("partial", "commit", [2], False), ("succeeded", "commit", [3], False)],
         [0, 1, 2]),
        # Compared with what was before the one that failed: each once.
        ([("failed", "commit", [1, 1, 2], False), ("succeeded", "commit", [1, 1, 2, 3], False)], [-1, 0, 1, 1]),
        # Taken back: by a rollback, or by a commit.
        ([("failed", "commit", [1], False), ("succeeded", "rollback", [], True), ("succeeded", "commit", [3], False)],
         [0]),
        ([("failed", "commit", [1], False), ("succeeded", "commit", [2], True)], [0]),
        # An undo brings back what failed before: it fails again and waits on, or that is its first success.
        ([("failed", "commit", [1], False), ("succeeded", "rollback", [], True), ("failed", "undo", [1], False),
          ("succeeded", "commit", [3], False)], [1, 3]),
        ([("failed", "commit", [1], False), ("succeeded", "rollback", [], True), ("succeeded", "undo", [1], False),
          ("succeeded", "commit", [4], False)], [0, 2]),
        # What people had before is not new to them: neither by an undo, nor by a commit, nor when the undo failed.
        ([("succeeded", "commit", [0], False), ("succeeded", "rollback", [], True), ("succeeded", "undo", [0], False),
          ("succeeded", "commit", [4], False)], [0, 1]),
        ([("succeeded", "commit", [0], False), ("succeeded", "rollback", [], True), ("failed", "undo", [0], False),
          ("succeeded", "commit", [0, 4], False)], [0, 1]),
        # Healing is no deployment, and what nobody knows does not take the others along.
        ([("failed", "commit", [1], False), ("succeeded", "drift", [], False), ("succeeded", "commit", None, False)],
         [2]),
    ],
)  # fmt: skip
def test_commits_of_what_failed_come_with_the_next_success(story, hours):
    """Each commit is counted once, with the first deployment that had it and succeeded."""
    made = [
        attempt(n, outcome, trigger, committed=None if at is None else tuple(SINCE + h * HOUR for h in at), left=left)
        for n, (outcome, trigger, at, left) in enumerate(story, 1)
    ]
    many = [attempt(n, app="other", committed=(SINCE + n * HOUR,)) for n in range(1, LEAST + 1)]
    found = counted(*made, *many).lead_time
    assert found.count == len(hours) + LEAST
    judged = judge(made, since=SINCE, until=NOON)
    took = [(one.at - when).total_seconds() / 3600 for one in judged for when in one.brought]
    assert sorted(took) == hours
    assert found.left_out == sum(at is None for _, _, at, _ in story)


def test_few_numbers_are_no_figure():
    """Four commits, four deployments: their count is said, and no median and no rate."""
    few = counted(*[attempt(n, committed=(SINCE,)) for n in range(1, LEAST)])
    assert (few.lead_time.count, few.lead_time.median_s, few.change_fail_rate.share) == (4, None, None)
    assert (few.change_fail_rate.of, few.rework_rate.of) == (4, 4)


def test_failures_and_what_ends_them():
    """One fixed forward, one rolled back by a person, one that degraded before, one open; per application."""
    found = counted(
        attempt(1),
        attempt(2, "failed"),
        attempt(3, after=5 * HOUR),  # the fix, three hours later
        attempt(4, after=6 * HOUR),  # a person found it bad
        attempt(5, trigger="rollback", after=7 * HOUR),
        attempt(6, after=8 * HOUR, degraded_at=SINCE + 9 * HOUR),
        attempt(7, trigger="rollback", after=10 * HOUR),
        attempt(8, "partial", after=11 * HOUR),
        attempt(1, app="api"),
        attempt(2, app="api", after=20 * HOUR),
    )
    assert (found.change_fail_rate.count, found.change_fail_rate.of, found.change_fail_rate.share) == (4, 10, 0.4)
    assert found.rework_rate.count == 3
    assert found.open == 1
    assert (found.recovery_time.count, found.recovery_time.left_out) == (2, 1)


@pytest.mark.parametrize(
    ("story", "failed"),
    [
        # Back from what was still under way: what ran before it comes again, and was not bad.
        ([("succeeded", "commit", "a"), ("superseded", "commit", "b"), ("succeeded", "rollback", "a")], []),
        # Back beyond what ran, from the repair of it that was under way.
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("superseded", "commit", "c"),
          ("succeeded", "rollback", "a")], [2]),
        # Forward again: the rollback was wrong, and what it brought back was not bad; nor by an undo.
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "rollback", "a"),
          ("succeeded", "rollback", "b")], [2]),
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "rollback", "a"),
          ("succeeded", "undo", "b")], [2]),
        # Forward, and back once more.
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "rollback", "a"),
          ("succeeded", "rollback", "b"), ("succeeded", "rollback", "a")], [2, 4]),
        # Not far enough: to what was before it, also where that has other shared files by now.
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "commit", "c"),
          ("succeeded", "rollback", "b"), ("succeeded", "rollback", "a")], [3, 4]),
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "commit", "c"),
          ("succeeded", "rollback", "b"), ("succeeded", "rollback", "a+")], [3, 4]),
        # An old version that came by a commit is left for the newer one before it.
        ([("succeeded", "commit", "a"), ("succeeded", "commit", "b"), ("succeeded", "commit", "a"),
          ("succeeded", "rollback", "b")], [3]),
    ],
)  # fmt: skip
def test_a_rollback_says_that_what_it_left_was_bad_and_nothing_else(story, failed):
    """The version that it left counts, not what happens to be the deployment before it."""
    made = [attempt(n, outcome, trigger, version=version) for n, (outcome, trigger, version) in enumerate(story, 1)]
    assert [one.attempt.number for one in judge(made, since=SINCE, until=NOON) if one.failed] == failed


def test_what_is_tried_again_and_fails_again_is_one_failed_deployment():
    """A target that is away for a night is no hundred failures; what mends it in the end is a deployment again."""
    tries = [attempt(n, "partial" if n % 2 else "failed", "retry") for n in range(3, 60)]
    found = counted(attempt(1), attempt(2, "failed"), *tries, attempt(60, trigger="retry"))
    assert (found.deployments, found.change_fail_rate.count, found.rework_rate.count) == (3, 1, 1)
    (failure,) = found.failures
    assert (failure.number, failure.ended_by, failure.recovery_s) == (2, 60, 58 * 3600)

    pressed = counted(attempt(1), attempt(2, trigger="retry"), attempt(3, "failed", "retry"))
    assert (pressed.deployments, pressed.open) == (3, 1)


def test_what_degraded_and_came_back_by_itself_is_no_failed_deployment():
    """A node that broke a month later says nothing of the deployment."""
    found = counted(attempt(1, degraded_at=SINCE + 2 * HOUR), attempt(2, after=50 * HOUR))
    assert found.change_fail_rate.count == 0


def test_a_clock_that_was_set_back_makes_no_time_less_than_nothing():
    """Neither what a recovery took nor what a change took to get there."""
    found = counted(attempt(1, "failed", after=5 * HOUR), attempt(2, after=HOUR, committed=(SINCE + 9 * HOUR,) * LEAST))
    assert found.failures[0].recovery_s == 0.0
    assert found.lead_time.median_s == 0.0


def test_a_failure_of_the_period_may_end_after_it():
    """What is known by now counts: the figures of a week do not stay open."""
    found = counted(attempt(1, "failed"), attempt(2, after=2 * WEEK + HOUR))
    assert (found.open, found.recovery_time.count) == (0, 1)


stories = st.lists(
    st.builds(
        attempt,
        st.integers(1, 30),
        st.sampled_from(["succeeded", "failed", "partial", "superseded"]),
        st.sampled_from(["commit", "rollback", "undo", "drift", "retry"]),
        version=st.sampled_from("abc"),
        app=st.sampled_from(["web", "api"]),
        committed=st.none() | st.lists(st.sampled_from([SINCE + n * HOUR for n in range(6)]), max_size=3).map(tuple),
        left=st.booleans(),
    ),
    unique_by=lambda one: (one.app, one.number),
)


@given(stories, st.integers(1, 30))
def test_two_periods_beside_each_other_count_what_both_together_do(attempts, cut):
    """What happened before a period is known in it: a retry, a repair, a commit that came earlier are no new ones."""
    middle = SINCE + cut * HOUR
    first, second, both = counted(*attempts, until=middle), counted(*attempts, since=middle), counted(*attempts)
    for count in (
        lambda found: found.deployments,
        lambda found: found.open,
        lambda found: found.lead_time.count,
        lambda found: found.lead_time.left_out,
        lambda found: found.recovery_time.count,
        lambda found: found.recovery_time.left_out,
        lambda found: found.change_fail_rate.count,
        lambda found: found.rework_rate.count,
    ):
        assert count(first) + count(second) == count(both)


@given(stories)
def test_the_weeks_add_up(attempts):
    """No deployment is lost between two weeks or counted twice; no part is larger than the whole."""
    found = counted(*attempts)
    assert sum(week.deployments for week in found.weeks) == found.deployments
    assert sum(week.failed for week in found.weeks) == found.change_fail_rate.count <= found.deployments
    assert found.rework_rate.count <= found.deployments
    assert found.recovery_time.count + found.recovery_time.left_out + found.open == found.change_fail_rate.count
    assert [week.start for week in found.weeks] == [SINCE, SINCE + WEEK]


@pytest.mark.parametrize(
    ("attempts", "left_out"),
    [
        ((attempt(1, "failed", committed=None), attempt(2, committed=(SINCE,))), 1),
        ((attempt(1, "failed", committed=None), attempt(2, trigger="retry")), 1),
        ((attempt(1, "superseded", committed=(SINCE,), more=True), attempt(2), attempt(3)), 1),
        ((attempt(1, "failed", committed=None), attempt(2, "failed"), attempt(3, committed=None)), 1),
        ((attempt(1), attempt(2, "failed", committed=None), attempt(3, trigger="rollback"), attempt(4)), 0),
        ((attempt(1), attempt(2, "failed", committed=None), attempt(3, left=True)), 0),
        ((attempt(1, "failed", committed=None, whole=False), attempt(2)), 0),
        ((attempt(1, "failed", committed=None),), 0),
    ],
)
def test_what_failed_with_unknown_commits_leaves_out_the_success_that_brings_them(attempts, left_out):
    """They come to people with the next one that succeeds, which is counted once; not where they were taken back."""
    assert counted(*attempts).lead_time.left_out == left_out


@pytest.mark.parametrize(
    ("since", "weeks"),
    [(SINCE, 2), (SINCE - dt.timedelta(milliseconds=3), 2), (SINCE - 2 * HOUR, 3), (NOON - HOUR / 2, 1)],
    ids=["whole", "a moment more", "some hours more", "half an hour"],
)
def test_a_moment_is_no_week_of_its_own(since, weeks):
    """What `--since '2 weeks ago'` is longer than two weeks belongs to the oldest of them; nothing is lost."""
    found = counted(attempt(1, finished_at=since), attempt(2, finished_at=NOON - HOUR / 4), since=since)
    assert len(found.weeks) == weeks
    assert (found.weeks[0].start, found.weeks[-1].end) == (since, NOON)
    assert sum(week.deployments for week in found.weeks) == 2


def test_each_part_is_counted_by_itself_and_no_failure_is_ended_by_another_application():
    """The parts add up; what one application deployed does not end the failure of another in its group."""
    made = (
        attempt(1, "failed", app="web"),
        attempt(1, app="cart", after=2 * HOUR),
        attempt(2, "failed", app="cart", after=3 * HOUR),
        attempt(3, trigger="rollback", app="cart", after=4 * HOUR),
    )
    of = {"web": "shop", "cart": "shop"}
    judged = judge_all(made, since=SINCE, until=NOON)
    parts = figures_by(judged, lambda one: one.app, since=SINCE, until=NOON)
    assert [(p.name, p.figures.deployments, p.figures.open) for p in parts] == [("cart", 3, 0), ("web", 1, 1)]
    (shop,) = figures_by(judged, lambda one: of[one.app], since=SINCE, until=NOON)
    assert (shop.figures.deployments, shop.figures.change_fail_rate.count, shop.figures.open) == (4, 2, 1)
    assert (shop.figures.weeks, shop.figures.failures) == ((), ())


def test_failures_are_named_with_what_ended_them():
    """Newest first: open, rolled back, fixed forward, and found bad by a person; no more than a hundred."""
    found = counted(
        attempt(1, "failed"),
        attempt(2),
        attempt(3),
        attempt(4, trigger="rollback"),
        attempt(5, "partial"),
        attempt(6, trigger="rollback"),
        attempt(7, "failed"),
    ).failures
    assert [(one.number, one.recovery_s, one.ended_by, one.ended_by_trigger) for one in found] == [
        (7, None, None, None),
        (5, 3600, 6, "rollback"),
        (3, None, 4, "rollback"),
        (1, 3600, 2, "commit"),
    ]
    many = counted(*[attempt(n, "failed", after=n * dt.timedelta(minutes=1)) for n in range(1, 150)])
    assert (len(many.failures), many.open) == (MOST_FAILURES, 149)
