"""What a person may write for a VERSION, told apart by its form alone. Knows no repository and no record."""

import datetime as dt
import re
from typing import Literal

from lastgood.core.dates import parse_date
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
        return Date(at=parse_date(text[1:].strip().strip('"'), now=now, day="end"))
    return Name(text=text)
