"""How text looks, compared whole: tables, times, hashes, colours, hostile text."""

import datetime as dt

import msgspec
import pytest

from lastgood.cli import apps, shared, timeline
from lastgood.cli.status import status_text
from lastgood.cli.text import (
    Column,
    Style,
    ago,
    clean,
    cut,
    diff_colors,
    lasted,
    short_hashes,
    stamp,
    table,
    width_of,
)
from lastgood.core.dates import relative
from lastgood.core.observation import ResourceResult
from twins.lastgood import MemoryLastgood

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
PLAIN = Style(width=60, color=False)


@pytest.fixture
def _at_noon(monkeypatch):
    for module in (apps, shared, timeline):
        monkeypatch.setattr(module, "now", lambda: NOW)


@pytest.mark.usefixtures("_at_noon")
def test_a_timeline_is_a_table(clone, lastgood):
    """Hash, times, state, subject and author stand in columns; empty columns are left out."""
    said = lastgood("timeline", "web-production")

    assert said.err == ""
    assert said.out == (
        "COMMIT   WHEN                 STATE    SUBJECT         AUTHOR\n"
        f"{clone.c4[:7]}  1h ago  11-20 10:05  current  Release web r3  Priya Raman\n"
        f"{clone.c2[:7]}  1h ago  11-20 10:03           Release web r2  Priya Raman\n"
        f"{clone.c1[:7]}  1h ago  11-20 10:02           Release web r1  Priya Raman\n"
    )


@pytest.mark.usefixtures("_at_noon")
def test_apps_are_a_table(clone, lastgood):
    """What Git alone cannot know is "unknown"."""
    assert lastgood("apps").out == (
        "APPLICATION     HEALTH   SYNC     NOW      LAST GOOD  AGE  SINCE\n"
        f"web-production  unknown  unknown  {clone.c4[:7]}  unknown    1h   11-20 10:05\n"
        f"web-staging     unknown  unknown  {clone.c3[:7]}  unknown    1h   11-20 10:04\n"
    )


def test_a_hostile_subject_cannot_move_the_cursor(clone, lastgood):
    """Control characters of a commit's message become replacement characters."""
    clone.commit("Red \x1b[31malert\x07", {"apps/web/production/x": "x"})

    out = lastgood("timeline", "web-production").out

    assert "\x1b" not in out
    assert "Red \N{REPLACEMENT CHARACTER}[31malert" in out


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (5, "just now", "just now"),
        (61, "1 minute ago", "1min ago"),
        (7200, "2 hours ago", "2h ago"),
        (86_400 * 3, "3 days ago", "3d ago"),
        (86_400 * 8, "8 days ago", "8d ago"),
        (86_400 * 15, "2 weeks ago", "2w ago"),
        (86_400 * 70, "2 months ago", "2mo ago"),
        (86_400 * 800, "2 years ago", "2y ago"),
        (-3600, "in 1 hour", "in 1h"),
    ],
)
def test_times_are_relative(seconds, long, short):
    """In one unit, past or future; tables have a short form."""
    when = NOW - dt.timedelta(seconds=seconds)
    assert (relative(when, NOW), ago(when, NOW)) == (long, short)


def test_hashes_are_as_long_as_they_must_be():
    """Seven characters, or as many as tell two apart."""
    one, other, third = "a" * 40, "a" * 9 + "b" * 31, "c" * 40
    assert short_hashes([one, other, third, None]) == {one: "a" * 10, other: "a" * 9 + "b", third: "c" * 7}


def test_a_table_gives_way_where_it_may():
    """Columns that may be cut are, the widest first; a hash never is."""
    rows = [["1234567890", "a long subject that does not fit into what is left", "Somebody With A Long Name"]]
    text = table([Column("COMMIT"), Column("SUBJECT", least=10), Column("AUTHOR", least=6)], rows, PLAIN)
    assert text.split("\n")[1].startswith("1234567890  ")
    assert all(width_of(line) <= 60 for line in text.split("\n"))
    narrow = table([Column("COMMIT"), Column("SUBJECT", least=5)], rows, Style(width=12, color=False))
    assert narrow.split("\n")[1] == "1234567890  a lo…"


def test_wide_characters_count_twice():
    """Columns line up with East Asian text and with combining marks."""
    assert [width_of(text) for text in ("abc", "日本", "e\u0301")] == [3, 4, 1]
    assert cut("日本語", 5) == "日本…"


def test_a_diff_has_the_colours_of_git():
    """Added green, removed red, hunks cyan; without colours the text alone."""
    diff = "@@ -1 +1 @@\n-old\n+new\n same"
    assert diff_colors(diff, PLAIN) == diff
    colored = diff_colors(diff, Style(width=80, color=True))
    assert colored == "\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n same"


def test_text_that_turns_direction_is_neutralised():
    """Marks that reorder what follows are taken out, too."""
    assert clean("a\u202eb\x00c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
    # A reason of several lines stands in one line of a table.
    assert clean("slow\r\n\n  since noon\tand worse") == "slow since noon and worse"
    assert clean("slow\n\tsince noon", lines=True) == "slow\n\tsince noon"


def test_a_reason_of_several_lines_stands_on_one():
    """Where there is room for one line: a line end is a blank there."""
    assert clean("slow\n\nand wrong\tto-day") == "slow and wrong to-day"
    assert clean("slow\nand wrong", lines=True) == "slow\nand wrong"


def test_spare_columns_go_before_others_are_cut_below_their_wish():
    """An application's name and a subject are worth more than a second form of the time, or the author."""
    columns = [Column("NAME", least=4, wish=9), Column("TIME", spare=True), Column("WHO", least=3, spare=True)]
    rows = [["web-admin", "10:05", "Priya Raman"]]

    def lines(width):
        return table(columns, rows, Style(width=width, color=False)).split("\n")[1]

    assert lines(30) == "web-admin  10:05  Priya Raman"
    assert lines(24) == "web-admin  10:05  Priya…"
    assert lines(20) == "web-admin  10:05"
    assert lines(12) == "web-admin"
    assert lines(6) == "web-a…"


def test_a_pipe_is_not_cut_to_the_width_of_a_terminal(clone, lastgood, monkeypatch):
    """Whoever searches the output finds the whole subject."""
    monkeypatch.delenv("COLUMNS")
    subject = "Let the checkout retry a payment that the bank has not answered, once, after ten seconds"
    clone.commit(subject, {"apps/web/production/x": "x"})

    assert subject in lastgood("timeline").out


@pytest.mark.parametrize(
    ("when", "short"),
    [(NOW, "11-20 12:00"), (NOW.replace(year=2025), "2025-11-20")],
)
def test_a_stamp_leaves_out_what_goes_without_saying(when, short, monkeypatch):
    """The year that it is, or the hour of another year."""
    monkeypatch.setenv("TZ", "UTC")
    assert stamp(when, NOW) == short


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (12.34, "12.3 s"), (200, "3 min 20 s"), (7300, "2 h 1 min"), (-1, "0.0 s")]
)
def test_how_long_something_took(seconds, text):
    """One or two units; a clock that went back took no time."""
    assert lasted(seconds) == text


@pytest.mark.parametrize(("state", "before"), [("followed", "warning"), ("broken", "state")])
async def test_status_says_what_the_render_warned_of_once(state, before):
    """An unsupported key stays visible while that version runs; what the state says is not said again."""
    found = await MemoryLastgood().status("cart-production")
    warned = msgspec.structs.replace(found.application, state=state, message="log_level is not supported")
    shown = msgspec.structs.replace(found, application=warned, warnings=("log_level is not supported",))

    lines = [line for line in status_text(shown, PLAIN).splitlines() if "log_level" in line]
    assert [line.split()[0] for line in lines] == [before]


@pytest.mark.parametrize(("asked_for", "said"), [(True, True), (False, False)])
async def test_status_says_that_nothing_goes_back_by_itself(asked_for, said):
    """Whoever wrote `auto_rollback: on` must not wait for it."""
    found = await MemoryLastgood().status("cart-production")
    policy = msgspec.structs.replace(found.policy, auto_rollback=asked_for)
    shown = status_text(msgspec.structs.replace(found, policy=policy), PLAIN)

    assert ("does not do yet" in shown) is said


async def test_status_says_what_stays_and_what_allows_it_to_go():
    """What left Git and was not deleted is a table of its own; without such there is none."""
    found = await MemoryLastgood().status("web-production")
    kept = ResourceResult(kind="PersistentVolumeClaim", name="data", change=None, outcome="left", message="it stays: x")
    shown = status_text(msgspec.structs.replace(found, holds=(), left=(kept,)), PLAIN)
    assert shown.split("\n\n")[-1].splitlines() == [
        "NOT DELETED                 WHY",
        "PersistentVolumeClaim data  it stays: x",
    ]
    assert "NOT DELETED" not in status_text(found, PLAIN)
