"""Upper limits, and how long to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.application import Policy
from lastgood.core.back_off import back_off
from lastgood.core.limits import Limits


@pytest.mark.parametrize(
    ("lost", "of", "asks"),
    [(0, 10, False), (1, 1, False), (1, 2, False), (2, 2, True), (5, 10, False), (6, 10, True), (999, 1000, True)],
)
def test_losing_many_applications_asks(lost, of, asks):
    """More than half of them, and more than one, asks first."""
    assert Limits().loses_too_many(lost, of=of) is asks


def test_an_operator_may_let_all_of_them_go():
    """A share of 1 never asks, a share of 0 always does where more than one goes."""
    assert not Limits(lost_share=1.0).loses_too_many(1000, of=1000)
    assert Limits(lost_share=0.0).loses_too_many(2, of=1000)


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_limits_lower_and_never_raise(prune, heal, allow_prune, allow_heal):
    """A policy gets what both sides want."""
    limits = Limits(prune=allow_prune, self_heal=allow_heal)
    lowered = limits.lower(Policy(prune=prune, self_heal=heal, auto_rollback=True, bake_s=7))
    assert (lowered.prune, lowered.self_heal) == (prune and allow_prune, heal and allow_heal)
    assert lowered.bake_s == 7


@given(st.integers(min_value=0, max_value=10_000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_waits_grow_and_are_bounded(failures, jitter):
    """From a few seconds to ten minutes, give or take a quarter."""
    wait_s = back_off(failures, jitter=jitter)
    assert 3.75 <= wait_s <= 750
    assert back_off(failures + 1, jitter=jitter) >= wait_s
