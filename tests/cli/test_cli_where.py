"""`lastgood where` as people read it."""

import msgspec

from lastgood.cli import where as where_command
from lastgood.cli.chain import chain_text
from lastgood.cli.text import Style
from lastgood.core.chain import Chain
from lastgood.core.feature_views import WhereEntry
from twins.lastgood import NOW, sample_chain

PRODUCTION = "apps/web/production/process-compose.yaml"
STAGING = "apps/web/staging/process-compose.yaml"


def test_an_image_is_found_by_what_git_asks_for(clone, lastgood):
    """In a clone nothing is on record and no source repo is read: the very image is known, the rest is not."""
    clone.commit("Try web r4", {STAGING: (clone.folder / STAGING).read_text().replace("r3", "r4")})
    said = lastgood("where", "web:r3")
    assert said.code == 0
    assert said.out == (
        "ENVIRONMENT  APPLICATION     CONTAINS  WHY\n"
        "production   web-production  yes       it runs this very image\n"
        "staging      web-staging     unknown   "
        "it runs another image of that name, and the revision of the one asked for is not…\n"
    )
    told = lastgood("where", "web:r3", "-o", "json").json
    assert told[1]["reason"].endswith(
        " is not known: source repos are not read here; a running server reads them (`--server URL`)"
    )
    assert [(one["contains"], one["deployment"]) for one in told] == [(True, None), (None, None)]


def test_a_clone_knows_which_commit_brought_an_image_in(clone, lastgood):
    """Of the way to it Git alone has the commit of the config repo; all else is unknown, and why."""
    said = lastgood("where", "web:r3", "-v")
    assert said.code == 0
    told = said.out.partition("how it came to web-production\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in told.splitlines()]
    server = "a running server reads them (`--server URL`)"
    assert lines[:4] == [
        f"pull request   unknown: source repos are not read here; {server}",
        f"source         unknown: source repos are not read here; {server}",
        "build          unknown: the commit names none, and images are asked by a server",
        "image          web  r3  built from an unknown revision",
    ]
    assert lines[4].startswith(f"config commit  {clone.c4[:7]}  ")
    assert lines[6] == (
        "deployment     unknown: deployments are not on record here; a running server records them (`--server URL`)"
    )
    assert lastgood("where", "web:r3").out == said.out.partition("\n\n")[0] + "\n"

    told = lastgood("where", "web:r3", "-o", "json").json[0]
    assert (told["chain"]["config"]["commit"], told["since"], told["deployment"]) == (clone.c4, None, None)
    assert set(told["chain"]["unknown"]) == {"pull_request", "source", "build", "deployment"}


def test_a_clone_goes_back_to_the_commit_with_which_an_image_came(clone, lastgood):
    """Later versions with the same image do not count: the oldest of the newest run of them does."""
    text = (clone.folder / PRODUCTION).read_text()
    brought = clone.commit("Release r9", {PRODUCTION: text.replace("r3", "r9")})
    clone.commit("More memory", {PRODUCTION: text.replace("r3", "r9") + "  # later\n"})
    told = lastgood("where", "web:r9", "-o", "json").json
    assert [one["chain"]["config"]["commit"] for one in told if one["contains"]] == [brought]


def test_a_chain_is_written_whole_and_hostile_text_is_text():
    """Every part of it, a line or two each; control characters are taken out."""
    entry = WhereEntry(
        environment="production", app="web-production", contains=False, since=None, via=None, reason="",
        chain=sample_chain(build="https://ci.example.com/\x1b[31mruns"),
    )  # fmt: skip
    text = chain_text(entry, NOW, Style(width=100, color=False))
    assert "\x1b" not in text
    names = [line[2:16].strip() for line in text.splitlines()[1:] if line[2:16].strip()]
    assert names == [
        "issue", "pull request", "merged", "build", "image", "config commit", "deployment", "left", "held",
    ]  # fmt: skip
    assert "n9  succeeded  rollback  3 hours ago" in text
    assert (
        chain_text(msgspec.structs.replace(entry, chain=Chain(unknown={"source": "x"})), NOW, Style(100, False)) == ""
    )


def entry(app, contains, *, feature=None, repo="o/web"):
    chain = None
    if feature is not None:
        told = {"id": feature, "repo": repo, "title": "A", "labels": ("q4",)}
        chain = Chain(feature=msgspec.structs.replace(sample_chain().pull_request, **told))
    return WhereEntry(
        environment="production", app=app, contains=contains, since=None, via=None, reason="", chain=chain
    )


def test_what_was_asked_for_is_told_with_its_title_and_repo():
    """Of several source repos each row says which it is about; where nobody knows more, nothing is said."""
    style = Style(width=100, color=False)
    one = [entry("web", True, feature="PR-7"), entry("cart", False)]
    assert where_command._asked(one, style) == ["PR-7  A [q4], in o/web", ""]
    assert "REPO" not in where_command._text(one, style)
    two = [*one, entry("api", None, feature="PR-7", repo="o/api")]
    assert where_command._asked(two, style) == ["PR-7  A [q4], in o/web", "PR-7  A [q4], in o/api", ""]
    rows = [line.split() for line in where_command._text(two, style).splitlines()]
    assert rows == [
        ["ENVIRONMENT", "APPLICATION", "CONTAINS", "REPO"],
        ["production", "web", "yes", "o/web"],
        ["production", "cart", "no"],
        ["production", "api", "unknown", "o/api"],
    ]
    assert where_command._asked([entry("web", None)], style) == []
