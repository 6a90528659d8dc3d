"""What may stand in the query of each route of the API: the one declaration that checks it and that the pages print.

A field that a route does not take is refused rather than left out of account: whoever misspelt a filter would get
everything.
"""

import datetime as dt
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from lastgood.core.errors import CommandLineWrong
from lastgood.core.figures import Division
from lastgood.core.nearest import did_you_mean
from lastgood.core.pod import LIMIT_BYTES, MOST_LIMIT_BYTES, MOST_TAIL_LINES, TAIL_LINES
from lastgood.core.value import Value
from lastgood.core.words import Outcome, Trigger
from lastgood.web.asked import TEXT_CHARS, text

LIMIT = 50
LIMIT_MOST = 1000
_NAME_CHARS = 40

Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS)]
Time = Annotated[dt.datetime, Meta(tz=True)]
_Q = TypeVar("_Q", bound=Value)


class QueryWrong(CommandLineWrong):
    """A query string that this route does not take; HTTP status 400."""

    @property
    def code(self) -> str:
        """That of a wrong command line: whoever asks through one made it."""
        return "command-line-wrong"


class NoQuery(Value, frozen=True, kw_only=True):
    """Of a route that takes none."""


class TimelineAsked(Value, frozen=True, kw_only=True):
    """The filters of a timeline."""

    environment: Annotated[Text, Meta(description="only applications of this environment")] | None = None
    since: Annotated[Time, Meta(description="not older")] | None = None
    until: Annotated[Time, Meta(description="not newer")] | None = None
    outcome: Annotated[Outcome, Meta(description="how the deployment ended")] | None = None
    author: (
        Annotated[Text, Meta(description="part of a name or address: the commit's author, a source commit's")] | None
    ) = None
    search: (
        Annotated[Text, Meta(description="words, each in subject, body, hash, image, feature, source commit, setting")]
        | None
    ) = None
    feature: (
        Annotated[Text, Meta(description="carried it: `PR-481`, `#12`, `ABC-12`, a commit, words of a title")] | None
    ) = None
    image: Annotated[Text, Meta(description="part of an image that changed")] | None = None
    trigger: Annotated[Trigger, Meta(description="what set the deployment off")] | None = None
    held: Annotated[bool, Meta(description="whether the version is on hold")] | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MOST, description="at most so many entries")] = LIMIT
    before: Annotated[Text, Meta(description="the `cursor` of the last entry of the page before")] | None = None


class DiffAsked(Value, frozen=True, kw_only=True):
    """Two versions to tell apart."""

    from_: Annotated[Text, Meta(description="a VERSION")]
    to: Annotated[Text, Meta(description="a VERSION; `current` if not given")] | None = None


class FeaturesAsked(Value, frozen=True, kw_only=True):
    """Two versions to compare."""

    from_: Annotated[Text, Meta(description="a VERSION; `previous` if not given")] | None = None
    to: Annotated[Text, Meta(description="a VERSION; `current` if not given")] | None = None


class FiguresAsked(Value, frozen=True, kw_only=True):
    """Of what to count."""

    app: Annotated[Text, Meta(description="only this application")] | None = None
    environment: Annotated[Text, Meta(description="only applications of this environment")] | None = None
    group: Annotated[Text, Meta(description="only applications of this group")] | None = None
    since: Annotated[Time, Meta(description="from when on; 13 weeks before the end if not given")] | None = None
    until: Annotated[Time, Meta(description="the end; now if not given")] | None = None
    by: Annotated[Division, Meta(description="each of them apart, too")] | None = None


class CompareAsked(Value, frozen=True, kw_only=True):
    """Two environments."""

    environment: Annotated[Text, Meta(description="an environment")]
    other: Annotated[Text, Meta(description="another one")]


class WhereAsked(Value, frozen=True, kw_only=True):
    """What to look for."""

    feature: Annotated[Text, Meta(description="`PR-481`, `#12`, `ABC-12`, a commit, an image, or words of a title")]


class PodEventsAsked(Value, frozen=True, kw_only=True):
    """Of which pod."""

    namespace: Annotated[Text, Meta(description="needed where an application has two pods of that name")] | None = None


class PodLogAsked(Value, frozen=True, kw_only=True):
    """Which log, and how much of it."""

    namespace: Annotated[Text, Meta(description="needed where an application has two pods of that name")] | None = None
    container: Annotated[Text, Meta(description="the pod's default one, or its first, if not given")] | None = None
    tail_lines: Annotated[int, Meta(ge=1, le=MOST_TAIL_LINES, description="so many lines from the end")] = TAIL_LINES
    limit_bytes: Annotated[int, Meta(ge=1, le=MOST_LIMIT_BYTES, description="at most so many bytes of them")] = (
        LIMIT_BYTES
    )
    previous: Annotated[bool, Meta(description="of the container's run before this one")] = False


class ProblemsAsked(Value, frozen=True, kw_only=True):
    """Of what."""

    app: Annotated[Text, Meta(description="only those that concern this application")] | None = None


class DryRun(Value, frozen=True, kw_only=True):
    """Whether to do it."""

    dry_run: Annotated[bool, Meta(description="only show what would be done")] = False


class EventsAsked(Value, frozen=True, kw_only=True):
    """Where to go on."""

    after: (
        Annotated[
            int,
            Meta(
                ge=0, le=10**18 - 1, description="the id of the last event that was read; `Last-Event-ID` counts more"
            ),
        ]
        | None
    ) = None


class QueryField(Value, frozen=True, kw_only=True):
    """One field as the pages print it. about: what it asks. schema: its JSON schema, without `null`."""

    name: str
    required: bool
    about: str
    schema: dict[str, Any]

    @property
    def form(self) -> str:
        """Say in words what a value is."""
        if "enum" in self.schema:
            return f"one of {', '.join(self.schema['enum'])}"
        if self.schema.get("format") == "date-time":
            return "a time with its offset from UTC, such as 2026-11-20T14:00:00Z"
        if self.schema["type"] == "integer":
            least, most = self.schema["minimum"], self.schema.get("maximum")
            return f"from {least} to {most}" if most is not None else f"a number from {least} on"
        return {"boolean": "true or false"}.get(self.schema["type"], f"a text of at most {TEXT_CHARS} characters")


@cache
def query_fields(kind: type[Value]) -> tuple[QueryField, ...]:
    """Return what may stand in a query, in the order of the declaration."""
    _, components = msgspec.json.schema_components([kind])
    described = components[kind.__name__]
    fields = []
    for name, whole in described["properties"].items():
        schema = next((dict(one) for one in whole.get("anyOf", ()) if one != {"type": "null"}), dict(whole))
        if whole.get("default") is not None:
            schema["default"] = whole["default"]
        about = schema.pop("description", "")
        fields.append(QueryField(name=name, required=name in described["required"], about=about, schema=schema))
    return tuple(fields)


def read_query(given: Iterable[tuple[str, str]], kind: type[_Q]) -> _Q:
    """Read a query string's fields as they were declared. Raises QueryWrong."""
    fields = query_fields(kind)
    known = [field.name for field in fields]
    hint = f"known: {', '.join(known)}" if known else "leave it out: nothing is asked here"
    plain: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            shown = "".join(one for one in name[:_NAME_CHARS] if one.isprintable())
            near = did_you_mean(name, known)
            raise QueryWrong(f"there is no field {shown!r} to ask with", hint=f"{near} {hint}".strip())
        if name in plain:
            raise QueryWrong(f"{name} is given twice", hint="give one value")
        try:
            plain[name] = text(value)
        except CommandLineWrong as wrong:
            raise QueryWrong(f"{name}: {wrong.message}") from wrong
        if not plain[name]:
            raise QueryWrong(f"{name} is empty", hint=f"give {name} a value, or leave it out")
    for field in fields:
        if field.required and field.name not in plain:
            raise QueryWrong(f"{field.name} is missing", hint=f"{field.name} is {field.about}")
        # A bare number would be read as seconds since 1970.
        if field.schema.get("format") == "date-time" and plain.get(field.name, "").isdecimal():
            raise QueryWrong(f"{field.name} is {field.form}")
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as wrong:
        form = next(
            (f"{one.name} is {one.form}" for one in fields if str(wrong).endswith(f"$.{one.name}`")), str(wrong)
        )
        raise QueryWrong(form, hint=hint) from wrong
