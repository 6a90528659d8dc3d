"""Read what a browser or a script sends: typed words and JSON bodies, hostile until parsed here.

The query strings of the API are `query.py`.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import fields

from lastgood.core.errors import CommandLineWrong
from lastgood.web.badge import HEALTH

T = TypeVar("T")
TEXT_CHARS = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unreadable(CommandLineWrong):
    """A body that is not the JSON that this route takes."""


def read_body(body: bytes, kind: type[T]) -> T:
    """Decode a request's JSON body strictly; a field that the request does not have is refused.

    Raises Unreadable.
    """
    try:
        plain = msgspec.json.decode(body)
        _no_unknown(plain, kind)
        return msgspec.convert(plain, kind)
    except (msgspec.DecodeError, RecursionError) as wrong:
        raise Unreadable(f"the body cannot be read: {wrong}") from wrong


def text(value: str, *, most: int = TEXT_CHARS) -> str:
    """Return a line that somebody typed, trimmed. Raises CommandLineWrong for a long one or control characters."""
    value = value.strip()
    if len(value) > most:
        raise CommandLineWrong(f"a value has {len(value)} characters; the limit is {most}")
    if _CONTROL.search(value):
        raise CommandLineWrong("a value has control characters")
    return value


def read_health(query: Mapping[str, str]) -> str:
    """Read a filter by health, "" for any. Raises CommandLineWrong."""
    health = text(query.get("health", ""))
    if health and health not in HEALTH:
        raise CommandLineWrong(f"there is no health {health[:40]}", hint=", ".join(HEALTH))
    return health


def has_words(search: str, texts: Collection[str]) -> bool:
    """Say whether every word of a search is in one of some texts, without case."""
    return all(any(word in each.casefold() for each in texts) for word in search.casefold().split())


def _no_unknown(plain: Any, kind: Any) -> None:
    # Values that come back from us (a plan) may carry fields of another release; what asks must be understood whole.
    if not (isinstance(plain, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    known = {field.encode_name: field for field in fields(kind)}
    unknown = sorted(set(plain) - set(known))
    if unknown:
        raise Unreadable(f"there is no field {unknown[0][:40]!r}", hint="fields: " + ", ".join(sorted(known)))
    request = known.get("request")
    if request is not None:
        _no_unknown(plain.get("request"), request.type)
