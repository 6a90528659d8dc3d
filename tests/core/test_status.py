"""What of an application's operations its status shows."""

import datetime as dt

import msgspec

from lastgood.core.commit import Person
from lastgood.core.operation import Operation
from lastgood.core.status import not_done, waiting_requests

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
URL = "https://git.example.com/o/config/pulls/1"
CLOSED = f"{URL} was closed without merging; nothing was deployed"


def operation(step="failed", *, message=CLOSED, url=URL, ended=NOON):
    return Operation(
        id="1", kind="rollback", repo="config", branch="main", moved=(), reason="", despite=(),
        by=Person(name="Priya", email="p@example.com"), requested_at=NOON, step=step, message=message,
        finished_at=ended, plan={"result": {"pull_request": url}},
    )  # fmt: skip


def test_a_request_that_came_to_nothing_is_told_for_a_day():
    """Whoever asked may not have looked since."""
    assert not_done([operation()], now=NOON + dt.timedelta(hours=23)) == f"rollback: {CLOSED}"
    assert not_done([operation()], now=NOON + dt.timedelta(hours=25)) is None


def test_only_the_newest_operation_counts():
    """Something else was asked for since; what is done, waits, or was a push is told elsewhere."""
    for newer in (operation("waiting", message="", ended=None), operation("done", message=""), operation(url=None)):
        assert not_done([newer, operation()], now=NOON) is None
    assert not_done([], now=NOON) is None
    assert not_done([msgspec.structs.replace(operation(), plan=None)], now=NOON) is None


def test_what_nobody_answered_is_told_until_it_is_known():
    """A push, or the opening of a pull request: also after a day."""
    silent = msgspec.structs.replace(operation(), step="unknown", message="no answer", finished_at=None)
    assert not_done([silent], now=NOON + dt.timedelta(days=3)) == ("rollback: no answer; the same command finishes it")


def test_what_waits_says_what_it_asks_for():
    """As the pull request's title does; nothing where the plan cannot be read."""
    waits = operation("waiting", message="", ended=None)
    told = msgspec.structs.replace(waits, plan={**(waits.plan or {}), "message": "Roll back web to 3515c7a\n\nslow"})
    assert [one.title for one in waiting_requests([waits, told])] == ["", "Roll back web to 3515c7a"]
