"""The reference page of the API, printed from the same table as its routes. Knows no request."""

from typing import Any, get_args, get_origin

from lastgood.core.record import Event
from lastgood.core.value import Value
from lastgood.web.api import ROUTES, WAIT_MOST_S, Route
from lastgood.web.asked import TEXT_CHARS
from lastgood.web.query import EventsAsked, NoQuery, QueryField, query_fields

_INTRO = f"""\
JSON over HTTP, under `/api/v1`; the field names are those of the command line: [JSON](json.md).
`GET /api/v1/openapi.json` describes it to programs (OpenAPI 3.1).
An unknown field in a body or in a query string is refused, and so is an empty one.

## Who asks

`Authorization: Bearer TOKEN`. The server's own token is in the link that `lastgood serve` prints.
A named person is always the author of what is done; `by` of a body counts only with the server's own token.

## Errors

`{{"error": {{code, message, app, hint, facts}}}}`; what each code means: [exit codes](exit-codes.md).

| exit code or error | HTTP status |
| --- | --- |
| 2 | 422; a body or a query string that cannot be read 400, one that is too large 413 |
| 3, 4 | 409 |
| 5 | 404 |
| 6 | 504 |
| 7 | 502: the push may have arrived; ask again |
| `not-allowed` | 403 |
| nobody signed in | 401 |
| `store-unavailable`, `store-full`, `remote-unreachable`, `target-failed` | 503 |
| all others | 500 |

## Words

`{{version}}` in a path is any VERSION of the [command line](cli.md#version), percent-encoded.
What tree, services, events and logs tell: [the inside of an application](inside.md).
A wait ends after {WAIT_MOST_S:g} s at most: ask again until your own time is over.
`render` is not offered, because it shows Secrets as they are."""
_STREAM = """\
## Events

`GET /api/v1/events` is a stream of `text/event-stream`: each `data` is an event. `Last-Event-ID`, or `after=ID` in the
query string, goes on where a connection ended."""
_QUERY = """\
## What a query string may hold

Texts are percent-encoded; one that is empty, longer than {most} characters or with control characters is refused.
Times are ISO 8601 with an offset: `2026-11-20T14:00:00Z`.
What a route does not take is refused with status 400 and the nearest name."""


def api_page() -> str:
    """Return docs/reference/api.md, without the line that says how it is made."""
    rows = ["| | asks with | answers with | |", "| --- | --- | --- | --- |", *map(_row, ROUTES)]
    rows.append("| `GET /version` | | `{version}` | Which lastgood answers |")
    rows.append("| `GET /openapi.json` | | | This API |")
    bodies = [_fields(route.body) for route in ROUTES if route.body is not None]
    asked = "\n".join(dict.fromkeys(bodies))
    event = f"Event: {_names(Event)}."
    parts = ["# The API", _INTRO, "## Routes", "\n".join(rows), _QUERY.format(most=TEXT_CHARS), *_queries()]
    return "\n\n".join([*parts, f"## What is asked\n\n{asked}", f"{_STREAM}\n{event}"])


def _queries() -> list[str]:
    """Return a table for each query, under the routes that take it."""
    routes: dict[type[Value], list[str]] = {}
    for route in ROUTES:
        routes.setdefault(route.query, []).append(f"`{route.method} {route.path}`")
    routes[EventsAsked] = ["`GET /events`"]
    del routes[NoQuery]
    return [f"### {', '.join(of)}\n\n{_query(kind)}" for kind, of in routes.items()]


def _query(kind: type[Value]) -> str:
    rows = ["| field | form | asks |", "| --- | --- | --- |"]
    rows += [f"| `{one.name}` | {_form(one)} | {one.about} |" for one in query_fields(kind)]
    return "\n".join(rows)


def _form(field: QueryField) -> str:
    """Say what a value looks like, and what holds without one."""
    form = {"text": "text", "time": "time"}.get(field.form.split()[1], field.form)
    default = field.schema.get("default")
    without = ", required" if field.required else "" if default is None else f"; {str(default).lower()} if not given"
    return f"{form}{without}"


def _row(route: Route) -> str:
    fields = query_fields(route.query)
    query = "?…" if any(one.required for one in fields) else "[?…]" if fields else ""
    path = f"`{route.method} {route.path}{query}`"
    body = f"`{route.body.__name__}`" if route.body is not None else ""
    return f"| {path} | {body} | `{_kind(route.answer)}` | {route.summary} |"


def _kind(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"[{_kind(get_args(kind)[0])}]"
    return str(kind.__name__)


def _fields(kind: Any) -> str:
    return f"- `{kind.__name__}`: {_names(kind)}"


def _names(kind: Any) -> str:
    return ", ".join(f"`{name}`" for name in kind.__struct_encode_fields__)
