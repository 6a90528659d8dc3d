"""When a request is the one that a pull request was opened for, however it is written."""

import pytest

from lastgood.core.request import RollbackRequest
from lastgood.flows.recover import as_asked
from lastgood.flows.requested import is_same
from twins.lastgood import PRIYA, sample_operation

APPS = ("web-production", "web-staging")


@pytest.mark.parametrize(
    ("delivery", "before", "after", "same"),
    [
        ("push", {}, {"reason": "again", "by": PRIYA}, True),
        ("push", {}, {"last_good": True}, True),
        ("push", {"last_good": True}, {}, True),
        ("push", {}, {"previous": True}, False),
        ("push", {"with_": "PR-1"}, {"with_": "PR-2"}, False),
        ("push", {"with_": "PR-1"}, {"with_": None}, False),
        ("push", {"apps": APPS}, {"apps": tuple(reversed(APPS))}, True),
        ("push", {"apps": APPS}, {"apps": APPS[:1]}, False),
        ("push", {"via": "pr"}, {"via": None}, False),
        ("push", {"via": "pr"}, {"via": "push"}, False),
        ("pull-request", {"via": None}, {"via": "pr"}, True),
        ("pull-request", {"via": "pr"}, {"via": None}, True),
        ("pull-request", {"via": None}, {"via": "push"}, False),
        ("pull-request-if-refused", {"via": None}, {"via": "pr"}, True),
        ("pull-request-if-refused", {"via": "pr"}, {"via": None}, False),
    ],
)
def test_a_request_may_be_written_in_several_ways(delivery, before, after, same):
    """The default said in so many words is the same, and so is another order; delivery: what lastgood.yaml says."""
    asked, again = (
        RollbackRequest(**{"apps": APPS[:1], "via": "pr", **words}) for words in (before, {**before, **after})
    )
    plan = {"via": "pr", "delivery": delivery, "request": as_asked(asked)}
    operation = sample_operation("11111111-2222-3333-4444-555555555555", PRIYA, kind="rollback", step="done", plan=plan)
    assert is_same(operation, as_asked(again)) is same
