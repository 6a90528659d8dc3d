"""Web pages by a remote's address: known ones, and no guess for the others."""

import pytest

from lastgood.core.forge import web_address

OID = "1" * 40
OWN = "https://bitbucket.example.com/projects/o/repos/r"


@pytest.mark.parametrize(
    ("url", "pull", "commit"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r/pull/7", f"https://github.com/o/r/commit/{OID}"),
        ("git@github.com:o/r.git", "https://github.com/o/r/pull/7", f"https://github.com/o/r/commit/{OID}"),
        ("ssh://git@gitlab.example.com:2222/g/s/r.git", "https://gitlab.example.com/g/s/r/-/merge_requests/7", f"https://gitlab.example.com/g/s/r/-/commit/{OID}"),
        ("https://u:secret@bitbucket.org/o/r", "https://bitbucket.org/o/r/pull-requests/7", f"https://bitbucket.org/o/r/commits/{OID}"),
        ("https://codeberg.org/o/r/", "https://codeberg.org/o/r/pulls/7", f"https://codeberg.org/o/r/commit/{OID}"),
        ("https://bitbucket.example.com/scm/o/r.git", f"{OWN}/pull-requests/7", f"{OWN}/commits/{OID}"),
        ("ssh://git@bitbucket.example.com:7999/o/r.git", f"{OWN}/pull-requests/7", f"{OWN}/commits/{OID}"),
        ("https://git.example.com/at/scm/~o/r.git", "https://git.example.com/at/users/o/repos/r/pull-requests/7", f"https://git.example.com/at/users/o/repos/r/commits/{OID}"),
        ("https://git.example.com/o/r", None, None),
        ("file:///srv/r.git", None, None),
        ("/srv/r.git", None, None),
    ],
)  # fmt: skip
def test_pages_of_a_repo(url, pull, commit):
    """By the host's name; without credentials and without ssh's port; nothing where the host says nothing."""
    web = web_address(url)
    assert (web.pull(7, None), web.commit(OID)) == (pull, commit)


def test_a_messages_form_tells_the_forge_where_the_host_does_not():
    """Of a host with a name of its own, a merge in GitLab's words says how its pages are called."""
    web = web_address("https://git.example.com/o/r.git")
    assert web.pull(7, "gitlab") == "https://git.example.com/o/r/-/merge_requests/7"
    assert web.issue("#5", "gitlab") == "https://git.example.com/o/r/-/issues/5"
    assert web.issue("x/y#5", "gitea") == "https://git.example.com/x/y/issues/5"


def test_bitbucket_of_ones_own_has_no_issues():
    """Its repos are named in messages as project and repo, without what stands around them in the address."""
    web = web_address("https://bitbucket.example.com/scm/shop/web.git")
    assert (web.path, web.issue("#5"), web.issue("o/r#5")) == ("shop/web", None, None)
    assert web.is_meant_by("SHOP/web")


def test_which_repo_a_reference_means():
    """`owner/repo#12` of another repo is not this one's; a mirror on a disk is known by its name."""
    web = web_address("https://github.com/o/r")
    assert [web.is_meant_by(path) for path in ("", "o/r", "O/R", "x/r", "r")] == [True, True, True, False, False]
    assert web_address("file:///srv/r.git").is_meant_by("o/r")
