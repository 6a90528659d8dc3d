"""A feature as somebody asks for it: pages of forges and trackers are read, anything else is taken as written."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.asked_feature import MAX_TEXT, asked_feature
from lastgood.core.asked_image import asked_image
from lastgood.core.feature import Feature, called, is_meant
from lastgood.core.forge import web_address

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("page", "text", "repo"),
    [
        ("https://github.com/o/shop/pull/31", "PR-31", "git@github.com:o/shop.git"),
        ("https://github.com/O/Shop/pull/31/files?w=1#diff", "PR-31", "ssh://git@ssh.github.com:443/o/shop.git"),
        ("https://gitlab.example.com/g/sub/shop/-/merge_requests/31", "PR-31", "git@gitlab.example.com:g/sub/shop.git"),
        ("https://gitlab.example.com/g/shop/merge_requests/31/diffs", "PR-31", "https://gitlab.example.com/g/shop"),
        ("https://bitbucket.org/o/shop/pull-requests/31", "PR-31", "https://bitbucket.org/o/shop.git"),
        (
            "https://bitbucket.example.com/projects/O/repos/shop/pull-requests/31/overview",
            "PR-31",
            "https://bitbucket.example.com/scm/o/shop.git",
        ),
        ("https://codeberg.org/o/shop/pulls/31/commits", "PR-31", "https://codeberg.org/o/shop.git"),
        (
            "https://dev.azure.com/org/My%20Project/_git/shop/pullrequest/31?_a=files",
            "PR-31",
            "https://dev.azure.com/org/My Project/_git/shop",
        ),
        ("https://dev.azure.com/org/p/_git/shop/pullrequest/31", "PR-31", "git@ssh.dev.azure.com:v3/org/p/shop"),
        (f"https://github.com/o/shop/commit/{SHA}", SHA, "https://github.com/o/shop"),
        (f"https://gitlab.example.com/g/shop/-/commit/{SHA[:9]}", SHA[:9], "https://gitlab.example.com/g/shop"),
        (f"https://bitbucket.org/o/shop/commits/{SHA.upper()}", SHA, "https://bitbucket.org/o/shop"),
        ("https://github.com/o/shop/issues/12#issuecomment-1", "#12", "https://github.com/o/shop"),
        ("https://gitlab.example.com/g/shop/-/issues/12", "#12", "https://gitlab.example.com/g/shop"),
        ("http://git.example.com:3000/o/shop/pulls/31", "PR-31", "http://git.example.com:3000/o/shop"),
        ("https://github.com/o/shop/pull/31", "PR-31", "/srv/mirrors/shop.git"),
    ],
)
def test_a_page_names_a_feature_of_its_repo(page, text, repo):
    """Of every forge, however deep in the page, and by whatever address the repo is cloned; of no other repo."""
    asked = asked_feature(f" {page} ")
    assert asked.text == text
    assert asked.is_in(web_address(repo))
    assert not asked.is_in(web_address("https://github.com/o/other"))
    assert asked_image(page) is None


def test_the_host_counts_where_it_is_known():
    """Two forges may have an owner and a repo of one name."""
    asked = asked_feature("https://github.com/o/shop/pull/31")
    assert not asked.is_in(web_address("https://gitlab.com/o/shop"))
    assert not asked.is_in(web_address("https://notgithub.com/o/shop"))


@pytest.mark.parametrize(
    ("page", "key"),
    [
        ("https://shop.atlassian.net/browse/ABC-12", "ABC-12"),
        ("https://jira.example.com/jira/browse/abc-12?focusedId=1", "ABC-12"),
        ("https://linear.app/shop/issue/ABC-12/search-while-typing", "ABC-12"),
    ],
)
def test_a_trackers_page_is_its_key_in_every_repo(page, key):
    """Jira and Linear know no repo."""
    asked = asked_feature(page)
    assert (asked.text, asked.path) == (key, "")
    assert asked.is_in(web_address("https://github.com/o/shop"))


@pytest.mark.parametrize(
    "text",
    [
        "PR-31",
        "search while typing",
        "https://github.com/o/shop",
        "https://user:p@github.com/o/shop/pull/31",
        "",
        "web:1",
    ],
)
def test_anything_else_is_taken_as_it_is_written(text):
    """Numbers, words, pages of something else; an address with credentials is no page."""
    assert asked_feature(text).text == text
    assert asked_feature(text).path == ""


@given(st.text())
def test_any_text_can_be_asked_for(text):
    """It comes from anybody."""
    for asked in (text, f"https://{text}", f"https://github.com/{text}/pull/1"):
        assert len(asked_feature(asked).text) <= MAX_TEXT


def test_a_merge_request_is_named_with_its_project():
    """`group/project!31`, as GitLab writes it elsewhere; on any host, and of no other repo."""
    asked = asked_feature("g/sub/shop!31")
    assert (asked.text, asked.kind) == ("PR-31", "pull_request")
    assert asked.is_in(web_address("git@gitlab.example.com:g/sub/shop.git"))
    assert not asked.is_in(web_address("git@gitlab.example.com:g/shop.git"))
    assert [asked_feature(text).text for text in ("shop!", "g/shop!0", "wow!12")] == ["shop!", "g/shop!0", "wow!12"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [('"dark mode"', "dark mode"), (' " dark mode " ', "dark mode"), ('"a" or "b"', '"a" or "b"'), ('" "', '" "')],
)
def test_quotes_around_words_are_no_part_of_them(text, asked):
    """A shell takes them away, the field of a page does not."""
    assert asked_feature(text).text == asked


def test_a_record_is_meant_by_its_page_and_by_no_other():
    """The page of an issue is no pull request; another repo's number is another one."""
    one = Feature(
        id="PR-31", repo="o/shop", kind="pull_request", title="Gift", url=None, authors=(), commits=(SHA,), type=None,
        breaking=False,
    )  # fmt: skip
    assert is_meant(one, "https://github.com/o/shop/pull/31")
    assert is_meant(one, f"https://github.com/o/shop/commit/{SHA[:8]}")
    assert not is_meant(one, "https://github.com/o/shop/issues/31")
    assert not is_meant(one, "https://github.com/o/web/pull/31")
    assert not is_meant(one, "https://github.com/o/shop/pull/3")
    assert is_meant(one, "O/Shop#31")
    assert is_meant(one, "o/shop!31")
    assert not is_meant(one, "o/web!31")
    assert not is_meant(one, "o/web#31")
    assert is_meant(one, "Gift (#31)")
    assert is_meant(one, "Merge pull request #31 from o/b")
    assert not is_meant(one, "Gift (#32)")
    assert not is_meant(one, "Presents (#31)")
    assert not is_meant(one, "o/shop#3")


def test_a_record_is_of_the_host_that_its_page_is_on():
    """Two forges may have an owner and a repo of one name; a record without a page may be of either."""
    page = "https://gitlab.example.com/o/shop/-/merge_requests/31"
    one = Feature(
        id="PR-31", repo="o/shop", kind="pull_request", title="Gift", url=page, authors=(), commits=(SHA,), type=None,
        breaking=False,
    )  # fmt: skip
    assert is_meant(one, page)
    assert is_meant(one, "o/shop!31")
    assert not is_meant(one, "https://github.com/o/shop/pull/31")
    assert is_meant(msgspec.structs.replace(one, url=None), "https://github.com/o/shop/pull/31")


def test_a_feature_is_meant_by_the_title_of_the_forge_and_by_that_of_git():
    """All words are of one of the two; a title that is told again leaves that of Git."""
    one = Feature(
        id="PR-31", repo="o/shop", kind="pull_request", title="Gift message", url=None, authors=(), commits=(SHA,),
        type=None, breaking=False,
    )  # fmt: skip
    told = called(called(one, "Presents"), "Presents for all")
    assert (told.title, told.git_title) == ("Presents for all", "Gift message")
    assert [is_meant(told, words) for words in ("all presents", "message gift", "gift presents")] == [True, True, False]
    assert called(told, "Gift message") == one
