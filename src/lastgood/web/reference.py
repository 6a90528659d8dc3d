"""The reference page of the API, printed from the same table as its routes. Knows no request."""

from typing import Any, get_args, get_origin

from lastgood.core.pod import LIMIT_BYTES, MOST_LIMIT_BYTES, MOST_TAIL_LINES, TAIL_LINES
from lastgood.core.record import Event
from lastgood.web.api import ROUTES, WAIT_MOST_S, Route

_INTRO = f"""\
JSON over HTTP, under `/api/v1`; the field names are those of the command line: [JSON](json.md).
`GET /api/v1/openapi.json` describes it to programs (OpenAPI 3.1).
An unknown field in a body is refused.

## Who asks

`Authorization: Bearer TOKEN`. The server's own token is in the link that `lastgood serve` prints.
A named person is always the author of what is done; `by` of a body counts only with the server's own token.

## Errors

`{{"error": {{code, message, app, hint, facts}}}}`; what each code means: [exit codes](exit-codes.md).

| exit code or error | HTTP status |
| --- | --- |
| 2 | 422; a body that cannot be read 400, one that is too large 413 |
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
Of a timeline may be asked, in the query string: `environment`, `since`, `until` (ISO 8601 with an offset), `outcome`, \
`author`, `search`, `feature`, `image`, `trigger`, `held` (`true` or `false`), `limit` (1 to 1000; 50 if not given), \
`before`.
Of a log may be asked: `namespace` and `container` (where there are several), `tail_lines` (1 to {MOST_TAIL_LINES}; \
{TAIL_LINES} if not given), `limit_bytes` (1 to {MOST_LIMIT_BYTES}; {LIMIT_BYTES} if not given), `previous` (`true`: \
of the container's run before this one).
What tree, services, events and logs tell: [the inside of an application](inside.md).
`dry_run=true` shows what would be done.
A wait ends after {WAIT_MOST_S:g} s at most: ask again until your own time is over.
`render` is not offered, because it shows Secrets as they are."""
_STREAM = """\
## Events

`GET /api/v1/events` is a stream of `text/event-stream`: each `data` is an event. `Last-Event-ID`, or `after=ID` in the
query string, goes on where a connection ended."""


def api_page() -> str:
    """Return docs/reference/api.md, without the line that says how it is made."""
    rows = ["| | asks with | answers with | |", "| --- | --- | --- | --- |", *map(_row, ROUTES)]
    rows.append("| `GET /version` | | `{version}` | Which lastgood answers |")
    rows.append("| `GET /openapi.json` | | | This API |")
    bodies = [_fields(route.body) for route in ROUTES if route.body is not None]
    asked = "\n".join(dict.fromkeys(bodies))
    event = f"Event: {_names(Event)}."
    parts = ["# The API", _INTRO, "## Routes", "\n".join(rows), f"## What is asked\n\n{asked}", f"{_STREAM}\n{event}"]
    return "\n\n".join(parts)


def _row(route: Route) -> str:
    query = {
        "": "",
        "dry_run": "[?dry_run=true]",
        "diff": "?from=V[&to=V]",
        "problems": "[?app=NAME]",
        "namespace": "[?namespace=NAME]",
    }
    path = f"`{route.method} {route.path}{query.get(route.query, '[?…]')}`"
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
