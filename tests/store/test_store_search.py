"""Search means: every word occurs, wherever, without case; whatever anybody types."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lastgood.core.record import DeploymentQuery
from lastgood.store import SqlStore
from lastgood.store.columns import clean
from lastgood.store.search import search_text, words
from twins.store import make_commit, make_deployment

# Few letters, so that words are often found; with the characters that mean something to FTS5, LIKE and SQL.
ALPHABET = st.sampled_from("abAB\"'%_\\*^-():+ \t\nßİé\u0301🚀\0\ud800")
TEXTS = st.text(ALPHABET, max_size=30)


@pytest.fixture(scope="module")
def store():
    opened = SqlStore.in_memory()
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None)
@given(message=TEXTS, begin=st.integers(0, 20), length=st.integers(0, 10), more=st.text(ALPHABET, max_size=3))
@example(message="naïve café", begin=2, length=8, more=" CAFÉ")
@example(message="a" * 40_000 + "end", begin=0, length=0, more="end")
def test_search_means_that_every_word_occurs(store, message, begin, length, more):
    """The database finds a record exactly where Python finds every word in its text."""
    search = message[begin : begin + length].swapcase() + more

    async def found() -> int:
        query = DeploymentQuery(search=search)
        before = await store.count_deployments(query)
        begun = await store.start_deployment(make_deployment(commit=make_commit(message, oid="0" * 40)))
        assert (await store.deployments(DeploymentQuery(search=search, limit=1)) == [begun]) == (
            await store.count_deployments(query) > before
        )
        return await store.count_deployments(query) - before

    text = search_text(make_commit(message, oid="0" * 40), (), "")

    assert asyncio.run(found()) == all(word in text for word in words(search))


@given(st.text(max_size=50))
def test_what_is_written_can_be_written(text):
    """Cleaned text is UTF-8 without NUL; what was clean stays as it was."""
    cleaned = clean(text + "\ud83d\0")

    assert cleaned == f"{clean(text)}\ufffd\ufffd"
    cleaned.encode()
    assert clean(cleaned) == cleaned


def test_an_endless_search_is_bounded():
    """What somebody sends by the megabyte is cut before anything looks at it."""
    assert len(words("a " * 1_000_000)) == 16
    assert sum(map(len, words("x" * 1_000_000))) == 1024


def test_an_endless_message_is_bounded():
    """The index takes the beginning of a message of megabytes, not all of it."""
    assert len(search_text(make_commit("x" * 10_000_000), (), "y" * 10_000_000)) < 70_000
