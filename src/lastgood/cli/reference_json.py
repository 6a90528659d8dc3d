"""Print the reference page of the JSON that commands write: made of the values themselves, so that it cannot lie."""

import datetime as dt
import inspect
import re
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from lastgood.app.doctor import Finding
from lastgood.app.health import ObjectHealth
from lastgood.core.application import ApplicationView
from lastgood.core.checks import CheckDefinition
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.figures import FiguresView
from lastgood.core.plan import Plan
from lastgood.core.pod import PodEvent, PodLog
from lastgood.core.record import Pause
from lastgood.core.request import DiffView, ForgetResult, HoldResult, PressResult
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.core.status import StatusView
from lastgood.core.timeline import TimelineEntry
from lastgood.core.value import Value
from lastgood.flows.init import InitResult

_INTRO = """\
`-o json` prints one JSON value: an array of objects, or one object.
Fields are added over time, never renamed and never dropped.
`null` says that nobody knows, or that there is none; what Git alone cannot know is `null` in a clone.
Times are in UTC, ISO 8601; ids of Git objects have 40 hex digits."""

# What each command prints; `status APP` is an application's own fields with those of StatusView beside them.
COMMANDS: tuple[tuple[str, bool, type[Value]], ...] = (
    ("apps", True, ApplicationView),
    ("status APP", False, StatusView),
    ("timeline", True, TimelineEntry),
    ("show", False, TimelineEntry),
    ("diff", False, DiffView),
    ("features", False, FeaturesView),
    ("where", True, WhereEntry),
    ("compare", False, CompareView),
    ("metrics", False, FiguresView),
    ("plan, rollback, undo", False, Plan),
    ("hold, unhold", False, HoldResult),
    ("pause, resume", True, Pause),
    ("retry", False, PressResult),
    ("forget", False, ForgetResult),
    ("health", True, ObjectHealth),
    ("checks", True, CheckDefinition),
    ("init", False, InitResult),
    ("doctor", True, Finding),
)
# What only the API answers: see the page about the inside of an application.
ANSWERS: tuple[tuple[str, bool, type[Value]], ...] = (
    ("GET /apps/{name}/tree", False, ResourceTree),
    ("GET /apps/{name}/services", False, Services),
    ("GET /apps/{name}/pods/{pod}/events", True, PodEvent),
    ("GET /apps/{name}/pods/{pod}/log", False, PodLog),
)
_SIMPLE = {str: "text", int: "number", float: "number", bool: "true or false", dt.datetime: "time", Any: "any value"}


def json_page(made: str) -> str:
    """Return docs/reference/json.md. made: the line that says how the page is made."""
    rows = ["| command, or [API](api.md) | prints |", "| --- | --- |"]
    told = (*COMMANDS, *ANSWERS)
    rows += [f"| `{name}` | {'array of ' if several else ''}{_link(kind)} |" for name, several, kind in told]
    rows += ["| `render` | array of Kubernetes objects, as they are |", "| `sync` | `{repos: [names]}` |"]
    rows += ["| a failure | `{error: {code, message, app, hint, facts}}` |"]
    parts = [made, "# JSON", _INTRO, "\n".join(rows)]
    parts.append(
        "`status APP` has the fields of ApplicationView, too; `init` adds `directory` and `written`; "
        "`features --markdown` adds `markdown`."
    )
    parts += [_section(kind) for kind in _kinds()]
    return "\n\n".join(parts) + "\n"


def _kinds() -> list[type[Value]]:
    """Return the values that are printed, each before those that it is made of."""
    found: list[type[Value]] = []
    todo = [kind for _, _, kind in reversed((*COMMANDS, *ANSWERS))]
    while todo:
        kind = todo.pop()
        if kind not in found:
            found.append(kind)
            todo += [part for hint in reversed(list(_hints(kind).values())) for part in _parts(hint)]
    return found


def _hints(kind: type[Value]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}


def _parts(hint: Any) -> list[type[Value]]:
    if isinstance(hint, type) and issubclass(hint, Value):
        return [hint]
    return [part for one in get_args(hint) for part in _parts(one)]


def _section(kind: type[Value]) -> str:
    about = inspect.cleandoc(kind.__doc__ or "").replace("\n\n", "\n")
    for ours, theirs in (("None", "null"), ("True", "true"), ("False", "false")):
        about = re.sub(rf"\b{ours}\b", theirs, about)
    rows = ["| field | value |", "| --- | --- |"]
    rows += [f"| `{name}` | {_text(hint)} |" for name, hint in _hints(kind).items()]
    return f"## {kind.__name__}\n\n{about}\n\n" + "\n".join(rows)


def _text(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin in {Union, types.UnionType}:
        known = " or ".join(_text(one) for one in inner if one is not type(None))
        return f"{known}, or null" if type(None) in inner else known
    if origin in {tuple, list}:
        return f"array of {_text(inner[0])}"
    if origin is dict:
        return f"object: {_text(inner[0])} to {_text(inner[1])}"
    return _SIMPLE[hint] if hint in _SIMPLE else _link(hint)


def _link(kind: type[Value]) -> str:
    return f"[{kind.__name__}](#{kind.__name__.lower()})"
