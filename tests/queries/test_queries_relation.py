"""How entries of a timeline relate: tables of rows, and what holds for any history."""

import asyncio
import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.commit import Commit, History, HistoryEntry, Person
from lastgood.core.deployment import Deployment, Phase
from lastgood.core.record import RefusedHead
from lastgood.queries.relation import git_rows, recorded_rows
from lastgood.queries.selection import after, cursor

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
PRIYA = Person(name="Priya Raman", email="priya@example.com")


def commit(number: int) -> Commit:
    at = START + dt.timedelta(hours=number)
    return Commit(
        oid=f"{number:040x}", tree="0" * 40, parents=(), author=PRIYA, committer=PRIYA,
        authored_at=at, committed_at=at, message=f"commit {number}",
    )  # fmt: skip


def history(versions: str, *, truncated: bool = False) -> History:
    """One entry for each letter, oldest first in the text; `-` is a version that is not there."""
    entries = [
        HistoryEntry(commit=commit(i), version=None if v == "-" else v * 40, path_tree=None if v == "-" else v * 40)
        for i, v in enumerate(versions)
    ]
    return History(entries=tuple(reversed(entries)), truncated=truncated)


def run(number: int, at_commit: int, version: str, **changed) -> Deployment:
    words = {
        "id": number, "app": "web", "number": number, "version": version * 40, "path_tree": version * 40,
        "commit": commit(at_commit), "trigger": "commit", "outcome": "succeeded",
        "started_at": START + dt.timedelta(hours=at_commit, minutes=number),
    }  # fmt: skip
    return Deployment(**(words | changed))


def places(rows) -> list[int]:
    return [int(row.commit.oid, 16) for row in rows]


def test_the_newest_entry_is_current_and_a_return_names_the_newest_commit_with_its_version():
    """A b a b: each return names the commit before it that had the version; the first of each names none."""
    rows = git_rows("web", history("abab"))

    assert places(rows) == [3, 2, 1, 0]
    assert [row.same_as and int(row.same_as, 16) for row in rows] == [1, 0, None, None]
    assert [row.current for row in rows] == [True, False, False, False]
    assert {row.ran for row in rows} == {None}


def test_where_the_path_is_gone_nothing_is_the_same():
    """A removed path has neither version nor same_as, and no images to compare with."""
    rows = git_rows("web", history("a-a-"))

    assert [row.same_as is None for row in rows] == [True, False, True, True]
    assert [row.before and int(row.before, 16) for row in rows] == [2, None, 0, None]


def test_a_shallow_history_marks_its_last_entry():
    """Truncated stands on the oldest entry alone."""
    assert [row.truncated for row in git_rows("web", history("abc", truncated=True))] == [False, False, True]


def test_versions_that_never_ran_stand_among_the_records():
    """One push of three commits ran only its last; what is older than every record is unknown."""
    rows = recorded_rows(
        "web", history("abcd"), [run(2, 3, "d"), run(1, 1, "b")], [], current="d" * 40, last_good="b" * 40,
        running="d" * 40,
    )  # fmt: skip

    assert places(rows) == [3, 2, 1, 0]
    assert [row.ran for row in rows] == [True, False, True, None]
    assert [row.current for row in rows] == [True, False, False, False]
    assert [row.last_good for row in rows] == [False, False, True, False]
    assert [row.runs for row in rows] == [True, False, False, False]


def test_a_refused_head_stands_at_the_time_of_its_refusal():
    """It is on the timeline with its hold, never ran, and later healing stands above it."""
    refused = RefusedHead(
        app="web", commit=commit(2).oid, version="c" * 40, hold="h1", at=START + dt.timedelta(hours=2)
    )
    healed = run(2, 1, "b", trigger="drift", started_at=START + dt.timedelta(hours=5))
    rows = recorded_rows(
        "web", history("abc"), [healed, run(1, 1, "b")], [refused], current="c" * 40, last_good=None,
        running="b" * 40,
    )  # fmt: skip

    assert [(row.deployment.number if row.deployment else None, row.refused is not None) for row in rows] == [
        (2, False),
        (None, True),
        (1, False),
        (None, False),
    ]
    assert rows[1].ran is False
    assert rows[1].current is True
    # The same commit deployed again is no return to itself.
    assert rows[0].same_as is None


def test_what_was_overtaken_before_it_touched_anything_did_not_run():
    """A superseded attempt ran only if it came to applying."""
    at = START + dt.timedelta(hours=1)
    rows = recorded_rows(
        "web",
        history("ab"),
        [
            run(2, 1, "b", outcome="superseded", phases=(Phase(name="apply", started_at=at),)),
            run(1, 0, "a", outcome="superseded"),
        ],
        [],
        current=None,
        last_good=None,
        running=None,
    )
    assert [row.ran for row in rows] == [True, False]


@given(st.text("abc-", min_size=1, max_size=20))
def test_same_as_always_names_an_older_commit_with_the_version(versions):
    """For any history: it is older, has the same version, and nothing between has it."""
    rows = git_rows("web", history(versions))
    for place, row in enumerate(rows):
        older = [one for one in rows[place + 1 :] if one.version is not None and one.version == row.version]
        assert row.same_as == (older[0].commit.oid if older else None)


@given(st.text("ab", min_size=1, max_size=12), st.data())
def test_pages_put_together_are_the_whole(versions, data):
    """After the mark of any row come exactly the rows below it."""
    rows = git_rows("web", history(versions))
    place = data.draw(st.integers(0, len(rows) - 1))
    assert asyncio.run(page(rows, cursor(rows[place]))) == rows[place + 1 :]


def test_a_mark_whose_entry_has_gone_stands_for_its_time():
    """What began before it follows."""
    rows = git_rows("web", history("abc"))
    assert asyncio.run(page([rows[0], rows[2]], cursor(rows[1]))) == rows[2:]


async def page(rows, mark):
    async def each():
        for row in rows:
            yield row

    return [row async for row in after(each(), mark)]


def test_last_good_stands_on_the_run_that_was_good():
    """Not on a later attempt at the same version that failed, or was overtaken while it was applied."""
    applied = (Phase(name="apply", started_at=START),)
    rows = recorded_rows(
        "web",
        history("aaab"),
        [
            run(4, 3, "b"),
            run(3, 2, "a", outcome="superseded", phases=applied),
            run(2, 1, "a", outcome="failed"),
            run(1, 0, "a"),
        ],
        [],
        current="b" * 40,
        last_good="a" * 40,
        running="b" * 40,
    )
    assert [(row.deployment.number, row.last_good) for row in rows] == [(4, False), (3, False), (2, False), (1, True)]
