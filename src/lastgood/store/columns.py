"""Column types: how times, text from anywhere and nested values stand in a database. Knows no table.

Plain integers and text, so that every database keeps them alike.
"""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from lastgood.core.value import to_json, to_plain

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
# What a whole number can be in every database; a larger one from outside matches nothing.
INTEGER_MAX = 2**63 - 1
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# SQLite gives a counting key only to INTEGER; the others need 64 bits said.
CountingKey: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


def clean(text: str) -> str:
    """Replace what no database keeps by U+FFFD: NUL, and surrogates that UTF-8 cannot write."""
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(_REPLACEMENT if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


class CleanText(TypeDecorator[str]):
    """Text that may come from a repository or a person: cleaned on the way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 SQLAlchemy's form
        """Clean what is written, and what is compared with."""
        return None if value is None else clean(value)


class UtcTime(TypeDecorator[dt.datetime]):
    """A time as microseconds since 1970 in UTC: exact, ordered, the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 as above
        """Write an aware time. Raises ValueError for one without an offset: nobody knows when that is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be recorded")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 as above
        """Read an aware time in UTC."""
        return None if value is None else _EPOCH + dt.timedelta(microseconds=value)


class JsonOf(TypeDecorator[Any]):
    """A nested value as JSON text, read back as the type it was made for; None is NULL."""

    impl = Text
    cache_ok = True

    def __init__(self, type_: Any) -> None:
        super().__init__()
        self.type_ = type_
        self._decoder = msgspec.json.Decoder(type_)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 as above
        """Write JSON."""
        if value is None:
            return None
        try:
            return to_json(value).decode()
        except UnicodeEncodeError:
            return to_json(_cleaned(to_plain(value))).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 as above
        """Read JSON. Raises msgspec.ValidationError or DecodeError where somebody wrote something else."""
        return None if value is None else self._decoder.decode(value)


def _cleaned(plain: Any) -> Any:
    match plain:
        case str():
            return clean(plain)
        case dict():
            return {_cleaned(key): _cleaned(value) for key, value in plain.items()}
        case list() | tuple():
            return [_cleaned(value) for value in plain]
        case _:
            return plain
