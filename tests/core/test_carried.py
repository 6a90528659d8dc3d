"""What is kept of features is bounded, and what is searched finds all that a person may mean."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.carried import MOST_COMMITS, MOST_FEATURES, carried, searched
from lastgood.core.feature import Feature, is_meant
from lastgood.core.source_features import Between
from lastgood.store.search import feature_text, words
from twins.config_repo import PRIYA

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def feature(**changed):
    given = {
        "id": "PR-16", "repo": "shop/web", "kind": "pull_request", "title": "Gift message", "url": None,
        "authors": (PRIYA,), "commits": ("c0ffee" * 6 + "abcd",), "type": None, "breaking": False,
    }  # fmt: skip
    return Feature(**(given | changed))


def test_the_work_of_years_is_cut_and_counted():
    """Ten years in one deployment make no record of megabytes, and it says how much it leaves out."""
    many = tuple(feature(id=f"PR-{n}", commits=("a" * 40,) * (MOST_COMMITS + 1)) for n in range(MOST_FEATURES + 7))
    kept = carried(1, Between(entered=many, left=many[:3]), at=NOON)
    assert (len(kept.entered), len(kept.left), kept.more) == (MOST_FEATURES, 3, 7)
    assert {len(one.commits) for one in kept.entered} == {MOST_COMMITS}


FEATURES = st.builds(
    feature,
    id=st.sampled_from(["PR-16", "PR-1", "#16", "acme/web#16", "SHOP-16", "c0ffee1"]),
    title=st.sampled_from(["Gift message", "gift", "Straße für PR-16", ""]),
)
TEXTS = st.sampled_from(
    [
        "PR-16",
        "pr-16",
        "#16",
        "16",
        "#1",
        "SHOP-16",
        "acme/web#16",
        "c0ffee1",
        "c0ffeec0ffeec0f",
        "GIFT",
        "für",
        "z",
        " ",
    ]
)


@given(FEATURES, TEXTS)
def test_what_is_searched_misses_nothing_that_is_meant(one, text):
    """The store's filter is coarser than the rule, never finer."""
    if is_meant(one, text):
        found = feature_text(carried(1, Between(entered=(one,)), at=NOON))
        assert all(word in found for word in words(searched(text)))


def test_a_number_means_the_whole_number():
    """`PR-1` is not `PR-16`, and a short hash is none."""
    assert not is_meant(feature(), "PR-1")
    assert not is_meant(feature(), "#1")
    assert not is_meant(feature(title="x"), "c0ffee")
    assert is_meant(feature(title="x"), "c0ffeec")
    assert not is_meant(feature(title='Revert "Cards (#1)"'), "#1")
    assert not is_meant(feature(title="As o/web#1 has it, and PR-1"), "o/web#1")
    assert not is_meant(feature(), " ")
