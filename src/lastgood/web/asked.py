"""Read what a browser or a script asks for: query strings and JSON bodies, hostile until parsed here."""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import fields

from lastgood.core.errors import CommandLineWrong
from lastgood.core.figures import FiguresQuery
from lastgood.core.pod import LIMIT_BYTES, TAIL_LINES, PodLogRequest
from lastgood.core.timeline import TimelineQuery
from lastgood.core.value import Value
from lastgood.web.badge import HEALTH

T = TypeVar("T")
Query = TypeVar("Query", bound=Value)
TEXT_CHARS = 500
LIMIT = 50
LIMIT_MOST = 1000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unreadable(CommandLineWrong):
    """A body that is not the JSON that this route takes."""


class QueryText(Value, frozen=True, kw_only=True):
    """The filters of a timeline as text, in the order in which the API document lists them."""

    environment: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    outcome: str | None = None
    author: str | None = None
    search: str | None = None
    feature: str | None = None
    image: str | None = None
    trigger: str | None = None
    held: bool | None = None
    limit: int = LIMIT
    before: str | None = None


def read_figures_query(query: Mapping[str, str]) -> FiguresQuery:
    """Read of what the figures are to be counted. An empty value is none. Raises CommandLineWrong."""
    read = _read(query, FiguresQuery, "the fields cannot be read")
    _with_offsets(read.since, read.until)
    return read


def read_query(query: Mapping[str, str], *, app: str | None) -> TimelineQuery:
    """Read a timeline's filters. An empty value is no filter. Raises CommandLineWrong."""
    read = _read(query, QueryText, "the filters cannot be read")
    _with_offsets(read.since, read.until)
    if not 1 <= read.limit <= LIMIT_MOST:
        raise CommandLineWrong(f"limit is from 1 to {LIMIT_MOST}")
    return TimelineQuery(app=app, **msgspec.structs.asdict(read))


class LogText(Value, frozen=True, kw_only=True):
    """How much of a log is asked for, in the order in which the API document lists it."""

    namespace: str | None = None
    container: str | None = None
    tail_lines: int = TAIL_LINES
    limit_bytes: int = LIMIT_BYTES
    previous: bool = False


def read_log_query(query: Mapping[str, str], *, app: str, pod: str) -> PodLogRequest:
    """Read which log is asked for. An empty value is as good as none. Raises CommandLineWrong."""
    read = _read(query, LogText, "what is asked of the log cannot be read")
    return PodLogRequest(app=app, pod=pod, **msgspec.structs.asdict(read))


def read_namespace(query: Mapping[str, str]) -> str | None:
    """Read the one word that may be asked with events of a pod. Raises CommandLineWrong."""
    _only(query, {"namespace"})
    return text(query.get("namespace", "")) or None


def _read(query: Mapping[str, str], kind: type[Query], wrong: str) -> Query:
    _only(query, {field.name for field in fields(kind)})
    given = {name: text(value) for name, value in query.items() if value.strip()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as unread:
        raise CommandLineWrong(f"{wrong}: {unread}") from unread


def _with_offsets(*times: dt.datetime | None) -> None:
    if any(when is not None and when.tzinfo is None for when in times):
        raise CommandLineWrong("a time needs its offset from UTC, as in 2026-11-20T14:00:00Z")


def _only(query: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(set(query) - known)
    if unknown:
        raise CommandLineWrong(f"there is no {unknown[0][:40]} to ask", hint="known: " + ", ".join(sorted(known)))


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


def flag(query: Mapping[str, str], name: str) -> bool:
    """Read a true or false of a query string; absent is false."""
    value = query.get(name, "false")
    if value not in {"true", "false"}:
        raise CommandLineWrong(f"{name} is true or false")
    return value == "true"


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
