"""Dates and durations as people write them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.dates import parse_date
from lastgood.core.duration import format_duration, parse_duration
from lastgood.core.errors import CommandLineWrong

NOW = dt.datetime(2026, 3, 31, 12, 0, tzinfo=dt.UTC)

# text -> (start of the day, towards the past), (end of the day, towards the future)
DATES = {
    "now": ("2026-03-31T12:00:00", "2026-03-31T12:00:00"),
    "2026-11-20": ("2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
    "yesterday": ("2026-03-30T00:00:00", "2026-03-30T23:59:59.999999"),
    "today": ("2026-03-31T00:00:00", "2026-03-31T23:59:59.999999"),
    "2026-11-20T14:00Z": ("2026-11-20T14:00:00", "2026-11-20T14:00:00"),
    "2026-11-20 14:30": ("2026-11-20T14:30:00", "2026-11-20T14:30:00"),
    "2026-11-20T14:00:01.5+02:00": ("2026-11-20T12:00:01.500000", "2026-11-20T12:00:01.500000"),
    "3 days ago": ("2026-03-28T12:00:00", "2026-03-28T12:00:00"),
    "3.days.ago": ("2026-03-28T12:00:00", "2026-03-28T12:00:00"),
    "a month ago": ("2026-02-28T12:00:00", "2026-02-28T12:00:00"),
    "2 years ago": ("2024-03-31T12:00:00", "2024-03-31T12:00:00"),
    "in 2 weeks": ("2026-04-14T12:00:00", "2026-04-14T12:00:00"),
    "2h": ("2026-03-31T10:00:00", "2026-03-31T14:00:00"),
    "1h30m ago": ("2026-03-31T10:30:00", "2026-03-31T10:30:00"),
    "3 days": ("2026-03-28T12:00:00", "2026-04-03T12:00:00"),
}


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_read(text):
    """A whole day is its start or its end, and a bare span points where it is asked to."""
    past = parse_date(text, now=NOW)
    future = parse_date(text, now=NOW, day="end", bare="future")
    assert (past, future) == tuple(dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t in DATES[text])


def test_a_day_without_a_zone_is_one_of_the_asker():
    """Days are read in the zone of `now`, and the answer is in UTC."""
    here = NOW.astimezone(dt.timezone(dt.timedelta(hours=2)))
    assert parse_date("2026-03-30", now=here) == dt.datetime(2026, 3, 29, 22, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026", "20261120", "2026-02-30", "99999 years ago", "in 2h ago", "a" * 100, "in 3 days ago"]
)
def test_what_is_no_date_is_refused(text):
    """The error names forms that would do."""
    with pytest.raises(CommandLineWrong) as wrong:
        parse_date(text, now=NOW)
    assert "2026-11-20" in wrong.value.hint


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    """Nothing but CommandLineWrong comes out."""
    try:
        assert parse_date(text, now=NOW).tzinfo == dt.UTC
    except CommandLineWrong:
        return


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_that_is_written_reads_back(seconds):
    """Both directions agree."""
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "10", "10x", "m", "5m1h", "-5m", "1.5h", "1h 30m"])
def test_what_is_no_duration_is_none(text):
    """Units go from large to small, whole numbers only."""
    assert parse_duration(text) is None
