"""What a forge says makes a feature better, and what it does not say stays as Git has it."""

import msgspec
import pytest

from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.forge_facts import ForgeFacts, forge_facts, told_better
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


def test_people_without_an_address_are_told_apart_by_their_names():
    """A forge tells no address; two of its people are two."""
    sam, kim = Person(name="sam", email=""), Person(name="kim", email="")
    assert unique([sam, sam, kim, PRIYA]) == (sam, kim, PRIYA)
