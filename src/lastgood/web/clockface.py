"""Times as people read them: relative, with the absolute UTC time beside. Pure; `now` is an argument."""

import datetime as dt

MINUTE, HOUR, DAY = 60, 3600, 86400
_RELATIVE_DAYS = 14


def ago(when: dt.datetime, now: dt.datetime) -> str:
    """Say how long ago: "40 s ago", "3 days ago", a date beyond two weeks; "in 5 min" for what is to come."""
    seconds = int((now - when).total_seconds())
    if seconds < 0:
        return f"in {span(-seconds)}" if -seconds < _RELATIVE_DAYS * DAY else f"on {day(when)}"
    if seconds >= _RELATIVE_DAYS * DAY:
        return f"on {day(when)}"
    return f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """Write a length of time in its largest unit: "40 s", "14 min", "22 h", "1 day", "3 days"."""
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h"
    days = whole // DAY
    return f"{days} day" if days == 1 else f"{days} days"


def lasting(seconds: float) -> str:
    """Write a length of time in its two largest units: "40 s", "4 min 6 s", "5 h 12 min", "3 days 2 h"."""
    whole = int(seconds)
    for unit, below in ((DAY, HOUR), (HOUR, MINUTE), (MINUTE, 1)):
        if whole >= unit:
            rest = whole % unit // below * below
            return f"{span(whole)} {span(rest)}" if rest else span(whole)
    return span(whole)


def day(when: dt.datetime) -> str:
    """Write a date: "3 November 2026"."""
    return f"{when.day} {when:%B %Y}"


def day_heading(date: dt.date, today: dt.date) -> str:
    """Write a day's heading: "Today, Thursday 19 November"; the year where it is another one."""
    words = f"{date:%A} {date.day} {date:%B}" + ("" if date.year == today.year else f" {date.year}")
    gone = (today - date).days
    return {0: f"Today, {words}", 1: f"Yesterday, {words}"}.get(gone, words)


def absolute(when: dt.datetime) -> str:
    """Write a time in full: "Thu 19 Nov 2026, 14:18:04 UTC"."""
    utc = when.astimezone(dt.UTC)
    return f"{utc:%a} {utc.day} {utc:%b %Y, %H:%M:%S} UTC"


def machine(when: dt.datetime) -> str:
    """Write a time for `datetime` attributes: "2026-11-19T14:18:04Z"."""
    return f"{when.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
