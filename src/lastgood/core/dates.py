"""Dates as people write them: `2026-11-20`, `2026-11-20T14:00Z`, `3 days ago`, `2h`, `yesterday`.

The time of asking is an argument; knows no clock and no zone of this machine.
"""

import datetime as dt
import math
import re
from typing import Literal

from lastgood.core.duration import parse_duration
from lastgood.core.errors import CommandLineWrong

_LONGEST = 60
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_COUNTED = re.compile(
    r"(?P<in>in )?(?P<count>\d{1,5}|an?) ?(?P<unit>second|minute|hour|day|week|month|year)s?(?P<ago> ago)?"
)
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_HINT = "such as 2026-11-20, 2026-11-20T14:00Z, '3 days ago', 2h or yesterday"


def parse_date(
    text: str, *, now: dt.datetime, day: Literal["start", "end"] = "start", bare: Literal["past", "future"] = "past"
) -> dt.datetime:
    """Return the moment that a text means, aware, UTC.

    now: aware; days and times without a zone are read in its zone. day: whether a whole day (`2026-11-20`,
    `yesterday`) means its first or its last moment: `--since` wants the start, `--until` and VERSION the end.
    bare: where `2h` and `3 days` point when neither `ago` nor `in` says so: a hold's `--until 2h` is in the future.
    Raises CommandLineWrong.
    """
    words = " ".join(text.replace(".", " ").lower().split()) if "T" not in text else text.strip()
    if not words or len(words) > _LONGEST or not words.isprintable():
        raise CommandLineWrong("the date is empty, too long or not printable", hint=_HINT)
    try:
        found = _relative(words, now, bare) or _whole_day(words, now, day) or _moment(text.strip(), now)
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError) as wrong:
        raise CommandLineWrong(f"{words} is not a date", hint=_HINT) from wrong


def _relative(words: str, now: dt.datetime, bare: Literal["past", "future"]) -> dt.datetime | None:
    if words == "now":
        return now
    if words.startswith("in ") and words.endswith(" ago"):
        return None
    if counted := _COUNTED.fullmatch(words):
        forward = counted["in"] is not None or (bare == "future" and counted["ago"] is None)
        count = int(counted["count"]) if counted["count"].isdigit() else 1
        return _shifted(now, counted["unit"], count if forward else -count)
    short = words.removeprefix("in ").removesuffix(" ago")
    seconds = parse_duration(short)
    if seconds is None:
        return None
    forward = words.startswith("in ") or (bare == "future" and not words.endswith(" ago"))
    return now + dt.timedelta(seconds=seconds if forward else -seconds)


def _shifted(now: dt.datetime, unit: str, count: int) -> dt.datetime:
    if unit not in {"month", "year"}:
        return now + dt.timedelta(**{f"{unit}s": count})
    months = now.year * 12 + now.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    # A month before the 31st of March is the last of February.
    for last in range(now.day, 27, -1):
        try:
            return now.replace(year=year, month=month + 1, day=last)
        except ValueError:
            continue
    return now.replace(year=year, month=month + 1)


def _whole_day(words: str, now: dt.datetime, day: Literal["start", "end"]) -> dt.datetime | None:
    if words in _DAYS:
        date = now.date() + dt.timedelta(days=_DAYS[words])
    elif _DAY.fullmatch(words):
        date = dt.date.fromisoformat(words)
    else:
        return None
    start = dt.datetime.combine(date, dt.time(), now.tzinfo)
    if day == "start":
        return start
    return dt.datetime.combine(date, dt.time.max, now.tzinfo)


def _moment(text: str, now: dt.datetime) -> dt.datetime:
    if len(text) < len("2026-11-20T14"):
        raise ValueError(text)
    moment = dt.datetime.fromisoformat(text)
    return moment.replace(tzinfo=now.tzinfo) if moment.tzinfo is None else moment


_UNITS = (
    ("year", 31_557_600),
    ("month", 2_629_800),
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
)


def relative(when: dt.datetime, now: dt.datetime) -> str:
    """Say how long ago (or until) a time is, in one unit."""
    seconds = (now - when).total_seconds()
    past, seconds = seconds >= 0, abs(seconds)
    if not past and seconds >= 60:  # noqa: PLR2004 - a minute
        # Two days from now are no longer two days when they are shown.
        seconds = math.ceil(seconds / 60) * 60
    for unit, length in _UNITS:
        if seconds >= length and (unit != "week" or seconds >= 2 * length):
            count = int(seconds // length)
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{words} ago" if past else f"in {words}"
    return "just now" if past else "soon"
