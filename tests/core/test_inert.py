"""Titles in which a forge finds nobody to call and nothing to close."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.inert import inert, pieces


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("Fixes #12 on login", "Fixes `#12` on login"),
        ("fix: o/web#12", "fix: `o/web#12`"),
        ("Retry. Closes issue #12, #13", "Retry. Closes issue `#12`, `#13`"),
        ("resolved https://git.example.com/o/web/issues/12", "resolved `https://git.example.com/o/web/issues/12`"),
        ("Implements SHOP-12", "Implements `SHOP-12`"),
        ("Reopen GH-12", "Reopen `GH-12`"),
        ("gh-12: retry", "`gh-12`: retry"),
        ("Resolves: group/sub/web!12.", "Resolves: `group/sub/web!12`."),
        ("Fixes:#12", "`Fixes:#12`"),
        ("Two bugs, see #12 (#13)", "Two bugs, see `#12` (`#13`)"),
        ("Thanks @ops, @org/team-b!", "Thanks `@ops`, `@org/team-b`!"),
        ("Bump @angular/core to 19", "Bump `@angular/core` to 19"),
        ("#1@a#2 and \u00fc@b", "`#1@a#2` and `\u00fc@b`"),
        ("`@ops` is told", "``@ops`` is told"),
        ("Mail me@example.com at 12:30, UTF-8", "Mail me@example.com at 12:30, UTF-8"),
        ("SHOP-12 Prefixes 12 of web@sha256:12", "SHOP-12 Prefixes 12 of web@sha256:12"),
        ("feat!: retry, wow! a# b", "feat!: retry, wow! a# b"),
        ("SHOP-12 #close #time 3d #start-work", "SHOP-12 `#close` `#time` 3d `#start-work`"),
    ],
)
def test_what_a_forge_acts_on_stands_in_backticks(title, written):
    """Mentions, references, and after a word that closes also addresses and keys; all else stays as it is."""
    assert inert(title) == written


PARTS = [*"a#!@/.-:1 `_\u00fc", "fixes ", "GH-1", "SHOP-2", "#3", "@b"]
ANY = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)


@given(ANY)
def test_outside_of_the_backticks_nothing_is_left(title):
    """The pieces are the title, no piece that is put in backticks has one, and two of them never touch."""
    found = pieces(title)
    assert "".join(piece for piece, _ in found) == title
    assert all("`" not in piece for piece, acts in found if acts)
    assert not any(one[1] and other[1] for one, other in itertools.pairwise(found))
    rest = "\0".join("" if acts else piece for piece, acts in found)
    assert not re.search(r"(?<![A-Za-z0-9_])@\w|#\w|![0-9]|\bGH-[0-9]", rest), rest
