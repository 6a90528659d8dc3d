"""A changelog says what a person wants to tell others, and nothing in it is markup but our own."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.changelog import changelog
from lastgood.core.feature import Feature
from lastgood.core.feature_views import FeaturesView
from lastgood.core.resource import ImageChange
from lastgood.core.setting import SettingChange, Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.version import version_at
from twins.store import PRIYA, make_commit

HEADING = "# web: aaaaaaa (2026-11-19) to bbbbbbb (2026-11-19)\n\n"


def feature(ident, title, **changed):
    given = {
        "id": ident, "repo": "shop/web", "kind": "pull_request", "title": title, "url": None, "authors": (PRIYA,),
        "commits": ("a" * 40,), "type": None, "breaking": False,
    }  # fmt: skip
    return Feature(**(given | changed))


def version(commit):
    return version_at(make_commit(oid=commit), version=commit, path_tree=commit, ran=True)


def view(**changed):
    given = {"app": "web", "from_": version("a" * 40), "to": version("b" * 40), "entered": (), "left": ()}
    return FeaturesView(**(given | changed))


def test_changes_are_sorted_by_what_they_are():
    """Breaking first, then features, fixes, the rest, issues; what left and what is not known are said."""
    told = changelog(
        view(
            entered=(
                feature("PR-1", "Old API goes", type="feat", breaking=True),
                feature("PR-2", "Gift message", type="feat", url="https://git.example.com/shop/web/pulls/2"),
                feature("PR-3", "Rounding", type="fix", authors=()),
                feature("c0ffee1", "Tidy up", kind="commit", type="chore"),
                feature("SHOP-7", "Gift message", kind="issue"),
            ),
            left=(feature("PR-9", "Wishlist", breaking=True, takes_back=("PR-7",)),),
            images=(ImageChange(name="web", from_="1.4", to="*1.5"), ImageChange(name="db", from_=None, to="9")),
            unknown=(NotKnown(image="db", reason="no tag"),),
        )
    )
    assert told == (
        f"{HEADING}- web: 1.4 → \\*1.5\n- db: none → 9\n\n"
        "## Breaking changes\n\n- Old API goes (PR-1), Priya Raman\n\n"
        "## Features\n\n- Gift message ([PR-2](https://git.example.com/shop/web/pulls/2)), Priya Raman\n\n"
        "## Fixes\n\n- Rounding (PR-3)\n\n"
        "## Changes\n\n- Tidy up (c0ffee1), Priya Raman\n\n"
        "## Issues\n\n- Gift message (SHOP-7), Priya Raman\n\n"
        "## Taken out\n\n- Wishlist (PR-9; breaking; took back PR-7), Priya Raman\n\n"
        "## Not known\n\n- db: no tag\n"
    )


def test_settings_stand_apart():
    """What the config repo changed itself, secrets without their values, and why nobody knows."""

    def change(path, before, after, *, hidden=False):
        return SettingChange(
            kind="Deployment", namespace=None, name="web", path=path, before=before, after=after, hidden=hidden
        )

    changes = (
        change("spec.replicas", "2", "3"),
        change("spec.flag", None, "<b>\nx"),
        change("spec.key", None, None, hidden=True),
        change("", None, "there"),
    )
    assert changelog(view(settings=Settings(changes=changes, more=4))) == (
        f"{HEADING}## Settings\n\n"
        "- Deployment web spec.replicas: 2 → 3\n"
        "- Deployment web spec.flag: nothing → \\<b\\> x\n"
        "- Deployment web spec.key: changed (not shown: a secret)\n"
        "- Deployment web: added\n"
        "- and 4 more\n"
    )
    assert "Not known: no chart" in changelog(view(settings=Settings(unknown="no chart")))


def test_nothing_is_said_to_be_nothing():
    """Two versions with the same features."""
    assert changelog(view()) == f"{HEADING}No feature entered or left.\n"


def test_pasted_into_a_forge_it_calls_nobody_and_closes_nothing():
    """What a forge would act on stands in backticks, in names, too; the links are ours."""
    told = changelog(
        view(
            entered=(
                feature("PR-1", "Fixes #12 for @ops_a_b", url="https://e/1", authors=()),
                feature("#12", "Crash", kind="issue", url="https://e/12", authors=()),
                feature("#13", "Crash", kind="issue", authors=()),
            )
        )
    )
    assert told == (
        f"{HEADING}## Changes\n\n- Fixes `#12` for `@ops_a_b` ([PR-1](https://e/1))\n\n"
        "## Issues\n\n- Crash ([`#12`](https://e/12))\n- Crash (`#13`)\n"
    )


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "a\n# b",
        "`x`",
        "![x](http://e)",
        "a\u2028- b",
        "https://x",
        "`@x` Fixes #1",
    ]
)


@given(HOSTILE, HOSTILE)
def test_no_title_and_no_address_is_markup(title, tail):
    """One line for each feature; no unescaped character of Markdown or HTML; no link but to http."""
    told = changelog(view(entered=(feature("PR-1", title, url=f"https://e/{tail}"), feature("PR-2", "x", url=tail))))
    lines = [line for line in re.split("[\n\r\u2028\u2029\x0b\x0c\x85]", told) if line]
    assert len(lines) == 4
    text = lines[2].removeprefix("- ").rpartition(" ([PR")[0]
    text = re.sub(r"(?<!\\)((?:\\\\)*)`[^`]+`", r"\1", text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>\[\]`*_&]", text), text
    assert not re.match(r"[#+\-=]|[0-9]+[.)]", text), text
    assert re.fullmatch(r"[^\s<>()\[\]]+", re.search(r"\[PR-1\]\((.*)\)\), Priya", lines[2])[1])
