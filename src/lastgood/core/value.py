"""The base of all values: frozen, compared by content, written as JSON with the field names of the API."""

import datetime as dt
from typing import Any

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from", "with_": "with"}):
    """A frozen value. `from_` is `from` in JSON, `with_` is `with`. Times are aware UTC datetimes."""


def to_json(value: Any) -> bytes:
    """Write a value, or a list of them, as compact JSON in UTF-8; aware times end in Z."""
    return msgspec.json.encode(value)


def to_plain(value: Any) -> Any:
    """Return dicts, lists, strings and numbers only: what `to_json` would write, not yet written."""
    return msgspec.to_builtins(value)


def utc(seconds: float) -> dt.datetime:
    """Turn seconds since 1970 (as Git keeps them) into an aware UTC time."""
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
