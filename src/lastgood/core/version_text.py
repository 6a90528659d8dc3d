"""What a person may write for a VERSION, told apart by its form alone. Knows no repository and no record."""

import datetime as dt
import re
from typing import Literal

from lastgood.core.errors import CommandLineWrong
from lastgood.core.value import Value


class Word(Value, frozen=True, kw_only=True):
    """`last-good`, `previous` or `current`."""

    word: Literal["last-good", "previous", "current"]


class Number(Value, frozen=True, kw_only=True):
    """`n41`: deployment number 41 of the application."""

    number: int


class Date(Value, frozen=True, kw_only=True):
    """`@2026-11-20`: what was there at that time (aware, UTC)."""

    at: dt.datetime


class Name(Value, frozen=True, kw_only=True):
    """A commit by prefix, tag or branch, or a version id by prefix."""

    text: str


VersionText = Word | Number | Date | Name

_MAX_LENGTH = 250
_NUMBER = re.compile(r"n([1-9][0-9]{0,8})")
_AGO = re.compile(r"(\d{1,5})[ .](second|minute|hour|day|week|month|year)s?[ .]ago")
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_version_text(text: str, *, now: dt.datetime) -> VersionText:
    """Say which form a VERSION has. now: aware UTC, for `@3 days ago`.

    Raises CommandLineWrong for text that is empty, too long or not printable, and for a date nobody can read.
    """
    text = text.strip()
    if not text or len(text) > _MAX_LENGTH or not text.isprintable():
        raise CommandLineWrong("the version is empty, too long or not printable", hint="see `lastgood rollback --help`")
    if text in {"last-good", "previous", "current"}:
        return Word(word=text)  # type: ignore[arg-type]  # the set above holds exactly these words
    if number := _NUMBER.fullmatch(text):
        return Number(number=int(number[1]))
    if text.startswith("@") and text != "@":
        return Date(at=read_date(text[1:], now=now))
    return Name(text=text)


def read_date(text: str, *, now: dt.datetime) -> dt.datetime:
    """Read a date of the forms `2026-11-20` (the end of that day, UTC), `2026-11-20T14:00Z`, `3 days ago`.

    Raises CommandLineWrong.
    """
    text = text.strip().strip('"')
    words = {"now": 0, "today": 0, "yesterday": 86_400}
    try:
        if text in words:
            return now - dt.timedelta(seconds=words[text])
        if ago := _AGO.fullmatch(text):
            return now - dt.timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
        if _DAY.fullmatch(text):
            day = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
            return day + dt.timedelta(days=1, microseconds=-1)
        time = dt.datetime.fromisoformat(text)
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except (ValueError, OverflowError) as wrong:
        raise CommandLineWrong(
            f"@{text} is not a date", hint="such as @2026-11-20, @2026-11-20T14:00Z or @'3 days ago'"
        ) from wrong
