"""What a forge says makes a feature better, and what it does not say stays as Git has it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.commit import Person
from lastgood.core.commit_facts import MAX_TITLE
from lastgood.core.feature import Feature
from lastgood.core.forge_facts import MOST_LABEL, MOST_LABELS, MOST_NAME, ForgeFacts, forge_facts, told_better
from lastgood.core.mailmap import unique

PRIYA = Person(name="Priya Raman", email="Priya@example.com")
FEATURE = Feature(
    id="PR-16", repo="o/shop", kind="pull_request", title="Gifts", url=None, authors=(PRIYA,), commits=("a" * 40,),
    type="feat", breaking=False,
)  # fmt: skip


def test_what_is_not_said_stays():
    """No title, no labels, nobody: nothing changes."""
    for facts in (forge_facts(title=None), forge_facts(title=" \n"), ForgeFacts()):
        assert told_better(FEATURE, facts) == FEATURE


def test_an_issues_author_is_not_who_wrote_it():
    """Who asked for a thing is not one of those who made it."""
    issue = msgspec.structs.replace(FEATURE, kind="issue")
    assert told_better(issue, forge_facts(title="x", login="kim")).authors == (PRIYA,)


@pytest.mark.parametrize("page", ["javascript:alert(1)", "https://a:b@c.io/", "https://c.io/ x", "c.io", ""])
def test_only_a_web_page_is_linked(page):
    """The page that Git leads to stays; of the forge's, only one of the web counts."""
    assert told_better(FEATURE, forge_facts(title="x", url=page)).url is None


ANY = st.text(max_size=2_000) | st.none()


@given(ANY, st.lists(st.text(max_size=200), max_size=60), ANY, ANY, ANY)
def test_whatever_is_said_is_bounded_and_of_one_line(title, labels, name, login, url):
    """A feature made of it can be shown and kept."""
    facts = forge_facts(title=title, labels=labels, name=name, login=login, url=url)
    better = told_better(FEATURE, facts)
    people = [person.name for person in better.authors]
    for text in (better.title, *better.labels, *people, facts.login, better.url or ""):
        assert text.isprintable()
    assert 0 < len(better.title) <= MAX_TITLE
    assert len(better.labels) <= MOST_LABELS
    assert all(0 < len(label) <= MOST_LABEL for label in better.labels)
    assert all(0 < len(person) <= MOST_NAME for person in people)
    assert PRIYA in better.authors


def test_people_without_an_address_are_told_apart_by_their_names():
    """A forge tells no address; two of its people are two."""
    sam, kim = Person(name="sam", email=""), Person(name="kim", email="")
    assert unique([sam, sam, kim, PRIYA]) == (sam, kim, PRIYA)
