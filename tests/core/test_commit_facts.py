"""What messages of source commits claim, forge by forge, and that hostile ones cost little."""

import time

import pytest

from lastgood.core.commit import Person
from lastgood.core.commit_facts import MAX_NAMED, read_facts

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("message", "pull", "forge", "title"),
    [
        ("Merge pull request #12 from o/b\n\nAdd the thing\n\nMore", 12, "github", "Add the thing"),
        ("Merge pull request #12 from o/b", 12, "github", "Merge pull request #12 from o/b"),
        ("Add the thing (#12)\n\n* one\n* two", 12, None, "Add the thing"),
        ('Revert "Add the thing (#12)" (#13)\n\nReverts o/r#12', 13, None, 'Revert "Add the thing (#12)"'),
        ('Revert "Add the thing (#12)"', None, None, 'Revert "Add the thing (#12)"'),
        (
            "Merge branch 'b' into 'main'\n\nAdd the thing\n\nSee merge request g/sub/p!12",
            12,
            "gitlab",
            "Add the thing",
        ),
        ("Add the thing\n\nSee merge request !12", 12, "gitlab", "Add the thing"),
        ("Add the thing (!12)", 12, "gitlab", "Add the thing"),
        ("Merged in feature/b (pull request #12)\n\nAdd the thing\n\nApproved-by: P", 12, "bitbucket", "Add the thing"),
        ("Pull request #12: Add the thing\n\nMerge in P/r from b to main", 12, "bitbucket", "Add the thing"),
        (
            "Merge pull request #12 in P/r from b to main\n\n* commit 'aaaa':\n  One\n  Two",
            12,
            "bitbucket",
            "Merge pull request #12 in P/r from b to main",
        ),
        (
            "Merge pull request #12 in ~p/r from b to main\n\nAdd the thing\n\n* commit 'aaaa':\n  One",
            12,
            "bitbucket",
            "Add the thing",
        ),
        ("Merge pull request 'Add the thing' (#12) from o/b into main", 12, "gitea", "Add the thing"),
        ("Merged PR 12: Add the thing", 12, "azure", "Add the thing"),
        ("Merge pull request 12 from b into main", 12, "azure", "Merge pull request 12 from b into main"),
        ("Merge branch 'main' into b", None, None, "Merge branch 'main' into b"),
        ("Add (#0) and (#12) in the middle", None, None, "Add (#0) and (#12) in the middle"),
        ("Say (#1234567890)", None, None, "Say (#1234567890)"),
        ("", None, None, ""),
        ("a\x1b[31mb\x00c (#3)", 3, None, "a [31mb c"),
    ],
)
def test_pull_requests_in_the_forms_of_the_forges(message, pull, forge, title):
    """Number, forge where the form is one forge's alone, and the title that people gave it."""
    found = read_facts(message)
    assert (found.pull, found.forge, found.title) == (pull, forge, title)


@pytest.mark.parametrize(
    ("message", "issues"),
    [
        ("x\n\nFixes #12", ("#12",)),
        ("closes: #1, #2 and o/r#3", ("#1", "#2", "o/r#3")),
        ("Resolved https://git.example.com/o/r/-/issues/7", ("o/r#7",)),
        ("Closing #4, implements #5. Fixing issue #6, resolving: #7", ("#4", "#5", "#7")),
        ("Merged PR 3: x\n\nRelated work items: #17, #18", ("#17", "#18")),
        ("prefixes #12, see #13; closings #14, implementation #15", ()),
    ],
)
def test_issues_are_those_that_a_word_closes(message, issues):
    """A number alone is a mention; `fixes`, `closes` and `resolves` make it the commit's issue."""
    assert read_facts(message).issues == issues


def test_keys_are_candidates():
    """Whatever has a key's form, in the text or in the merged branch's name; projects decide later."""
    found = read_facts("Merge pull request #1 from priya/shop-7-words\n\nABC-12: UTF-8, not x-ABC-9 or abc-1")
    assert found.keys == ("ABC-12", "UTF-8", "SHOP-7")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("feat(web)!: x", ("feat", "web", True)),
        ("fix: x\n\nBREAKING CHANGE: y", ("fix", None, True)),
        ("FIX: x", ("fix", None, False)),
        ("deps(web): x", ("deps", "web", False)),
        ("Note: prose", (None, None, False)),
        ("fix:x", (None, None, False)),
        ("Merge pull request #1 from o/b\n\nperf: x", ("perf", None, False)),
    ],
)
def test_conventional_commits(message, expected):
    """Type, scope and breaking, by mark and by footer, of the title that counts."""
    found = read_facts(message)
    assert (found.type, found.scope, found.breaking) == expected


@pytest.mark.parametrize(
    ("body", "reverts", "pulls", "mainlines"),
    [
        (f"This reverts commit {A}.", (A,), (), ()),
        (f"This reverts commit {A}, reversing\nchanges made to {B}.", (A,), (), ((A, B),)),
        (f"This reverts commit {A[:9]} (Merge x, 2026-11-20), reversing\nchanges made to {B[:9]}.", (A[:9],), (),
         ((A[:9], B[:9]),)),
        ("This reverts merge request !102", (), ("#102",), ()),
        ("This reverts pull request #104.", (), ("#104",), ()),
        ("Reverts merge request group/shop!102", (), ("group/shop#102",), ()),
        (f'Revert "Merged PR 107: Gift"\n\nReverted commit `{A[:8]}`.', (A[:8],), (), ()),
        (f"This reverts pull request #59.\n\n> It\n>\n> This reverts commit {A}.\n> Reverts #12", (), ("#59",), ()),
        (f"Nobody reverted commit `{A[:8]}`. It reverts nothing, #12 neither.", (), (), ()),
    ],
)  # fmt: skip
def test_reverts_in_the_words_of_git_and_the_forges(body, reverts, pulls, mainlines):
    """A commit, a merge with the parent that it was held against, or a pull request by its number."""
    found = read_facts(f"Revert it\n\n{body}")
    assert (found.reverts, found.reverts_pulls, found.mainlines) == (reverts, pulls, mainlines)


def test_people_reverts_and_picks():
    """Trailers and git's own sentences, each once."""
    found = read_facts(
        f"x\n\nThis reverts commit {A}, reversing\nchanges made to {B}.\nReverts o/r#12\nReverts !5\n"
        f"(cherry picked from commit {B})\nCo-authored-by: Zoë <z@example.com>\nco-authored-by: Zoë <z@example.com>\n"
    )
    assert found.reverts == (A,)
    assert found.reverts_pulls == ("o/r#12", "#5")
    assert found.picks == (B,)
    assert found.co_authors == (Person(name="Zoë", email="z@example.com"),)


@pytest.mark.parametrize(
    "part",
    [
        "fixes ", "#1, ", "fixes #1, ", "(#", "a/", "A", "A1-", "Merge branch '", "co-authored-by: <", "<",
        "http://a/", "\n", "\t", "(", "This reverts commit ",
    ],
)  # fmt: skip
def test_a_hostile_message_is_read_in_a_moment(part):
    """No text of 64 KiB and more takes long, and no list of what is found grows beyond its bound."""
    began = time.process_time()
    found = read_facts("x\n" + part * 200_000)
    read_facts(part * 200_000)
    assert time.process_time() - began < 2
    assert max(len(found.issues), len(found.keys), len(found.reverts)) <= MAX_NAMED
