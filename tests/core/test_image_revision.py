"""Which claims of an image are believed: those about the repo that it should come from."""

import pytest

from lastgood.core.image_facts import ImageClaim, ImageFacts
from lastgood.core.image_revision import chart_versions, claimed_revisions, is_same_repo

REPO = "https://git.example.com/shop/web.git"
FULL = "4f2d1c0b9a8e7f6d5c4b3a29181706f5e4d3c2b1"


def claims(*given: ImageClaim):
    return claimed_revisions(ImageFacts(digest="sha256:" + "0" * 64, claims=given), REPO)


@pytest.mark.parametrize(
    ("source", "revision", "believed", "reason"),
    [
        ("https://git.example.com/shop/web", FULL, True, ""),
        ("https://git.example.com/shop/web", "v1.2", True, ""),
        (None, FULL, True, ""),
        (None, FULL[:12], False, "no source beside the revision 4f2d1c0b9a8e, which is no full commit id"),
        (None, "v1.2", False, "no source beside the revision v1.2, which is no full commit id"),
        ("https://git.example.com/base/images", FULL, False, "is built from https://git.example.com/base/images"),
    ],
)
def test_a_claim_counts_where_its_source_fits(source, revision, believed, reason):
    """A source that fits lets any revision count, none only a full id, another source nothing."""
    found = claims(ImageClaim(place="label", revision=revision, source=source))
    assert [one.revision for one in found.believed] == ([revision] if believed else [])
    assert believed or reason in found.reason


def test_the_surest_claim_comes_first_and_the_first_reason_stays():
    """Annotations before labels, as the facts have them; a claim that is not believed hides no other."""
    found = claims(
        ImageClaim(place="manifest annotation", revision="v1"),
        ImageClaim(place="index annotation", revision=FULL),
        ImageClaim(place="label", revision="b" * 40),
        ImageClaim(place="label", version="3"),
    )
    assert [(one.place, one.revision) for one in found.believed] == [("index annotation", FULL), ("label", "b" * 40)]
    assert found.reason.startswith("its manifest annotation names no source")
    assert claims(ImageClaim(place="label", version="3")).reason == "it says nothing of its source revision"


@pytest.mark.parametrize(
    ("source", "repo", "same"),
    [
        ("https://github.com/Shop/Web", "git@github.com:shop/web.git", True),
        ("https://github.com/shop/web.git#main", "ssh://git@github.com:22/shop/web", True),
        ("http://git.example.com:8080/shop/web/", "https://git.example.com:8080/shop/web.git", True),
        ("https://user@git.example.com/shop/web?ref=1", REPO, True),
        ("https://git.example.com/shop/web/api", REPO, False),
        ("https://git.example.org/shop/web", REPO, False),
        ("https://git.example.com:8443/shop/web", REPO, True),
        ("http://git.example.com:3000/shop/web.git", "ssh://git@git.example.com:2222/shop/web.git", True),
        ("http://git.example.com:3000/shop/api.git", "ssh://git@git.example.com:2222/shop/web.git", False),
        ("http://[::1]:3000/shop/web", "http://[fe80::2]/shop/web", False),
        ("shop/web", REPO, False),
        ("file:///srv/git/web.git", "/srv/git/web", True),
        ("/srv/git/Web", "/srv/git/web", False),
        ("web", "/srv/git/web", False),
    ],
)
def test_addresses_of_one_repo_are_told(source, repo, same):
    """The way there, its port, capitals of hosts and names, and `.git` make no difference; host and path do."""
    assert is_same_repo(source, repo) is same


def chart(version, *sources):
    return [ImageClaim(place="chart", revision=version, source=one) for one in sources or (None,)]


@pytest.mark.parametrize(
    ("version", "tag", "names"),
    [
        ("1.4.2", "", ("1.4.2", "v1.4.2")),
        ("v1.4.2", "", ("v1.4.2", "1.4.2")),
        ("1.4.2+b7", "", ("1.4.2+b7", "v1.4.2+b7", "1.4.2", "v1.4.2")),
        ("1.4.2+b7", "1.4.2_b7", ("1.4.2+b7", "v1.4.2+b7", "1.4.2", "v1.4.2")),
        ("1.4.2", "v1.4.2", ("1.4.2", "v1.4.2")),
        ("1.4.2", "build-77", ("1.4.2", "v1.4.2")),
        ("1.4.2", "1.4.3", ()),
        ("1.4.2", "1.4.2-rc1", ()),
    ],
)
def test_a_chart_that_names_the_repo_tells_a_version(version, tag, names):
    """With a `v` or without, with the build or without; not beside a tag that is another version."""
    found, reason = chart_versions(chart(version, "https://git.example.com/else", REPO), REPO, tag)
    assert found == names
    assert reason == ("" if names else f"its chart has the appVersion {version}, and its tag is another version")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ([], ""),
        (chart(FULL), f"its chart names no source beside the appVersion {FULL}"),
        (
            chart("1", "https://git.example.com/a", "https://git.example.com/b"),
            "is built from https://git.example.com/a",
        ),
    ],
)
def test_a_chart_that_does_not_name_the_repo_is_not_believed(claims, reason):
    """Not even with a full commit id: it stands beside the image, in any number of which it may be true."""
    found, said = chart_versions(claims, REPO, "")
    assert found == ()
    assert said.endswith(reason)
